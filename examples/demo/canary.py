"""A service that ECS deploys itself: a canary with a gate at each step and a person's yes before it, a revision that is
slower than the old one, and one whose checkout is broken; both come back."""

import time
from dataclasses import dataclass, field
from typing import Any

from world import World
from world.native import PRE_STAGE, PRODUCTION, GatedService
from world.outcomes import Outcome

from demo.pause import Lead
from demo.readers import METRIC, NAMESPACE, Readers
from demo.screen import Screen

# Before each step somebody is asked.
PAUSE: dict[str, Any] = {
    "targetType": "PAUSE",
    "lifecycleStages": ["PRE_PRODUCTION_TRAFFIC_SHIFT"],
    "timeoutConfiguration": {"timeoutInMinutes": 240, "action": "ROLLBACK"},
}
CANARY: dict[str, Any] = {"canaryPercent": 10.0, "canaryBakeTimeInMinutes": 10}
WITHIN = 120.0
# Before traffic the page must be the new version's; a sale is tried once there is traffic.
SUITE = """\
version: 1
name: books
checks:
  - name: the version served is the version deployed
    http: GET /version
    expect: [{ json: { path: $.version, equals: "{{ target.version }}" } }]
  - name: a reader buys a book
    on: post-traffic
    retries: 0
    http: { method: POST, url: /api/checkout, json: { book: 7, quantity: 1 } }
    expect: [{ status: 201 }]
"""
# The old revision answers nine of ten meanwhile: what is slower than it was is seen before most customers are.
MEASURED = f"""\
{SUITE}\
  - name: no slower than the old version
    on: post-traffic
    metric:
      queries:
        latency:
          namespace: {NAMESPACE}
          metric: {METRIC}
          dimensions: {{ Service: books, Version: "{{{{ target.version }}}}" }}
          statistic: Average
      unit: ms
      period: 1s
      delay: 1s
      window: 15s
      compare_to: old
      tolerance: "50%"
traffic: {{ initial_delay: 12s, bake: 3s, every: 3s }}
"""


@dataclass
class Revision:
    """What became of one."""

    version: str
    status: str = ""
    # Its share of production traffic at each step, 0 when it was taken back.
    steps: list[int] = field(default_factory=list)
    # What it had when somebody was asked whether it may go on.
    pauses: list[int] = field(default_factory=list)
    # What each gate said, with the place in the deployment.
    verdicts: list[str] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)
    serves: str = ""


