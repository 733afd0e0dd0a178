"""Each AWS call that a hook makes is killed in turn: with an error for ever, with a cut connection, and with silence.

The gate answers before its deadline all the same. What it needs to measure fails the gate; what only gives
facts, stores the report or tells people changes nothing.
"""

from collections.abc import Callable, Iterator

import pytest
from conftest import Open
from follow import Follower
from gates import ANSWER, PRE, STAGES, Gates
from suites import DISCREET, VERSION
from world import World
from world.control import Json
from world.outcomes import wait_for
from world.shop import Release, Shop

Call = tuple[str, str]
NewRelease = Callable[..., Release]

# The functions' time limit, short, so that the deadline is near. Silence costs all of it.
LIMIT = 10
LIMIT_OF_SILENCE = 5
HOUR = 3600
# Without these nothing can be measured; and a part of the reason that is told.
NEEDED: dict[Call, str] = {
    ("codedeploy", "GetDeployment"): "GetDeployment",
    ("codedeploy", "GetApplicationRevision"): "GetApplicationRevision",
    ("codedeploy", "GetDeploymentGroup"): "GetDeploymentGroup",
    ("elasticloadbalancing", "DescribeListeners"): "DescribeListeners",
    ("elasticloadbalancing", "DescribeLoadBalancers"): "DescribeLoadBalancers",
    ("elasticloadbalancing", "DescribeRules"): "DescribeRules",
    ("s3", "GetObject"): "the suite s3://",
    ("ssm", "GetParameter"): 'the secret "key"',
}
# These give facts, of which the suite uses none.
FACTS: set[Call] = {
    ("codedeploy", "ListDeploymentTargets"),
    ("codedeploy", "BatchGetDeploymentTargets"),
    ("ecs", "DescribeServices"),
    ("ecs", "DescribeTaskDefinition"),
}
TELLING: set[Call] = {("events", "PutEvents"), ("s3", "PutObject"), ("sns", "Publish")}
# Of the keys of what is stored: the report in both forms, and the note that people were told.
PUBLISHED = "-published"
ENDS = {".html", ".json", PUBLISHED}
CALLS = [*NEEDED, *sorted(FACTS), *sorted(TELLING)]
KINDS: dict[str, Json] = {"error 500": {"status": 500, "code": "InternalFailure"}, "cut off": {"status": 0}}


@pytest.fixture(scope="module")
def shops(world: World, open_shop: Open) -> tuple[Shop, Shop]:
    """One deploys through the pre-traffic gate alone, the other through the post-traffic gate: side by side."""
    world.aws.ssm.put_parameter(Name="/lab/key", Value="not to be told", Type="SecureString", Overwrite=True)
    return open_shop("faults-pre", DISCREET), open_shop("faults-post", DISCREET)


@pytest.fixture(scope="module", autouse=True)
def _short(gates: Gates) -> Iterator[None]:
    with gates.timeout(LIMIT):
        yield


def _deploy(shops: tuple[Shop, Shop], gates: Gates, release: NewRelease) -> dict[str, str]:
    """Starts a deployment through each gate; returns their ids by stage."""
    pre, post = shops
    return {
        "pre-traffic": pre.deploy(release(), gates.hooks("pre-traffic")),
        "post-traffic": post.deploy(release(), gates.hooks("post-traffic")),
    }


def test_these_are_the_calls_of_a_good_run(
    world: World, shops: tuple[Shop, Shop], gates: Gates, follower: Follower, release: NewRelease
) -> None:
    after = max(call["seq"] for call in world.control.calls())
    for stage, deployment in _deploy(shops, gates, release).items():
        assert follower.ended(deployment) == "Succeeded", follower.told()
        world.outcomes.wait(deployment, stage)
    made = {(call["service"], call["operation"]) for call in gates.calls(after)}
    assert made == {*NEEDED, *FACTS, *TELLING, ("codedeploy", ANSWER)}, "the tests below kill other calls than are made"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("call", CALLS, ids=":".join)
def test_a_call_is_killed_for_ever(
    world: World, shops: tuple[Shop, Shop], gates: Gates, follower: Follower, release: NewRelease, call: Call, kind: str
) -> None:
    with world.control.fault(*call, **KINDS[kind]):
        for stage, deployment in _deploy(shops, gates, release).items():
            decided = _check_answer(gates, follower, stage, deployment, call, LIMIT)
            assert NEEDED.get(call, "") in decided["reasons"], decided["reasons"]
            _check_telling(world, stage, deployment, call)


