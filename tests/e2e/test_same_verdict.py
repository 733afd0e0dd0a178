"""A suite comes to the same verdict, for the same reasons, wherever it runs: by `deploy-hooks check`, by `deploy-hooks
replay` of the caller's event, and at the deployed function."""

import io
import json
import threading
import uuid
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from follow import Follower
from gates import POST, STAGES, Gates
from misbehaving import Service
from three_ways import PASSWORD, Held, Result, ThreeWays
from world import World, paths
from world.native import CLUSTER, PRE_STAGE, ROLE, NativeService, hook, hook_function
from world.outcomes import wait_for
from world.pipeline import ARTIFACTS, CONNECTION
from world.servers import ACCOUNT
from world.shop import Release, Shop
from world.stack import SUITES

PROGRAM = str(Path(__file__).with_name("misbehaving.py"))
HEAD = """\
version: 1
name: {name}
defaults: {{ http: {{ timeout: 1s, retries: 1, retry_every: 100ms }} }}
checks:
  - name: home page
    http: GET /
    expect: [{{ status: 200 }}, {{ body: {{ contains: Welcome }} }}]
"""
# What a release does, the checks that see it, and what they come to.
MISBEHAVIOURS = {
    "nothing": (
        """
  - name: version
    http: GET /version
    expect: [{ json: { path: $.version, equals: "{{ target.version }}" } }]
""",
        "passed",
    ),
    "wrong-status": (
        """
  - name: orders
    http: GET /wrong-status
    expect: [{ status: 200 }, { header: { name: content-type, contains: html } }]
""",
        "failed",
    ),
    "slow": (
        """
  - name: prices
    http: GET /slow
    expect: [{ latency: "< 200ms" }, { json: { path: $.total, equals: 7 } }]
""",
        "failed",
    ),
    "wrong-body": (
        """
  - name: total
    http: GET /wrong-body
    expect:
      - json: { path: $.total, greater_than: 0 }
      - json: { path: $.currency, type: string }
      - body: { contains: paid }
""",
        "failed",
    ),
    "hanging": (
        """
  - name: stock
    http: GET /hanging
  - name: worth knowing
    severity: advisory
    http: GET /hanging
    retries: 0
""",
        "failed",
    ),
    "flapping": (
        """
  - name: comes back
    http: GET /flapping/bad-first
""",
        "passed",
    ),
    "nowhere": (
        """
  - name: a service that has no address
    http: { method: GET, url: "http://stock.invalid/", allow_origins: ["http://stock.invalid"] }
""",
        "inconclusive",
    ),
}
# Under traffic: every second answer of one address is bad, and two bad ones are too many.
BAKE = """
  - name: comes back
    http: GET /flapping/bad-first
  - name: every second answer
    http: GET /flapping/good-first
    retries: 0
traffic: { count: 4, every: 1s, failure_limit: 1 }
"""
# What AWS itself is asked, the command line can't ask.
ASKS_AWS = {
    "ecs-service.yaml": ["the deployment is wired well", "all new tasks are healthy"],
    "lambda-function.yaml": ["the deployment is wired well", "a book has a price"],
}
# Each example at each gate: the test that runs it, or why none can.
LATE_METRICS = "its metrics come from CloudWatch, minutes late, which the local AWS does not compute"
NO_BROWSER = "the deployed function has no browser in the local AWS; crates/cli/tests/browser.rs and agent.rs run it"
NO_GRPC = "what the local AWS runs speaks no gRPC; crates/gate/src/run/tests/grpc_calls.rs runs it"
EXAMPLES = {
    ("grpc.yaml", "pre-traffic"): NO_GRPC,
    ("grpc.yaml", "post-traffic"): NO_GRPC,
    ("agent.yaml", "pre-traffic"): NO_BROWSER,
    ("agent.yaml", "post-traffic"): NO_BROWSER,
    ("browser.yaml", "pre-traffic"): NO_BROWSER,
    ("browser.yaml", "post-traffic"): NO_BROWSER,
    ("shop.yaml", "pre-traffic"): "test_the_suite_of_the_sample_shop",
    ("shop.yaml", "post-traffic"): "test_the_suite_of_the_sample_shop_under_traffic",
    ("journey.yaml", "pre-traffic"): "test_the_suite_with_a_journey",
    ("journey.yaml", "post-traffic"): "test_the_suite_with_a_journey_under_traffic",
    ("shared-parts.yaml", "pre-traffic"): "test_the_suite_with_shared_parts",
    ("shared-parts.yaml", "post-traffic"): "test_the_suite_with_shared_parts_under_traffic",
    ("ecs-service.yaml", "pre-traffic"): "test_the_suite_of_a_service_that_ecs_deploys",
    ("ecs-service.yaml", "post-traffic"): LATE_METRICS,
    ("lambda-function.yaml", "pre-traffic"): "test_the_suite_of_a_function",
    ("lambda-function.yaml", "post-traffic"): LATE_METRICS,
}

