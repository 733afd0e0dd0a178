"""`deploy-hooks check --deployment` and `--service`: from a laptop, with the verdict that the gate gives."""

import json
import subprocess
from collections.abc import Callable
from typing import Any

import pytest
from follow import ENDED, Follower
from gates import POST, PRE, Gates
from world import World, paths
from world.native import CLUSTER, NativeService
from world.servers import environment
from world.shop import Release, Shop

NewRelease = Callable[..., Release]
Check = Callable[..., tuple[int, Any]]
BEFORE = "BeforeAllowTraffic"

SUITE = """\
version: 1
name: laptop
defaults:
  http: { timeout: 2s, retries: 1, retry_every: 100ms }
checks:
  - name: version served is version deployed
    http: GET /version
    expect:
      - json: { path: $.version, equals: "{{ target.version }}" }
  - name: a reader buys a book
    on: [pre-traffic]
    http: { method: POST, url: /api/checkout, json: { book: 7, quantity: 1 } }
    expect: [ { status: 201 } ]
  - name: all new tasks are healthy
    targets: complete
"""
OF_ECS = """\
version: 1
name: native
checks:
  - name: version served is version deployed
    http: GET /version
    expect: [ { json: { path: $.version, equals: "{{ target.version }}" } } ]
  - name: all tasks are healthy
    targets: complete
"""


@pytest.fixture
def check(world: World) -> Check:
    """Runs `deploy-hooks check` with a suite; its exit code, and its report."""
    env = environment(world.url, world.home)

    def run(suite: str, *words: str) -> tuple[int, Any]:
        file = world.home / "laptop.yaml"
        file.write_text(suite)
        command = [str(paths.BINARIES / "deploy-hooks"), "check", str(file), *words, "--json"]
        done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=90)
        assert done.stdout, done.stderr
        return done.returncode, json.loads(done.stdout)

    return run


def _came_to(report: Any) -> dict[str, str]:
    return {each["name"]: each["measurement"] for each in report["checks"]}


def _answer(world: World, follower: Follower, deployment: str) -> None:
    execution = follower.called(deployment, PRE).detail["lifecycle_event_hook_execution_id"]
    world.aws.codedeploy.put_lifecycle_event_hook_execution_status(
        deploymentId=deployment, lifecycleEventHookExecutionId=execution, status="Succeeded"
    )


@pytest.mark.parametrize("fault", ["none", "checkout"])
def test_the_verdict_on_a_deployment_is_the_gates(
    world: World,
    lab: Shop,
    gates: Gates,
    silent: str,
    check: Check,
    follower: Follower,
    release: NewRelease,
    fault: str,
) -> None:
    lab.put_suite(SUITE)
    made = release(fault)
    # The first hook waits for an answer by hand; the gate is asked at the next.
    hooks = {PRE: silent, BEFORE: gates.functions["pre-traffic"], **gates.hooks("post-traffic")}
    deployment = lab.deploy(made, hooks)
    follower.called(deployment, PRE)

    (code, early), changes = gates.changes_by(
        lambda: check(SUITE, "--deployment", deployment, "--stage", "post-traffic")
    )
    assert (code, early["checks"]) == (3, []), early["verdict"]
    assert "customers are still served by the old version" in early["verdict"]["reasons"][0]
    assert not changes
    (code, own), changes = gates.changes_by(lambda: check(SUITE, "--deployment", f"{lab.name}/{lab.group}"))
    assert not changes

    _answer(world, follower, deployment)
    assert follower.ended(deployment) in ENDED, follower.told()
    outcome = world.outcomes.wait(deployment, "pre-traffic")
    gates_own = json.loads(world.outcomes.report(outcome))
    assert own["verdict"]["conclusion"] == gates_own["verdict"]["conclusion"]
    assert own["verdict"]["passed"] == (outcome.answer == "Succeeded") == (code == 0)
    assert _came_to(own) == _came_to(gates_own)
    assert own["target"]["version"] == made.version
    told = {key: value for key, value in gates_own["target"].items() if key != "lifecycle_event"}
    assert own["target"] == told

    # Over: by production traffic where the release went live, and not at all where it did not.
    code, after = check(SUITE, "--deployment", deployment, "--stage", "post-traffic")
    if fault == "none":
        assert follower.answers(deployment)[-1] == (POST, "Succeeded")
        assert (code, after["verdict"]["conclusion"]) == (0, "passed"), after["verdict"]
    else:
        assert (code, after["checks"]) == (3, []), after["verdict"]


def test_a_service_that_ecs_deploys_itself_is_measured_where_it_serves(world: World, check: Check) -> None:
    service = NativeService(world.aws, "laptop")
    assert service.create("1.0.0", strategy="BLUE_GREEN")["status"] == "SUCCESSFUL"
    name = f"{CLUSTER}/laptop"
    code, report = check(OF_ECS, "--service", name, "--stage", "post-traffic")
    assert (code, report["verdict"]["conclusion"]) == (0, "passed"), report["verdict"]
    assert report["target"]["version"] == "1.0.0"
    assert report["target"]["service"] == "laptop"
    code, report = check(OF_ECS, "--service", name)
    assert code == 3
    assert "give --stage post-traffic" in report["verdict"]["reasons"][0]
