"""The function env-scheduler as the tests use it: invoked at any instant, its log, its metrics, its records."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from world import World
from world.approvals import BUCKET
from world.control import Json
from world.environments import KEY
from world.outcomes import wait_for

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Ran:
    """What an invocation returned."""

    failed: bool
    value: Any

    @property
    def done(self) -> Json:
        """How many of what were done."""
        assert not self.failed, self.value
        return dict(self.value["done"])

    @property
    def summary(self) -> str:
        """What people would read."""
        assert not self.failed, self.value
        return str(self.value["summary"])


class Nights:
    """The deployed function."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.name = world.stack.scheduler

    def run(self, action: str, at: datetime, **fields: Any) -> Ran:
        """Invokes as EventBridge Scheduler does, and waits for what it returns."""
        answer = self.world.aws.lambda_.invoke(FunctionName=self.name, Payload=event(action, at, fields))
        return Ran("FunctionError" in answer, json.loads(answer["Payload"].read()))

    def kill(self) -> None:
        """Ends what runs: a change of the function does."""
        lambda_ = self.world.aws.lambda_
        limit = lambda_.get_function_configuration(FunctionName=self.name)["Timeout"]
        lambda_.update_function_configuration(FunctionName=self.name, Timeout=limit)

    # What it wrote

    def log(self) -> list[Json]:
        """The JSON lines of the function's log group."""
        pages = self.world.aws.logs.get_paginator("filter_log_events").paginate(logGroupName=f"/aws/lambda/{self.name}")
        messages = [event["message"] for page in pages for event in page["events"]]
        lines = [line for message in messages for line in message.splitlines()]
        return [json.loads(line) for line in lines if line.startswith("{")]

    def metrics(self, name: str) -> list[float]:
        """The values of a metric, as CloudWatch reads them out of the log."""
        values = []
        for line in self.log():
            for directive in line.get("_aws", {}).get("CloudWatchMetrics", []):
                if name in [metric["Name"] for metric in directive["Metrics"]]:
                    values.append(float(line[name]))
        return values

    # What it remembers

    def record(self, place: str) -> Json | None:
        """The record of a service."""
        item = self.world.aws.dynamodb.get_item(Key=self._key(place), ConsistentRead=True, **self._table()).get("Item")
        return dict(json.loads(item["body"]["S"])) if item else None

    def phase(self, place: str) -> str:
        """How far a service is, as its record says."""
        record = self.record(place)
        return str(record["phase"]) if record else ""

    def forget(self, place: str) -> None:
        """Loses the record of a service."""
        self.world.aws.dynamodb.delete_item(Key=self._key(place), **self._table())

    def phases(self, cluster: str) -> dict[str, str]:
        """How far the services of a cluster are, by place."""
        bodies = [
            body for key, _, body in self._items() if key.startswith(f"service#{self.world.estate.arn(cluster)}/")
        ]
        return {body["arn"].rsplit("service/", 1)[1]: str(body["phase"]) for body in bodies}

    def requests(self) -> list[Json]:
        """What people asked for."""
        return [body for key, sort, body in self._items() if key == "environments" and sort.startswith("request#")]

    def _items(self) -> Iterator[tuple[str, str, Json]]:
        pages = self.world.aws.dynamodb.get_paginator("scan").paginate(ConsistentRead=True, **self._table())
        for page in pages:
            for item in page["Items"]:
                yield item["pk"]["S"], item["sk"]["S"], json.loads(item["body"]["S"])

    def wait_for_phase(self, place: str, phase: str, within: float = 40) -> Json:
        """Returns the record once it says so."""

        def reached() -> Json | None:
            record = self.record(place)
            return record if record and record["phase"] == phase else None

        return dict(wait_for(f"{place} to be {phase}", reached, within))

    def _table(self) -> dict[str, str]:
        return {"TableName": self.world.stack.environments_table}

    def _key(self, place: str) -> Json:
        return {"pk": {"S": f"service#{self.world.estate.arn(place)}"}, "sk": {"S": "sleep"}}

    # How it is set up

    @contextmanager
    def settings(self, **values: str) -> Iterator[None]:
        """The function has these environment variables, for as long as the block lasts."""
        lambda_ = self.world.aws.lambda_
        before = lambda_.get_function_configuration(FunctionName=self.name)["Environment"]["Variables"]
        lambda_.update_function_configuration(FunctionName=self.name, Environment={"Variables": before | values})
        try:
            yield
        finally:
            lambda_.update_function_configuration(FunctionName=self.name, Environment={"Variables": before})

    @contextmanager
    def timeout(self, seconds: int) -> Iterator[None]:
        """The function has this time limit, for as long as the block lasts."""
        lambda_ = self.world.aws.lambda_
        before = lambda_.get_function_configuration(FunctionName=self.name)["Timeout"]
        lambda_.update_function_configuration(FunctionName=self.name, Timeout=seconds)
        try:
            yield
        finally:
            lambda_.update_function_configuration(FunctionName=self.name, Timeout=before)

    @contextmanager
    def config(self, change: tuple[str, str]) -> Iterator[None]:
        """The configuration has another text in the place of one, for as long as the block lasts."""
        s3 = self.world.aws.s3
        before = s3.get_object(Bucket=BUCKET, Key=KEY)["Body"].read()
        changed = before.decode().replace(*change)
        assert changed != before.decode(), f"the configuration has no {change[0]!r}"
        s3.put_object(Bucket=BUCKET, Key=KEY, Body=changed.encode())
        try:
            yield
        finally:
            s3.put_object(Bucket=BUCKET, Key=KEY, Body=before)


def event(action: str, at: datetime, fields: Json) -> bytes:
    """What EventBridge Scheduler sends."""
    return json.dumps({"action": action, "at": instant(at)} | fields).encode()


def instant(at: datetime) -> str:
    """As EventBridge Scheduler writes instants."""
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"


def moment(text: str) -> datetime:
    """Reads an instant."""
    return datetime.fromisoformat(text)
