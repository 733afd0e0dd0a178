"""Plays one release: deploys it, tells what happens, and lets virtual time pass where a deployment waits."""

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from world import World
from world.outcomes import Outcome
from world.shop import Shop

from demo.customers import USER_AGENT, Customers, spoken
from demo.screen import Screen, spoken_time
from demo.stories import Story

ENDED = {"Succeeded", "Failed", "Stopped"}
# So long real customers use the canary before the clock is put forward.
CANARY_SECONDS = 6.0
CANARY_MINUTES = 5
# So long customers are watched after the end of a deployment.
AFTERMATH_SECONDS = 2.0
# A release ends long before, or something is wrong.
WITHIN = 120.0


@dataclass
class Played:
    """What became of a release."""

    story: Story
    deployment_id: str = ""
    status: str = ""
    asked: set[str] = field(default_factory=set)
    answers: dict[str, str] = field(default_factory=dict)
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    error: str = ""
    canary_share: float | None = None
    rolled_back: bool = False
    seconds_until_back: float | None = None
    # Production requests that customers made meanwhile, by version and status.
    served: dict[str, Counter[int]] = field(default_factory=dict)
    serving_afterwards: set[str] = field(default_factory=set)
    got: Counter[int] = field(default_factory=Counter)
    seconds: float = 0.0


@dataclass(frozen=True)
class Stage:
    """Where releases are played."""

    world: World
    shop: Shop
    customers: Customers
    screen: Screen


