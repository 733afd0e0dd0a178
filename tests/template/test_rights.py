"""What each function may do: what it calls and nothing else, as docs/operating.md says."""

import json
import re
from collections import Counter
from functools import cache
from typing import Any

import pytest
import rights
from calls import called
from conftest import EVERYTHING
from iam import listed
from rendering import Rendered
from world import templates
from world.templates import ROOT, TARGET_ROLE, Json

COMMON = ("crates/common/src/location.rs", "crates/common/src/stored_values.rs")
STATE = "crates/common/src/state.rs"
GATE = (
    # Without what only the command line asks.
    *("crates/hook/src", "-crates/hook/src/deployed"),
    *("-crates/hook/src/codedeploy/deployed.rs", "-crates/hook/src/ecs/deployed.rs"),
    *("crates/codepipeline-job/src", "crates/common/src/notify.rs", *COMMON),
)
# What people answered and overrode: three calls of `common::state`.
ANSWERS = ("crates/gate-question/src",)
STATE_OF_GATES = {"dynamodb:GetItem", "dynamodb:Query", "dynamodb:PartiQLInsert"}
# The sources whose calls a function makes.
SOURCES = {
    "PreTraffic": ("crates/pre-traffic/src", *GATE, *ANSWERS),
    "PostTraffic": ("crates/post-traffic/src", *GATE, *ANSWERS),
    # Artifacts are read by the credentials that the job carries.
    "DeployAction": (
        *("crates/deploy-action/src", "-crates/deploy-action/src/artifact.rs", "crates/codepipeline-job/src"),
        # What only a dry run of the command line reads.
        *("crates/ecs-deploy/src", "-crates/ecs-deploy/src/task_definition.rs"),
    ),
    "ApprovalNotifier": (
        *("crates/approval-notifier/src", "crates/approvals/src", "crates/briefing/src", "crates/channels/src"),
        *("-crates/approvals/src/pipeline/put.rs", "-crates/approvals/src/ecs/answer.rs"),
        *("crates/signing/src", "crates/ledger/src", "crates/gate-question/src", STATE, *COMMON),
    ),
    "ApprovalDecision": (
        *("crates/approval-decision/src", "crates/approvals/src"),
        *("crates/briefing/src/change_sets", "crates/briefing/src/ecs/shown.rs"),
        *("crates/function-url/src", "crates/signing/src", "crates/ledger/src", STATE, *COMMON),
    ),
    "EnvScheduler": (
        *("crates/env-scheduler/src", "crates/environments/src", "crates/channels/src", "crates/function-url/src"),
        *("crates/signing/src", "crates/ledger/src", "crates/common/src/notify.rs", STATE, *COMMON),
    ),
}
# A WebSocket, which no call of the API opens.
STREAM = {"bedrock-agentcore:ConnectBrowserAutomationStream"}
LOGS = {"logs:CreateLogStream", "logs:PutLogEvents"}
# Not called by us, and needed all the same; docs/operating.md says why.
NOT_CALLED = {
    "PreTraffic": LOGS
    | STATE_OF_GATES
    | {"s3:ListBucket", "s3:GetObjectVersion", "kms:Decrypt", "kms:GenerateDataKey"}
    | {"iam:PassRole", "ecs:TagResource"}
    | STREAM,
    "PostTraffic": LOGS
    | STATE_OF_GATES
    | {"s3:ListBucket", "s3:GetObjectVersion", "kms:Decrypt", "kms:GenerateDataKey"}
    | {"iam:PassRole", "ecs:TagResource"}
    | STREAM,
    "DeployAction": LOGS | {"iam:PassRole", "ecs:TagResource"},
    "ApprovalNotifier": LOGS | {"iam:PassRole", "sqs:SendMessage", "kms:Decrypt", "kms:GenerateDataKey"},
    "ApprovalDecision": LOGS | {"s3:ListBucket", "sqs:SendMessage", "kms:Decrypt", "kms:GenerateDataKey"},
    "EnvScheduler": LOGS | {"s3:ListBucket", "sqs:SendMessage", "kms:Decrypt", "kms:GenerateDataKey"},
}
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html: blanks don't count.
INLINE_SIZE = 10240
MANAGED_SIZE = 6144


