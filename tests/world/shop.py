"""A shop in production: an ECS service behind a load balancer, deployed blue/green by CodeDeploy."""

import hashlib
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from world import paths
from world.aws import Aws
from world.pipeline import STACK
from world.processes import free_port
from world.servers import ACCOUNT, REGION
from world.stack import SUITES

CLUSTER = "shop"
CONTAINER_PORT = 8080
HEALTHY_WITHIN = 30.0


@dataclass(frozen=True)
class Release:
    """What is deployed: a version of the shop, sound or broken in one way."""

    version: str
    fault: str = "none"
    settings: dict[str, str] = field(default_factory=dict)
    image: str = "shop"
    command: tuple[str, ...] = ()


@dataclass(frozen=True)
class Plan:
    """How a shop is deployed; the defaults are those of the demo."""

    config: str = "CodeDeployDefault.ECSAllAtOnce"
    test_listener: bool = True
    rollback: bool = True
    termination_minutes: int = 0
    tasks: int = 1
    health: str = "/health"


class Shop:
    """One application with its own service, listeners and deployment group."""

    def __init__(self, aws: Aws, data: Path, name: str, plan: Plan | None = None) -> None:
        self.aws, self.name, self.plan = aws, name, plan or Plan()
        self.group = f"{name}-production"
        self._data = data
        self.production_port, self.test_port = free_port(), free_port()
        self._target_groups: dict[str, str] = {}

    # Setting up

    def open(self, release: Release, suite: str | None = None) -> None:
        """Makes everything, with `release` as the running version and `suite` as the suite's text."""
        if suite is not None:
            self.put_suite(suite)
        self._load_balancer()
        task_definition = self.register(release)
        self.aws.ecs.create_cluster(clusterName=CLUSTER)
        self.aws.ecs.create_service(
            cluster=CLUSTER,
            serviceName=self.name,
            taskDefinition=task_definition,
            desiredCount=self.plan.tasks,
            launchType="FARGATE",
            deploymentController={"type": "CODE_DEPLOY"},
            loadBalancers=[
                {
                    "targetGroupArn": self._target_groups["blue"],
                    "containerName": "shop",
                    "containerPort": CONTAINER_PORT,
                }
            ],
            networkConfiguration={
                "awsvpcConfiguration": {"subnets": ["subnet-a", "subnet-b"], "assignPublicIp": "ENABLED"}
            },
        )
        self._codedeploy()
        self._wait_until_healthy()

    def put_suite(self, text: str) -> None:
        """Stores the suite where the functions look for it."""
        self.aws.s3.put_object(Bucket=SUITES, Key=f"{self.name}/{self.group}.yaml", Body=text.encode())

    def register(self, release: Release) -> str:
        """Registers the release's task definition; returns its ARN."""
        made = self.aws.ecs.register_task_definition(**self.task_definition(release))
        return str(made["taskDefinition"]["taskDefinitionArn"])

    def task_definition(self, release: Release) -> dict[str, Any]:
        """The release's task definition, as one keeps it in a repository."""
        values = {"SHOP_VERSION": release.version, "SHOP_FAULT": release.fault} | release.settings
        container = {
            "name": "shop",
            "image": f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/{release.image}:{release.version}",
            "essential": True,
            "command": list(release.command),
            "portMappings": [{"containerPort": CONTAINER_PORT, "protocol": "tcp"}],
            "environment": [{"name": key, "value": value} for key, value in values.items()],
        }
        return {
            "family": self.name,
            "requiresCompatibilities": ["FARGATE"],
            "networkMode": "awsvpc",
            "cpu": "256",
            "memory": "512",
            "containerDefinitions": [container],
        }

    def sources(self, release: Release) -> dict[str, str]:
        """The files that a pipeline deploys the release from."""
        return {
            "taskdef.json": json.dumps(self.task_definition(release)),
            "appspec.yaml": self.appspec("<TASK_DEFINITION>"),
            "stack.yaml": STACK,
        }

    def action(self) -> dict[str, str]:
        """The configuration of a pipeline's action that deploys to this shop."""
        return {
            "ApplicationName": self.name,
            "DeploymentGroupName": self.group,
            "TaskDefinitionTemplateArtifact": "source",
            "AppSpecTemplateArtifact": "source",
        }

    def _load_balancer(self) -> None:
        elb = self.aws.elbv2
        balancer = elb.create_load_balancer(Name=self.name, Subnets=["subnet-a", "subnet-b"], Type="application")
        arn = balancer["LoadBalancers"][0]["LoadBalancerArn"]
        for colour in ("blue", "green"):
            made = elb.create_target_group(
                Name=f"{self.name}-{colour}",
                Protocol="HTTP",
                Port=CONTAINER_PORT,
                VpcId="vpc-local",
                TargetType="ip",
                HealthCheckPath=self.plan.health,
                HealthCheckIntervalSeconds=5,
                HealthyThresholdCount=2,
                UnhealthyThresholdCount=2,
            )
            self._target_groups[colour] = made["TargetGroups"][0]["TargetGroupArn"]

        def listen(port: int) -> str:
            forward = [{"Type": "forward", "TargetGroupArn": self._target_groups["blue"]}]
            made = elb.create_listener(LoadBalancerArn=arn, Protocol="HTTP", Port=port, DefaultActions=forward)
            return str(made["Listeners"][0]["ListenerArn"])

        self.production_listener = listen(self.production_port)
        self.test_listener = listen(self.test_port) if self.plan.test_listener else None

    def _codedeploy(self) -> None:
        pair: dict[str, Any] = {
            "targetGroups": [{"name": f"{self.name}-blue"}, {"name": f"{self.name}-green"}],
            "prodTrafficRoute": {"listenerArns": [self.production_listener]},
        }
        if self.test_listener:
            pair["testTrafficRoute"] = {"listenerArns": [self.test_listener]}
        codedeploy = self.aws.codedeploy
        codedeploy.create_application(applicationName=self.name, computePlatform="ECS")
        codedeploy.create_deployment_group(
            applicationName=self.name,
            deploymentGroupName=self.group,
            deploymentConfigName=self.plan.config,
            serviceRoleArn=f"arn:aws:iam::{ACCOUNT}:role/codedeploy",
            deploymentStyle={"deploymentType": "BLUE_GREEN", "deploymentOption": "WITH_TRAFFIC_CONTROL"},
            ecsServices=[{"clusterName": CLUSTER, "serviceName": self.name}],
            loadBalancerInfo={"targetGroupPairInfoList": [pair]},
            autoRollbackConfiguration={"enabled": self.plan.rollback, "events": ["DEPLOYMENT_FAILURE"]},
            blueGreenDeploymentConfiguration={
                "terminateBlueInstancesOnDeploymentSuccess": {
                    "action": "TERMINATE",
                    "terminationWaitTimeInMinutes": self.plan.termination_minutes,
                },
                "deploymentReadyOption": {"actionOnTimeout": "CONTINUE_DEPLOYMENT"},
            },
        )

    def _wait_until_healthy(self) -> None:
        deadline = time.monotonic() + HEALTHY_WITHIN
        blue = self._target_groups["blue"]
        while True:
            health = self.aws.elbv2.describe_target_health(TargetGroupArn=blue)["TargetHealthDescriptions"]
            states = [target["TargetHealth"]["State"] for target in health]
            if len(states) == self.plan.tasks and set(states) == {"healthy"}:
                return
            if time.monotonic() > deadline:
                raise TimeoutError(f"the tasks of {self.name} were not healthy in {HEALTHY_WITHIN:.0f} s: {states}")
            time.sleep(0.1)

    # Deploying

    def deploy(self, release: Release, hooks: dict[str, str] | None = None) -> str:
        """Starts a deployment; returns its id. Without `hooks`, those of the example AppSpec are called."""
        return str(self.aws.codedeploy.create_deployment(**self.request(release, hooks))["deploymentId"])

    def request(self, release: Release, hooks: dict[str, str] | None = None) -> dict[str, Any]:
        """What CodeDeploy is asked for a deployment, the task definition being registered."""
        text = self.appspec(self.register(release), hooks)
        return {
            "applicationName": self.name,
            "deploymentGroupName": self.group,
            "description": f"{release.image} {release.version}",
            "revision": {
                "revisionType": "AppSpecContent",
                "appSpecContent": {"content": text, "sha256": hashlib.sha256(text.encode()).hexdigest()},
            },
        }

    def appspec(self, task_definition: str, hooks: dict[str, str] | None = None) -> str:
        """The AppSpec of a deployment: the example, or one with other hooks."""
        example = paths.APPSPEC.read_text()
        if hooks is not None:
            listed = "".join(f"  - {event}: {function}\n" for event, function in hooks.items())
            example = example[: example.index("Hooks:")] + (f"Hooks:\n{listed}" if hooks else "")
        # The placeholder stands in a comment too.
        return example.replace("TaskDefinition: <TASK_DEFINITION>", f"TaskDefinition: {task_definition}")

    # Looking

    def url(self, path: str = "/") -> str:
        """An address that customers use."""
        return f"http://127.0.0.1:{self.production_port}{path}"

    def deployment(self, deployment_id: str) -> dict[str, Any]:
        """What CodeDeploy says of a deployment."""
        return dict(self.aws.codedeploy.get_deployment(deploymentId=deployment_id)["deploymentInfo"])

    def lifecycle(self, deployment_id: str) -> dict[str, dict[str, Any]]:
        """The lifecycle events of a deployment's target, by name."""
        codedeploy = self.aws.codedeploy
        targets = codedeploy.list_deployment_targets(deploymentId=deployment_id)["targetIds"]
        found = codedeploy.batch_get_deployment_targets(deploymentId=deployment_id, targetIds=targets)
        events = found["deploymentTargets"][0]["ecsTarget"]["lifecycleEvents"]
        return {event["lifecycleEventName"]: event for event in events}

    def production_weights(self) -> dict[str, int]:
        """The share of production traffic of each target group, by colour."""
        found = self.aws.elbv2.describe_listeners(ListenerArns=[self.production_listener])
        action = found["Listeners"][0]["DefaultActions"][0]
        groups = action.get("ForwardConfig", {}).get("TargetGroups") or [{"TargetGroupArn": action["TargetGroupArn"]}]
        by_arn = {group["TargetGroupArn"]: group.get("Weight", 100) for group in groups}
        return {colour: by_arn.get(arn, 0) for colour, arn in self._target_groups.items()}

    def access_log(self) -> Iterator[dict[str, Any]]:
        """What the shop's processes wrote of the requests they served, all versions."""
        for log in sorted((self._data / "tasks").glob(f"{self.name}-[0-9]*.log")):
            for line in log.read_text(errors="replace").splitlines():
                if line.startswith("{"):
                    try:
                        yield json.loads(line)
                    except json.JSONDecodeError:
                        # The last line may be half written.
                        continue

    def production_requests(self) -> Iterator[dict[str, Any]]:
        """Those that came through the production listener."""
        port = str(self.production_port)
        return (request for request in self.access_log() if request["forwarded_port"] == port)
