"""The whole way: a commit, a change set, the question, a yes, a deployment behind its gates, and the thread.

One pipeline and one shop; the second release comes after the first.
"""

import re

import pytest
from cases import Case
from change_sets import REMOVED, dangerous, harmless
from conftest import Open
from follow import Follower
from world import World, paths
from world.pipeline import Pipeline, Plan
from world.shop import Release, Shop


@pytest.fixture(scope="module")
def shop(open_shop: Open) -> Shop:
    suite, shortened = re.subn(
        r"bake: \S+\n  every: \S+", "bake: 2s\n  every: 1s", (paths.SUITES / "shop.yaml").read_text()
    )
    assert shortened == 1, "the example suite has no bake to shorten"
    return open_shop("bookshop", suite)


@pytest.fixture(scope="module")
def pipeline(world: World, shop: Shop) -> Pipeline:
    pipeline = world.pipeline(
        "story", Plan(topic=world.stack.approval_topic, stack="bookshop-data", deploy=shop.action())
    )
    pipeline.create()
    return pipeline


def _ask(world: World, pipeline: Pipeline, shop: Shop, release: Release) -> Case:
    pipeline.commit("Sell books by the chapter", shop.sources(release))
    pipeline.change_set([*harmless(5), *dangerous()])
    execution = pipeline.start(release.version)
    return Case(world, pipeline, execution, pipeline.token(execution))


def test_a_yes_in_slack_brings_a_good_release_live(
    world: World, pipeline: Pipeline, shop: Shop, follower: Follower
) -> None:
    case = _ask(world, pipeline, shop, Release("1.1.0"))
    question = case.asked().text
    for needed in ("Sell books by the chapter", "developer", "1.1.0", "release-manager", REMOVED):
        assert needed in question, question
    assert case.waits()
    case.click(comment="Go")
    deployment = pipeline.deployment_of(case.execution)
    assert follower.ended(deployment) == "Succeeded", follower.told()
    assert pipeline.ended(case.execution) == "Succeeded"
    case.updated("Approved by")
    outcome = case.thread("succeeded")
    for needed in (deployment, "pre-traffic", "post-traffic"):
        assert needed in outcome.text, outcome.text


def test_a_yes_by_mail_to_a_release_that_the_gate_stops_is_told_with_the_reason(
    world: World, pipeline: Pipeline, shop: Shop, follower: Follower
) -> None:
    case = _ask(world, pipeline, shop, Release("2.0.0", fault="checkout"))
    question = world.inbox.wait("slack", "2.0.0", lambda m: m.case)
    assert "1.1.0" in question.text and "MAJOR" in question.text, question.text
    mail = world.inbox.wait_mail("2.0.0", lambda mail: "lead@example.com" in mail.to)
    answer = case.answer_link(mail, "approve", "let us see")
    assert answer.status == 200, answer
    deployment = pipeline.deployment_of(case.execution)
    assert follower.ended(deployment) == "Failed", follower.told()
    assert pipeline.ended(case.execution) == "Failed"
    outcome = world.inbox.wait("slack", deployment, lambda m: "thread_ts" in m.body)
    assert outcome.body["thread_ts"] == question.answer["body"]["ts"]
    for needed in ("FAILED", "checkout", "500"):
        assert needed in outcome.text, outcome.text
