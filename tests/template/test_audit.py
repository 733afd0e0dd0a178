"""The statement that adds to the audit, as DynamoDB understands it: it adds, and never replaces."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from ministack import MiniStack
from rendering import Rendered
from world.templates import ROOT

TABLE = "deploy-hooks-StateTable-1ABC"


@pytest.fixture(scope="module")
def dynamodb(everything: Rendered, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """With a table as the template makes it."""
    ministack = MiniStack(tmp_path_factory.mktemp("ministack"))
    made = everything.resource("StateTable")
    wanted = {key: made[key] for key in ("BillingMode", "AttributeDefinitions", "KeySchema")}
    ministack.aws.dynamodb.create_table(TableName=TABLE, **wanted)
    yield ministack.aws.dynamodb
    ministack.stop()


def statement() -> str:
    """As the functions write it."""
    source = (ROOT / "crates/common/src/state.rs").read_text()
    [text] = re.findall(r'r#"(INSERT INTO .*?)"#', source)
    return text.replace("{{", "{").replace("}}", "}").replace('"{}"', f'"{TABLE}"')


def test_a_record_is_added_and_never_replaced(dynamodb: Any) -> None:
    def values(body: str) -> list[dict[str, str]]:
        return [{"S": "audit#1"}, {"S": "audit#2026"}, {"S": body}, {"N": "1"}, {"N": "1800000000"}]

    first = """{"comment": "it's \\"fine\\" ?"}"""
    dynamodb.execute_statement(Statement=statement(), Parameters=values(first))
    with pytest.raises(dynamodb.exceptions.DuplicateItemException):
        dynamodb.execute_statement(Statement=statement(), Parameters=values("{}"))
    [found] = dynamodb.query(
        TableName=TABLE, KeyConditionExpression="pk = :pk", ExpressionAttributeValues={":pk": {"S": "audit#1"}}
    )["Items"]
    assert found["body"] == {"S": first}
    assert (found["version"], found["expires_at"]) == ({"N": "1"}, {"N": "1800000000"})