# Folders of what example suites include and send.
BESIDE = ("shared", "files")

PutSuite = Callable[[str, str], Path]


@pytest.fixture(scope="module")
def held(world: World) -> Held:
    """Whom callers call while the three ways are run."""
    return Held(world)


@pytest.fixture
def ways(world: World, gates: Gates) -> ThreeWays:
    return ThreeWays(world, gates)


@pytest.fixture
def put(world: World, tmp_path: Path) -> PutSuite:
    """Puts a suite where the function finds it, and into a file."""

    def put(key: str, text: str) -> Path:
        world.aws.s3.put_object(Bucket=SUITES, Key=f"{key}.yaml", Body=text.encode())
        file = tmp_path / "suite.yaml"
        file.write_text(text)
        # What examples name lies beside each suite.
        for folder in BESIDE:
            for path in (paths.SUITES / folder).iterdir():
                name = f"{folder}/{path.name}"
                world.aws.s3.put_object(Bucket=SUITES, Key=f"{Path(key).parent}/{name}", Body=path.read_bytes())
                (tmp_path / name).parent.mkdir(exist_ok=True)
                (tmp_path / name).write_bytes(path.read_bytes())
        return file

    return put


@pytest.fixture(scope="module")
def unsteady(open_shop: Callable[..., Shop]) -> Shop:
    """A shop of its own, so that the suite of the lab stays."""
    return open_shop("unsteady")


def misbehaving(release: Callable[..., Release]) -> Release:
    """A new release of the service that misbehaves."""
    version = release().version
    return Release(version, settings={"SHOP_PASSWORD": PASSWORD}, image="python", command=(PROGRAM,))


def suite_of(misbehaviour: str) -> tuple[str, str]:
    checks, conclusion = MISBEHAVIOURS[misbehaviour]
    return HEAD.format(name=misbehaviour) + checks.lstrip("\n"), conclusion


def before_traffic(
    ways: ThreeWays, shop: Shop, follower: Follower, held: Held, release: Release, suite: str, put: PutSuite
) -> Result:
    """CodeDeploy is held once there is test traffic; then it goes on to the gate."""
    file = put(f"{shop.name}/{shop.group}", suite)
    gate = ways.gates.functions["pre-traffic"]
    deployment = shop.deploy(release, {"AfterAllowTestTraffic": held.NAME, "BeforeAllowTraffic": gate})
    event = held.event(deployment)

    def go_on() -> Result:
        shop.aws.codedeploy.put_lifecycle_event_hook_execution_status(
            deploymentId=deployment,
            lifecycleEventHookExecutionId=event["LifecycleEventHookExecutionId"],
            status="Succeeded",
        )
        return ways.called_for(deployment, "pre-traffic")

    result = ways.run(file, "pre-traffic", event, go_on)
    assert follower.ended(deployment) == ("Succeeded" if result.verdict["passed"] else "Failed"), follower.told()
    return result


def example(name: str) -> str:
    return (paths.SUITES / name).read_text()


def test_each_example_is_run_or_says_why_not() -> None:
    names = {path.name for path in paths.SUITES.glob("*.yaml")}
    assert {(name, stage) for name in names for stage in STAGES} == set(EXAMPLES)
    tests = {test for test in EXAMPLES.values() if test not in (LATE_METRICS, NO_BROWSER, NO_GRPC)}
    assert tests <= set(globals()), "a test has another name"


