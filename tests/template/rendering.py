"""What CloudFormation makes of a template with given parameters: conditions decided, functions carried out."""

import re
from dataclasses import dataclass, field
from typing import Any

from world.templates import Json

ACCOUNT = "111122223333"
# What a resource's ARN looks like, where a policy names it.
ARNS = {
    "AWS::CodeBuild::Project": "codebuild:{region}:{account}:project/{name}",
    "AWS::DynamoDB::Table": "dynamodb:{region}:{account}:table/{name}",
    "AWS::IAM::ManagedPolicy": "iam::{account}:policy/{name}",
    "AWS::IAM::Role": "iam::{account}:role/{name}",
    "AWS::Lambda::Url": "lambda:{region}:{account}:url/{name}",
    "AWS::Logs::LogGroup": "logs:{region}:{account}:log-group:{name}:*",
    "AWS::S3::Bucket": "s3:::{name}",
    "AWS::SNS::Topic": "sns:{region}:{account}:{name}",
    "AWS::SQS::Queue": "sqs:{region}:{account}:{name}",
    "AWS::SecretsManager::Secret": "secretsmanager:{region}:{account}:secret:{name}-a1b2c3",
    "AWS::Serverless::Function": "lambda:{region}:{account}:function:{name}",
    "AWS::Serverless::StateMachine": "states:{region}:{account}:stateMachine:{name}",
}
# Whose Ref is the ARN, and not a name.
REF_IS_ARN = {"AWS::IAM::ManagedPolicy", "AWS::SNS::Topic", "AWS::SecretsManager::Secret"}


class Absent:
    """AWS::NoValue."""


@dataclass
class Rendered:
    """A template with its parameters."""

    template: Json
    given: dict[str, str] = field(default_factory=dict)
    region: str = "eu-central-1"
    partition: str = "aws"

    def __post_init__(self) -> None:
        unknown = set(self.given) - set(self.template["Parameters"])
        assert not unknown, f"the template has no parameters {unknown}"

    def parameter(self, name: str) -> str:
        """The value of a parameter."""
        return str(self.given.get(name, self.template["Parameters"][name].get("Default", "")))

    def arn(self, name: str) -> str:
        """The ARN of a resource."""
        shape = ARNS[self.template["Resources"][name]["Type"]]
        return f"arn:{self.partition}:" + shape.format(region=self.region, account=ACCOUNT, name=name)

    def made(self, name: str) -> bool:
        """Whether a resource is made."""
        condition = self.template["Resources"][name].get("Condition")
        return condition is None or self.holds(condition)

    def holds(self, condition: str) -> bool:
        """Whether a condition holds."""
        return bool(self.value(self.template["Conditions"][condition]))

    def broken_rules(self) -> list[str]:
        """The sentences of the rules that refuse these parameters."""
        told = []
        for rule in self.template.get("Rules", {}).values():
            if self.value(rule.get("RuleCondition", True)):
                asserted = rule["Assertions"]
                told += [each["AssertDescription"] for each in asserted if not self.value(each["Assert"])]
        return told

    def resource(self, name: str) -> Json:
        """The properties of a resource."""
        return dict(self.value(self.template["Resources"][name]["Properties"]))

    def statements(self, role: str) -> list[Json]:
        """All statements of a role: its policies and those of the template that it names. Or those of such a policy."""
        properties = self.resource(role)
        documents = [policy["PolicyDocument"] for policy in properties.get("Policies", [])]
        documents += [properties["PolicyDocument"]] if "PolicyDocument" in properties else []
        for arn in properties.get("ManagedPolicyArns", []):
            name = arn.split("/")[-1]
            if name in self.template["Resources"]:
                documents.append(self.resource(name)["PolicyDocument"])
        return [statement for document in documents for statement in document["Statement"]]

    def value(self, given: Any) -> Any:
        """A value without functions."""
        if isinstance(given, list):
            return [each for each in map(self.value, given) if each is not Absent]
        if not isinstance(given, dict):
            return given
        if len(given) == 1:
            [(name, inner)] = given.items()
            function = getattr(self, f"_{name.lower()}", None)
            if function is not None and name[0].isupper() and not isinstance(inner, type(None)):
                return function(inner)
        found = {key: self.value(inner) for key, inner in given.items()}
        return {key: inner for key, inner in found.items() if inner is not Absent}

    def _ref(self, name: str) -> Any:
        if name.startswith("AWS::"):
            pseudo = {"NoValue": Absent, "Partition": self.partition, "Region": self.region, "AccountId": ACCOUNT}
            return pseudo[name[5:]]
        if name in self.template["Parameters"]:
            return self.parameter(name)
        resource = self.template["Resources"][name]
        return self.arn(name) if resource["Type"] in REF_IS_ARN else name

    def _getatt(self, path: str) -> str:
        name, attribute = path.split(".", 1)
        return self.arn(name) if attribute == "Arn" else f"https://{name}.example/"

    def _sub(self, given: Any) -> str:
        text, variables = given if isinstance(given, list) else (given, {})

        def filled(match: re.Match[str]) -> str:
            name = match[1]
            if name in variables:
                return str(self.value(variables[name]))
            return str(self._getatt(name) if "." in name else self._ref(name))

        return re.sub(r"\$\{([A-Za-z0-9:.]+)\}", filled, text)

    def _if(self, given: list[Any]) -> Any:
        condition, yes, no = given
        return self.value(yes if self.holds(condition) else no)

    def _condition(self, name: str) -> bool:
        return self.holds(name)

    def _equals(self, given: list[Any]) -> bool:
        left, right = (str(self.value(side)) for side in given)
        return left == right

    def _not(self, given: list[Any]) -> bool:
        return not self.value(given[0])

    def _and(self, given: list[Any]) -> bool:
        return all(self.value(each) for each in given)

    def _or(self, given: list[Any]) -> bool:
        return any(self.value(each) for each in given)

    def _contains(self, given: list[Any]) -> bool:
        among, wanted = (self.value(each) for each in given)
        return wanted in among

    def _join(self, given: list[Any]) -> str:
        return str(given[0]).join(self.value(given[1]))

    def _split(self, given: list[Any]) -> list[str]:
        return str(self.value(given[1])).split(given[0])

    def _select(self, given: list[Any]) -> Any:
        return self.value(given[1])[int(given[0])]
