"""The reference pipelines of examples/, made of their own templates, builds and suites, in the local AWS.

Each world is deployed with the answers of the folder's samconfig.toml. What does not run here is named in
`world.reference` and in the folders' READMEs; the rest is the folder as it is.
"""

import json
import re
import subprocess
import sys
import tomllib
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from world import World
from world.approvals import BUCKET
from world.approver import Member
from world.checkout import Built, Checkout
from world.control import Json
from world.environments import KEY, put_config
from world.outcomes import Outcome, wait_for
from world.paths import BINARIES, ROOT
from world.pipeline import CONNECTION, ENDED
from world.reference import Made
from world.servers import ACCOUNT, REGION, environment
from world.stack import SUITES

HOST = "books.test"
ENVIRONMENT = "production"
# CodePipeline calls a Lambda action again so long after a continuation token.
CALLS_AGAIN_AFTER = 30
WITHIN = 240
LEADS = [Member("U0123ABCDEF", "first", "T0123ABCDEF"), Member("U0456GHIJKL", "second", "T0123ABCDEF")]
# Those of the folder's answers that name nothing of an account.
FROM_THE_FOLDER = (
    *("EcsServices", "DeployServices", "PipelineGates", "GateEventBus", "PipelinePattern"),
    *("Environments", "EnvironmentsZone", "EnvironmentsClusters"),
)
FROM_THE_INFRASTRUCTURE = (
    *("ServiceSecurityGroupId", "BlueTargetGroupArn", "GreenTargetGroupArn"),
    *("ProductionRuleArn", "TestRuleArn"),
)


def answers(folder: Path) -> dict[str, str]:
    """The parameters of deploy-hooks that the folder asks for."""
    config = tomllib.loads((folder / "deploy-hooks" / "samconfig.toml").read_text())
    return dict(config["default"]["deploy"]["parameters"]["parameter_overrides"])


def program(folder: Path, home: Path, fault: str = "") -> Path:
    """A program that serves the folder's sample service; `fault` is what replaces the key of a price."""
    source = home / f"source{fault}"
    (source / "books").mkdir(parents=True)
    for path in (folder / "src" / "books").glob("*.py"):
        text = path.read_text()
        (source / "books" / path.name).write_text(text.replace('"total"', f'"{fault}"') if fault else text)
    place = home / f"books{fault}"
    place.write_text(f"#!/bin/sh\nPYTHONPATH={source} exec {sys.executable} -B -m books\n")
    place.chmod(0o755)
    return place


def network(environment: str) -> dict[str, str]:
    """The parameters of an environment's infrastructure."""
    return {
        "Environment": environment,
        "VpcId": "vpc-1",
        "PublicSubnetIds": "subnet-a,subnet-b",
        "CertificateArn": f"arn:aws:acm:{REGION}:{ACCOUNT}:certificate/books",
        "HostName": HOST,
    }


