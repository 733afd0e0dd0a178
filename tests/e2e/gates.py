"""The two functions as the tests use them: their names at CodeDeploy, their logs, their time limits."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from world import World
from world.control import Json

PRE = "AfterAllowTestTraffic"
POST = "AfterAllowTraffic"
STAGES = {"pre-traffic": PRE, "post-traffic": POST}
T = TypeVar("T")
# What operations that change nothing begin with.
READS = ("Describe", "Get", "List", "BatchGet", "Head")
ANSWER = "PutLifecycleEventHookExecutionStatus"


@dataclass(frozen=True)
class Result:
    """What a function returned to whoever invoked it and waited."""

    failed: bool
    value: Any


class Gates:
    """Both deployed functions."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.functions = {"pre-traffic": world.stack.pre_traffic, "post-traffic": world.stack.post_traffic}

    def hooks(self, *stages: str) -> dict[str, str]:
        """The hooks of an AppSpec with the gates of these stages only."""
        return {STAGES[stage]: self.functions[stage] for stage in stages}

    def invoke(self, stage: str, event: Json) -> Result:
        """Invokes a gate and waits for what it returns."""
        answer = self._world.aws.lambda_.invoke(
            FunctionName=self.functions[stage], InvocationType="RequestResponse", Payload=json.dumps(event).encode()
        )
        return Result("FunctionError" in answer, json.loads(answer["Payload"].read()))

    @contextmanager
    def timeout(self, seconds: int) -> Iterator[None]:
        """Both functions have this time limit, for as long as the block lasts."""
        lambda_ = self._world.aws.lambda_
        before = {
            name: lambda_.get_function_configuration(FunctionName=name)["Timeout"] for name in self.functions.values()
        }
        try:
            for name in before:
                lambda_.update_function_configuration(FunctionName=name, Timeout=seconds)
            yield
        finally:
            for name, was in before.items():
                lambda_.update_function_configuration(FunctionName=name, Timeout=was)

    def log(self, stage: str, deployment_id: str = "") -> list[Json]:
        """What the function wrote into its log group: the JSON lines but for metrics, of one deployment or of all."""
        return [line for line in self._lines(stage, deployment_id) if "_aws" not in line]

    def metrics(self, stage: str, deployment_id: str = "") -> list[Json]:
        """The lines that CloudWatch makes metrics of."""
        return [line for line in self._lines(stage, deployment_id) if "_aws" in line]

    def _lines(self, stage: str, deployment_id: str) -> list[Json]:
        lines = [json.loads(text) for text in self.raw_log(stage) if text.startswith("{")]
        return [line for line in lines if deployment_id in ("", line.get("correlation_id"))]

    def raw_log(self, stage: str) -> list[str]:
        """Every message in the function's log group."""
        logs = self._world.aws.logs
        group = f"/aws/lambda/{self.functions[stage]}"
        pages = logs.get_paginator("filter_log_events").paginate(logGroupName=group)
        events = [event["message"] for page in pages for event in page["events"]]
        return [line for message in events for line in message.splitlines()]

    def calls(self, after: int = 0) -> list[Json]:
        """The AWS calls that the functions made: by the only Rust SDK at the front door, or under their name."""
        ours = ("aws-sdk-rust", "deploy-hooks/")
        return [it for it in self._world.control.calls(after) if any(name in str(it["user_agent"]) for name in ours)]

    def changes_by(self, command: Callable[[], T]) -> tuple[T, set[str]]:
        """What `command` returns, and which calls that change something were made in each of its runs: a function of
        another test may make some meanwhile, but what the command changed, it would change each time."""
        for _ in range(5):
            before = max(call["seq"] for call in self._world.control.calls())
            returned = command()
            made = {call["operation"] for call in self.calls(before)}
            assert made, "it calls nothing at all"
            changes = {name for name in made if not name.startswith(READS)}
            if not changes:
                break
        return returned, changes
