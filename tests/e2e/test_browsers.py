"""Customers in a browser of AgentCore, by steps and played by a model, at the deployed gate before traffic."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from follow import Follower
from gates import PRE, Gates
from world import World, paths
from world.control import Json
from world.model import BUYS
from world.outcomes import Outcome
from world.shop import Release, Shop

STEPS = (paths.SUITES / "browser.yaml").read_text()
AGENT = (paths.SUITES / "agent.yaml").read_text()
# What the page does not have to say: the release answers for itself.
ASKS = """\
      proof:
        - http: GET /version
          expect:
            - json: { path: $.version, equals: "{{ target.version }}" }
"""


def _deployed(
    world: World, lab: Shop, gates: Gates, follower: Follower, of: Release
) -> tuple[list[tuple[str, str]], Outcome, Any]:
    """What the gate answered, its outcome, and the check that ran in a browser."""
    deployment = lab.deploy(of, gates.hooks("pre-traffic"))
    follower.ended(deployment, within=180)
    outcome = world.outcomes.wait(deployment, "pre-traffic")
    report = json.loads(world.outcomes.report(outcome))
    checks = [check for check in report["checks"] if check["name"] != "home page"]
    assert len(checks) == 1, report["checks"]
    return follower.answers(deployment), outcome, checks[0]["rounds"][0]["tries"][-1]


def _sessions(world: World) -> dict[str, Json]:
    return {session["sessionId"]: session for session in world.control.browser_sessions()}


def _all_ended(world: World, before: dict[str, Json]) -> None:
    """Each session had its browser, and goes on no more: AWS would bill it."""
    sessions = _sessions(world)
    assert {session["status"] for session in sessions.values()} == {"TERMINATED"}, sessions
    new = [session for name, session in sessions.items() if name not in before]
    assert new
    assert all(session["connections"] for session in new), new
    starts = world.control.calls(service="bedrock-agentcore", operation="StartBrowserSession")
    stops = world.control.calls(service="bedrock-agentcore", operation="StopBrowserSession")
    assert len(stops) >= len(starts) > 0


@pytest.mark.parametrize(("fault", "answer"), [("none", "Succeeded"), ("dead-button", "Failed")])
def test_a_reader_buys_by_steps(
    world: World,
    lab: Shop,
    gates: Gates,
    follower: Follower,
    release: Callable[..., Release],
    fault: str,
    answer: str,
) -> None:
    before = _sessions(world)
    lab.put_suite(STEPS)
    answers, outcome, one = _deployed(world, lab, gates, follower, release(fault))
    assert answers == [(PRE, answer)], outcome.text
    names = [step["name"] for step in one["steps"]]
    assert names[0] == "desktop: go to /"
    if fault == "none":
        assert names[-1] == "phone: the order is confirmed", names
        assert all(step["measurement"] == "passed" for step in one["steps"])
    else:
        assert "the order is confirmed" in names[-1], outcome.text
        assert any("Thank you!" in reason for reason in outcome.reasons), outcome.text
        assert one["steps"][-1]["pages"][0]["screenshot"]["png"]
    _all_ended(world, before)


@pytest.mark.parametrize(("fault", "answer"), [("none", "Succeeded"), ("dead-button", "Failed")])
def test_a_model_buys(
    world: World,
    lab: Shop,
    gates: Gates,
    follower: Follower,
    release: Callable[..., Release],
    fault: str,
    answer: str,
) -> None:
    before = _sessions(world)
    lab.put_suite(AGENT.replace("      proof:\n", ASKS))
    # It says that all is well, whatever it sees.
    with world.control.model(BUYS):
        answers, outcome, one = _deployed(world, lab, gates, follower, release(fault))
        asked = world.control.model_calls()
    assert answers == [(PRE, answer)], outcome.text
    assert len(asked) == len(BUYS), outcome.text
    steps = [(step["name"], step["measurement"]) for step in one["steps"]]
    assert ("desktop: GET /version", "passed") in steps, steps
    assert steps[-1] == ("desktop: what proves it", "passed" if fault == "none" else "failed"), steps
    assert 'desktop: click button "Buy now"' in [name for name, _ in steps]
    if fault != "none":
        assert any("Thank you!" in reason for reason in outcome.reasons), outcome.text
    _all_ended(world, before)
