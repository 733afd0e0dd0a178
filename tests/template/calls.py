"""Which operations of AWS the Rust sources call, as IAM names their actions.

Read from the text: a method of an SDK client has the operation's name, so `.put_object()` in a file that has to do with
S3 is `s3:PutObject`. Operations whose action has another name are listed."""

import re
from functools import cache
from pathlib import Path

import botocore.loaders
from botocore import xform_name
from world.paths import ROOT

# The accessor in `common::aws` or the SDK crate: botocore's name, IAM's prefix.
SERVICES = {
    "codedeploy": ("codedeploy", "codedeploy"),
    "codepipeline": ("codepipeline", "codepipeline"),
    "ecs": ("ecs", "ecs"),
    "eventbridge": ("events", "events"),
    "s3": ("s3", "s3"),
    "sns": ("sns", "sns"),
    "sts": ("sts", "sts"),
}
# Services that are called without an SDK crate: the constant in `common::json_api`, `query_api` or `rest_api`.
JSON_SERVICES = {
    "APPLICATION_AUTO_SCALING": ("application-autoscaling", "application-autoscaling"),
    "AUTO_SCALING": ("autoscaling", "autoscaling"),
    "BEDROCK_AGENTCORE": ("bedrock-agentcore", "bedrock-agentcore"),
    "BEDROCK_RUNTIME": ("bedrock-runtime", "bedrock"),
    "CLOUD_FORMATION": ("cloudformation", "cloudformation"),
    "CLOUDWATCH": ("cloudwatch", "cloudwatch"),
    "DYNAMODB": ("dynamodb", "dynamodb"),
    "ECR": ("ecr", "ecr"),
    "ELASTIC_LOAD_BALANCING": ("elbv2", "elasticloadbalancing"),
    "EVENTS": ("events", "events"),
    "LAMBDA": ("lambda", "lambda"),
    "LOGS": ("logs", "logs"),
    "RDS": ("rds", "rds"),
    "SCHEDULER": ("scheduler", "scheduler"),
    "SECRETS_MANAGER": ("secretsmanager", "secretsmanager"),
    "SES": ("sesv2", "ses"),
    "SSM": ("ssm", "ssm"),
}
# `NAME_page` calls the service of that name for a page of its answer.
JSON_CALLS = (
    "json_api::call(",
    "json_api::list::<",
    "query_api::call(",
    "query_api::list::<",
    "query_api::read",
    "rest_api::call(",
    "cloudwatch_page(",
    # Of `environments`, with the action in place of the operation.
    ".call_json(",
    ".call_query(",
    "rds::change(",
)
# What makes one call only, and is no method of a client.
INVOCATION = "lambda_invoke::invoke_"
OTHER_NAMES = {
    "bedrock:Converse": {"bedrock:InvokeModel"},
    "lambda:Invoke": {"lambda:InvokeFunction"},
    "s3:ListObjectsV2": {"s3:ListBucket"},
    "dynamodb:ExecuteStatement": {"dynamodb:PartiQLInsert"},
}
# Names that two services of one file share; only the other one's is called.
NOT_CALLED = {"application-autoscaling:TagResource", "application-autoscaling:UntagResource"}
# A module of tests within a file is the last thing in it.
TESTS = re.compile(r"#\[cfg\(test\)\]\s*mod \w+ \{.*", re.DOTALL)


def called(*places: str) -> set[str]:
    """The actions that the files at these places of the project call; a place that starts with `-` is left out."""
    left_out = {file for place in places if place.startswith("-") for file in _files(place[1:])}
    files = {file for place in places if not place.startswith("-") for file in _files(place)}
    return {action for file in files - left_out for action in _calls(file)} - NOT_CALLED


def _files(place: str) -> list[Path]:
    path = ROOT / place
    assert path.exists(), place
    found = [path] if path.is_file() else sorted(path.rglob("*.rs"))
    return [file for file in found if "test" not in file.name]


def _calls(file: Path) -> set[str]:
    text = TESTS.sub("", file.read_text())
    methods = set(re.findall(r"\.\s*([a-z][a-z0-9_]+)\(\)", text))
    found: set[str] = set()
    for service, (model, prefix) in SERVICES.items():
        if re.search(rf"\baws_sdk_{service}\b|\.\s*{service}\(\)", text):
            for operation in OPERATIONS[model]:
                if xform_name(operation) in methods:
                    name = f"{prefix}:{operation}"
                    found |= OTHER_NAMES.get(name, {name})
    for name in re.findall(r"\bcommon::ecs::(\w+)\(", text):
        found |= _shared()[name]
    if INVOCATION in text:
        found |= OTHER_NAMES["lambda:Invoke"]
    return found | _json_calls(text)


def _json_calls(text: str) -> set[str]:
    """The actions of services that are called without an SDK crate."""
    found: set[str] = set()
    if any(call in text for call in JSON_CALLS):
        named = set(re.findall(r'"(?:[a-z-]+:)?([A-Z][A-Za-z]+)"', text))
        for constant, (model, prefix) in JSON_SERVICES.items():
            if re.search(rf"\b{constant}\b|\b{constant.lower()}_page\(", text):
                for operation in OPERATIONS[model]:
                    name = f"{prefix}:{operation}"
                    found |= OTHER_NAMES.get(name, {name}) if operation in named else set()
    return found


@cache
def _shared() -> dict[str, set[str]]:
    """What each look-up of `common::ecs` calls."""
    text = (ROOT / "crates/common/src/ecs.rs").read_text()
    found: dict[str, set[str]] = {}
    for part in text.split("\npub async fn ")[1:]:
        methods = set(re.findall(r"\.\s*([a-z][a-z0-9_]+)\(\)", part))
        name = part.split("(", 1)[0]
        found[name] = {f"ecs:{operation}" for operation in OPERATIONS["ecs"] if xform_name(operation) in methods}
        assert found[name], f"{name} calls nothing"
    return found


def _operations(model: str) -> list[str]:
    return list(botocore.loaders.Loader().load_service_model(model, "service-2")["operations"])


OPERATIONS = {model: _operations(model) for model, _ in (*SERVICES.values(), *JSON_SERVICES.values())}