class Play:
    """One release on the stage."""

    def __init__(
        self,
        stage: Stage,
        story: Story,
        start: Callable[[], str] | None = None,
    ) -> None:
        """`start` starts the deployment and returns its id; without it, CodeDeploy is called."""
        self._world, self._shop, self._customers, self._screen = stage.world, stage.shop, stage.customers, stage.screen
        self._start = start or (lambda: self._shop.deploy(story.release))
        self._played = Played(story)
        self._called: dict[str, float] = {}
        self._verdict_at = 0.0
        self._rollback = ""

    def play(self) -> Played:
        """Plays it to its end."""
        played, release = self._played, self._played.story.release
        began = time.time()
        _, seen = self._world.control.events()
        played.deployment_id = self._start()
        while not self._over():
            if time.time() - began > WITHIN:
                self._screen.line("demo", f"{release.version} did not end within {WITHIN:.0f} s", mood="bad")
                break
            events, seen = self._world.control.events(seen, wait=2)
            for event in events:
                self._hear(event)
        self._aftermath(began)
        played.seconds = time.time() - began
        return played

    def _over(self) -> bool:
        return self._played.status in ENDED and not self._rollback

    def _hear(self, event: dict[str, Any]) -> None:
        if event["deployment_id"] not in {self._played.deployment_id, self._rollback or None}:
            return
        kind, detail = event["kind"], event["detail"] or {}
        hear = {
            "deployment": self._hear_deployment,
            "lifecycle": self._hear_lifecycle,
            "hook": self._hear_hook,
            "traffic": self._hear_traffic,
            "task-set": self._hear_task_set,
        }.get(kind)
        if hear:
            hear(event, detail)

    def _hear_deployment(self, event: dict[str, Any], detail: dict[str, Any]) -> None:
        status = detail.get("status", "")
        if event["message"].endswith(" started."):
            return
        mood = {"Succeeded": "good", "Failed": "bad"}.get(status, "")
        self._screen.line("CodeDeploy", event["message"], mood=mood)
        if event["deployment_id"] == self._rollback:
            if status in ENDED:
                self._played.rolled_back = status == "Succeeded"
                self._rollback = ""
            return
        if status in ENDED:
            self._played.status = status
            self._rollback = detail.get("rollback_deployment_id") or ""
            self._played.error = detail.get("code") or ""
        wait = detail.get("termination_wait_minutes")
        if wait:
            self._screen.line(
                "demo", f"puts the clock forward by {wait} minutes, so that nobody has to wait", mood="dim"
            )
            self._world.control.advance(wait * 60)

    def _hear_lifecycle(self, event: dict[str, Any], detail: dict[str, Any]) -> None:
        took = (detail.get("duration_ms") or 0) / 1000
        if detail["status"] == "Failed":
            self._screen.line("CodeDeploy", event["message"], mood="bad")
        elif detail["status"] == "Succeeded" and detail["lifecycle_event"] == "Install":
            self._screen.line("CodeDeploy", event["message"], took=took)

    def _hear_hook(self, event: dict[str, Any], detail: dict[str, Any]) -> None:
        stage = detail["function"].rsplit("_", 1)[-1]
        if detail["status"] == "InProgress":
            self._called[stage] = self._real_time(event["at"])
            self._played.asked.add(stage)
            self._screen.line("CodeDeploy", event["message"])
            return
        self._verdict_at = self._real_time(event["at"])
        self._played.answers[stage] = detail["status"]
        mood = {"Succeeded": "good", "Failed": "bad"}.get(detail["status"], "")
        took = self._verdict_at - self._called[stage]
        self._screen.line(stage, f"answers {detail['status']}", mood=mood, took=took)
        outcome = self._world.outcomes.wait(self._played.deployment_id, stage)
        self._played.outcomes[stage] = outcome
        for reason in outcome.reasons:
            self._screen.line(stage, f"because {reason}", mood=mood)

    def _hear_traffic(self, event: dict[str, Any], detail: dict[str, Any]) -> None:
        self._screen.line("load balancer", event["message"])
        shares = sorted(detail["weights"].values())
        if detail["listener"] == "production" and 0 < shares[0] < 100:
            self._canary()

    def _hear_task_set(self, event: dict[str, Any], detail: dict[str, Any]) -> None:
        if detail.get("stability") or detail.get("status") == "DRAINING":
            self._screen.line("ECS", event["message"], mood="dim")

    def _canary(self) -> None:
        began = time.time()
        time.sleep(CANARY_SECONDS)
        served = self._served(began)
        version = self._played.story.release.version
        total = sum(counts.total() for counts in served.values())
        canary = served.get(version, Counter()).total()
        self._played.canary_share = canary / total if total else None
        share = f"{100 * canary / total:.1f} %" if total else "nothing"
        self._screen.line("customers", f"{version} served {canary} of {total} production requests, {share}")
        self._screen.line(
            "demo", f"puts the clock forward by {CANARY_MINUTES} minutes, so that nobody has to wait", mood="dim"
        )
        self._world.control.advance(CANARY_MINUTES * 60)

    def _aftermath(self, began: float) -> None:
        ended = time.time()
        time.sleep(AFTERMATH_SECONDS)
        played, version = self._played, self._played.story.release.version
        played.served = self._served(began)
        played.got = self._customers.got(began)
        # What was under way when traffic moved may end a moment later.
        played.serving_afterwards = set(self._served(ended + AFTERMATH_SECONDS / 2))
        by_version = ", ".join(f"{v} {counts.total()}" for v, counts in sorted(played.served.items()))
        self._screen.line("customers", f"got {spoken(played.got)}; served by {by_version}")
        if played.rolled_back:
            last = max((at for at, v, _ in self._requests(began) if v == version), default=self._verdict_at)
            played.seconds_until_back = max(0.0, last - self._verdict_at)
        if version in played.served and played.seconds_until_back is not None:
            back = played.seconds_until_back
            met = f"the last of them met {version} {spoken_time(back)}" if back else f"nobody met {version}"
            what = f"{met} after the verdict; all are on {', '.join(sorted(played.serving_afterwards))} again"
            self._screen.line("customers", what, mood="good")
        elif version not in played.served:
            self._screen.line("shop", f"the access log has no production request served by {version}", mood="good")

    def _served(self, since: float) -> dict[str, Counter[int]]:
        """Customers' requests since then by version and status, from the shop's own access log."""
        served: dict[str, Counter[int]] = {}
        for at, version, status in self._requests(since):
            if at >= since:
                served.setdefault(version, Counter())[status] += 1
        return served

    def _requests(self, since: float) -> list[tuple[float, str, int]]:
        return [
            (at, request["version"], request["status"])
            for request in self._shop.production_requests()
            if request["user_agent"] == USER_AGENT and (at := _seconds(request["at"])) >= since
        ]

    def _real_time(self, at: str) -> float:
        """The timeline is in virtual time, the access log in real time."""
        return _seconds(at) - self._world.control.offset()


def _seconds(at: str) -> float:
    # Python reads microseconds at most; the logs have nanoseconds.
    head, _, rest = at.partition(".")
    digits = rest.rstrip("Z")[:6].ljust(6, "0")
    return datetime.fromisoformat(f"{head.rstrip('Z')}.{digits}+00:00").timestamp()