@pytest.mark.parametrize("misbehaviour", MISBEHAVIOURS)
def test_codedeploy(
    misbehaviour: str,
    ways: ThreeWays,
    unsteady: Shop,
    follower: Follower,
    held: Held,
    release: Callable[..., Release],
    put: PutSuite,
) -> None:
    suite, conclusion = suite_of(misbehaviour)
    result = before_traffic(ways, unsteady, follower, held, misbehaving(release), suite, put)
    assert result.verdict["conclusion"] == conclusion, result.verdict


@pytest.fixture(scope="module")
def native(world: World, held: Held) -> Iterator[tuple[str, dict[str, Any]]]:
    """A service of which ECS holds a deployment at its hook, and the call."""
    service = NativeService(world.aws, "three-ways", program=("python", PROGRAM))
    first = service.create("1.0.0", strategy="BLUE_GREEN")
    assert first["status"] == "SUCCESSFUL", first.get("statusReason")
    hooks = [hook(held.arn, PRE_STAGE, "POST_PRODUCTION_TRAFFIC_SHIFT")]
    deployment = service.deploy("1.1.0", strategy="BLUE_GREEN", bakeTimeInMinutes=10, lifecycleHooks=hooks)
    yield f"{service.name}/{CLUSTER}", held.event(deployment)
    world.aws.ecs.stop_service_deployment(serviceDeploymentArn=deployment, stopType="ROLLBACK")
    service.wait(deployment, lambda seen: "finishedAt" in seen)


@pytest.mark.parametrize("misbehaviour", MISBEHAVIOURS)
def test_ecs(misbehaviour: str, ways: ThreeWays, native: tuple[str, dict[str, Any]], put: PutSuite) -> None:
    key, event = native
    suite, conclusion = suite_of(misbehaviour)
    file = put(key, suite)
    # Each suite is a hook of its own.
    result = ways.run(file, "pre-traffic", event | {"executionId": str(uuid.uuid4())})
    assert result.verdict["conclusion"] == conclusion, result.verdict


def test_the_suite_of_a_service_that_ecs_deploys(
    ways: ThreeWays, native: tuple[str, dict[str, Any]], put: PutSuite
) -> None:
    key, event = native
    ways.gates_only = ASKS_AWS["ecs-service.yaml"]
    file = put(key, example("ecs-service.yaml"))
    result = ways.run(file, "pre-traffic", event | {"executionId": str(uuid.uuid4())})
    assert {name: check["measurement"] for name, check in result.checks.items()} == {
        "the deployment is wired well": "passed",
        "all new tasks are healthy": "passed",
        "home page": "passed",
    }, result.verdict


