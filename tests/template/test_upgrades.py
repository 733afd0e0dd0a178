"""What an upgrade must never replace: what holds records, and what others have written down by its name."""

import json
from pathlib import Path

import pytest
from cfnlint.schema import PROVIDER_SCHEMA_MANAGER
from world.templates import Json

HELD = Path(__file__).with_name("never_replaced.json")
# Beside what CloudFormation says of each type: a changed key of a table needs another table.
KEYS = {"AWS::DynamoDB::Table": ("KeySchema", "AttributeDefinitions")}
TYPES = {"AWS::Serverless::Function": "AWS::Lambda::Function"}


def _never_replaced(resources: Json) -> Json:
    """Of what is retained and of the functions: each property whose change makes CloudFormation replace it."""
    found: Json = {}
    for name, made in resources.items():
        is_function = made["Type"] == "AWS::Serverless::Function"
        if made.get("DeletionPolicy") != "Retain" and not is_function:
            continue
        kind = TYPES.get(made["Type"], made["Type"])
        schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", kind).schema
        listed = [path.removeprefix("/properties/") for path in schema["createOnlyProperties"]]
        properties = made.get("Properties", {})
        names = [*listed, *KEYS.get(kind, ())]
        found[name] = {"Type": made["Type"]} | {key: properties[key] for key in names if key in properties}
    return found


def test_an_upgrade_replaces_nothing_that_holds_records_or_has_a_name(resources: Json) -> None:
    """A resource may be added to the file. One that is changed there is lost at the next upgrade of everybody."""
    assert _never_replaced(resources) == json.loads(HELD.read_text())


@pytest.mark.parametrize("change", ["name", "key", "type", "logical id"])
def test_a_change_that_would_replace_one_is_noticed(resources: Json, change: str) -> None:
    changed = json.loads(json.dumps(resources))
    match change:
        case "name":
            changed["PreTraffic"]["Properties"]["FunctionName"] = "another"
        case "key":
            changed["StateTable"]["Properties"]["KeySchema"][0]["AttributeName"] = "id"
        case "type":
            changed["StateTable"]["Type"] = "AWS::DynamoDB::GlobalTable"
        case _:
            changed["Reports"] = changed.pop("ReportBucket")
    assert _never_replaced(changed) != json.loads(HELD.read_text())


def test_what_is_retained_is_retained_at_replacement_too(resources: Json) -> None:
    retained = [made for made in resources.values() if made.get("DeletionPolicy") == "Retain"]
    assert len(retained) == 3
    assert all(made.get("UpdateReplacePolicy") == "Retain" for made in retained)


if __name__ == "__main__":
    from world import templates

    print(json.dumps(_never_replaced(templates.load(templates.TEMPLATE)["Resources"]), indent=2))