class Reference:
    """One environment of an example: its stacks, its pipeline, and releases that go through it."""

    def __init__(self, world: World, folder: Path, home: Path) -> None:
        self.world, self.folder = world, folder
        self.checkout = Checkout(folder, home, environment(world.url, home))
        self.repository = "team/books"
        self.infrastructures: dict[str, Made] = {}

    def template(self, name: str) -> Path:
        return self.folder / "infrastructure" / f"{name}.yaml"

    def make(self, name: str, stack: str, **parameters: str) -> Made:
        """A stack of one of the templates."""
        return Made(self.world.aws, self.template(name), stack, parameters).make()

    def make_shared(self) -> None:
        """What all environments share."""
        self.shared = self.make("shared", "books-shared")
        self.uri = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/{self.shared.refs['Images']}"

    def make_environment(self, environment: str = ENVIRONMENT) -> None:
        """Everything but the service and the pipeline."""
        given = network(environment)
        self.infrastructures[environment] = self.make("infrastructure", f"books-{environment}", **given)

    def build(self, version: str, environment: str = ENVIRONMENT) -> Built:
        """Tags a release, and builds it."""
        self.checkout.release(version)
        built = self.checkout.build(environment, self.uri, AWS_REGION=REGION)
        assert built.status == 0, built.output
        return built

    def put_environments(self) -> None:
        """The folder's configuration of what sleeps, for this account."""
        text = (self.folder / "deploy-hooks" / "environments.yaml").read_text()
        put_config(self.world.aws, text.replace("111122223333", ACCOUNT).replace("eu-central-1", REGION))

    def put_suites(self, built: Built) -> None:
        """What the S3 action of the pipeline does. A bake lasts as long here as anywhere, so it is cut short."""
        for name, whole in built.artifact("Suites").items():
            text, count = re.subn(r"bake: \w+, every: \w+", "bake: 4s, every: 2s", whole)
            assert count == 1, name
            self.world.aws.s3.put_object(Bucket=SUITES, Key=f"books/{name}", Body=text.encode())

    def make_pipeline(self, parameters: dict[str, str]) -> None:
        """The pipeline of the template, but for the actions that local-aws has not."""
        self.put_commit(self.build("1.2.1"), "books")
        made = self.make("pipeline", f"books-{ENVIRONMENT}-pipeline", **parameters)
        declared = json.loads(made.attributes["Pipeline.Declaration"])
        self.pipeline = str(declared["name"])
        self.port = next(iter(self.infrastructures[ENVIRONMENT].ports.values()))
        self.world.aws.codepipeline.create_pipeline(pipeline=self.runnable(declared))

    def runnable(self, declared: Json) -> Json:
        """What is left of the pipeline here: no CodeBuild and no S3 action, whose work the test does."""
        stages = [stage for stage in declared["stages"] if stage["name"] != "Build"]
        for stage in stages:
            stage["actions"] = [it for it in stage["actions"] if it["actionTypeId"]["provider"] != "S3"]
        text = json.dumps(declared | {"stages": stages})
        text = text.replace("#{build.VERSION}", "#{variables.VERSION}")
        # The port is another one, nobody signs certificates, and no name server knows the name.
        address = f'\\"url\\": \\"http://127.0.0.1:{self.port}\\", \\"host\\": \\"{HOST}\\"'
        text = text.replace(f'\\"url\\": \\"https://{HOST}\\"', address)
        text = text.replace('"outputArtifacts": [{"name": "Source"}]', '"outputArtifacts": [{"name": "Release"}]')
        found = json.loads(text)
        found["variables"] = [{"name": "VERSION", "defaultValue": "0.0.0"}]
        return dict(found)

    def put_commit(self, built: Built, image: str) -> None:
        """What the build made, where the source action finds it; `image` is the program that will run."""
        files = built.artifact("Release")
        files["imageDetail.json"] = files["imageDetail.json"].replace("/books@", f"/{image}@")
        commit = {"repository": self.repository, "branch": "main", "message": f"Version {built.variables['VERSION']}"}
        told = {"author": "developer", "email": "developer@example.com", "date": "2026-01-02T03:04:05Z"}
        self.world.control.commit(commit | told | {"files": files})
        self.world.control.change_set(
            {
                "stack": f"books-{ENVIRONMENT}",
                "name": "release",
                "changes": [
                    {"Action": "Modify", "LogicalResourceId": "LatencyAlarm", "ResourceType": "AWS::CloudWatch::Alarm"}
                ],
            }
        )

    def start(self, version: str, image: str = "books") -> str:
        """A release goes into the pipeline; returns its execution."""
        built = self.build(version)
        self.put_suites(built)
        self.put_commit(built, image)
        started = self.world.aws.codepipeline.start_pipeline_execution(
            name=self.pipeline, variables=[{"name": "VERSION", "value": version}]
        )
        return str(started["pipelineExecutionId"])

    def approve(self, version: str) -> None:
        """Both people say yes, in Slack."""
        asked = self.world.inbox.wait("slack", version, lambda message: message.case)
        assert self.pipeline in asked.text and "LatencyAlarm" in asked.text, asked.text
        for lead in LEADS:
            answer = self.world.slack.click(lead, asked, "approve", "")
            assert answer.status == 200, answer

    def end(self, execution: str) -> tuple[str, dict[str, Json]]:
        """Waits for the end: the execution's status, and what each action put out."""
        client = self.world.aws.codepipeline

        def ended() -> str:
            self.world.control.advance(CALLS_AGAIN_AFTER)
            found = client.get_pipeline_execution(pipelineName=self.pipeline, pipelineExecutionId=execution)
            status = str(found["pipelineExecution"]["status"])
            return status if status in ENDED else ""

        status = str(wait_for(f"the end of {self.pipeline} {execution}", ended, WITHIN))
        runs = client.list_action_executions(pipelineName=self.pipeline, filter={"pipelineExecutionId": execution})
        return status, {run["actionName"]: run.get("output", {}) for run in runs["actionExecutionDetails"]}

    def served(self) -> str:
        """The version that customers get."""
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/version", headers={"Host": HOST})
        with urllib.request.urlopen(request, timeout=10) as answer:
            return str(json.load(answer)["version"])

    def outcomes(self, deployment: str) -> list[Outcome]:
        """What the gates said of a deployment."""
        return self.world.outcomes.all(deployment.rsplit("/", 1)[-1])


def _config(folder: Path, home: Path) -> Path:
    place = home / "approvals.yaml"
    place.write_text((folder / "deploy-hooks" / "approvals.yaml").read_text())
    return place


