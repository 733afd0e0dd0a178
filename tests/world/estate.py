"""Services that may sleep at night: made as people make them, and read with all that they have.

What is compared in the morning is everything that AWS tells of a service, but for what the passing of time
changes: its events, and when something was last updated.
"""

import copy
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from world.aws import Aws
from world.control import Json
from world.outcomes import wait_for
from world.processes import free_port
from world.servers import ACCOUNT, REGION

DIMENSION = {"ServiceNamespace": "ecs", "ScalableDimension": "ecs:service:DesiredCount"}
SUSPENSIONS = ("DynamicScalingInSuspended", "DynamicScalingOutSuspended", "ScheduledScalingSuspended")
OPT_IN = "deploy-hooks:schedule"
ASLEEP = "deploy-hooks:asleep"
# The image of tasks that are no processes: thousands cost nothing.
NOTHING = "no-process"
# What the passing of time changes, and nobody's configuration.
PASSING = {"events", "updatedAt", "stabilityStatusAt"}
DESCRIBED_AT_ONCE = 10
PORT = 8080
TARGETS_AT_ONCE = 50


@dataclass(frozen=True)
class Plan:
    """How a service is made."""

    desired: int = 1
    # The bounds of Application Auto Scaling, and those of its suspensions that the owner has set.
    bounds: tuple[int, int] | None = None
    suspended: tuple[str, ...] = ()
    # The value of the tag by which it opts in; none for a service that hasn't.
    schedule: str | None = "default"
    tags: dict[str, str] = field(default_factory=dict)
    controller: str = "ECS"
    daemon: bool = False

    def all_tags(self) -> list[Json]:
        """As ECS takes them."""
        tags = self.tags | ({OPT_IN: self.schedule} if self.schedule is not None else {})
        return [{"key": key, "value": value} for key, value in tags.items()]


