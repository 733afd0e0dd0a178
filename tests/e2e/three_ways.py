"""One suite against one running release in three ways: on the command line, by an event run again by hand, and by the
deployed function. And what came of it, so that it can be compared."""

import difflib
import json
import re
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gates import Gates
from world import World, paths
from world.control import Json
from world.native import hook_function
from world.outcomes import wait_for
from world.servers import environment

PASSWORD = "correct-horse-battery"  # noqa: S105
# What ends a call of `deploy-hooks check` and `replay`, by what the evidence says.
EXIT_CODES = {"passed": 0, "failed": 1, "inconclusive": 2}
# Their values come from the address that the call is given.
ADDRESSES = ("url", "host")

# How long things took, where they were asked, and when.
_MASKS = [
    (re.compile(r"\b\d+(?:\.\d+)? ?(?:µs|ms|s)\b"), "TIME"),
    (re.compile(r"\b(?:127\.0\.0\.1|localhost):\d+"), "ADDRESS"),
    (re.compile(r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?:Z| UTC)?"), "INSTANT"),
]


@dataclass(frozen=True)
class Result:
    """A verdict, and what each check came to: with each expectation of each try."""

    verdict: Json
    checks: Json

    @classmethod
    def of(cls, report: Json) -> "Result":
        verdict = {key: report["verdict"][key] for key in ("passed", "conclusion", "reasons", "dry_run")}
        return cls(_masked(verdict), {check["name"]: _masked(_outcome(check)) for check in report["checks"]})

    def without(self, names: list[str]) -> Json:
        """The checks but for these."""
        return {name: outcome for name, outcome in self.checks.items() if name not in names}


def _outcome(check: Json) -> Json:
    tries = [
        {key: one[key] for key in ("measurement", "request", "status", "expectations", "error", "notes")}
        | {"steps": [_step(step) for step in one["steps"]], "body": one["body_excerpt"]}
        for one_round in check["rounds"]
        for one in one_round["tries"]
    ]
    what = ("measurement", "severity", "blocks", "detail", "strip", "tally", "definition", "tags")
    return {key: check[key] for key in what} | {"tries": tries}


def _step(step: Json) -> Json:
    what = ("name", "measurement", "request", "status", "expectations", "error", "notes", "captured", "body_excerpt")
    return {key: step[key] for key in what}


def _masked(value: Any) -> Any:
    match value:
        case str():
            for pattern, word in _MASKS:
                value = pattern.sub(word, value)
            return value
        case dict():
            return {key: _masked(inner) for key, inner in value.items()}
        case list():
            return [_masked(inner) for inner in value]
        case _:
            return value


def _assert_same(whose: str, one: Any, other: Any) -> None:
    lines = [json.dumps(value, indent=1, ensure_ascii=False).splitlines() for value in (one, other)]
    assert one == other, "\n".join([f"{whose} differ:", *difflib.unified_diff(*lines, lineterm="")])


@dataclass
class ThreeWays:
    """Runs the ways, on a release that its caller holds at a gate."""

    world: World
    gates: Gates
    # Checks that ask AWS; the command line leaves them out.
    gates_only: list[str] = field(default_factory=list)

    def run(self, suite: Path, stage: str, event: Json, function: Callable[[], Result] | None = None) -> Result:
        """All three, which must agree; returns what the function saw: called by hand, or as `function` says. The caller
        has its answer then."""
        replayed, report = self.replay(suite, stage, event)
        if any(check["name"] not in self.gates_only for check in report["checks"]):
            checked = self.check(suite, stage, report)
            _assert_same("check and replay", checked.checks, replayed.without(self.gates_only))
            if not self.gates_only:
                _assert_same("check and replay", checked.verdict, replayed.verdict)
        at_gate = function() if function else self.function(stage, event)
        _assert_same("the function and replay", at_gate.checks, replayed.checks)
        _assert_same("the function and replay", at_gate.verdict, replayed.verdict)
        return at_gate

    def check(self, suite: Path, stage: str, report: Json) -> Result:
        """`deploy-hooks check`, of a release of which it is told what a gate has found out."""
        target = report["target"]
        facts = [f"{name}={value}" for name, value in target.items() if name not in ADDRESSES]
        words = ["check", str(suite), "--url", target["url"], "--stage", stage, "--json"]
        if target.get("host", "") not in target["url"]:
            words += ["--host", target["host"]]
        words += [word for fact in facts for word in ("--target", fact)]
        words += [word for name in self.gates_only for word in ("--skip", name)]
        return Result.of(self._report(words))

    def replay(self, suite: Path, stage: str, event: Json) -> tuple[Result, Json]:
        """`deploy-hooks replay` of the caller's event."""
        file = self.world.home / "event.json"
        file.write_text(json.dumps(event))
        words = ["replay", str(file), "--suite", str(suite), "--stage", stage]
        report = self._report([*words, "--function", self.gates.functions[stage], "--time", "2m", "--json"])
        return Result.of(report), report

    def function(self, stage: str, event: Json) -> Result:
        """The deployed function, and the report that it has stored."""
        before = self._stored()
        result = self.gates.invoke(stage, event)
        assert not result.failed, result.value
        [key] = wait_for("the function's report", lambda: self._stored() - before)
        bucket = self.world.stack.report_bucket
        return Result.of(json.loads(self.world.aws.s3.get_object(Bucket=bucket, Key=key)["Body"].read()))

    def called_for(self, deployment: str, stage: str) -> Result:
        """The function that CodeDeploy itself has called for a deployment."""
        outcome = self.world.outcomes.wait(deployment, stage, 90)
        return Result.of(json.loads(self.world.outcomes.report(outcome)))

    def _stored(self) -> set[str]:
        pages = self.world.aws.s3.get_paginator("list_objects_v2").paginate(Bucket=self.world.stack.report_bucket)
        keys = (it["Key"] for page in pages for it in page.get("Contents", []))
        return {key for key in keys if key.endswith(".json") and not key.endswith("-so-far.json")}

    def _report(self, words: list[str]) -> Json:
        command = [str(paths.BINARIES / "deploy-hooks"), *words]
        env = environment(self.world.url, self.world.home) | {"SHOP_PASSWORD": PASSWORD}
        done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=180)
        assert done.stdout, f"{words} ended with {done.returncode}: {done.stderr}"
        said = json.loads(done.stdout)
        report = said.get("report", said)
        assert "verdict" in report, said
        conclusion = report["verdict"]["conclusion"]
        assert done.returncode == EXIT_CODES[conclusion], (done.returncode, conclusion, done.stderr)
        return dict(report)


class Held:
    """A function that is called at a gate's place, writes the call down, and never answers."""

    NAME = "CodeDeployHook_held"
    SOURCE = """\
import json

def handler(event, context):
    with open({notes!r}, "a") as notes:
        notes.write(json.dumps(event) + "\\n")
    return {{"hookStatus": "IN_PROGRESS", "callBackDelay": 3600}}
"""

    def __init__(self, world: World) -> None:
        self._notes = world.home / "held.jsonl"
        self.arn = hook_function(world.aws, self.NAME, self.SOURCE.format(notes=str(self._notes)))

    def event(self, of: str) -> Json:
        """The call in which this text is, such as the id of a deployment."""

        def found() -> Json | None:
            lines = self._notes.read_text().splitlines() if self._notes.exists() else []
            return next((json.loads(line) for line in lines if of in line), None)

        return dict(wait_for(f"the call of {of}", found, 60))
