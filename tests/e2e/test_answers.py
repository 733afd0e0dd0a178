"""The contract with CodeDeploy: one answer, in time, whatever is done to the hook."""

import json
from collections.abc import Callable
from uuid import uuid4

import pytest
from follow import Follower
from gates import ANSWER, PRE, Gates
from suites import PATIENT
from world import World, paths
from world.outcomes import wait_for
from world.shop import Release, Shop

HOUR = 3600
NewRelease = Callable[..., Release]


def test_a_function_near_its_time_limit_answers_before_it_is_killed(
    world: World, lab: Shop, gates: Gates, follower: Follower, release: NewRelease
) -> None:
    limit = 6
    lab.put_suite(PATIENT)
    with gates.timeout(limit):
        deployment = lab.deploy(release("hang"), gates.hooks("pre-traffic"))
        called = follower.called(deployment, PRE)
        answered = follower.answered(deployment, PRE)
        assert answered.detail["status"] == "Failed"
        took = answered.heard - called.heard
        assert took < limit, f"the answer came after {took:.1f} s, the function is killed after {limit} s"
        assert follower.ended(deployment) == "Failed", follower.told()
        outcome = world.outcomes.wait(deployment, "pre-traffic")
    assert outcome.report, "there was time left for the report"
    assert any("deadline" in reason for reason in outcome.reasons), outcome.text


def test_a_throttled_answer_is_given_again_until_it_is_taken(
    world: World, lab: Shop, gates: Gates, follower: Follower, release: NewRelease
) -> None:
    after = _last_call(world)
    with world.control.fault("codedeploy", ANSWER, status=400, code="ThrottlingException", times=3):
        deployment = lab.deploy(release(), gates.hooks("pre-traffic"))
        assert follower.ended(deployment) == "Succeeded", follower.told()
    answers = world.control.calls(after, "codedeploy", ANSWER)
    # The function of an earlier deployment may be called again meanwhile.
    errors = [it["error"] for it in answers if it["error"] != "LifecycleEventAlreadyCompletedException"]
    assert errors == ["ThrottlingException"] * 3 + [None]
    assert world.outcomes.wait(deployment, "pre-traffic").answer == "Succeeded"


def test_a_duplicate_delivery_with_unknown_fields_while_the_first_one_works(
    world: World, lab: Shop, gates: Gates, follower: Follower, release: NewRelease
) -> None:
    with world.control.fault("codedeploy", "GetDeployment", delay_ms=2500, times=1):
        deployment = lab.deploy(release(), gates.hooks("pre-traffic"))
        event = _event(follower, deployment)
        # The first delivery is held up; this one overtakes it.
        follower.wait("the first delivery's call", lambda seen: seen.kind == "fault")
        result = gates.invoke("pre-traffic", event | json.loads(_sample("codedeploy-unknown-fields")) | event)
    assert not result.failed, result.value
    assert (result.value["answer"], result.value["alreadyCompleted"]) == ("Succeeded", False)
    assert follower.ended(deployment) == "Succeeded", follower.told()
    assert follower.answers(deployment) == [(PRE, "Succeeded")]

    def both_ended() -> bool:
        decided = [line for line in gates.log("pre-traffic", deployment) if line["message"] == "the answer was given"]
        return len(decided) == 2

    wait_for("the end of both invocations", both_ended)
    assert len(world.outcomes.all(deployment)) == 1, "people were told twice"


def test_a_duplicate_delivery_after_the_end_changes_nothing(
    world: World, lab: Shop, gates: Gates, follower: Follower, release: NewRelease
) -> None:
    deployment = lab.deploy(release(), gates.hooks("pre-traffic"))
    event = _event(follower, deployment)
    assert follower.ended(deployment) == "Succeeded", follower.told()
    outcome = world.outcomes.wait(deployment, "pre-traffic")
    report = world.outcomes.report(outcome)

    result = gates.invoke("pre-traffic", event)
    assert not result.failed, result.value
    assert result.value["alreadyCompleted"] is True, result.value
    assert lab.deployment(deployment)["status"] == "Succeeded"
    assert world.outcomes.report(outcome) == report, "the first report was overwritten"
    assert len(world.outcomes.all(deployment)) == 1, "people were told twice"


@pytest.mark.parametrize("stage", ["pre-traffic", "post-traffic"])
@pytest.mark.parametrize("sample", sorted(path.stem for path in (paths.ROOT / "events").glob("codedeploy-*.json")))
def test_a_sample_event_of_a_deployment_that_nobody_knows_ends_in_an_error(
    gates: Gates, sample: str, stage: str
) -> None:
    # A call of its own: of a part of a run that another invocation has, the gate is a duplicate.
    event = json.loads(_sample(sample)) | {"LifecycleEventHookExecutionId": f"{sample}-{stage}-{uuid4()}"}
    result = gates.invoke(stage, event)
    assert result.failed, f"nobody could be answered, and yet the invocation was fine: {result.value}"
    assert result.value["errorType"] == "Unanswered"
    assert "DeploymentDoesNotExistException" in result.value["errorMessage"], result.value
    lines = gates.log(stage, event["DeploymentId"])
    assert any("DeploymentDoesNotExistException" in json.dumps(line) for line in lines), "the log does not tell why"


@pytest.mark.parametrize("sample", ["codedeploy-continuation", "codedeploy-question"])
def test_a_part_of_a_run_that_another_invocation_has_is_left_to_it(gates: Gates, sample: str) -> None:
    event = json.loads(_sample(sample)) | {"LifecycleEventHookExecutionId": f"{sample}-{uuid4()}"}
    assert gates.invoke("post-traffic", event).value["errorType"] == "Unanswered"
    again = gates.invoke("post-traffic", event)
    assert not again.failed, again.value
    assert again.value == {"deploymentId": event["DeploymentId"], "duplicate": True}


def test_what_is_no_hook_event_is_refused_with_the_expected_shape(gates: Gates) -> None:
    result = gates.invoke("pre-traffic", {"Records": [{"Sns": {"Message": "hello"}}]})
    assert result.failed
    assert result.value["errorType"] == "NotACall"
    assert "LifecycleEventHookExecutionId" in result.value["errorMessage"]


def test_a_hook_that_never_answers_fails_the_deployment_after_an_hour(
    world: World, lab: Shop, silent: str, follower: Follower, release: NewRelease
) -> None:
    deployment = lab.deploy(release(), {PRE: silent})
    follower.called(deployment, PRE)
    world.control.advance(HOUR - 60)
    assert lab.deployment(deployment)["status"] == "InProgress", "CodeDeploy waits a whole hour"
    world.control.advance(61)
    assert follower.ended(deployment) == "Failed", follower.told()
    assert follower.answers(deployment) == []
    assert lab.deployment(deployment)["errorInformation"]["code"] == "TIMEOUT"
    hook = lab.lifecycle(deployment)[PRE]
    assert (hook["status"], hook["diagnostics"]["errorCode"]) == ("Failed", "ScriptTimedOut")


def _event(follower: Follower, deployment: str) -> dict[str, str]:
    """The event that CodeDeploy has sent to the pre-traffic gate."""
    called = follower.called(deployment, PRE)
    return {
        "DeploymentId": deployment,
        "LifecycleEventHookExecutionId": called.detail["lifecycle_event_hook_execution_id"],
    }


def _sample(name: str) -> str:
    return (paths.ROOT / "events" / f"{name}.json").read_text()


def _last_call(world: World) -> int:
    return max((call["seq"] for call in world.control.calls()), default=0)
