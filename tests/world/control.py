"""The control API of local-aws: its clock, its timeline, the calls it saw, and faults to order."""

import http.client
import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any
from urllib.parse import urlencode, urlsplit

Json = dict[str, Any]
# A night's work is done when the clock has been put forward over it.
ADVANCE_WITHIN = 300.0


class ControlError(Exception):
    """The control API refused."""


class Control:
    """One connection a call, so that it may be used from several threads."""

    def __init__(self, url: str) -> None:
        self._address = urlsplit(url).netloc

    def healthy(self) -> bool:
        """Whether local-aws answers."""
        try:
            return self._call("GET", "health")["status"] == "ok"
        except (OSError, http.client.HTTPException, ControlError):
            return False

    def advance(self, seconds: float, rates: str = "last") -> None:
        """Puts the virtual clock forward; whoever sleeps in virtual time wakes in order.

        Schedules are delivered meanwhile, and their functions waited for; of `rate(…)` ones `every`, the `last` or
        `none`.
        """
        self._call("POST", "clock", {"advance_seconds": seconds, "rates": rates}, timeout=ADVANCE_WITHIN)

    def offset(self) -> float:
        """How many seconds virtual time is ahead of real time."""
        return float(self._call("GET", "clock")["offset_seconds"])

    def events(self, after: int = 0, wait: float = 0.0) -> tuple[list[Json], int]:
        """The timeline after an event, waiting for one if there is none; and where to go on."""
        answer = self._call("GET", f"events?{urlencode({'after': after, 'wait': wait})}", timeout=wait + 30)
        return answer["events"], answer["next"]

    def calls(self, after: int = 0, service: str = "", operation: str = "") -> list[Json]:
        """The AWS calls seen at the front door."""
        query = urlencode({"after": after, "service": service, "operation": operation})
        return list(self._call("GET", f"calls?{query}")["calls"])

    def sinks(self, after: int = 0, service: str = "") -> list[Json]:
        """The messages that the sinks got."""
        query = {"after": after} | ({"service": service} if service else {})
        return list(self._call("GET", f"sinks?{urlencode(query)}")["messages"])

    def set_up_sinks(self, **known: Any) -> None:
        """What the sinks know: `slack_tokens`, `slack_channels`, `webhook_secrets`."""
        self._call("POST", "sinks", known)

    def commit(self, commit: Json) -> None:
        """A branch of a repository behind a connection moves on."""
        self._call("POST", "commits", commit)

    def change_set(self, definition: Json) -> str:
        """Defines what a change set holds, and makes it; returns its id."""
        return str(self._call("POST", "change-sets", definition)["id"])

    def lag(self, place: str, start: float = 0, stop: float = 0) -> None:
        """How many virtual seconds the tasks of a service (`cluster/name`) take, if they are no processes."""
        cluster, service = place.split("/")
        self._call(
            "POST", "lag", {"cluster": cluster, "service": service, "start_seconds": start, "stop_seconds": stop}
        )

    def authority(self) -> str:
        """The certificate, as PEM, of the authority that signs those of HTTPS listeners."""
        return str(self._call("GET", "authority")["pem"])

    def alarm(self, place: str, direction: str) -> Json:
        """An alarm of a scaling policy goes off, which wants more tasks (`out`) or fewer (`in`); what it came to."""
        return self._call("POST", "alarms", {"resource_id": f"service/{place}", "direction": direction})

    def browser_sessions(self) -> list[Json]:
        """The sessions of browsers in AgentCore so far."""
        return list(self._call("GET", "browser-sessions")["sessions"])

    @contextmanager
    def model(self, turns: list[Json]) -> Iterator[None]:
        """A model says this, turn by turn, for as long as the block lasts."""
        self._call("POST", "model", {"turns": turns})
        try:
            yield
        finally:
            self._call("DELETE", "model")

    def model_calls(self) -> list[Json]:
        """What it was asked."""
        return list(self._call("GET", "model")["calls"])

    @contextmanager
    def throttled(self, *buckets: Json) -> Iterator[None]:
        """Calls draw on the token buckets of AWS, or on these instead, for as long as the block lasts."""
        self._call("POST", "throttles", {"buckets": list(buckets)})
        try:
            yield
        finally:
            self._call("DELETE", "throttles")

    def buckets(self) -> dict[str, Json]:
        """What the token buckets have seen, by their names."""
        return {bucket["name"]: bucket for bucket in self._call("GET", "throttles")["buckets"]}

    @contextmanager
    def fault(self, service: str, operation: str, **how: Any) -> Iterator[None]:
        """Lets calls fail, hang or be cut off, for as long as the block lasts."""
        fault = self._call("POST", "faults", {"service": service, "operation": operation, **how})["id"]
        try:
            yield
        finally:
            # It may be used up (`times`) and gone.
            with suppress(ControlError):
                self._call("DELETE", f"faults/{fault}")

    def _call(self, method: str, path: str, body: Json | None = None, timeout: float = 30) -> Json:
        connection = http.client.HTTPConnection(self._address, timeout=timeout)
        try:
            connection.request(method, f"/_local/{path}", body=json.dumps(body) if body is not None else None)
            answer = connection.getresponse()
            value = json.loads(answer.read())
        finally:
            connection.close()
        if answer.status != 200:
            raise ControlError(f"{method} /_local/{path} answered {answer.status}: {value.get('error')}")
        return dict(value)