@pytest.mark.parametrize("call", CALLS, ids=":".join)
def test_a_call_is_never_answered(
    world: World, shops: tuple[Shop, Shop], gates: Gates, follower: Follower, release: NewRelease, call: Call
) -> None:
    with gates.timeout(LIMIT_OF_SILENCE), world.control.fault(*call, delay_ms=HOUR * 1000):
        for stage, deployment in _deploy(shops, gates, release).items():
            _check_answer(gates, follower, stage, deployment, call, LIMIT_OF_SILENCE)


def test_a_check_that_uses_a_fact_which_could_not_be_found_is_no_pass(
    world: World, lab: Shop, gates: Gates, follower: Follower, release: NewRelease
) -> None:
    lab.put_suite(VERSION)
    with world.control.fault("ecs", "DescribeTaskDefinition", status=500):
        deployment = lab.deploy(release(), gates.hooks("pre-traffic"))
        assert follower.ended(deployment) == "Failed", follower.told()
    outcome = world.outcomes.wait(deployment, "pre-traffic")
    assert any("target.version" in reason for reason in outcome.reasons), outcome.text


def test_an_answer_that_could_not_be_given_is_given_by_lambdas_second_run(
    world: World, lab: Shop, gates: Gates, follower: Follower, release: NewRelease
) -> None:
    with gates.timeout(6):
        with world.control.fault("codedeploy", ANSWER, status=500, code="InternalFailure"):
            deployment = lab.deploy(release(), gates.hooks("pre-traffic"))
            outcome = world.outcomes.wait(deployment, "pre-traffic")
            assert "CodeDeploy did NOT get this answer" in outcome.text
            assert follower.answers(deployment) == []
        assert follower.ended(deployment) == "Succeeded", follower.told()
        # Before the function gets its usual limit back: a change of it ends what still runs.
        wait_for("the second message", lambda: len(world.outcomes.all(deployment)) == 2)
    assert follower.answers(deployment) == [(PRE, "Succeeded")]
    assert "did NOT get this answer" not in world.outcomes.all(deployment)[1].text


def test_an_answer_that_can_never_be_given_is_told_to_people_and_fails_after_an_hour(
    world: World, lab: Shop, gates: Gates, follower: Follower, release: NewRelease
) -> None:
    with gates.timeout(6), world.control.fault("codedeploy", ANSWER, status=0):
        deployment = lab.deploy(release(), gates.hooks("pre-traffic"))
        record = world.outcomes.wait_unanswered(deployment, within=40)
    assert record["responsePayload"]["errorType"] == "Unanswered", record
    assert deployment in record["responsePayload"]["errorMessage"]
    assert follower.answers(deployment) == []
    world.control.advance(HOUR + 1)
    assert follower.ended(deployment) == "Failed", follower.told()


def _check_answer(gates: Gates, follower: Follower, stage: str, deployment: str, call: Call, limit: int) -> Json:
    """The gate has answered, rightly and in time; returns the log line of its decision."""
    expected = "Failed" if call in NEEDED else "Succeeded"
    called = follower.called(deployment, STAGES[stage])
    answered = follower.answered(deployment, STAGES[stage], within=2 * limit)
    took = answered.heard - called.heard
    assert answered.detail["status"] == expected, f"{stage}:\n{follower.told()}"
    assert took < limit, f"the {stage} gate answered after {took:.1f} s, its time limit is {limit} s"
    assert follower.ended(deployment) == expected, follower.told()
    decided = _decided(gates, stage, deployment)
    assert decided["answer"] == expected
    return decided


def _decided(gates: Gates, stage: str, deployment: str) -> Json:
    """The log line of the decision."""

    def lines() -> list[Json]:
        return [line for line in gates.log(stage, deployment) if line["message"] == "the gate has decided"]

    return dict(wait_for(f"the log of {stage} about {deployment}", lines)[0])


def _check_telling(world: World, stage: str, deployment: str, call: Call) -> None:
    """The report and the message are there, unless they are what was killed."""

    def stored() -> set[str]:
        objects = world.aws.s3.list_objects_v2(Bucket=world.stack.report_bucket).get("Contents", [])
        keys = {item["Key"] for item in objects if deployment in item["Key"]}
        return {next((end for end in ENDS if key.endswith(end)), key) for key in keys}

    if call == ("s3", "PutObject"):
        expected = set()
    elif call in TELLING:
        expected = ENDS - {PUBLISHED}
    else:
        expected = ENDS
    if call != ("sns", "Publish"):
        outcome = world.outcomes.wait(deployment, stage)
        assert bool(outcome.report) == bool(expected), outcome.text
    # The message comes after what is stored: what is not there by now will not come.
    wait_for(f"{sorted(expected)} in the bucket of reports", lambda: stored() == expected)
