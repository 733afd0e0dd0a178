"""Change sets as CloudFormation describes them, given to local-aws before a pipeline makes them."""

from collections.abc import Callable
from typing import Any

from world.control import Json
from world.pipeline import Pipeline

Prepare = Callable[[Pipeline], None]

REMOVED = "OrdersTable"
REPLACED = "Database"
ROLE = "DeployRole"


def change(action: str, logical_id: str, kind: str, replacement: str | None = None, *details: Json) -> Json:
    """One entry of `Changes`."""
    resource: Json = {
        "Action": action,
        "LogicalResourceId": logical_id,
        "ResourceType": kind,
        "Scope": ["Properties"] if action == "Modify" else [],
        "Details": list(details),
    }
    if action != "Add":
        resource["PhysicalResourceId"] = logical_id.lower()
    if replacement:
        resource["Replacement"] = replacement
    return {"Type": "Resource", "ResourceChange": resource}


def detail(name: str, recreation: str, before: str = "", after: str = "") -> Json:
    """One property that changes."""
    target = {"Attribute": "Properties", "Name": name, "RequiresRecreation": recreation}
    if before or after:
        target |= {"BeforeValue": before, "AfterValue": after}
    return {"Target": target, "Evaluation": "Static", "ChangeSource": "DirectModification"}


def harmless(count: int, prefix: str = "Parameter") -> list[Json]:
    """As many additions."""
    return [change("Add", f"{prefix}{number:03}", "AWS::SSM::Parameter") for number in range(count)]


def dangerous() -> list[Json]:
    """One of each kind that people must see first."""
    return [
        change("Modify", ROLE, "AWS::IAM::Role", "False", detail("Policies", "Never", "{}", '{"Action": "*"}')),
        change("Modify", REPLACED, "AWS::RDS::DBInstance", "True", detail("Engine", "Always", "mysql", "postgres")),
        change("Remove", REMOVED, "AWS::DynamoDB::Table"),
    ]


def big_change_set(count: int, nested: bool = False) -> Prepare:
    """A set of `count` changes for the pipeline's stack, the dangerous ones last; some in a nested stack."""

    def prepare(pipeline: Pipeline) -> None:
        inner = harmless(count // 2, "Inner") + dangerous() if nested else []
        outer = harmless(count - count // 2 - 6, "Outer") if nested else harmless(count - 3) + dangerous()
        pipeline.change_set(outer, inner)

    return prepare


def logical_ids(changes: list[Json]) -> list[Any]:
    """Their names."""
    return [entry["ResourceChange"]["LogicalResourceId"] for entry in changes]
