"""Deployments that a stack makes by CloudFormation's own blue/green: they have no application and no AppSpec."""

from collections.abc import Callable

from follow import Follower
from gates import PRE, Gates
from world import World
from world.shop import Release, Shop


def test_a_deployment_of_a_stack_is_answered_at_once_with_the_reason(
    world: World, lab: Shop, gates: Gates, follower: Follower, release: Callable[..., Release]
) -> None:
    request = lab.request(release(), gates.hooks("pre-traffic")) | {"description": "AWS::CodeDeploy::BlueGreen"}
    deployment = str(world.aws.codedeploy.create_deployment(**request)["deploymentId"])
    shown = lab.deployment(deployment)
    assert shown["creator"] == "CloudFormation"
    assert {"applicationName", "deploymentGroupName", "revision"}.isdisjoint(shown)
    assert follower.ended(deployment) == "Failed", follower.told()
    assert follower.answers(deployment) == [(PRE, "Failed")]
    outcome = world.outcomes.wait(deployment, "pre-traffic")
    assert any("blue/green deployment of CloudFormation" in reason for reason in outcome.reasons), outcome.text
    assert lab.lifecycle(deployment)["AllowTraffic"]["status"] == "Skipped"
