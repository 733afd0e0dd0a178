"""Lambda deployments by CodeDeploy in the local AWS: an alias that really moves, and the way back."""

import io
import json
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from world import paths
from world.aws import Aws
from world.native import ROLE, hook_function
from world.outcomes import wait_for
from world.servers import Servers

FUNCTION, ALIAS = "prices", "live"
# A hook function that answers as its name says, through the front door.
ANSWERS = """
import boto3

def handler(event, context):
    boto3.client("codedeploy").put_lifecycle_event_hook_execution_status(
        deploymentId=event["DeploymentId"],
        lifecycleEventHookExecutionId=event["LifecycleEventHookExecutionId"],
        status="STATUS",
    )
"""


@pytest.fixture(scope="module")
def local() -> Iterator[SimpleNamespace]:
    """MiniStack and local-aws alone, with two versions of a function and a deployment group for it."""
    paths.LOCAL.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="lambda-", dir=paths.LOCAL) as home:
        servers = Servers(Path(home))
        try:
            aws = Aws(servers.url)
            hook_function(aws, FUNCTION, "def handler(event, context):\n    return 1\n")
            aws.lambda_.publish_version(FunctionName=FUNCTION)
            archive = io.BytesIO()
            with zipfile.ZipFile(archive, "w") as package:
                package.writestr("hook.py", "def handler(event, context):\n    return 2\n")
            aws.lambda_.update_function_code(FunctionName=FUNCTION, ZipFile=archive.getvalue())
            aws.lambda_.publish_version(FunctionName=FUNCTION)
            aws.lambda_.create_alias(FunctionName=FUNCTION, Name=ALIAS, FunctionVersion="1")
            aws.codedeploy.create_application(applicationName=FUNCTION, computePlatform="Lambda")
            aws.codedeploy.create_deployment_group(
                applicationName=FUNCTION,
                deploymentGroupName=ALIAS,
                deploymentConfigName="CodeDeployDefault.LambdaCanary10Percent5Minutes",
                serviceRoleArn=ROLE,
                deploymentStyle={"deploymentType": "BLUE_GREEN", "deploymentOption": "WITH_TRAFFIC_CONTROL"},
                autoRollbackConfiguration={"enabled": True, "events": ["DEPLOYMENT_FAILURE"]},
            )
            for status in ("Succeeded", "Failed"):
                hook_function(aws, f"CodeDeployHook_{status}", ANSWERS.replace("STATUS", status))
            yield SimpleNamespace(aws=aws, control=servers.control)
        finally:
            servers.stop()


def deploy(aws: Aws, current: str, target: str, after: str) -> str:
    properties = {"Name": FUNCTION, "Alias": ALIAS, "CurrentVersion": current, "TargetVersion": target}
    spec = {
        "version": 0.0,
        "Resources": [{FUNCTION: {"Type": "AWS::Lambda::Function", "Properties": properties}}],
        "Hooks": [{"BeforeAllowTraffic": "CodeDeployHook_Succeeded"}, {"AfterAllowTraffic": f"CodeDeployHook_{after}"}],
    }
    revision = {"revisionType": "AppSpecContent", "appSpecContent": {"content": json.dumps(spec)}}
    made = aws.codedeploy.create_deployment(applicationName=FUNCTION, deploymentGroupName=ALIAS, revision=revision)
    return str(made["deploymentId"])


def alias(aws: Aws) -> tuple[str, dict[str, float]]:
    found = aws.lambda_.get_alias(FunctionName=FUNCTION, Name=ALIAS)
    return found["FunctionVersion"], found.get("RoutingConfig", {}).get("AdditionalVersionWeights", {})


def status(aws: Aws, deployment: str) -> str:
    return str(aws.codedeploy.get_deployment(deploymentId=deployment)["deploymentInfo"]["status"])


def test_an_alias_moves_by_a_canary_and_comes_back_when_the_function_is_refused(local: SimpleNamespace) -> None:
    aws = local.aws
    deployment = deploy(aws, "1", "2", after="Succeeded")
    wait_for("the canary", lambda: alias(aws) == ("1", {"2": 0.1}), 60)
    targets = aws.codedeploy.batch_get_deployment_targets(
        deploymentId=deployment, targetIds=aws.codedeploy.list_deployment_targets(deploymentId=deployment)["targetIds"]
    )
    info = targets["deploymentTargets"][0]["lambdaTarget"]["lambdaFunctionInfo"]
    assert (info["currentVersion"], info["targetVersion"], info["targetVersionWeight"]) == ("1", "2", 0.1)
    local.control.advance(300)
    wait_for("the end", lambda: status(aws, deployment) == "Succeeded", 60)
    assert alias(aws) == ("2", {})

    back = deploy(aws, "2", "1", after="Failed")
    wait_for("the canary", lambda: alias(aws) == ("2", {"1": 0.1}), 60)
    local.control.advance(300)
    wait_for("the end", lambda: status(aws, back) == "Failed", 60)
    wait_for("the old version", lambda: alias(aws) == ("2", {}), 60)
