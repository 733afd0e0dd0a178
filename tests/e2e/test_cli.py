"""The AWS CLI at the front door, as a person at a terminal uses it."""

import json
import subprocess
from collections.abc import Callable
from typing import Any

import pytest
from follow import Follower
from gates import PRE, Gates
from world import World, paths
from world.servers import environment
from world.shop import CLUSTER, Release, Shop

NewRelease = Callable[..., Release]
Cli = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def aws(world: World) -> Cli:
    """Runs `aws …`."""
    env = environment(world.url, world.home)

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [str(paths.TOOLS / "aws"), "--output", "json", *arguments]
        return subprocess.run(command, env=env, capture_output=True, text=True, timeout=60)

    return run


def _json(done: subprocess.CompletedProcess[str]) -> Any:
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_deployment_from_the_command_line(
    aws: Cli, lab: Shop, gates: Gates, follower: Follower, release: NewRelease
) -> None:
    made = release()
    task_definition = lab.register(made)
    revision = {
        "revisionType": "AppSpecContent",
        "appSpecContent": {"content": lab.appspec(task_definition, gates.hooks("pre-traffic", "post-traffic"))},
    }
    names = ["--application-name", lab.name, "--deployment-group-name", lab.group]
    deployment = _json(aws("deploy", "create-deployment", *names, "--revision", json.dumps(revision)))["deploymentId"]
    assert follower.ended(deployment) == "Succeeded", follower.told()
    waited = aws("deploy", "wait", "deployment-successful", "--deployment-id", deployment)
    assert waited.returncode == 0, waited.stderr

    info = _json(aws("deploy", "get-deployment", "--deployment-id", deployment))["deploymentInfo"]
    assert (info["applicationName"], info["status"]) == (lab.name, "Succeeded")
    assert (info["computePlatform"], info["creator"]) == ("ECS", "user")
    assert info["deploymentStyle"] == {"deploymentType": "BLUE_GREEN", "deploymentOption": "WITH_TRAFFIC_CONTROL"}

    described = _json(aws("ecs", "describe-services", "--cluster", CLUSTER, "--services", lab.name))
    service = described["services"][0]
    assert (service["serviceName"], service["status"]) == (lab.name, "ACTIVE")
    primary = next(task_set for task_set in service["taskSets"] if task_set["status"] == "PRIMARY")
    assert primary["taskDefinition"] == task_definition
    assert primary["stabilityStatus"] == "STEADY_STATE"

    described = _json(aws("elbv2", "describe-listeners", "--listener-arns", lab.production_listener))
    listener = described["Listeners"][0]
    assert (listener["Port"], listener["Protocol"]) == (lab.production_port, "HTTP")
    groups = listener["DefaultActions"][0]["ForwardConfig"]["TargetGroups"]
    serving = next(group["TargetGroupArn"] for group in groups if group["Weight"] == 100)
    health = _json(aws("elbv2", "describe-target-health", "--target-group-arn", serving))
    assert [it["TargetHealth"]["State"] for it in health["TargetHealthDescriptions"]] == ["healthy"]


def test_a_hook_is_answered_by_hand_and_only_once(
    aws: Cli, lab: Shop, silent: str, follower: Follower, release: NewRelease
) -> None:
    deployment = lab.deploy(release(), {PRE: silent})
    execution = follower.called(deployment, PRE).detail["lifecycle_event_hook_execution_id"]

    def answer(status: str) -> subprocess.CompletedProcess[str]:
        ids = ["--deployment-id", deployment, "--lifecycle-event-hook-execution-id", execution]
        return aws("deploy", "put-lifecycle-event-hook-execution-status", *ids, "--status", status)

    refused = answer("Skipped")
    assert refused.returncode != 0, "CodeDeploy takes Succeeded and Failed only"
    assert "InvalidLifecycleEventHookExecutionStatusException" in refused.stderr
    assert _json(answer("Succeeded"))["lifecycleEventHookExecutionId"] == execution
    assert follower.ended(deployment) == "Succeeded", follower.told()
    again = answer("Failed")
    assert again.returncode != 0
    assert "LifecycleEventAlreadyCompletedException" in again.stderr


def test_errors_reach_the_command_line_as_those_of_aws(aws: Cli) -> None:
    unknown = aws("deploy", "get-deployment", "--deployment-id", "d-UNKNOWN00")
    assert unknown.returncode != 0
    assert "DeploymentDoesNotExistException" in unknown.stderr
    missing = _json(aws("ecs", "describe-services", "--cluster", CLUSTER, "--services", "nothing"))
    assert [failure["reason"] for failure in missing["failures"]] == ["MISSING"]
