"""examples/pipelines/lambda in the local AWS: what SAM makes of the template, deployed by CodeDeploy between the gates.

CloudFormation's part is done by the test: it publishes a version, and creates the deployment that the update policy of
the alias describes.
"""

import io
import json
import os
import zipfile
from collections.abc import Iterator
from typing import Any
from unittest import mock

import pytest
from references import ENVIRONMENT, Reference, world_of
from samcli.yamlhelper import yaml_parse
from samtranslator.translator.transform import transform
from world.checkout import Built
from world.control import Json
from world.outcomes import wait_for
from world.paths import ROOT
from world.servers import ACCOUNT, REGION
from world.stack import SUITES

FOLDER = ROOT / "examples" / "pipelines" / "lambda"
FUNCTION = f"books-{ENVIRONMENT}"
CANARY = 300
# A check that no version passes, once customers have it.
DEAR = b"""
checks:
  - name: a dear book
    on: [post-traffic]
    lambda: { payload: { action: price, book: 7 } }
    expect: [ { json: { path: $.total, greater_than: 1000000 } } ]
"""


class _NoPolicies:
    """The template names no managed policies of its own."""

    def load(self) -> dict[str, str]:
        """None."""
        return {}


class Function(Reference):
    """The function and its deployment group."""

    def translated(self, parameters: dict[str, str]) -> Json:
        """What SAM makes of the template."""
        given = yaml_parse((FOLDER / "infrastructure" / "application.yaml").read_text())
        with mock.patch.dict(os.environ, {"AWS_DEFAULT_REGION": REGION}):
            return dict(transform(given, parameters, _NoPolicies()))

    def publish(self, fault: str = "") -> str:
        """The source as a new version; without containers here, as an archive. `fault` replaces the key of a price."""
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as package:
            for path in sorted((FOLDER / "src" / "books").glob("*.py")):
                text = path.read_text()
                package.writestr(f"books/{path.name}", text.replace('"total"', f'"{fault}"') if fault else text)
        lambda_ = self.world.aws.lambda_
        lambda_.update_function_code(FunctionName=FUNCTION, ZipFile=archive.getvalue())
        return str(lambda_.publish_version(FunctionName=FUNCTION)["Version"])

    def make_function(self, built: Built) -> None:
        """As the first change set does, in which CodeDeploy has no part."""
        given = json.loads(built.artifact("Release")["configuration.json"])["Parameters"]
        self.resources = self.translated(given)["Resources"]
        made = self.properties("Function")
        self.world.aws.lambda_.create_function(
            FunctionName=FUNCTION,
            Runtime="python3.12",
            Handler="books.handler.handler",
            Role=f"arn:aws:iam::{ACCOUNT}:role/function",
            Timeout=made["Timeout"],
            Environment={"Variables": {"VERSION": given["Version"]}},
            Code={"ZipFile": b"PK\x05\x06" + bytes(18)},
        )
        self.world.aws.lambda_.create_alias(FunctionName=FUNCTION, Name="live", FunctionVersion=self.publish())
        for name in ("ErrorsAlarm", "DurationAlarm"):
            self.world.aws.cloudwatch.put_metric_alarm(
                AlarmName=f"books-{ENVIRONMENT}-{name.removesuffix('Alarm').lower()}",
                Namespace="AWS/Lambda",
                MetricName=self.properties(name)["MetricName"],
                ComparisonOperator="GreaterThanThreshold",
                EvaluationPeriods=1,
                Period=60,
                Statistic="Sum",
                Threshold=0,
            )
        group = self.properties("FunctionDeploymentGroup")
        codedeploy = self.world.aws.codedeploy
        codedeploy.create_application(applicationName=self.application, computePlatform="Lambda")
        codedeploy.create_deployment_group(
            applicationName=self.application,
            deploymentGroupName=self.group,
            deploymentConfigName=group["DeploymentConfigName"]["Fn::Sub"][0].replace(
                "${ConfigName}", group["DeploymentConfigName"]["Fn::Sub"][1]["ConfigName"]
            ),
            serviceRoleArn=f"arn:aws:iam::{ACCOUNT}:role/codedeploy",
            deploymentStyle={
                "deploymentType": group["DeploymentStyle"]["DeploymentType"],
                "deploymentOption": group["DeploymentStyle"]["DeploymentOption"],
            },
            autoRollbackConfiguration={
                "enabled": group["AutoRollbackConfiguration"]["Enabled"],
                "events": group["AutoRollbackConfiguration"]["Events"],
            },
        )

    # As SAM and CloudFormation name them.
    application = f"books-{ENVIRONMENT}-ServerlessDeploymentApplication-1ABC"
    group = f"books-{ENVIRONMENT}-FunctionDeploymentGroup-2DEF"

    def properties(self, name: str) -> Any:
        return self.resources[name]["Properties"]

    def deploy(self, target: str) -> str:
        """The deployment that CloudFormation makes by the update policy of the alias; returns its id."""
        [alias] = [it for it in self.resources.values() if it["Type"] == "AWS::Lambda::Alias"]
        policy = alias["UpdatePolicy"]["CodeDeployLambdaAliasUpdate"]
        spec = {
            "version": 0.0,
            "Resources": [
                {
                    "function": {
                        "Type": "AWS::Lambda::Function",
                        "Properties": {
                            "Name": FUNCTION,
                            "Alias": alias["Properties"]["Name"],
                            "CurrentVersion": self.leads_to(),
                            "TargetVersion": target,
                        },
                    }
                }
            ],
            "Hooks": [
                {"BeforeAllowTraffic": policy["BeforeAllowTrafficHook"]},
                {"AfterAllowTraffic": policy["AfterAllowTrafficHook"]},
            ],
        }
        revision = {"revisionType": "AppSpecContent", "appSpecContent": {"content": json.dumps(spec)}}
        made = self.world.aws.codedeploy.create_deployment(
            applicationName=self.application, deploymentGroupName=self.group, revision=revision
        )
        return str(made["deploymentId"])

    def leads_to(self) -> str:
        """The version to which the alias leads."""
        return str(self.world.aws.lambda_.get_alias(FunctionName=FUNCTION, Name="live")["FunctionVersion"])

    def weights(self) -> dict[str, float]:
        """The versions that get a part of its traffic beside that."""
        found = self.world.aws.lambda_.get_alias(FunctionName=FUNCTION, Name="live")
        return dict(found.get("RoutingConfig", {}).get("AdditionalVersionWeights", {}))

    def status(self, deployment: str) -> str:
        found = self.world.aws.codedeploy.get_deployment(deploymentId=deployment)
        return str(found["deploymentInfo"]["status"])


