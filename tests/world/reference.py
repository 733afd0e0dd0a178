"""Makes the resources of a template in the local AWS, with the properties that the template has.

MiniStack's CloudFormation makes what it knows. It knows no load balancers, no CodeDeploy and no CodePipeline, and its
services of ECS are not those of local-aws; so these are made by the calls that CloudFormation would send. What nobody
here serves is left out, and `LEFT_OUT` says what.
"""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from world import templates
from world.aws import Aws
from world.control import Json
from world.outcomes import wait_for
from world.processes import free_port
from world.servers import ACCOUNT, REGION

PARTITION = "aws"
# Kinds that neither emulator has.
LEFT_OUT = {"AWS::CodeConnections::Connection", "AWS::CodeBuild::Project"}
# What a Ref or an attribute of something that is left out, or not made yet, is here.
PLACEHOLDER = "not-here"


STACK_WITHIN = 120.0


class StackFailed(Exception):
    """CloudFormation could not make what it knows."""


class NoValue:
    """AWS::NoValue."""


class Made:
    """A template's resources, as far as they are made."""

    def __init__(self, aws: Aws, path: Path, stack: str, parameters: dict[str, str]) -> None:
        self.aws, self.stack = aws, stack
        self.template = templates.load(path)
        unknown = set(parameters) - set(self.template.get("Parameters", {}))
        assert not unknown, f"{path.name} has no parameters {unknown}"
        self.parameters = parameters
        self.refs: dict[str, str] = {}
        self.attributes: dict[str, str] = {}
        # The local port of each listener, by its logical id.
        self.ports: dict[str, int] = {}

    def make(self) -> "Made":
        """Makes all of them."""
        resources = self.template["Resources"]
        self._by_cloudformation({name: it for name, it in resources.items() if it["Type"] not in BY_CALLS | LEFT_OUT})
        # A template lists what others need before them.
        for name, resource in resources.items():
            if resource["Type"] in BY_CALLS and self._holds(resource):
                BY_CALLS_OF[resource["Type"]](self, name, self.value(resource["Properties"]))
        return self

    def outputs(self) -> dict[str, str]:
        """The values of the outputs."""
        return {name: str(self.value(it["Value"])) for name, it in self.template["Outputs"].items()}

    def properties(self, name: str) -> Json:
        """The properties of a resource, with all functions carried out."""
        return dict(self.value(self.template["Resources"][name]["Properties"]))

    def _by_cloudformation(self, resources: Json) -> None:
        wanted = {name: self._for_cloudformation(it) for name, it in resources.items() if self._holds(it)}
        if not wanted:
            return
        body = json.dumps({"Resources": wanted})
        client = self.aws.cloudformation
        client.create_stack(StackName=self.stack, TemplateBody=body, Capabilities=["CAPABILITY_NAMED_IAM"])
        status = wait_for(f"the stack {self.stack}", self._stack_status, STACK_WITHIN)
        if status != "CREATE_COMPLETE":
            events = client.describe_stack_events(StackName=self.stack)["StackEvents"]
            raise StackFailed(f"{self.stack} is {status}: {[it.get('ResourceStatusReason') for it in events]}")
        for found in client.describe_stack_resources(StackName=self.stack)["StackResources"]:
            name, physical = found["LogicalResourceId"], found["PhysicalResourceId"]
            self.refs[name] = physical
            self.attributes[f"{name}.Arn"] = _arn(found["ResourceType"], physical)
            self.attributes[f"{name}.RepositoryUri"] = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/{physical}"

    def _stack_status(self) -> str:
        status = str(self.aws.cloudformation.describe_stacks(StackName=self.stack)["Stacks"][0]["StackStatus"])
        return "" if status.endswith("_IN_PROGRESS") else status

    def _for_cloudformation(self, resource: Json) -> Json:
        """Functions between these resources stay; everything else is carried out."""
        made_here = {name for name, it in self.template["Resources"].items() if it["Type"] not in BY_CALLS | LEFT_OUT}

        def kept(given: Any) -> Any:
            if isinstance(given, list):
                return [each for each in map(kept, given) if each is not NoValue]
            if not isinstance(given, dict):
                return given
            if given.get("Ref") in made_here:
                return given
            if str(given.get("GetAtt", "")).split(".")[0] in made_here:
                return {"Fn::GetAtt": given["GetAtt"].split(".", 1)}
            if isinstance(given.get("Sub"), str) and set(re.findall(r"\$\{(\w+)[.}]", given["Sub"])) & made_here:
                return {"Fn::Sub": self._sub_parameters(given["Sub"], made_here)}
            if len(given) == 1 and next(iter(given)) in FUNCTIONS:
                return self.value(given) if "If" not in given else kept(self._chosen(given["If"]))
            found = {key: kept(inner) for key, inner in given.items()}
            return {key: inner for key, inner in found.items() if inner is not NoValue}

        return dict(kept({"Type": resource["Type"], "Properties": resource["Properties"]}))

    def _sub_parameters(self, text: str, made_here: set[str]) -> str:
        def filled(match: re.Match[str]) -> str:
            return match[0] if match[1].split(".")[0] in made_here else self._named(match[1])

        return re.sub(r"\$\{([A-Za-z0-9:.]+)\}", filled, text)

    # What functions come to

    def value(self, given: Any) -> Any:
        """A value without functions."""
        if isinstance(given, list):
            return [each for each in map(self.value, given) if each is not NoValue]
        if not isinstance(given, dict):
            return given
        if len(given) == 1 and next(iter(given)) in FUNCTIONS:
            [(name, inner)] = given.items()
            return FUNCTIONS[name](self, inner)
        found = {key: self.value(inner) for key, inner in given.items()}
        return {key: inner for key, inner in found.items() if inner is not NoValue}

    def _named(self, name: str) -> Any:
        pseudo = {
            "AWS::AccountId": ACCOUNT,
            "AWS::NoValue": NoValue,
            "AWS::Partition": PARTITION,
            "AWS::Region": REGION,
            "AWS::StackName": self.stack,
        }
        if name in pseudo:
            return pseudo[name]
        parameters = self.template.get("Parameters", {})
        if name in parameters:
            text = self.parameters.get(name, parameters[name].get("Default"))
            assert text is not None, f"{name} has no value"
            return text.split(",") if str(parameters[name]["Type"]).startswith("List<") else text
        return self.attributes.get(name, PLACEHOLDER) if "." in name else self.refs.get(name, PLACEHOLDER)

    def _substituted(self, given: Any) -> str:
        text, variables = given if isinstance(given, list) else (given, {})

        def filled(match: re.Match[str]) -> str:
            name = match[1]
            return str(self.value(variables[name]) if name in variables else self._named(name))

        return re.sub(r"\$\{([A-Za-z0-9:.]+)\}", filled, text)

    def _chosen(self, given: list[Any]) -> Any:
        condition, yes, no = given
        return yes if self._condition(condition) else no

    def _condition(self, name: str) -> bool:
        return bool(self.value(self.template["Conditions"][name]))

    def _holds(self, resource: Json) -> bool:
        return "Condition" not in resource or self._condition(resource["Condition"])


