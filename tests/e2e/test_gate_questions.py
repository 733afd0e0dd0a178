"""`inconclusive: ask`: a gate that can't tell asks people, its caller waits, and their answer is what it hears."""

import itertools
import json
from types import SimpleNamespace

from cases import Case, items
from world import World
from world.native import PRE_STAGE, PRODUCTION, GatedService
from world.outcomes import wait_for

NUMBERS = itertools.count(1)
# Nobody can measure the second check.
SUITE = """
version: 1
name: asked
inconclusive: ask
checks:
  - name: a reader buys a book
    http: { method: POST, url: /api/checkout, json: { book: 7, quantity: 1 } }
    expect: [{ status: 201 }]
  - name: the supplier answers
    http: { url: "http://supplier.invalid/", reaches_release: true }
"""


class AskedService:
    """A service whose second revision waits at the pre-traffic gate, which has asked people."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.gated = GatedService(world, f"asked-{next(NUMBERS)}", SUITE)
        self.service = self.gated.service
        self.service.create("1.0.0", strategy="BLUE_GREEN")
        [pre, _] = self.gated.hooks([])
        self.deployment = self.service.deploy("2.0.0", strategy="BLUE_GREEN", lifecycleHooks=[pre])
        named = SimpleNamespace(name=self.service.name)
        self.case = Case(world, named, self.deployment, "")  # type: ignore[arg-type]

    def answered(self) -> None:
        """Waits until the answer is written, and has ECS call back."""
        wait_for("the answer to the gate", lambda: items(self.world, f"gate-answer#{self.case.id}"))
        self.world.control.advance(60)

    def over(self) -> dict:
        return self.service.wait(self.deployment, lambda seen: "finishedAt" in seen)


def test_a_yes_lets_the_release_go_on_and_says_who_it_was(world: World) -> None:
    asked = AskedService(world)
    message = asked.case.asked()
    for part in ("can't tell whether the release is good", "the supplier answers", "No answer means", "2.0.0"):
        assert part in message.text, message.text
    assert asked.service.versions(PRODUCTION, 3) == ["1.0.0"] * 3, "it waits"
    asked.case.click(action="approve", comment="the supplier is down, we know")
    asked.answered()
    assert asked.over()["status"] == "SUCCESSFUL"
    assert asked.service.versions(PRODUCTION, 3) == ["2.0.0"] * 3
    outcome = asked.gated.outcome(asked.deployment, "pre-traffic", "2.0.0")
    assert "let pass by people" in outcome.subject
    assert any("the supplier is down, we know" in reason for reason in outcome.reasons), outcome.text
    asked.case.updated("Approved by")
    asked.case.audit("this decided it")


def test_a_no_by_link_stops_it(world: World) -> None:
    asked = AskedService(world)
    answer = asked.case.answer_by_link("reject", "not on a Friday")
    assert answer.status in {200, 303}, answer
    asked.answered()
    assert asked.over()["status"] == "ROLLBACK_SUCCESSFUL"
    assert asked.service.versions(PRODUCTION, 3) == ["1.0.0"] * 3
    outcome = asked.gated.outcome(asked.deployment, "pre-traffic", "2.0.0")
    assert outcome.subject.startswith("STOPPED at pre-traffic (inconclusive)")
    asked.case.updated("Rejected by")


def test_the_answer_of_one_deployment_is_none_for_another(world: World) -> None:
    first = AskedService(world)
    second = AskedService(world)
    assert first.case.id != second.case.id
    first.case.click(action="approve")
    first.answered()
    assert first.over()["status"] == "SUCCESSFUL"
    assert "finishedAt" not in second.service.describe(second.deployment), "it waits for an answer of its own"
    assert json.dumps(items(world, f"gate-answer#{second.case.id}")) == "[]"
    second.case.click(action="reject", comment="no")
    second.answered()
    assert second.over()["status"] == "ROLLBACK_SUCCESSFUL"
    assert PRE_STAGE in second.case.asked().text
