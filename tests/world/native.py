"""A service that ECS itself deploys: two target groups behind listener rules, hooks that are Python functions."""

import io
import json
import ssl
import urllib.request
import zipfile
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from world.aws import Aws
from world.control import Json
from world.outcomes import Outcome, wait_for
from world.processes import free_port
from world.stack import SUITES

if TYPE_CHECKING:
    from world.world import World

CLUSTER = "native"
CONTAINER_PORT = 8080
ROLE = "arn:aws:iam::000000000000:role/native"
CERTIFICATE = "arn:aws:acm:us-east-1:000000000000:certificate/native"
# Where the pre-traffic gate stands.
PRE_STAGE = "POST_TEST_TRAFFIC_SHIFT"
PRODUCTION, TEST = "shop.test", "next.shop.test"
WITHIN = 60.0


class NativeService:
    """One service under the deployment controller ECS, with a host name for production and one for tests."""

    def __init__(self, aws: Aws, name: str, authority: str | None = None, program: Sequence[str] = ()) -> None:
        """Behind HTTPS, if somebody signs its certificate. `program` is an image and its command, where it is not the
        sample shop; its tasks have addresses of their own, as on Fargate."""
        self.aws, self.name, self.port, self.authority = aws, name, free_port(), authority
        self._image, *self._command = program or ("shop",)
        vpc = {"awsvpcConfiguration": {"subnets": ["subnet-a", "subnet-b"]}}
        self._network: Json = {"networkConfiguration": vpc} if program else {}
        self.blue, self.green = (self._target_group(f"{name}-{colour}") for colour in ("blue", "green"))
        balancer = aws.elbv2.create_load_balancer(Name=name, Subnets=["subnet-a", "subnet-b"])
        speaks: Any = {"Protocol": "HTTP"}
        if authority:
            speaks = {"Protocol": "HTTPS", "Certificates": [{"CertificateArn": CERTIFICATE}]}
        self.listener = aws.elbv2.create_listener(
            LoadBalancerArn=balancer["LoadBalancers"][0]["LoadBalancerArn"],
            Port=self.port,
            **speaks,
            DefaultActions=[{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404"}}],
        )["Listeners"][0]["ListenerArn"]
        self.production, self.test = self.rule(1, PRODUCTION), self.rule(2, TEST)

    def _target_group(self, name: str) -> str:
        made = self.aws.elbv2.create_target_group(
            Name=name,
            Protocol="HTTP",
            Port=80,
            VpcId="vpc-1",
            TargetType="ip",
            HealthCheckPath="/health",
            HealthCheckIntervalSeconds=5,
        )
        return str(made["TargetGroups"][0]["TargetGroupArn"])

    def rule(self, priority: int, host: str) -> str:
        """Makes a rule for a host name; returns its ARN."""
        groups = [{"TargetGroupArn": self.blue, "Weight": 100}, {"TargetGroupArn": self.green, "Weight": 0}]
        made = self.aws.elbv2.create_rule(
            ListenerArn=self.listener,
            Priority=priority,
            Conditions=[{"Field": "host-header", "HostHeaderConfig": {"Values": [host]}}],
            Actions=[{"Type": "forward", "ForwardConfig": {"TargetGroups": groups}}],
        )
        return str(made["Rules"][0]["RuleArn"])

    def create(self, version: str, **configuration: Any) -> Json:
        """Makes the service with its first revision and waits for its first deployment."""
        self.aws.ecs.create_cluster(clusterName=CLUSTER)
        self.aws.ecs.create_service(
            cluster=CLUSTER,
            serviceName=self.name,
            taskDefinition=self.register(version),
            desiredCount=1,
            deploymentController={"type": "ECS"},
            deploymentConfiguration=configuration,
            **self._network,
            loadBalancers=[
                {
                    "targetGroupArn": self.blue,
                    "containerName": "shop",
                    "containerPort": CONTAINER_PORT,
                    "advancedConfiguration": {
                        "alternateTargetGroupArn": self.green,
                        "productionListenerRule": self.production,
                        "testListenerRule": self.test,
                        "roleArn": ROLE,
                    },
                }
            ],
        )
        return self.wait(self.newest(), lambda seen: "finishedAt" in seen)

    def register(self, version: str, **environment: str) -> str:
        """Registers a version's task definition; returns its ARN."""
        given = {"SHOP_VERSION": version} | environment
        made = self.aws.ecs.register_task_definition(
            family=self.name,
            **({"networkMode": "awsvpc"} if self._network else {}),
            containerDefinitions=[
                {
                    "name": "shop",
                    "image": f"registry.example/{self._image}:{version}",
                    "command": self._command,
                    "memory": 64,
                    "portMappings": [{"containerPort": CONTAINER_PORT}],
                    "environment": [{"name": name, "value": value} for name, value in given.items()],
                }
            ],
        )
        return str(made["taskDefinition"]["taskDefinitionArn"])

    def deploy(self, version: str, fault: str = "none", **configuration: Any) -> str:
        """Starts to deploy a version; returns the ARN of the service deployment."""
        change: Json = {"deploymentConfiguration": configuration} if configuration else {}
        definition = self.register(version, SHOP_FAULT=fault)
        self.aws.ecs.update_service(cluster=CLUSTER, service=self.name, taskDefinition=definition, **change)
        return self.newest()

    def newest(self) -> str:
        """The ARN of the last service deployment."""
        listed = self.aws.ecs.list_service_deployments(cluster=CLUSTER, service=self.name)
        return str(listed["serviceDeployments"][0]["serviceDeploymentArn"])

    def describe(self, deployment: str) -> Json:
        """What is said of a service deployment."""
        described = self.aws.ecs.describe_service_deployments(serviceDeploymentArns=[deployment])
        return dict(described["serviceDeployments"][0])

    def wait(self, deployment: str, wanted: Callable[[Json], bool]) -> Json:
        """Waits until a service deployment is seen as wanted."""

        def seen() -> Json | None:
            found = self.describe(deployment)
            return found if wanted(found) else None

        return dict(wait_for(f"{deployment} as wanted", seen, WITHIN))

    def versions(self, host: str, requests: int = 1) -> list[str]:
        """The versions that answer under a host name."""
        scheme = "https" if self.authority else "http"
        trusts = ssl.create_default_context(cadata=self.authority) if self.authority else None
        answers = []
        for _ in range(requests):
            request = urllib.request.Request(f"{scheme}://127.0.0.1:{self.port}/version", headers={"Host": host})
            with urllib.request.urlopen(request, timeout=10, context=trusts) as answer:
                answers.append(json.load(answer)["version"])
        return answers


class GatedService:
    """A service whose lifecycle hooks are the deployed gates."""

    def __init__(self, world: "World", name: str, suite: str, authority: str | None = None) -> None:
        self.world, self.service = world, NativeService(world.aws, name, authority)
        self.put_suite(suite)

    def put_suite(self, suite: str) -> None:
        """The suite of this service."""
        self.world.aws.s3.put_object(Bucket=SUITES, Key=f"{self.service.name}/{CLUSTER}.yaml", Body=suite.encode())

    def hooks(self, post: list[str]) -> list[Json]:
        """Both gates, the post-traffic one at these stages."""
        stack = self.world.stack
        gates = ((stack.pre_traffic_arn, [PRE_STAGE]), (stack.post_traffic_arn, post))
        return [
            {"hookTargetArn": function, "roleArn": stack.ecs_hook_role, "lifecycleStages": stages}
            for function, stages in gates
        ]

    def outcome(self, deployment: str, stage: str, version: str) -> Outcome:
        """What a gate told people of a version."""
        outcome = self.world.outcomes.wait(deployment.rsplit("/", 1)[-1], stage)
        assert outcome.attributes["version"] == version, outcome.text
        return outcome

    def report(self, deployment: str, name: str) -> Json:
        """The one report of a hook: the gate, the lifecycle stage, and the step if there are several."""
        bucket = self.world.stack.report_bucket
        prefix = f"reports/{self.service.name}/{deployment.rsplit('/', 1)[-1]}/{name}-"
        listed = self.world.aws.s3.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", [])
        [key] = [it["Key"] for it in listed if it["Key"].endswith(".json") and not it["Key"].endswith("-so-far.json")]
        return dict(json.loads(self.world.aws.s3.get_object(Bucket=bucket, Key=key)["Body"].read()))


def hook_function(aws: Aws, name: str, source: str) -> str:
    """A Python function `handler(event, context)`; returns its ARN."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as package:
        package.writestr("hook.py", source)
    made = aws.lambda_.create_function(
        FunctionName=name,
        Runtime="python3.12",
        Handler="hook.handler",
        Role=ROLE,
        Code={"ZipFile": archive.getvalue()},
    )
    return str(made["FunctionArn"])


def hook(function: str, *stages: str, **more: Any) -> Json:
    """A Lambda hook at some stages."""
    return {"hookTargetArn": function, "roleArn": ROLE, "lifecycleStages": list(stages), **more}