class Native(Reference):
    """ECS deploys the service itself."""

    def make_service(self, built: Built, environment: str = ENVIRONMENT) -> None:
        """As infrastructure/service.sh does: the first task definition, then the stack."""
        release = built.artifact("Release")
        definition = json.loads(release["taskdef.json"])
        definition["containerDefinitions"][0]["image"] = json.loads(release["imageDetail.json"])["ImageURI"]
        made = self.world.aws.ecs.register_task_definition(**definition)
        outputs = self.infrastructures[environment].outputs()
        stack = self.world.stack
        self.make(
            "service",
            f"books-{environment}-service",
            Environment=environment,
            TaskDefinition=made["taskDefinition"]["taskDefinitionArn"],
            SubnetIds="subnet-c,subnet-d",
            PreTrafficFunctionArn=stack.pre_traffic_arn,
            PostTrafficFunctionArn=stack.post_traffic_arn,
            EcsHookRoleArn=stack.ecs_hook_role,
            **{name: outputs[name] for name in FROM_THE_INFRASTRUCTURE},
        )
        wait_for("the first deployment", lambda: self._first_is_over(environment), WITHIN)

    def _first_is_over(self, environment: str) -> bool:
        self.world.control.advance(CALLS_AGAIN_AFTER)
        listed = self.world.aws.ecs.list_service_deployments(cluster=environment, service="books")["serviceDeployments"]
        status = listed[0]["status"]
        told = [outcome.text for outcome in self.outcomes(listed[0]["serviceDeploymentArn"])]
        assert status in {"PENDING", "IN_PROGRESS", "SUCCESSFUL"}, "\n".join(told)
        return bool(status == "SUCCESSFUL")

    def count(self, environment: str) -> int:
        """How many tasks the service is to have."""
        return int(
            self.world.aws.ecs.describe_services(cluster=environment, services=["books"])["services"][0]["desiredCount"]
        )

    def tick(self, at: datetime) -> None:
        """The scheduler looks after its environments, at an instant."""
        event = {"action": "tick", "at": f"{at:%Y-%m-%dT%H:%M:%SZ}"}
        answer = self.world.aws.lambda_.invoke(
            FunctionName=self.world.stack.scheduler, Payload=json.dumps(event).encode()
        )
        assert "FunctionError" not in answer, answer["Payload"].read()


@pytest.fixture(scope="module")
def native(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Native]:
    """examples/pipelines/ecs-native."""
    folder = ROOT / "examples" / "pipelines" / "ecs-native"
    home = tmp_path_factory.mktemp("native")
    images = {"books": program(folder, home), "books-broken": program(folder, home, "sum")}
    given = {name: value for name, value in answers(folder).items() if name in FROM_THE_FOLDER}
    given |= {"EnvironmentsConfig": f"s3://{BUCKET}/{KEY}", "EnvironmentsDryRun": "false"}
    with World("native", config=_config(folder, home), images=images, **given) as world:
        made = Native(world, folder, home)
        made.put_environments()
        made.make_shared()
        made.make_environment()
        first = made.build("1.2.0")
        made.put_suites(first)
        made.make_service(first)
        stack = world.stack
        made.make_pipeline(
            network(ENVIRONMENT)
            | {
                "ConnectionArn": CONNECTION,
                "Repository": made.repository,
                "RepositoryUri": made.uri,
                "SuiteBucket": SUITES,
                "ApprovalTopicArn": stack.approval_topic,
                "DeployActionFunction": stack.deploy_action,
                "PostTrafficFunction": stack.post_traffic,
            }
        )
        yield made


def test_a_tagged_release_is_approved_measured_at_each_step_and_goes_live(native: Native) -> None:
    execution = native.start("1.3.0")
    native.approve("1.3.0")
    status, actions = native.end(execution)
    assert status == "Succeeded", actions
    assert native.served() == "1.3.0"
    variables: Any = actions["Release"]["outputVariables"]
    told = native.outcomes(variables["service_deployment"])
    assert {outcome.answer for outcome in told} == {"Succeeded"}
    # Once before traffic; at 10 %, at 100 % and once more after it.
    assert sorted(outcome.stage for outcome in told) == ["post-traffic"] * 3 + ["pre-traffic"]
    assert actions["Smoke"]["outputVariables"]["verdict"] == "passed"
    native.world.inbox.wait(
        "slack", "succeeded", lambda m: "thread_ts" in m.body if isinstance(m.body, dict) else False
    )


def test_the_wiring_of_the_service_is_in_order(native: Native) -> None:
    program = str(BINARIES / "deploy-hooks")
    command = [program, "wiring", "--cluster", ENVIRONMENT, "--service", "books"]
    env = environment(native.world.url, native.world.home)
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_release_that_has_no_prices_is_seen_by_no_customer(native: Native) -> None:
    before = native.served()
    execution = native.start("1.4.0", image="books-broken")
    native.approve("1.4.0")
    status, actions = native.end(execution)
    assert status == "Failed"
    message = actions["Release"]["executionResult"]["errorDetails"]["message"]
    assert "was rolled back" in message and native.world.stack.pre_traffic in message, message
    assert native.served() == before


def test_development_is_at_zero_at_the_weekend_and_production_is_not(native: Native) -> None:
    native.make_environment("development")
    built = native.build("1.5.0", "development")
    native.put_suites(built)
    native.make_service(built, "development")
    production = native.count("production")
    saturday, monday = datetime(2027, 1, 9, 12, tzinfo=UTC), datetime(2027, 1, 11, 12, tzinfo=UTC)
    native.tick(saturday)
    assert (native.count("development"), native.count("production")) == (0, production)
    native.tick(monday)
    assert (native.count("development"), native.count("production")) == (1, production)