def _actions(statements: list[Json]) -> set[str]:
    return {action for each in statements if each["Effect"] == "Allow" for action in listed(each["Action"])}


def _allowed(rendered: Rendered, role: str) -> set[str]:
    return _actions(rendered.statements(role))


@cache
def _calls(function: str) -> frozenset[str]:
    return frozenset(called(*SOURCES[function]))


@cache
def _held(function: str) -> list[str]:
    return [line for line in rights.HELD.read_text().splitlines() if line.startswith(f"{function} ")]


def _problems(function: str, statements: list[Json]) -> list[str]:
    """What is wrong with the statements of a function."""
    calls, allowed = _calls(function), _actions(statements)
    # Some stand twice, as two parameters can name one thing.
    lines, held = Counter(rights.lines(function, statements)), Counter(_held(function))
    return [
        *(f"{action} is called, but not allowed" for action in sorted(calls - allowed)),
        *(f"{action} is allowed, but not called" for action in sorted(allowed - calls - NOT_CALLED[function])),
        *(f"{action} is needed, but not allowed" for action in sorted(NOT_CALLED[function] - allowed)),
        *(f"not in rights.txt: {line}" for line in (lines - held).elements()),
        *(f"only in rights.txt: {line}" for line in (held - lines).elements()),
    ]


def test_every_function_is_accounted_for(template: Json) -> None:
    assert sorted(SOURCES) == sorted(NOT_CALLED) == sorted(rights.functions(template))


@pytest.mark.parametrize("function", SOURCES)
def test_a_function_may_do_what_it_calls_and_nothing_else(everything: Rendered, function: str) -> None:
    problems = _problems(function, everything.statements(f"{function}Role"))
    assert problems == [], rights.__doc__


@pytest.mark.parametrize("function", SOURCES)
def test_a_right_that_is_missing_or_one_too_many_is_noticed(everything: Rendered, function: str) -> None:
    """Each action of each statement is taken away in turn, each statement gets one more, and each a wider resource."""
    statements = everything.statements(f"{function}Role")
    tried = 0
    for number, statement in enumerate(statements):
        actions = listed(statement["Action"])
        for action in actions:
            left = [each for each in actions if each != action]
            assert _problems(function, _with(statements, number, Action=left)), f"{action} is not missed"
        for more in ("iam:CreateUser", "s3:DeleteObject", f"{actions[0].split(':')[0]}:*"):
            assert _problems(function, _with(statements, number, Action=[*actions, more])), f"{more} is not noticed"
        if statement["Resource"] != "*":
            assert _problems(function, _with(statements, number, Resource="*")), f"{actions} on all is not noticed"
        if "Condition" in statement:
            assert _problems(function, _with(statements, number, Condition={})), f"{actions} without its condition"
        tried += len(actions)
    assert tried >= len(_calls(function))
    # What is called is derived from the sources, and not only from what is held.
    for action in _calls(function):
        without = [_without(each, action) for each in statements]
        assert f"{action} is called, but not allowed" in _problems(function, without)


def _with(statements: list[Json], number: int, **changed: object) -> list[Json]:
    return [each | changed if at == number else each for at, each in enumerate(statements)]


def _without(statement: Json, action: str) -> Json:
    return statement | {"Action": [each for each in listed(statement["Action"]) if each != action]}


@pytest.mark.parametrize("function", SOURCES)
def test_the_docs_say_what_a_function_may_do(everything: Rendered, function: str) -> None:
    assert _documented(function) == _allowed(everything, f"{function}Role")


def _documented(function: str) -> set[str]:
    """The actions in the table of a function under `## What each function may do`."""
    text = (ROOT / "docs/operating.md").read_text()
    section = text.split("\n## What each function may do\n")[1].split("\n## ")[0]
    found: set[str] = set()
    for part in section.split("\n### ")[1:]:
        if f"`{function}`" in part.splitlines()[0]:
            rows = [line.split("|") for line in part.splitlines() if line.startswith("| `")]
            found |= {action for row in rows for action in re.findall(r"`([a-z0-9-]+:[A-Za-z0-9]+)`", row[1])}
    return found


