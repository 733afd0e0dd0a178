"""The reference pipelines of examples/, made of their own templates, builds and suites, in the local AWS.

Each world is deployed with the answers of the folder's samconfig.toml. What does not run here is named in
`world.reference` and in the folders' READMEs; the rest is the folder as it is.
"""

import json
import re
import sys
import tomllib
import urllib.request
from datetime import datetime
from pathlib import Path

from world import World, templates
from world.approvals import BUCKET
from world.approver import Member
from world.checkout import Built, Checkout
from world.control import Json
from world.environments import KEY, put_config
from world.inbox import Message
from world.outcomes import Outcome, wait_for
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
    *("EcsServices", "DeployServices", "ApplicationPattern", "FunctionsUnderTest", "PipelineGates", "GateEventBus"),
    *("PipelinePattern", "Environments", "EnvironmentsZone", "EnvironmentsClusters"),
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


def world_of(folder: Path, home: Path, **parameters: str) -> World:
    """A local AWS with deploy-hooks as the folder wants it; `parameters` override its answers."""
    config = home / "approvals.yaml"
    config.write_text((folder / "deploy-hooks" / "approvals.yaml").read_text())
    images = {}
    if (folder / "src" / "books" / "__main__.py").exists():
        images = {"books": program(folder, home), "books-broken": program(folder, home, "sum")}
    given = {name: value for name, value in answers(folder).items() if name in FROM_THE_FOLDER}
    if given.get("Environments") == "on":
        given |= {"EnvironmentsConfig": f"s3://{BUCKET}/{KEY}", "EnvironmentsDryRun": "false"}
    return World(folder.name, config=config, images=images, **(given | parameters))


class Reference:
    """One environment of an example: its stacks, its pipeline, and releases that go through it."""

    def __init__(self, world: World, folder: Path, home: Path) -> None:
        self.world, self.folder = world, folder
        self.checkout = Checkout(folder, home, environment(world.url, home))
        self.repository = "team/books"
        self.infrastructures: dict[str, Made] = {}
        self.known: dict[str, str] = {}

    def template(self, name: str) -> Path:
        return self.folder / "infrastructure" / f"{name}.yaml"

    def make(self, name: str, stack: str, **parameters: str) -> Made:
        """A stack of one of the templates; what it asks for and `parameters` don't say is taken from what there is."""
        wanted = templates.load(self.template(name)).get("Parameters", {})
        known = self.known | parameters
        return Made(
            self.world.aws, self.template(name), stack, {key: known[key] for key in wanted if key in known}
        ).make()

    def make_shared(self) -> None:
        """What all environments share, and what the account has."""
        stack = self.world.stack
        self.known = {
            "VpcId": "vpc-1",
            "PublicSubnetIds": "subnet-a,subnet-b",
            "SubnetIds": "subnet-c,subnet-d",
            "CertificateArn": f"arn:aws:acm:{REGION}:{ACCOUNT}:certificate/books",
            "HostName": HOST,
            "GateCidr": "198.51.100.7/32",
            "ConnectionArn": CONNECTION,
            "Repository": self.repository,
            "SuiteBucket": SUITES,
            "ApprovalTopicArn": stack.approval_topic,
            "DeployActionFunction": stack.deploy_action,
            "PostTrafficFunction": stack.post_traffic,
            "PreTrafficFunctionArn": stack.pre_traffic_arn,
            "PostTrafficFunctionArn": stack.post_traffic_arn,
            "EcsHookRoleArn": stack.ecs_hook_role,
        }
        shared = self.make("shared", "books-shared")
        self.uri = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/{shared.refs['Images']}"
        self.known["RepositoryUri"] = self.uri

    def make_environment(self, environment: str = ENVIRONMENT) -> None:
        """Everything but the service and the pipeline."""
        made = self.make("infrastructure", f"books-{environment}", Environment=environment)
        self.infrastructures[environment] = made

    def first_task_definition(self, built: Built) -> str:
        """Registers what a build made, as infrastructure/service.sh does; returns its ARN."""
        release = built.artifact("Release")
        definition = json.loads(release["taskdef.json"])
        definition["containerDefinitions"][0]["image"] = json.loads(release["imageDetail.json"])["ImageURI"]
        return str(self.world.aws.ecs.register_task_definition(**definition)["taskDefinition"]["taskDefinitionArn"])

    def make_service(self, built: Built, environment: str = ENVIRONMENT) -> None:
        """The first task definition, then the stack."""
        self.make(
            "service",
            f"books-{environment}-service",
            Environment=environment,
            TaskDefinition=self.first_task_definition(built),
            **self.infrastructures[environment].outputs(),
        )

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

    def make_pipeline(self) -> None:
        """The pipeline of the template, but for the actions that local-aws has not."""
        self.put_commit(self.build("1.2.1"), "books")
        made = self.make("pipeline", f"books-{ENVIRONMENT}-pipeline", Environment=ENVIRONMENT)
        declared = json.loads(made.attributes["Pipeline.Declaration"])
        self.pipeline = str(declared["name"])
        self.port = next((port for made in self.infrastructures.values() for port in made.ports.values()), 0)
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

    def count(self, environment: str) -> int:
        """How many tasks the service is to have."""
        found = self.world.aws.ecs.describe_services(cluster=environment, services=["books"])["services"]
        return int(found[0]["desiredCount"])

    def tick(self, at: datetime) -> None:
        """The scheduler looks after its environments, at an instant."""
        event = {"action": "tick", "at": f"{at:%Y-%m-%dT%H:%M:%SZ}"}
        name = self.world.stack.scheduler
        answer = self.world.aws.lambda_.invoke(FunctionName=name, Payload=json.dumps(event).encode())
        assert "FunctionError" not in answer, answer["Payload"].read()

    def told_in_the_thread(self, holding: str) -> None:
        """People hear in Slack, below the question, how it ended."""

        def threaded(message: Message) -> bool:
            return isinstance(message.body, dict) and "thread_ts" in message.body

        self.world.inbox.wait("slack", holding, threaded)

    def outcomes(self, deployment: str) -> list[Outcome]:
        """What the gates said of a deployment."""
        return self.world.outcomes.all(deployment.rsplit("/", 1)[-1])