def _arn(kind: str, physical: str) -> str:
    if physical.startswith("arn:"):
        return physical
    shapes = {
        "AWS::IAM::Role": f"arn:aws:iam::{ACCOUNT}:role/{physical}",
        "AWS::Logs::LogGroup": f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{physical}:*",
        "AWS::S3::Bucket": f"arn:aws:s3:::{physical}",
    }
    return shapes.get(kind, physical)


def _lower(given: Any, verbatim: frozenset[str] = frozenset()) -> Any:
    """Names of properties as the API has them: `DesiredCount` is `desiredCount`. What lies below a name in `verbatim`
    are keys of users."""
    if isinstance(given, list):
        return [_lower(each, verbatim) for each in given]
    if not isinstance(given, dict):
        return given
    return {
        name.replace("ECS", "Ecs")[0].lower() + name.replace("ECS", "Ecs")[1:]: inner
        if name in verbatim
        else _lower(inner, verbatim)
        for name, inner in given.items()
    }


def _cluster(made: Made, name: str, given: Json) -> None:
    lowered = _lower(given)
    made.aws.ecs.create_cluster(clusterName=lowered["clusterName"], settings=lowered["clusterSettings"])
    made.refs[name] = given["ClusterName"]


def _balancer(made: Made, name: str, given: Json) -> None:
    # local-aws takes no attributes of load balancers.
    taken = {key: value for key, value in given.items() if key != "LoadBalancerAttributes"}
    [balancer] = made.aws.elbv2.create_load_balancer(**taken)["LoadBalancers"]
    made.refs[name] = balancer["LoadBalancerArn"]
    made.attributes[f"{name}.DNSName"] = balancer["DNSName"]
    made.attributes[f"{name}.LoadBalancerFullName"] = balancer["LoadBalancerArn"].split("loadbalancer/")[1]


