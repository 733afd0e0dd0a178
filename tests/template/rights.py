"""Every right of every function, as a line of text: `rights.txt` holds them, so that each change is seen in review.

PYTHONPATH=tests:tests/template python tests/template/rights.py > tests/template/rights.txt
"""

import json
from pathlib import Path

from conftest import EVERYTHING
from iam import listed
from rendering import Rendered
from world import templates
from world.templates import Json

HELD = Path(__file__).with_name("rights.txt")


def lines(function: str, statements: list[Json]) -> list[str]:
    """What a function with these statements may do and must not, each action on each resource."""
    found = []
    for statement in statements:
        effect = "may" if statement["Effect"] == "Allow" else "must not"
        condition = json.dumps(statement["Condition"], sort_keys=True) if "Condition" in statement else ""
        for action in listed(statement["Action"]):
            for resource in listed(statement["Resource"]):
                text = f"{function} {effect} {action} on {resource}"
                found.append(f"{text} if {condition}" if condition else text)
    return sorted(found)


def functions(template: Json) -> list[str]:
    """The names of the functions."""
    return [name for name, made in template["Resources"].items() if made["Type"] == "AWS::Serverless::Function"]


def all_lines(rendered: Rendered) -> list[str]:
    """Those of all functions."""
    names = sorted(functions(rendered.template))
    return [line for name in names for line in lines(name, rendered.statements(f"{name}Role"))]


if __name__ == "__main__":
    print("\n".join(all_lines(Rendered(templates.load(templates.TEMPLATE), EVERYTHING))))
