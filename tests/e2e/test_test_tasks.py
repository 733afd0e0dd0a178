"""A team's own tests as a gate: a task of ECS, run once: exit code and result decide. It is a real process here."""

import json
from collections.abc import Callable
from typing import Any

import pytest
import yaml
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

# Writes a result to where the gate says that it belongs, and ends well whatever it says.
REPORTING = """\
import os, sys, boto3
bucket, key = os.environ["DEPLOY_HOOKS_RESULTS"].removeprefix("s3://").split("/", 1)
result = os.environ["RESULT"]
if result:
    s3 = boto3.client("s3", endpoint_url=os.environ["ENDPOINT"], region_name="us-east-1",
                      aws_access_key_id="test", aws_secret_access_key="test")
    s3.put_object(Bucket=bucket, Key=key, Body=result.encode())
"""
RESULTS = {
    "passed": "<testsuite><testcase name='opens'/><testcase name='pays'/></testsuite>",
    "failed": "<testsuite><testcase name='opens'/><testcase name='pays'><failure message='got 503'/></testcase>"
    "</testsuite>",
    "empty": "<testsuite tests='0'/>",
    "broken": "<testsuite><testcase name='opens'/>",
    "missing": "",
}
REASONS = {
    "failed": 'got 1 failed of 2 tests; expected test "pays" to pass, got "got 503"',
    "empty": "expected a test that ran, got no test in the result",
    "broken": "the result can't be read: it breaks off",
    "missing": "could not check the result of the tests: s3://",
}


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


@pytest.mark.parametrize("result", RESULTS)
def test_what_tests_report_decides_whatever_their_exit_code_is(
    world: World,
    lab: Shop,
    gates: Gates,
    follower: Follower,
    release: Callable[..., Release],
    tested: Callable[..., None],
    result: str,
) -> None:
    tested(REPORTING)
    told = {"ENDPOINT": world.url, "RESULT": RESULTS[result]}
    # For YAML 1.1, which Python reads, the key `on` is true.
    reporting = json.loads(json.dumps(yaml.safe_load(SUITE)).replace('"true":', '"on":'))
    reporting["checks"][1]["ecs_task"] |= {"results": {"format": "junit"}, "environment": told}
    lab.put_suite(json.dumps(reporting))
    deployment = lab.deploy(release(), gates.hooks("pre-traffic"))
    outcome = world.outcomes.wait(deployment, "pre-traffic")
    if result == "passed":
        assert follower.ended(deployment) == "Succeeded", follower.told()
        assert b"2 tests ran, none failed" in world.outcomes.report(outcome)
    else:
        assert follower.ended(deployment) == "Failed", follower.told()
        assert any(REASONS[result] in reason for reason in outcome.reasons), outcome.text
