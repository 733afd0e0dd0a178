"""A suite that is missing, wrong or empty never lets a release through, and people read why."""

from collections.abc import Callable

from follow import ENDED, Follower
from gates import PRE, Gates
from suites import FACTS, INVALID, POST_ONLY
from world import World
from world.outcomes import Outcome
from world.shop import Release, Shop
from world.stack import SUITES


def _stopped(world: World, lab: Shop, follower: Follower, release: Release, hooks: dict[str, str]) -> Outcome:
    """Deploys, and returns the outcome of the pre-traffic gate that must have stopped it."""
    deployment = lab.deploy(release, hooks)
    assert follower.ended(deployment) == "Failed", follower.told()
    assert follower.answers(deployment) == [(PRE, "Failed")]
    outcome = world.outcomes.wait(deployment, "pre-traffic")
    assert outcome.answer == "Failed"
    assert outcome.report, "even a refusal has a report"
    return outcome


def test_a_missing_suite_stops_the_release(
    world: World, lab: Shop, gates: Gates, follower: Follower, release: Callable[..., Release]
) -> None:
    key = f"{lab.name}/{lab.group}.yaml"
    world.aws.s3.delete_object(Bucket=SUITES, Key=key)
    outcome = _stopped(world, lab, follower, release(), gates.hooks("pre-traffic"))
    assert any(f"s3://{SUITES}/{key}" in reason and "NoSuchKey" in reason for reason in outcome.reasons), outcome.text


def test_an_invalid_suite_stops_the_release_and_each_problem_is_told_with_its_place(
    world: World, lab: Shop, gates: Gates, follower: Follower, release: Callable[..., Release]
) -> None:
    lab.put_suite(INVALID)
    outcome = _stopped(world, lab, follower, release(), gates.hooks("pre-traffic"))
    text = "\n".join(outcome.reasons)
    assert "2 problems" in text, outcome.text
    for place, key, right in [(":4:1:", '"limts"', '"limits"'), (":8:5:", '"expct"', '"expect"')]:
        assert any(place in reason and key in reason and right in reason for reason in outcome.reasons), (
            f"no reason tells {key} at {place}:\n{text}"
        )


def test_a_suite_that_selects_nothing_for_the_stage_stops_the_release(
    world: World, lab: Shop, gates: Gates, follower: Follower, release: Callable[..., Release]
) -> None:
    lab.put_suite(POST_ONLY)
    outcome = _stopped(world, lab, follower, release(), gates.hooks("pre-traffic"))
    assert any("pre-traffic" in reason and "no check" in reason.lower() for reason in outcome.reasons), outcome.text


def test_a_suite_may_use_every_fact_of_the_target(
    world: World, lab: Shop, gates: Gates, follower: Follower, release: Callable[..., Release]
) -> None:
    lab.put_suite(FACTS)
    deployment = lab.deploy(release(), gates.hooks("pre-traffic", "post-traffic"))
    assert follower.ended(deployment) in ENDED, follower.told()
    for stage in gates.functions:
        outcome = world.outcomes.wait(deployment, stage)
        assert outcome.answer == "Succeeded", outcome.text