def _target_group(made: Made, name: str, given: Json) -> None:
    # Nor of target groups.
    taken = {key: value for key, value in given.items() if key != "TargetGroupAttributes"}
    [group] = made.aws.elbv2.create_target_group(**taken)["TargetGroups"]
    made.refs[name] = group["TargetGroupArn"]
    made.attributes[f"{name}.TargetGroupName"] = given["Name"]


def _listener(made: Made, name: str, given: Json) -> None:
    # Nobody signs certificates of public names here, and the port may be in use.
    port = made.ports[name] = free_port()
    taken = {key: value for key, value in given.items() if key not in {"Certificates", "SslPolicy"}}
    [listener] = made.aws.elbv2.create_listener(**(taken | {"Protocol": "HTTP", "Port": port}))["Listeners"]
    made.refs[name] = listener["ListenerArn"]


def _rule(made: Made, name: str, given: Json) -> None:
    [rule] = made.aws.elbv2.create_rule(**given)["Rules"]
    made.refs[name] = rule["RuleArn"]


def _alarm(made: Made, name: str, given: Json) -> None:
    # MiniStack's CloudFormation takes no alarms with expressions.
    made.aws.cloudwatch.put_metric_alarm(**given)
    # Nor does it evaluate them: without a metric, these are OK.
    assert given["TreatMissingData"] == "notBreaching"
    made.aws.cloudwatch.set_alarm_state(AlarmName=given["AlarmName"], StateValue="OK", StateReason="no data")
    made.refs[name] = given["AlarmName"]


def _service(made: Made, name: str, given: Json) -> None:
    lowered = _lower(given)
    lowered["enableECSManagedTags"] = lowered.pop("enableEcsManagedTags", False)
    made.aws.ecs.create_service(**lowered)
    made.refs[name] = given["ServiceName"]
    made.attributes[f"{name}.Name"] = given["ServiceName"]


def _application(made: Made, name: str, given: Json) -> None:
    made.aws.codedeploy.create_application(**_lower(given))
    made.refs[name] = given["ApplicationName"]


def _deployment_group(made: Made, name: str, given: Json) -> None:
    made.aws.codedeploy.create_deployment_group(**_lower(given))
    made.refs[name] = given["DeploymentGroupName"]


def _pipeline(made: Made, name: str, given: Json) -> None:
    made.refs[name] = given["Name"]
    made.attributes[f"{name}.Declaration"] = json.dumps(_lower(given, frozenset({"Configuration"})))


FUNCTIONS: dict[str, Callable[[Made, Any], Any]] = {
    "Ref": Made._named,
    "GetAtt": Made._named,
    "Sub": Made._substituted,
    "If": lambda made, given: made.value(made._chosen(given)),
    "Condition": Made._condition,
    "Equals": lambda made, given: made.value(given[0]) == made.value(given[1]),
    "Not": lambda made, given: not made.value(given[0]),
    "Or": lambda made, given: any(map(made.value, given)),
    "Join": lambda made, given: str(given[0]).join(made.value(given[1])),
    "Split": lambda made, given: str(made.value(given[1])).split(given[0]),
    "Select": lambda made, given: made.value(given[1])[int(given[0])],
}
BY_CALLS_OF: dict[str, Callable[[Made, str, Json], None]] = {
    "AWS::CloudWatch::Alarm": _alarm,
    "AWS::ECS::Cluster": _cluster,
    "AWS::ECS::Service": _service,
    "AWS::ElasticLoadBalancingV2::LoadBalancer": _balancer,
    "AWS::ElasticLoadBalancingV2::TargetGroup": _target_group,
    "AWS::ElasticLoadBalancingV2::Listener": _listener,
    "AWS::ElasticLoadBalancingV2::ListenerRule": _rule,
    "AWS::CodeDeploy::Application": _application,
    "AWS::CodeDeploy::DeploymentGroup": _deployment_group,
    "AWS::CodePipeline::Pipeline": _pipeline,
}
BY_CALLS = frozenset(BY_CALLS_OF)