class CanaryChapter:
    """Two revisions of a service whose deployments are ECS's own."""

    def __init__(self, world: World, screen: Screen) -> None:
        self._world, self._screen = world, screen
        self._gated = GatedService(world, "books", SUITE)
        self._lead = Lead(world, screen, "books")

    def play(self) -> list[Revision]:
        """Plays all of them."""
        service = self._gated.service
        # The first deployment has nothing to compare with, and no customers yet.
        service.create("1.0.0", strategy="BLUE_GREEN")
        self._screen.line("ECS", "books 1.0.0 serves customers; ECS itself will deploy what follows")
        self._gated.put_suite(MEASURED)
        with Readers(self._world, service):
            slow = self._deploy("1.1.0", fault="slow")
        self._gated.put_suite(SUITE)
        return [slow, self._deploy("1.2.0"), self._deploy("1.3.0", fault="checkout")]

    def _deploy(self, version: str, fault: str = "none") -> Revision:
        service, revision = self._gated.service, Revision(version)
        hooks = [*self._gated.hooks(["PRODUCTION_TRAFFIC_SHIFT"]), PAUSE]
        _, after = self._world.control.events()
        deployment = service.deploy(
            version, fault, strategy="CANARY", canaryConfiguration=CANARY, bakeTimeInMinutes=0, lifecycleHooks=hooks
        )
        self._screen.line("ECS", f"deploys {version} as a canary, with a gate at each step and a pause before it")
        began, seen = time.monotonic(), service.describe(deployment)
        while "finishedAt" not in seen and time.monotonic() - began < WITHIN:
            events, after = self._world.control.events(after, wait=1)
            for event in events:
                if event["deployment_id"] == deployment and event["kind"] == "traffic":
                    self._hear_traffic(revision, event)
            seen = service.describe(deployment)
            if self._lead.asked_by(seen):
                share = revision.steps[-1] if revision.steps else 0
                self._lead.approve(seen, share)
                revision.pauses.append(share)
            elif not events and revision.steps and 0 < revision.steps[-1] < 100:
                # Nothing happens any more: the canary bakes.
                self._world.control.advance(int(CANARY["canaryBakeTimeInMinutes"]) * 60)
        revision.status = seen["status"] if "finishedAt" in seen else "not ended"
        self._hear(revision, deployment)
        revision.serves = ", ".join(sorted(set(service.versions(PRODUCTION, 5))))
        mood = "good" if revision.status == "SUCCESSFUL" else "bad"
        reason = f": {seen['statusReason']}" if seen.get("statusReason") else ""
        self._screen.line("ECS", f"{version} ended {revision.status}{reason}", mood=mood)
        self._screen.line("customers", f"are served by {revision.serves}")
        return revision

    def _hear_traffic(self, revision: Revision, event: dict[str, Any]) -> None:
        self._screen.line("load balancer", event["message"])
        if event["detail"]["traffic"] != "production":
            return
        share = round(event["detail"]["percent"])
        if share or revision.steps:
            revision.steps.append(share)
        if 0 < share < 100:
            minutes = int(CANARY["canaryBakeTimeInMinutes"])
            self._screen.line(
                "demo", f"puts the clock forward by {minutes} minutes, so that nobody has to wait", mood="dim"
            )

    def _hear(self, revision: Revision, deployment: str) -> None:
        for stage in ("pre-traffic", "post-traffic"):
            outcome = self._gated.outcome(deployment, stage, revision.version)
            where = PRE_STAGE if stage == "pre-traffic" else "PRODUCTION_TRAFFIC_SHIFT"
            revision.verdicts.append(f"{stage} {outcome.answer}")
            mood = "good" if outcome.answer == "Succeeded" else "bad"
            self._screen.line(stage, f"answered {outcome.answer} at {where}", mood=mood)
            self._tell_reasons(revision, stage, outcome, mood)

    def _tell_reasons(self, revision: Revision, stage: str, outcome: Outcome, mood: str) -> None:
        for reason in outcome.reasons:
            revision.reasons.append(reason)
            self._screen.line(stage, f"because {reason}", mood=mood)


def canary_differences(revisions: list[Revision]) -> list[str]:
    """Each thing that is not as it should be, as a sentence."""
    slow, good, bad = revisions
    found = []
    back = ("ROLLBACK_SUCCESSFUL", [10, 0], [0], ["pre-traffic Succeeded", "post-traffic Failed"])
    expected = {
        slow.version: (back, "1.0.0"),
        good.version: (
            ("SUCCESSFUL", [10, 100], [0, 10], ["pre-traffic Succeeded", "post-traffic Succeeded"]),
            good.version,
        ),
        bad.version: (back, good.version),
    }
    for one in revisions:
        (status, steps, pauses, verdicts), serves = expected[one.version]
        if (one.status, one.steps, one.pauses, one.verdicts) != (status, steps, pauses, verdicts):
            found.append(
                f"the canary {one.version} should have ended {status} after {steps} % and pauses at {pauses} % with "
                f"{verdicts}, and ended {one.status} after {one.steps} %, {one.pauses} % with {one.verdicts}"
            )
        if one.serves != serves:
            found.append(f"customers should have had {serves} after {one.version} and had {one.serves}")
    for one, why in ((slow, "no slower than the old version"), (bad, "a reader buys a book")):
        if not any(why in reason for reason in one.reasons):
            found.append(f"the message should have said why {one.version} came back, and said {one.reasons}")
    return found