@pytest.fixture(scope="module")
def function(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Function]:
    """The production environment, with its pipeline."""
    home = tmp_path_factory.mktemp("lambda")
    with world_of(FOLDER, home, SuiteLocation=f"s3://{SUITES}/books/books.yaml") as world:
        made = Function(world, FOLDER, home)
        made.make_shared()
        first = made.build("1.2.0")
        made.put_suites(first)
        made.make_function(first)
        made.make_pipeline()
        yield made


def test_sam_puts_the_gates_and_the_alarms_around_the_canary(function: Function) -> None:
    [alias] = [it for it in function.resources.values() if it["Type"] == "AWS::Lambda::Alias"]
    policy = alias["UpdatePolicy"]["CodeDeployLambdaAliasUpdate"]
    assert policy["BeforeAllowTrafficHook"] == function.world.stack.pre_traffic
    assert policy["AfterAllowTrafficHook"] == function.world.stack.post_traffic
    group = function.properties("FunctionDeploymentGroup")
    assert group["AlarmConfiguration"]["Enabled"] is True and len(group["AlarmConfiguration"]["Alarms"]) == 2
    assert {"DEPLOYMENT_FAILURE", "DEPLOYMENT_STOP_ON_ALARM"} <= set(group["AutoRollbackConfiguration"]["Events"])
    [version] = [name for name, it in function.resources.items() if it["Type"] == "AWS::Lambda::Version"]
    digest = "0" * 64
    others = function.translated(
        {"Environment": ENVIRONMENT, "Version": "1", "ImageUri": f"a/books@sha256:{digest}", "CodeSha256": digest}
    )
    assert version not in others["Resources"], "another image is another version"


def test_a_version_is_invoked_before_the_alias_leads_to_it_and_gets_a_tenth_first(function: Function) -> None:
    before, target = function.leads_to(), function.publish()
    deployment = function.deploy(target)
    wait_for("the canary", lambda: function.weights() == {target: 0.1}, 60)
    assert function.leads_to() == before
    told = function.world.outcomes.wait(deployment, "pre-traffic")
    assert told.answer == "Succeeded", told.text
    known = json.loads(function.world.outcomes.report(told, "json"))["target"]
    assert (known["platform"], known["current_version"], known["target_version"]) == ("Lambda", before, target)
    function.world.control.advance(CANARY)
    wait_for("the end", lambda: function.status(deployment) == "Succeeded", 90)
    told = function.world.outcomes.wait(deployment, "post-traffic")
    assert told.answer == "Succeeded", told.text
    assert json.loads(function.world.outcomes.report(told, "json"))["target"]["target_version"] == target
    assert (function.leads_to(), function.weights()) == (target, {})


def test_a_version_without_prices_is_never_called_by_customers(function: Function) -> None:
    before = function.leads_to()
    deployment = function.deploy(function.publish("sum"))
    wait_for("the end", lambda: function.status(deployment) == "Failed", 60)
    told = function.world.outcomes.wait(deployment, "pre-traffic")
    assert any("a book has a price" in reason for reason in told.reasons), told.text
    assert (function.leads_to(), function.weights()) == (before, {})


def test_a_version_that_fails_its_customers_is_taken_back(function: Function) -> None:
    before, target = function.leads_to(), function.publish()
    s3, place = function.world.aws.s3, {"Bucket": SUITES, "Key": "books/books.yaml"}
    suite = s3.get_object(**place)["Body"].read()
    s3.put_object(**place, Body=suite.replace(b"\nchecks:\n", DEAR, 1))
    try:
        deployment = function.deploy(target)
        wait_for("the canary", lambda: function.weights() == {target: 0.1}, 60)
        function.world.control.advance(CANARY)
        wait_for("the end", lambda: function.status(deployment) == "Failed", 90)
    finally:
        s3.put_object(**place, Body=suite)
    assert function.world.outcomes.wait(deployment, "pre-traffic").answer == "Succeeded"
    told = function.world.outcomes.wait(deployment, "post-traffic")
    assert told.answer == "Failed" and any("a dear book" in reason for reason in told.reasons), told.text
    wait_for("the version before", lambda: (function.leads_to(), function.weights()) == (before, {}), 60)


def test_the_pipeline_asks_people_about_the_change_set_before_it_carries_it_out(function: Function) -> None:
    execution = function.start("1.3.0")
    function.approve("1.3.0")
    status, actions = function.end(execution)
    assert status == "Succeeded", actions
    assert list(actions) and "Release" in actions
    function.told_in_the_thread("succeeded")
