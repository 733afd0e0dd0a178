"""`deploy-hooks gates override`: a named person lets a release pass a gate that has stopped it, once."""

import json
import subprocess
from collections.abc import Callable

import pytest
from world import World, paths
from world.native import CLUSTER, PRODUCTION, GatedService
from world.servers import environment

# Nothing of the sample shop answers there.
SUITE = """
version: 1
name: overridden
overridable: true
checks:
  - name: the version served is the version deployed
    http: GET /version
    expect: [{ json: { path: $.version, equals: "{{ target.version }}" } }]
  - name: the new price list
    http: GET /prices
    retries: 0
"""
REASON = "the price list comes with the next release"

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def run(world: World) -> Run:
    """Runs `deploy-hooks gates …` as somebody with credentials."""
    env = environment(world.url, world.home) | {"STATE_TABLE": world.stack.state_table}

    def run_(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [str(paths.BINARIES / "deploy-hooks"), *arguments]
        return subprocess.run(command, env=env, capture_output=True, text=True, timeout=60)

    return run_


def test_a_release_passes_once_by_name_and_with_the_reason(world: World, run: Run) -> None:
    gated = GatedService(world, "overridden", SUITE)
    service = gated.service
    service.create("1.0.0", strategy="BLUE_GREEN")
    release = service.register("2.0.0")

    def deploy(task_definition: str) -> tuple[str, str]:
        """Deploys a task definition behind the pre-traffic gate; returns the deployment and how it ended."""
        service.aws.ecs.update_service(
            cluster=CLUSTER,
            service=service.name,
            taskDefinition=task_definition,
            # Also where the service has it already.
            forceNewDeployment=True,
            deploymentConfiguration={"strategy": "BLUE_GREEN", "lifecycleHooks": gated.hooks([])[:1]},
        )
        deployment = service.newest()
        return deployment, str(service.wait(deployment, lambda seen: "finishedAt" in seen)["status"])

    deployment, ended = deploy(release)
    assert ended == "ROLLBACK_SUCCESSFUL"
    stopped = gated.outcome(deployment, "pre-traffic", "2.0.0")
    override = ("gates", "override", stopped.report, "--reason", REASON)
    dry = run(*override)
    assert dry.returncode == 0 and "Nothing is recorded" in dry.stdout, dry.stderr + dry.stdout
    assert "the new price list" in dry.stdout
    assert deploy(release)[1] == "ROLLBACK_SUCCESSFUL", "a dry run overrides nothing"
    recorded = run(*override, "--yes")
    assert recorded.returncode == 0, recorded.stderr

    assert deploy(service.register("3.0.0"))[1] == "ROLLBACK_SUCCESSFUL", "it is of this very release"
    deployment, ended = deploy(release)
    assert ended == "SUCCESSFUL"
    assert service.versions(PRODUCTION, 3) == ["2.0.0"] * 3
    passed = gated.outcome(deployment, "pre-traffic", "2.0.0")
    assert "OVERRIDDEN" in passed.subject, passed.subject
    assert REASON in passed.text and "the new price list" in passed.text, passed.text
    report = json.loads(world.outcomes.report(passed))
    assert report["verdict"]["conclusion"] == "failed", "what the evidence says stays"

    listed = run("--json", "gates", "overrides", stopped.report)
    assert listed.returncode == 0, listed.stderr
    assert REASON in listed.stdout and deployment.rsplit("/", 1)[-1] in listed.stdout, listed.stdout
    deploy(service.register("1.0.1"))
    assert deploy(release)[1] == "ROLLBACK_SUCCESSFUL", "it was used"

    # All of that stands in the bucket.
    bucket = f"s3://{world.stack.report_bucket}/reports/"
    listed = run("--json", "gates", "list", bucket, "--service", service.name)
    assert listed.returncode == 0, listed.stderr
    runs = json.loads(listed.stdout)["runs"]
    assert [it["version"] for it in runs] == ["2.0.0", "1.0.1", "2.0.0", "3.0.0", "2.0.0", "2.0.0"]
    assert [it["passed"] for it in runs] == [False, False, True, False, False, False]
    newest = run("--json", "gates", "list", bucket, "--service", service.name, "--last", "1")
    assert json.loads(newest.stdout)["runs"] == runs[:1]
    told = run("gates", "stats", bucket, "--service", service.name)
    assert told.returncode == 0, told.stderr
    assert f"\n{service.name}  6 " in told.stdout, told.stdout
    absent = run("gates", "list", "s3://no-such-bucket/reports/")
    assert absent.returncode == 1 and "no-such-bucket" in absent.stderr, absent.stderr
