"""What IAM says of a request, after the rules of its policy evaluation: a Deny wins, what nothing allows is refused.

Knows the elements and the condition operators that the templates use, and refuses others, so that none is passed over.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from world.templates import Json

Context = Mapping[str, str | Sequence[str]]
ELEMENTS = {"Sid", "Effect", "Action", "Resource", "Condition"}


@dataclass(frozen=True)
class Request:
    """What somebody wants to do, and what the service says of it."""

    action: str
    resource: str
    context: Context = field(default_factory=dict)


def allows(statements: list[Json], request: Request) -> bool:
    """Whether a role with these statements may do it."""
    fitting = [statement for statement in statements if _fits(statement, request)]
    return bool(fitting) and all(statement["Effect"] == "Allow" for statement in fitting)


def _fits(statement: Json, request: Request) -> bool:
    assert set(statement) <= ELEMENTS, f"an element that is not understood: {statement}"
    return (
        any(_like(pattern, request.action, ignoring_case=True) for pattern in listed(statement["Action"]))
        and any(_like(pattern, request.resource) for pattern in listed(statement["Resource"]))
        and all(_holds(operator, keys, request) for operator, keys in statement.get("Condition", {}).items())
    )


def listed(value: str | list[str]) -> list[str]:
    """One or several, as a list."""
    return value if isinstance(value, list) else [value]


def _holds(operator: str, keys: Json, request: Request) -> bool:
    return all(_key_holds(operator, key, [str(v) for v in listed(wanted)], request) for key, wanted in keys.items())


def _key_holds(operator: str, key: str, wanted: list[str], request: Request) -> bool:
    found = request.context.get(key)
    if operator == "Null":
        return (found is None) == (wanted == ["true"])
    if "Not" in operator:
        # What isn't there equals nothing.
        return not _key_holds(operator.replace("Not", ""), key, wanted, request)
    quantifier, operator = operator.split(":") if ":" in operator else ("", operator)
    if operator.endswith("IfExists"):
        if found is None:
            return True
        operator = operator.removesuffix("IfExists")
    matches = OPERATORS[operator]
    values = [] if found is None else listed(found if isinstance(found, str) else list(found))
    if quantifier == "ForAllValues":
        return all(any(matches(pattern, value) for pattern in wanted) for value in values)
    assert quantifier in ("", "ForAnyValue"), quantifier
    return any(matches(pattern, value) for value in values for pattern in wanted)


def _like(pattern: str, value: str, ignoring_case: bool = False) -> bool:
    text = "".join({"*": ".*", "?": "."}.get(char, re.escape(char)) for char in pattern)
    return re.fullmatch(text, value, re.DOTALL | (re.IGNORECASE if ignoring_case else 0)) is not None


OPERATORS: dict[str, Callable[[str, str], bool]] = {
    "StringEquals": lambda pattern, value: pattern == value,
    "StringLike": _like,
    "ArnLike": _like,
    "ArnEquals": _like,
    "Bool": lambda pattern, value: pattern.lower() == value.lower(),
}