class Estate:
    """The clusters of an environment. A service is named by its place, `cluster/name`."""

    def __init__(self, aws: Aws) -> None:
        self.aws = aws
        self._clusters: set[str] = set()

    # Making

    def make(self, place: str, plan: Plan | None = None, definition: str = "") -> str:
        """Makes a service, its cluster and its task definition, unless one is given; returns its place."""
        plan = plan or Plan()
        cluster, name = place.split("/")
        if cluster not in self._clusters:
            self.aws.ecs.create_cluster(clusterName=cluster)
            self._clusters.add(cluster)
        how: Json = {"schedulingStrategy": "DAEMON"} if plan.daemon else {"desiredCount": plan.desired}
        if plan.controller == "CODE_DEPLOY":
            how["loadBalancers"] = [self._balance(name)]
        self.aws.ecs.create_service(
            cluster=cluster,
            serviceName=name,
            taskDefinition=definition or self.register(place),
            deploymentController={"type": plan.controller},
            tags=plan.all_tags(),
            **how,
        )
        if plan.bounds:
            self.bound(place, plan.bounds, plan.suspended)
        return place

    def register(self, place: str, version: str = "1.0.0") -> str:
        """A task definition of a quarter of a vCPU and half a GB; returns its ARN."""
        container = {
            "name": "app",
            "image": image(NOTHING, version),
            "essential": True,
            "portMappings": [{"containerPort": PORT}],
            "environment": [{"name": "SHOP_VERSION", "value": version}],
        }
        made = self.aws.ecs.register_task_definition(
            family=place.replace("/", "-"), cpu="256", memory="512", containerDefinitions=[container]
        )
        return str(made["taskDefinition"]["taskDefinitionArn"])

    def bound(self, place: str, bounds: tuple[int, int], suspended: Iterable[str] = ()) -> None:
        """Gives a service a scalable target, or changes it."""
        state = {name: name in set(suspended) for name in SUSPENSIONS}
        self.aws.autoscaling.register_scalable_target(
            ResourceId=f"service/{place}",
            MinCapacity=bounds[0],
            MaxCapacity=bounds[1],
            SuspendedState=state,
            **DIMENSION,
        )

    def make_express(self, place: str) -> str:
        """Makes a service that ECS manages itself, its cluster being there; returns its place."""
        cluster, name = place.split("/")
        self.aws.ecs.create_express_gateway_service(
            cluster=cluster,
            serviceName=name,
            executionRoleArn=f"arn:aws:iam::{ACCOUNT}:role/execution",
            infrastructureRoleArn=f"arn:aws:iam::{ACCOUNT}:role/infrastructure",
            primaryContainer={"image": image(NOTHING, "1.0.0")},
            tags=Plan().all_tags(),
        )
        return place

    def remove(self, *places: str) -> None:
        """Deletes services, with what belongs to them."""
        for place in places:
            cluster, name = place.split("/")
            self.aws.ecs.delete_service(cluster=cluster, service=name, force=True)

    def make_database(self, name: str) -> None:
        """An RDS instance that has opted in."""
        self.aws.rds.create_db_instance(
            DBInstanceIdentifier=name,
            DBInstanceClass="db.t3.micro",
            Engine="postgres",
            AllocatedStorage=20,
            MasterUsername="shop",
            ManageMasterUserPassword=True,
            Tags=[{"Key": OPT_IN, "Value": "default"}],
        )

    def make_database_cluster(self, name: str, schedule: str = "default") -> None:
        """An Aurora cluster of two instances that has opted in."""
        credentials = {"MasterUsername": "shop", "ManageMasterUserPassword": True}
        tag = {"Key": OPT_IN, "Value": schedule}
        self.aws.rds.create_db_cluster(DBClusterIdentifier=name, Engine="aurora-postgresql", Tags=[tag], **credentials)
        for number in (1, 2):
            self.aws.rds.create_db_instance(
                DBInstanceIdentifier=f"{name}-{number}",
                DBClusterIdentifier=name,
                DBInstanceClass="db.t4g.medium",
                Engine="aurora-postgresql",
                Tags=[tag],
            )

    def tag_database_cluster(self, name: str, key: str, value: str) -> None:
        """Sets a tag of an Aurora cluster."""
        arn = self.database_cluster(name)["DBClusterArn"]
        self.aws.rds.add_tags_to_resource(ResourceName=arn, Tags=[{"Key": key, "Value": value}])

    def remove_database_cluster(self, name: str) -> None:
        """Deletes an Aurora cluster with its instances."""
        for member in self.database_cluster(name)["DBClusterMembers"]:
            self.aws.rds.delete_db_instance(DBInstanceIdentifier=member["DBInstanceIdentifier"], SkipFinalSnapshot=True)
        self.aws.rds.delete_db_cluster(DBClusterIdentifier=name, SkipFinalSnapshot=True)

    def make_group(self, name: str, least: int, most: int, desired: int) -> None:
        """An Auto Scaling group that has opted in."""
        self.aws.groups.create_launch_configuration(
            LaunchConfigurationName=name, ImageId="ami-12345678", InstanceType="t3.micro"
        )
        tag = {"ResourceId": name, "ResourceType": "auto-scaling-group", "PropagateAtLaunch": False}
        self.aws.groups.create_auto_scaling_group(
            AutoScalingGroupName=name,
            LaunchConfigurationName=name,
            MinSize=least,
            MaxSize=most,
            DesiredCapacity=desired,
            AvailabilityZones=[f"{REGION}a"],
            Tags=[tag | {"Key": OPT_IN, "Value": "default"}],
        )

    def _balance(self, name: str) -> Json:
        """A load balancer, without which there is no service under CodeDeploy."""
        elb = self.aws.elbv2
        made = elb.create_load_balancer(Name=name, Subnets=["subnet-a", "subnet-b"], Type="application")
        group = elb.create_target_group(Name=name, Protocol="HTTP", Port=PORT, VpcId="vpc-local", TargetType="ip")
        arn = str(group["TargetGroups"][0]["TargetGroupArn"])
        elb.create_listener(
            LoadBalancerArn=made["LoadBalancers"][0]["LoadBalancerArn"],
            Protocol="HTTP",
            Port=free_port(),
            DefaultActions=[{"Type": "forward", "TargetGroupArn": arn}],
        )
        return {"targetGroupArn": arn, "containerName": "app", "containerPort": PORT}

    # Changing by hand

    def update(self, place: str, **changes: Any) -> None:
        """What a person does in the console."""
        cluster, name = place.split("/")
        self.aws.ecs.update_service(cluster=cluster, service=name, **changes)

    def redeploy(self, place: str, version: str) -> str:
        """A new task definition, put into use; returns its ARN."""
        definition = self.register(place, version)
        self.update(place, taskDefinition=definition)
        return definition

    def tag(self, place: str, key: str, value: str) -> None:
        """Sets a tag."""
        self.aws.ecs.tag_resource(resourceArn=self.arn(place), tags=[{"key": key, "value": value}])

    def untag(self, place: str, key: str) -> None:
        """Removes a tag."""
        self.aws.ecs.untag_resource(resourceArn=self.arn(place), tagKeys=[key])

    # Looking

    def arn(self, place: str) -> str:
        """The ARN of a service."""
        return f"arn:aws:ecs:{REGION}:{ACCOUNT}:service/{place}"

    def look(self, place: str) -> Json:
        """Everything about one service."""
        cluster, name = place.split("/")
        found = self.aws.ecs.describe_services(cluster=cluster, services=[name], include=["TAGS"])["services"]
        assert found, f"there is no {place}"
        targets = self._targets([f"service/{place}"])
        return _whole(found[0], targets.get(f"service/{place}"))

    def all(self, cluster: str = "") -> dict[str, Json]:
        """Everything about all services, or those of one cluster, by place."""
        described = {
            f"{name}/{service['serviceName']}": service
            for name in ([cluster] if cluster else sorted(self._clusters))
            for service in self._services(name)
        }
        targets = self._targets([f"service/{place}" for place in described])
        return {place: _whole(service, targets.get(f"service/{place}")) for place, service in described.items()}

    def counts(self, cluster: str = "") -> dict[str, int]:
        """The desired counts, by place."""
        return {place: int(service["desiredCount"]) for place, service in self.all(cluster).items()}

    def database(self, name: str) -> Json:
        """Everything about an RDS instance."""
        return dict(self.aws.rds.describe_db_instances(DBInstanceIdentifier=name)["DBInstances"][0])

    def database_cluster(self, name: str) -> Json:
        """Everything about an Aurora cluster."""
        return dict(self.aws.rds.describe_db_clusters(DBClusterIdentifier=name)["DBClusters"][0])

    def group(self, name: str) -> Json:
        """Everything about an Auto Scaling group, but for its instances, which are new in the morning."""
        found = self.aws.groups.describe_auto_scaling_groups(AutoScalingGroupNames=[name])["AutoScalingGroups"][0]
        return {key: value for key, value in found.items() if key != "Instances"}

    def wait_until_settled(self, within: float = 60, cluster: str = "", but: str = "") -> dict[str, Json]:
        """Returns once as many tasks run as are wanted, everywhere (but for one): everything about all services."""

        def settled() -> dict[str, Json] | None:
            found = self.all(cluster)
            return found if all(_is_settled(one) or place == but for place, one in found.items()) else None

        return dict(wait_for("as many tasks as are wanted", settled, within))

    def wait_for_count(self, place: str, desired: int, within: float = 30) -> Json:
        """Returns once a service has this count: everything about it."""

        def reached() -> Json | None:
            service = self.look(place)
            return service if service["desiredCount"] == desired else None

        return dict(wait_for(f"a count of {desired} for {place}", reached, within))

    def _services(self, cluster: str) -> Iterator[Json]:
        pages = self.aws.ecs.get_paginator("list_services").paginate(
            cluster=cluster, PaginationConfig={"PageSize": 100}
        )
        arns = [arn for page in pages for arn in page["serviceArns"]]
        for some in _chunks(arns, DESCRIBED_AT_ONCE):
            yield from self.aws.ecs.describe_services(cluster=cluster, services=some, include=["TAGS"])["services"]

    def _targets(self, ids: list[str]) -> dict[str, Json]:
        found: dict[str, Json] = {}
        for some in _chunks(ids, TARGETS_AT_ONCE):
            pages = self.aws.autoscaling.get_paginator("describe_scalable_targets").paginate(
                ResourceIds=some, **DIMENSION
            )
            found |= {target["ResourceId"]: target for page in pages for target in page["ScalableTargets"]}
        return found