def test_the_docs_list_the_endpoints_that_a_gate_needs_in_a_vpc() -> None:
    text = (ROOT / "docs/operating.md").read_text()
    section = text.split("\n## Endpoints of a VPC\n")[1].split("\n## ")[0]
    listed_services = re.findall(r"^\| `([a-z0-9-]+)` \| `[a-z0-9.-]+`", section, re.MULTILINE)
    services = {action.split(":")[0] for gate in ("PreTraffic", "PostTraffic") for action in _calls(gate)}
    assert sorted(listed_services) == sorted(services | {"dynamodb"}), "the state table is called through common::state"


def _longest(template: Json, name: str) -> str:
    """As long as a parameter may be, with as many entries as fit: each costs its quotation marks."""
    parameter = template["Parameters"][name]
    length = parameter["MaxLength"]
    example = EVERYTHING.get(name) or {"ApplicationPattern": "*", "PipelinePattern": "*"}[name]
    if name.endswith("Arns") or name.endswith("Roles"):
        service = example.split(":")[2]
        rest = "::1:role/r" if service == "iam" else ":r"
        entry = f"arn:a:{service}{rest}"
    elif name in ("EnvironmentsClusters", "EnvironmentsDatabases", "EnvironmentsGroups"):
        entry = "a" * (length // 12 - 1)
    else:
        filled = example.removesuffix("*") + "x" * (length - len(example))
        assert re.search(parameter["AllowedPattern"], filled), name
        return filled
    text = ",".join([entry] * ((length + 1) // (len(entry) + 1)))
    text += "x" * (length - len(text))
    assert re.search(parameter["AllowedPattern"], text), (name, text)
    return text


def _size(document: Json) -> int:
    return len(re.sub(r"\s", "", json.dumps(document, separators=(",", ":"))))


def _sizes(rendered: Rendered) -> dict[str, tuple[int, int]]:
    """How large what counts together is, and how large it may be."""
    found: dict[str, tuple[int, int]] = {}
    for name, made in rendered.template["Resources"].items():
        if made["Type"] == "AWS::IAM::ManagedPolicy":
            found[name] = (_size(rendered.resource(name)["PolicyDocument"]), MANAGED_SIZE)
        elif made["Type"] == "AWS::IAM::Role":
            policies = rendered.resource(name).get("Policies", [])
            found[name] = (sum(_size(policy["PolicyDocument"]) for policy in policies), INLINE_SIZE)
    return found


def _in_policies(value: Any) -> set[str]:
    """The parameters and conditions that something names."""
    text = json.dumps(value)
    return set(re.findall(r'"Ref": "(\w+)"', text)) | set(re.findall(r"\$\{(\w+)\}", text))


def test_policies_fit_with_the_longest_parameters(template: Json) -> None:
    owners = [
        made for made in template["Resources"].values() if made["Type"] in ("AWS::IAM::Role", "AWS::IAM::ManagedPolicy")
    ]
    named = {name for made in owners for name in _in_policies(made) if name in template["Parameters"]}
    named -= {"FunctionNameSuffix", "ReportPrefix", "PermissionsBoundaryArn"}
    unbounded = [name for name in sorted(named) if "MaxLength" not in template["Parameters"][name]]
    assert unbounded == []
    given = {name: _longest(template, name) for name in named}
    rendered = Rendered(template, EVERYTHING | given, region="ap-southeast-1", partition="aws-us-gov")
    assert {name: size for name, size in _sizes(rendered).items() if size[0] > size[1] * 0.98} == {}


def test_the_policies_of_other_accounts_fit_too() -> None:
    template = templates.load(TARGET_ROLE)
    given = {name: ",".join(["a" * 32] * 12) for name in ("Clusters", "Databases", "Groups")}
    given["SchedulerRoleArn"] = "arn:aws:iam::111122223333:role/r"
    rendered = Rendered(template, given, partition="aws-us-gov")
    assert {name: size for name, size in _sizes(rendered).items() if size[0] > size[1] * 0.98} == {}


def test_no_statement_says_nothing_and_each_has_a_name_of_its_own(everything: Rendered) -> None:
    for name, made in everything.template["Resources"].items():
        if made["Type"] == "AWS::IAM::Role":
            names = [statement.get("Sid") for statement in everything.statements(name)]
            names = [sid for sid in names if sid and sid != "LeaveWhatIsProtected"]
            assert len(names) == len(set(names)), name
