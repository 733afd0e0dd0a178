"""Following a deployment by the timeline of local-aws, which no ordered fault can cut off."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from world.control import Control, Json

ENDED = {"Succeeded", "Failed", "Stopped"}


@dataclass(frozen=True)
class Seen:
    """An event of the timeline and when this process heard of it (`time.monotonic`)."""

    event: Json
    heard: float

    @property
    def kind(self) -> str:
        return str(self.event["kind"])

    @property
    def message(self) -> str:
        return str(self.event["message"])

    @property
    def detail(self) -> Json:
        return dict(self.event["detail"] or {})


class Follower:
    """Reads the timeline on from the moment it was made."""

    def __init__(self, control: Control) -> None:
        self._control = control
        self._next = control.events()[1]
        self.seen: list[Seen] = []

    def wait(self, what: str, wanted: Callable[[Seen], Any], within: float = 60) -> Seen:
        """The first event that is wanted, from the beginning on."""
        deadline = time.monotonic() + within
        looked_at = 0
        while True:
            for seen in self.seen[looked_at:]:
                looked_at += 1
                if wanted(seen):
                    return seen
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError(f"{what}: not in {within:.0f} s; the timeline so far:\n{self.told()}")
            events, self._next = self._control.events(self._next, wait=min(left, 20))
            heard = time.monotonic()
            self.seen += [Seen(event, heard) for event in events]

    def told(self) -> str:
        """What happened, in sentences."""
        return "\n".join(f"  {seen.kind}: {seen.message}" for seen in self.seen)

    def ended(self, deployment_id: str, within: float = 60) -> str:
        """Waits for the deployment's end, its rollback included; `Succeeded` or `Failed`."""
        end = self.wait(
            f"the end of {deployment_id}",
            lambda seen: _of(seen, deployment_id, "deployment") and seen.detail.get("status") in ENDED,
            within,
        )
        rollback = end.detail.get("rollback_deployment_id")
        if rollback:
            self.ended(str(rollback), within)
        return str(end.detail["status"])

    def called(self, deployment_id: str, event: str, within: float = 60) -> Seen:
        """Waits until the hook of a lifecycle event is called."""
        return self._hook(deployment_id, event, {"InProgress"}, within)

    def answered(self, deployment_id: str, event: str, within: float = 60) -> Seen:
        """Waits until the hook of a lifecycle event has answered."""
        return self._hook(deployment_id, event, {"Succeeded", "Failed"}, within)

    def _hook(self, deployment_id: str, event: str, statuses: set[str], within: float) -> Seen:
        return self.wait(
            f"the hook of {event}",
            lambda seen: (
                _of(seen, deployment_id, "hook")
                and seen.detail.get("lifecycle_event") == event
                and seen.detail.get("status") in statuses
            ),
            within,
        )

    def answers(self, deployment_id: str) -> list[tuple[str, str]]:
        """The answers that CodeDeploy has taken so far: lifecycle event and status."""
        return [
            (seen.detail["lifecycle_event"], seen.detail["status"])
            for seen in self.seen
            if _of(seen, deployment_id, "hook") and seen.detail.get("status") in {"Succeeded", "Failed"}
        ]

    def shift(self, deployment_id: str, percent: int, within: float = 60) -> Seen:
        """Waits until the production listener sends that share to the replacement."""
        made = self.wait(
            "the replacement task set",
            lambda seen: _of(seen, deployment_id, "task-set") and seen.detail.get("label") == "Green",
            within,
        )
        replacement = made.detail["target_group"]
        return self.wait(
            f"{percent} % of production traffic for {replacement}",
            lambda seen: (
                _of(seen, deployment_id, "traffic")
                and seen.detail["listener"] == "production"
                and seen.detail["weights"].get(replacement) == percent
            ),
            within,
        )


def _of(seen: Seen, deployment_id: str, kind: str) -> bool:
    return seen.event["deployment_id"] == deployment_id and seen.kind == kind
