"""Reads CloudFormation templates as they are written."""

from pathlib import Path
from typing import Any

import yaml

from world.paths import ROOT

Json = dict[str, Any]
TEMPLATE = ROOT / "template.yaml"
TARGET_ROLE = ROOT / "docs" / "environments-target-role.yaml"


class _Loader(yaml.SafeLoader):
    """YAML with CloudFormation's short forms: `!Ref x` is `{"Ref": "x"}`."""


def _function(loader: _Loader, name: str, node: yaml.Node) -> Json:
    value: Any
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)
    return {name: value}


_Loader.add_multi_constructor("!", _function)


def load(path: Path) -> Json:
    """A template."""
    return dict(yaml.load(path.read_text(), _Loader))  # noqa: S506


def policies(made: Json) -> list[Json]:
    """The documents of a role or a policy."""
    properties = made["Properties"]
    found = [policy["PolicyDocument"] for policy in properties.get("Policies", [])]
    return found + ([properties["PolicyDocument"]] if "PolicyDocument" in properties else [])


def statements(resources: Json, *names: str) -> list[Json]:
    """The statements of roles and policies, conditional ones included."""
    documents = [document for name in names for document in policies(resources[name])]
    return [s["If"][1] if "If" in s else s for document in documents for s in document["Statement"]]


def actions(statement: Json) -> list[str]:
    """What a statement allows."""
    found = statement["Action"]
    return list(found) if isinstance(found, list) else [found]