def differences(before: Json, after: Json) -> list[str]:
    """What differs in two readings of everything, in words: `dev/web desiredCount: 2 → 0`."""
    told = []
    for place in sorted(before.keys() | after.keys()):
        was, now = before.get(place, {}), after.get(place, {})
        for name in sorted(was.keys() | now.keys()):
            if was.get(name) != now.get(name):
                told.append(f"{place} {name}: {was.get(name)} → {now.get(name)}")
    return told


def image(repository: str, version: str) -> str:
    """The address of an image."""
    return f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/{repository}:{version}"


def tags(service: Json) -> dict[str, str]:
    """The tags of a service that was read."""
    return {tag["key"]: tag["value"] for tag in service["tags"]}


def _whole(service: Json, target: Json | None) -> Json:
    whole = _without_passing(copy.deepcopy(service))
    whole["tags"] = sorted(service.get("tags", []), key=lambda tag: tag["key"])
    whole["scalableTarget"] = target
    return dict(whole)


def _without_passing(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_passing(item) for key, item in value.items() if key not in PASSING}
    return [_without_passing(item) for item in value] if isinstance(value, list) else value


def _is_settled(service: Json) -> bool:
    return service["runningCount"] == service["desiredCount"] and service["pendingCount"] == 0


def _chunks(items: list[str], size: int) -> Iterator[list[str]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
