"""Targets that can't be reached: no listener, tasks that never get healthy, a service that hangs."""

from collections.abc import Callable

from conftest import Open
from follow import Follower
from gates import PRE, Gates
from world import World
from world.shop import Release, Shop

HOUR = 3600


def test_a_group_without_a_test_listener_is_told_what_is_missing(
    world: World, open_shop: Open, gates: Gates, follower: Follower, release: Callable[..., Release]
) -> None:
    shop = open_shop("no-listener", test_listener=False)
    deployment = shop.deploy(release(), gates.hooks("pre-traffic"))
    assert follower.ended(deployment) == "Failed", follower.told()
    assert follower.answers(deployment) == [(PRE, "Failed")]
    outcome = world.outcomes.wait(deployment, "pre-traffic")
    assert any("testTrafficRoute" in reason for reason in outcome.reasons), outcome.text


def test_tasks_that_never_get_healthy_fail_before_any_gate_is_asked(
    world: World, lab: Shop, gates: Gates, follower: Follower, release: Callable[..., Release]
) -> None:
    # A pool that is no number: the shop ends as soon as it starts.
    deployment = lab.deploy(release("pool", SHOP_POOL="forty"), gates.hooks("pre-traffic", "post-traffic"))
    follower.wait("Install", lambda seen: seen.kind == "task-set" and seen.event["deployment_id"] == deployment)
    world.control.advance(HOUR)
    assert follower.ended(deployment) == "Failed", follower.told()
    assert lab.lifecycle(deployment)["Install"]["status"] == "Failed"
    assert follower.answers(deployment) == []


def test_a_target_that_is_gone_when_the_gate_looks_stops_the_release(
    world: World, lab: Shop, gates: Gates, follower: Follower, release: Callable[..., Release]
) -> None:
    elb = world.aws.elbv2
    with world.control.fault("codedeploy", "GetDeployment", delay_ms=2500, times=1):
        deployment = lab.deploy(release(), gates.hooks("pre-traffic"))
        follower.called(deployment, PRE)
        # The gate waits for its first call: meanwhile the target group loses its target.
        listener = elb.describe_listeners(ListenerArns=[lab.test_listener])["Listeners"][0]
        forward = listener["DefaultActions"][0]["ForwardConfig"]["TargetGroups"]
        group = max(forward, key=lambda it: it["Weight"])["TargetGroupArn"]
        health = elb.describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]
        elb.deregister_targets(TargetGroupArn=group, Targets=[it["Target"] for it in health])
        assert follower.ended(deployment) == "Failed", follower.told()
    assert follower.answers(deployment) == [(PRE, "Failed")]
    outcome = world.outcomes.wait(deployment, "pre-traffic")
    assert any("503" in reason for reason in outcome.reasons), outcome.text


def test_a_service_that_hangs_stops_the_release_in_time(
    world: World, lab: Shop, gates: Gates, follower: Follower, release: Callable[..., Release]
) -> None:
    deployment = lab.deploy(release("hang"), gates.hooks("pre-traffic"))
    called = follower.called(deployment, PRE)
    answered = follower.answered(deployment, PRE)
    assert answered.detail["status"] == "Failed"
    # Two tries of 2 s and a pause: the service's silence is cut by the suite's own limits.
    took = answered.heard - called.heard
    assert took < 12, f"the gate took {took:.1f} s to notice that the service hangs"
    assert follower.ended(deployment) == "Failed", follower.told()
    outcome = world.outcomes.wait(deployment, "pre-traffic")
    assert any("home page" in reason and "2 s" in reason.replace("2s", "2 s") for reason in outcome.reasons), (
        outcome.text
    )