@contextmanager
def serving() -> Iterator[str]:
    """The service that misbehaves, without anybody who deploys it; where it answers."""
    service = Service(0, "1.0.0", PASSWORD)
    threading.Thread(target=service.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{service.server_address[1]}"
    finally:
        service.shutdown()
        service.server_close()


def run_pipeline(world: World, name: str, function: str, parameters: dict[str, Any]) -> str:
    """Makes a pipeline that has a function invoked, and starts it; returns the id of the execution."""
    world.aws.s3.create_bucket(Bucket=ARTIFACTS)
    commit = {"repository": f"shop/{name}", "message": "1.0.0", "files": {"readme": "nothing"}}
    world.control.commit(commit | {"author": "developer", "email": "developer@example.com"})
    source = {"ConnectionArn": CONNECTION, "FullRepositoryId": f"shop/{name}", "BranchName": "main"}
    invoked = {"FunctionName": function, "UserParameters": json.dumps(parameters)}
    stages = [("Source", "CodeStarSourceConnection", source), ("Invoke", "Lambda", invoked)]
    world.aws.codepipeline.create_pipeline(
        pipeline={
            "name": name,
            "roleArn": f"arn:aws:iam::{ACCOUNT}:role/pipeline",
            "artifactStore": {"type": "S3", "location": ARTIFACTS},
            "pipelineType": "V2",
            "stages": [
                {
                    "name": category,
                    "actions": [
                        {
                            "name": category,
                            "actionTypeId": {
                                "category": category,
                                "owner": "AWS",
                                "provider": provider,
                                "version": "1",
                            },
                            "configuration": configuration,
                            "outputArtifacts": [{"name": "source"}] if category == "Source" else [],
                        }
                    ],
                }
                for category, provider, configuration in stages
            ],
        }
    )
    return str(world.aws.codepipeline.start_pipeline_execution(name=name)["pipelineExecutionId"])


def by_pipeline(
    world: World, ways: ThreeWays, held: Held, put: PutSuite, stage: str, suite_name: str, suite: str
) -> Result:
    """A pipeline whose action is held, until the function answers its job."""
    name = f"same-{suite_name}-{stage}"
    file = put(f"{name}/live", suite)
    with serving() as url:
        target = {"url": url, "application": name, "deployment_group": "live", "version": "1.0.0"}
        execution = run_pipeline(world, name, held.NAME, {"stage": stage, "target": target})
        result = ways.run(file, stage, held.event(name))
    client = world.aws.codepipeline

    def ended() -> str:
        found = client.get_pipeline_execution(pipelineName=name, pipelineExecutionId=execution)["pipelineExecution"]
        return str(found["status"]) if found["status"] != "InProgress" else ""

    assert wait_for(f"the end of {name}", ended) == ("Succeeded" if result.verdict["passed"] else "Failed")
    return result


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("misbehaviour", ["nothing", "wrong-body", "hanging"])
def test_codepipeline(misbehaviour: str, stage: str, world: World, ways: ThreeWays, held: Held, put: PutSuite) -> None:
    suite, conclusion = suite_of(misbehaviour)
    result = by_pipeline(world, ways, held, put, stage, misbehaviour, suite)
    assert result.verdict["conclusion"] == conclusion, result.verdict


def test_a_bake_of_a_release_that_comes_and_goes(world: World, ways: ThreeWays, held: Held, put: PutSuite) -> None:
    suite = HEAD.format(name="flapping") + BAKE
    result = by_pipeline(world, ways, held, put, "post-traffic", "flapping", suite)
    strips = {name: check["strip"] for name, check in result.checks.items()}
    assert strips == {"home page": "PPPP", "comes back": "PPPP", "every second answer": "PFPF"}
    assert result.verdict["conclusion"] == "failed"


def test_the_suite_of_the_sample_shop(
    ways: ThreeWays,
    unsteady: Shop,
    follower: Follower,
    held: Held,
    release: Callable[..., Release],
    put: PutSuite,
) -> None:
    result = before_traffic(ways, unsteady, follower, held, release(), example("shop.yaml"), put)
    assert result.verdict["passed"], result.verdict


def test_the_suite_of_the_sample_shop_under_traffic(
    ways: ThreeWays,
    unsteady: Shop,
    gates: Gates,
    follower: Follower,
    release: Callable[..., Release],
    put: PutSuite,
) -> None:
    file = put(f"{unsteady.name}/{unsteady.group}", example("shop.yaml"))
    deployment = unsteady.deploy(release(), gates.hooks("post-traffic"))
    called = follower.called(deployment, POST)
    event = {
        "DeploymentId": deployment,
        "LifecycleEventHookExecutionId": called.detail["lifecycle_event_hook_execution_id"],
    }
    # The gate bakes meanwhile: the suite only reads, so nobody is disturbed.
    result = ways.run(file, "post-traffic", event, lambda: ways.called_for(deployment, "post-traffic"))
    assert result.verdict["passed"], result.verdict
    assert {check["strip"] for check in result.checks.values()} == {"P" * 11}
    assert follower.ended(deployment) == "Succeeded", follower.told()


@pytest.fixture
def password(world: World, gates: Gates) -> Iterator[None]:
    """Both functions have the password of the suite with a journey in their environment."""
    lambda_ = world.aws.lambda_
    before = {
        name: lambda_.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
        for name in gates.functions.values()
    }
    for name, variables in before.items():
        changed = {"Variables": variables | {"SHOP_PASSWORD": PASSWORD}}
        lambda_.update_function_configuration(FunctionName=name, Environment=changed)
    yield
    for name, variables in before.items():
        lambda_.update_function_configuration(FunctionName=name, Environment={"Variables": variables})


@pytest.mark.usefixtures("password")
def test_the_suite_with_a_journey(
    ways: ThreeWays,
    unsteady: Shop,
    follower: Follower,
    held: Held,
    release: Callable[..., Release],
    put: PutSuite,
) -> None:
    result = before_traffic(ways, unsteady, follower, held, misbehaving(release), example("journey.yaml"), put)
    assert result.verdict["passed"], result.verdict
    [bought] = result.checks.values()
    assert [step["name"] for step in bought["tries"][0]["steps"]][-1] == "empty the cart"


@pytest.mark.usefixtures("password")
def test_the_suite_with_a_journey_under_traffic(world: World, ways: ThreeWays, held: Held, put: PutSuite) -> None:
    result = by_pipeline(world, ways, held, put, "post-traffic", "journey", example("journey.yaml"))
    assert result.verdict["passed"], result.verdict


def test_the_suite_with_shared_parts(
    ways: ThreeWays,
    unsteady: Shop,
    follower: Follower,
    held: Held,
    release: Callable[..., Release],
    put: PutSuite,
) -> None:
    result = before_traffic(ways, unsteady, follower, held, release(), example("shared-parts.yaml"), put)
    assert result.verdict["passed"], result.verdict
    assert list(result.checks) == ["home page", "version served is version deployed", "an order is taken"]


def test_the_suite_with_shared_parts_under_traffic(world: World, ways: ThreeWays, held: Held, put: PutSuite) -> None:
    result = by_pipeline(world, ways, held, put, "post-traffic", "shared-parts", example("shared-parts.yaml"))
    assert result.verdict["passed"], result.verdict


# Slow enough that the gate is still measuring when the others look its deployment up.
PRICES = """\
import time

def handler(event, context):
    assert event["action"] == "price"
    time.sleep(2)
    return {"total": event["book"] * {factor}}
"""


@pytest.fixture
def prices(world: World, gates: Gates) -> dict[str, Any]:
    """A new version of a function, and the request to deploy it with a gate before its alias leads to it."""
    aws, function, alias = world.aws, "prices-of-books", "live"
    hook_function(aws, function, PRICES.replace("{factor}", "1"))
    aws.lambda_.publish_version(FunctionName=function)
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as package:
        package.writestr("hook.py", PRICES.replace("{factor}", "2"))
    aws.lambda_.update_function_code(FunctionName=function, ZipFile=archive.getvalue())
    new = aws.lambda_.publish_version(FunctionName=function)["Version"]
    aws.lambda_.get_waiter("published_version_active").wait(FunctionName=function, Qualifier=new)
    aws.lambda_.create_alias(FunctionName=function, Name=alias, FunctionVersion="1")
    aws.codedeploy.create_application(applicationName=function, computePlatform="Lambda")
    aws.codedeploy.create_deployment_group(
        applicationName=function,
        deploymentGroupName=alias,
        deploymentConfigName="CodeDeployDefault.LambdaAllAtOnce",
        serviceRoleArn=ROLE,
        deploymentStyle={"deploymentType": "BLUE_GREEN", "deploymentOption": "WITH_TRAFFIC_CONTROL"},
        autoRollbackConfiguration={"enabled": True, "events": ["DEPLOYMENT_FAILURE"]},
    )
    properties = {"Name": function, "Alias": alias, "CurrentVersion": "1", "TargetVersion": new}
    spec = {
        "version": 0.0,
        "Resources": [{function: {"Type": "AWS::Lambda::Function", "Properties": properties}}],
        "Hooks": [{"BeforeAllowTraffic": gates.functions["pre-traffic"]}],
    }
    revision: Any = {"revisionType": "AppSpecContent", "appSpecContent": {"content": json.dumps(spec)}}
    return {"applicationName": function, "deploymentGroupName": alias, "revision": revision}


def test_the_suite_of_a_function(
    world: World, ways: ThreeWays, prices: dict[str, Any], follower: Follower, put: PutSuite
) -> None:
    ways.gates_only = ASKS_AWS["lambda-function.yaml"]
    file = put("prices-of-books/live", example("lambda-function.yaml"))
    with world.control.fault("codedeploy", "GetDeployment", delay_ms=2500, times=1):
        deployment = world.aws.codedeploy.create_deployment(**prices)["deploymentId"]
        called = follower.called(deployment, "BeforeAllowTraffic")
        follower.wait("the gate's first look-up", lambda seen: seen.kind == "fault")
    event = {
        "DeploymentId": deployment,
        "LifecycleEventHookExecutionId": called.detail["lifecycle_event_hook_execution_id"],
    }
    result = ways.run(file, "pre-traffic", event, lambda: ways.called_for(deployment, "pre-traffic"))
    assert result.checks["a book has a price"]["measurement"] == "passed", result.verdict
    follower.ended(deployment)
