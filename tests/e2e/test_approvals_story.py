"""The whole way: a commit, a change set, the question, a yes, a deployment behind its gates, and the thread."""

import re
from collections.abc import Iterator

import pytest
from cases import Case, Waiting
from change_sets import REMOVED, big_change_set
from conftest import Open
from follow import Follower
from world import World, paths
from world.shop import Release, Shop


@pytest.fixture(scope="module")
def shop(open_shop: Open) -> Iterator[Shop]:
    suite, shortened = re.subn(
        r"bake: \S+\n  every: \S+", "bake: 2s\n  every: 1s", (paths.SUITES / "shop.yaml").read_text()
    )
    assert shortened == 1, "the example suite has no bake to shorten"
    yield open_shop("bookshop", suite)


def _ask(waiting: Waiting, shop: Shop, release: Release, stack: str) -> Case:
    return waiting(
        "usual",
        release=release.version,
        stack=stack,
        deploy=shop.action(),
        prepare=big_change_set(8),
        files=shop.sources(release),
        commit="Sell books by the chapter",
    )


def test_a_yes_in_slack_brings_a_good_release_live(
    waiting: Waiting, shop: Shop, follower: Follower, world: World
) -> None:
    case = _ask(waiting, shop, Release("1.1.0"), "bookshop-a")
    question = case.asked().text
    for needed in ("Sell books by the chapter", "developer", "1.1.0", "release-manager", REMOVED):
        assert needed in question, question
    assert case.waits()
    case.click(comment="Go")
    deployment = case.pipeline.deployment_of(case.execution)
    assert follower.ended(deployment) == "Succeeded", follower.told()
    assert case.pipeline.ended(case.execution) == "Succeeded"
    case.updated("Approved by")
    outcome = case.thread("succeeded")
    assert deployment in outcome.text
    assert world.stack.report_bucket in outcome.text or "report" in outcome.text


def test_a_yes_by_mail_to_a_release_that_the_gate_stops_is_told_with_the_reason(
    waiting: Waiting, shop: Shop, follower: Follower
) -> None:
    case = _ask(waiting, shop, Release("2.0.0", fault="checkout"), "bookshop-b")
    assert "MAJOR" in case.asked().text
    case.answer_by_link("approve", "let us see")
    deployment = case.pipeline.deployment_of(case.execution)
    assert follower.ended(deployment) == "Failed", follower.told()
    assert case.pipeline.ended(case.execution) == "Failed"
    outcome = case.thread("FAILED")
    assert "checkout" in outcome.text and "500" in outcome.text, outcome.text
