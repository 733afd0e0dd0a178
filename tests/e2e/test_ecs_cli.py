"""`deploy-hooks ecs` as the deploy step of a pipeline, against deployments by ECS itself in the local AWS."""

import json
import shlex
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from world import paths
from world.aws import Aws
from world.native import CLUSTER, CONTAINER_PORT, PRODUCTION, NativeService, hook, hook_function
from world.servers import Servers, environment

BROKEN = "def handler(event, context):\n    raise ValueError('the suite is gone')\n"
PAUSE = {
    "targetType": "PAUSE",
    "lifecycleStages": ["POST_TEST_TRAFFIC_SHIFT"],
    "timeoutConfiguration": {"timeoutInMinutes": 30, "action": "CONTINUE"},
}


@pytest.fixture(scope="module")
def local() -> Iterator[SimpleNamespace]:
    """MiniStack and local-aws alone."""
    paths.LOCAL.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="ecs-cli-", dir=paths.LOCAL) as home:
        servers = Servers(Path(home))
        try:
            env = environment(servers.url, Path(home)) | {"AWS_PAGER": ""}
            yield SimpleNamespace(aws=Aws(servers.url), home=Path(home), env=env, control=servers.control)
        finally:
            servers.stop()


def serving(local: SimpleNamespace, name: str, *hooks: dict) -> NativeService:
    """A service that serves 1.0.0, and whose next deployment meets these hooks."""
    service = NativeService(local.aws, name)
    assert service.create("1.0.0", strategy="BLUE_GREEN")["status"] == "SUCCESSFUL"
    configuration = {"strategy": "BLUE_GREEN", "lifecycleHooks": list(hooks)}
    local.aws.ecs.update_service(cluster=CLUSTER, service=name, deploymentConfiguration=configuration)
    return service


def deploy(local: SimpleNamespace, name: str, *more: str) -> subprocess.Popen[str]:
    """Begins to deploy 2.0.0, with the files that a pipeline has."""
    definition, detail = local.home / f"{name}-taskdef.json", local.home / f"{name}-imageDetail.json"
    container = {
        "name": "shop",
        "image": "<IMAGE1_NAME>",
        "memory": 64,
        "portMappings": [{"containerPort": CONTAINER_PORT}],
        "environment": [{"name": "SHOP_VERSION", "value": "2.0.0"}],
    }
    definition.write_text(json.dumps({"family": name, "revision": 1, "containerDefinitions": [container]}))
    detail.write_text(json.dumps({"ImageURI": "registry.example/shop:2.0.0"}))
    files = ("--task-definition", str(definition), "--image-detail", str(detail))
    return begin(local, "deploy", "--cluster", CLUSTER, "--service", name, *files, *more)


def begin(local: SimpleNamespace, *words: str) -> subprocess.Popen[str]:
    command = [str(paths.BINARIES / "deploy-hooks"), "ecs", *words]
    if "--dry-run" not in words:
        command += ["--interval", "200ms", "--timeout", "90s"]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, env=local.env, stdout=pipe, stderr=pipe, text=True)


def line_with(running: subprocess.Popen[str], wanted: str) -> str:
    """The next line of progress with these words."""
    assert running.stdout is not None
    seen = []
    for line in running.stdout:
        seen.append(line)
        if wanted in line:
            return line
    pytest.fail(f"no {wanted!r} in {seen}, {running.stderr and running.stderr.read()}")


def ended(running: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, err = running.communicate(timeout=120)
    return running.returncode, out, err


def test_a_pause_outlives_the_command_and_is_answered_as_the_command_says(local: SimpleNamespace) -> None:
    service = serving(local, "cli-pause", PAUSE)
    running = deploy(local, "cli-pause")
    line_with(running, "waits for an answer")
    assert "(CONTINUE)" in line_with(running, "! without one")
    answer = line_with(running, "to answer: ").split("to answer: ")[1].split("  (or")[0]
    running.send_signal(signal.SIGINT)
    code, _, err = ended(running)
    assert code == 130
    assert "goes on without this command" in err
    assert service.versions(PRODUCTION) == ["1.0.0"]

    following = begin(local, "follow", "--deployment", service.newest())
    line_with(following, "waits for an answer")
    command = [str(paths.TOOLS / "aws"), *shlex.split(answer)[1:]]
    subprocess.run(command, env=local.env, check=True, capture_output=True, timeout=60)
    code, out, err = ended(following)
    assert code == 0, err
    assert f"{CLUSTER}/cli-pause: the deployment succeeded." in out
    assert service.versions(PRODUCTION, 3) == ["2.0.0"] * 3


def test_a_rollback_fails_the_pipeline_and_says_why(local: SimpleNamespace) -> None:
    broken = hook_function(local.aws, "cli-gate", BROKEN)
    service = serving(local, "cli-broken", hook(broken, "POST_PRODUCTION_TRAFFIC_SHIFT"))
    code, out, err = ended(deploy(local, "cli-broken", "--json"))
    assert code == 1, err
    result = json.loads(out)
    assert result["outcome"] == "rolled_back"
    assert result["service_deployment"] == service.newest()
    assert "hook cli-gate failed" in err
    assert "the suite is gone" in err
    assert service.versions(PRODUCTION, 3) == ["1.0.0"] * 3


def test_a_dry_run_changes_nothing_and_a_stage_ends_the_wait(local: SimpleNamespace) -> None:
    service = serving(local, "cli-stage", PAUSE)
    before = service.newest()
    code, out, err = ended(deploy(local, "cli-stage", "--dry-run"))
    assert code == 0, err
    assert "~ shop: image registry.example/shop:1.0.0 → registry.example/shop:2.0.0" in out
    assert "~ shop: environment SHOP_VERSION has another value" in out
    assert service.newest() == before
    code, out, err = ended(deploy(local, "cli-stage", "--until", "TEST_TRAFFIC_SHIFT", "--quiet"))
    assert code == 0, err
    assert "goes on without this command" in out
    assert "finishedAt" not in service.describe(service.newest())


def test_a_service_of_another_name_is_wrong_input(local: SimpleNamespace) -> None:
    code, _, err = ended(deploy(local, "cli-nowhere"))
    assert code == 3
    assert "Nothing was deployed." in err
