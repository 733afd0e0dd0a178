"""One world for all tests. Each test leaves it as it found it: no fault ordered, no deployment running."""

import io
import itertools
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import secrecy
from browser import program
from cases import Case, Waiting, wait_for_case
from follow import Follower
from gates import Gates
from nights import Nights
from soon import Soon
from suites import GOOD
from world import World
from world.outcomes import wait_for
from world.shop import Plan, Release, Shop

Open = Callable[..., Shop]
PARAMETERS = "arn:aws:ssm:us-east-1:000000000000:parameter/lab/*"


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Keeps in mind what ran."""
    item.session.stash.setdefault(secrecy.RAN, set()).add(item.path.name)


@pytest.fixture(scope="session")
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    """The local AWS with `template.yaml` deployed."""
    config = Path(__file__).with_name("approvals.yaml")
    # Fifty people click at once here; elsewhere a crowd like that is turned away.
    settings = {
        "SsmParameterArns": PARAMETERS,
        "DecisionConcurrency": "0",
        "EcsServices": "native/*",
        "DeployServices": "native/*",
        "GateEventBus": "default",
        "TestTasks": "shop-tests",
        "AgentCoreBrowser": "aws.browser.v1",
        "AgentModelArns": "arn:aws:bedrock:us-east-1::foundation-model/*",
    }
    # The team's own tests are written in Python. The browser is that of AgentCore.
    images = {"python": Path(sys.executable), "chromium": Path(program())}
    with World("e2e", config=config, images=images, **settings) as world:
        yield world
        try:
            secrecy.check(world, request.session)
        except BaseException:
            world.keep_logs()
            raise
        if request.session.testsfailed:
            world.keep_logs()


@pytest.fixture(scope="session")
def night_world(request: pytest.FixtureRequest) -> Iterator[World]:
    """Another local AWS, with environments that sleep: its clock goes through nights that no other test is to see."""
    with World("nights", nights=Path(__file__).with_name("environments.yaml")) as world:
        yield world
        if request.session.testsfailed:
            world.keep_logs()


@pytest.fixture(scope="session")
def nights(night_world: World) -> Nights:
    """The function that puts services to sleep and wakes them."""
    return Nights(night_world)


@pytest.fixture(scope="session")
def soon(night_world: World, nights: Nights) -> Soon:
    """A service that sleeps in a few minutes: asked for early, so that nobody has to wait."""
    return Soon(night_world, nights)


@pytest.fixture(scope="session")
def gates(world: World) -> Gates:
    """The two functions."""
    return Gates(world)


@pytest.fixture(scope="session")
def opened() -> list[Shop]:
    """The shops that there are."""
    return []


@pytest.fixture(scope="session")
def open_shop(world: World, opened: list[Shop]) -> Open:
    """Opens a shop, with the quick suite unless another one is given."""

    def open_(name: str, suite: str = GOOD, **plan: Any) -> Shop:
        shop = world.shop(name, Plan(**plan))
        opened.append(shop)
        shop.open(Release("1.0.0"), suite)
        return shop

    return open_


@pytest.fixture(scope="session")
def lab(open_shop: Open) -> Shop:
    """A shop for short deployments, all at once."""
    return open_shop("lab")


@pytest.fixture(autouse=True)
def _as_it_was(request: pytest.FixtureRequest, opened: list[Shop]) -> Iterator[None]:
    """The next test finds the lab with its usual suite, and no deployment that a failed test left."""
    yield
    for shop in opened:
        _stop_deployments(shop)
        if shop.name == "lab" and "lab" in request.fixturenames:
            shop.put_suite(GOOD)


def _stop_deployments(shop: Shop) -> None:
    codedeploy = shop.aws.codedeploy
    running = ["Created", "Queued", "InProgress", "Ready"]

    def left() -> list[str]:
        names = {"applicationName": shop.name, "deploymentGroupName": shop.group}
        return list(codedeploy.list_deployments(**names, includeOnlyStatuses=running)["deployments"])

    for deployment in left():
        codedeploy.stop_deployment(deploymentId=deployment, autoRollbackEnabled=True)
    wait_for(f"the end of the deployments of {shop.name}", lambda: not left())


@pytest.fixture
def follower(world: World) -> Follower:
    """The timeline from now on."""
    return Follower(world.control)


@pytest.fixture(scope="session")
def release() -> Callable[..., Release]:
    """Makes releases, each of a version that was not there before."""
    numbers = itertools.count(1)

    def make(fault: str = "none", image: str = "shop", **settings: str) -> Release:
        return Release(f"2.{next(numbers)}.0", fault, settings, image)

    return make


@pytest.fixture(scope="session")
def waiting_session(world: World) -> Waiting:
    """Makes approvals that wait, for several tests."""

    def make(route: str, **plan: Any) -> Case:
        return wait_for_case(world, route, **plan)

    return make


@pytest.fixture
def waiting(waiting_session: Waiting) -> Waiting:
    """Makes approvals that wait: `waiting("usual", user=…)`, by the name of a route."""
    return waiting_session


@pytest.fixture(scope="session")
def silent(world: World) -> str:
    """A function that CodeDeploy may call and that never answers."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as package:
        package.writestr("silent.py", "def handler(event, context):\n    return 'nothing for CodeDeploy'\n")
    name = "CodeDeployHook_silent"
    world.aws.lambda_.create_function(
        FunctionName=name,
        Runtime="python3.12",
        Handler="silent.handler",
        Role="arn:aws:iam::000000000000:role/silent",
        Code={"ZipFile": archive.getvalue()},
    )
    return name
