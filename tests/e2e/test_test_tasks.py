"""A team's own tests as a gate: a task of ECS, run once, whose exit code decides. It is a real process here."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from follow import Follower
from gates import PRE, Gates
from world import World
from world.shop import CLUSTER, Release, Shop

FAMILY = "shop-tests"
SUITE = f"""\
version: 1
name: tested
checks:
  - name: home page
    http: GET /
  - name: own tests
    on: [pre-traffic]
    timeout: 1m
    ecs_task:
      task_definition: {FAMILY}
      environment: {{ BASE_URL: "{{{{ target.url }}}}", EXPECTED: "{{{{ target.version }}}}" }}
"""
# Asks the release at its test listener, as browser tests would.
SCRIPT = """\
import json, os, sys, urllib.request
with urllib.request.urlopen(os.environ["BASE_URL"].rstrip("/") + "/version") as answer:
    version = json.load(answer)["version"]
sys.exit(0 if version == os.environ["EXPECTED"] else 3)
"""


@pytest.fixture
def tested(world: World, lab: Shop) -> Callable[..., None]:
    """Registers the tests, and gives the lab the suite that runs them."""

    def register(script: str = SCRIPT, image: str = "python") -> None:
        container = {"name": "tests", "image": f"{image}:3", "essential": True, "command": ["-c", script]}
        world.aws.ecs.register_task_definition(
            family=FAMILY,
            requiresCompatibilities=["FARGATE"],
            networkMode="awsvpc",
            cpu="256",
            memory="512",
            containerDefinitions=[container],
        )
        lab.put_suite(SUITE)

    return register


def _tasks(world: World, deployment: str) -> list[dict[str, Any]]:
    """The tasks that a gate has started for this deployment; the report names them."""
    outcome = world.outcomes.wait(deployment, "pre-traffic")
    report = json.loads(world.outcomes.report(outcome))
    [request] = [each["rounds"][0]["tries"][0]["request"] for each in report["checks"] if each["name"] == "own tests"]
    started = request.rpartition("(")[2].rstrip(")")
    return list(world.aws.ecs.describe_tasks(cluster=CLUSTER, tasks=[started])["tasks"])


def test_tests_that_succeed_let_the_release_pass(
    world: World,
    lab: Shop,
    gates: Gates,
    follower: Follower,
    release: Callable[..., Release],
    tested: Callable[..., None],
) -> None:
    tested()
    deployment = lab.deploy(release(), gates.hooks("pre-traffic"))
    assert follower.ended(deployment) == "Succeeded", follower.told()
    assert follower.answers(deployment) == [(PRE, "Succeeded")]
    [task] = _tasks(world, deployment)
    assert (task["lastStatus"], task["stopCode"]) == ("STOPPED", "EssentialContainerExited")
    assert (task["containers"][0]["exitCode"], task["startedBy"]) == (0, "deploy-hooks")


def test_tests_that_fail_stop_the_release_with_their_exit_code(
    world: World,
    lab: Shop,
    gates: Gates,
    follower: Follower,
    release: Callable[..., Release],
    tested: Callable[..., None],
) -> None:
    tested("import sys; sys.exit(7)")
    deployment = lab.deploy(release(), gates.hooks("pre-traffic"))
    assert follower.ended(deployment) == "Failed", follower.told()
    outcome = world.outcomes.wait(deployment, "pre-traffic")
    assert any("got exit code 7" in reason for reason in outcome.reasons), outcome.text
    assert len(_tasks(world, deployment)) == 1


def test_tests_that_can_not_be_started_say_nothing_of_the_release(
    world: World,
    lab: Shop,
    gates: Gates,
    follower: Follower,
    release: Callable[..., Release],
    tested: Callable[..., None],
) -> None:
    tested(image="nowhere")
    deployment = lab.deploy(release(), gates.hooks("pre-traffic"))
    assert follower.ended(deployment) == "Failed", follower.told()
    outcome = world.outcomes.wait(deployment, "pre-traffic")
    [reason] = [reason for reason in outcome.reasons if "own tests" in reason]
    assert 'check "own tests" errored: the tests did not run to their end: CannotPullContainerError' in reason, reason
