"""examples/pipelines/ecs-codedeploy in the local AWS: from a tag to CodeDeploy's canary with gates, and back."""

import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from references import ENVIRONMENT, Reference, world_of
from world.control import Json
from world.paths import ROOT

FOLDER = ROOT / "examples" / "pipelines" / "ecs-codedeploy"


@pytest.fixture(scope="module")
def codedeploy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reference]:
    """The production environment, with its pipeline."""
    home = tmp_path_factory.mktemp("codedeploy")
    with world_of(FOLDER, home) as world:
        made = Reference(world, FOLDER, home)
        made.put_environments()
        made.make_shared()
        made.make_environment()
        first = made.build("1.2.0")
        made.put_suites(first)
        made.make_service(first)
        made.make_pipeline()
        yield made


def _deployment(actions: dict[str, Json]) -> str:
    return str(actions["Release"]["executionResult"]["externalExecutionId"])


def test_a_tagged_release_is_approved_measured_and_goes_live_by_a_canary(codedeploy: Reference) -> None:
    execution = codedeploy.start("1.3.0")
    codedeploy.approve("1.3.0")
    status, actions = codedeploy.end(execution)
    assert status == "Succeeded", actions
    assert codedeploy.served() == "1.3.0"
    found: Any = codedeploy.world.aws.codedeploy.get_deployment(deploymentId=_deployment(actions))["deploymentInfo"]
    assert found["deploymentConfigName"] == "CodeDeployDefault.ECSCanary10Percent5Minutes"
    for stage in ("pre-traffic", "post-traffic"):
        told = codedeploy.world.outcomes.wait(_deployment(actions), stage)
        assert told.answer == "Succeeded", told.text
    assert actions["Smoke"]["outputVariables"]["verdict"] == "passed"
    codedeploy.told_in_the_thread("succeeded")


def test_a_release_that_has_no_prices_is_seen_by_no_customer(codedeploy: Reference) -> None:
    before = codedeploy.served()
    execution = codedeploy.start("1.4.0", image="books-broken")
    codedeploy.approve("1.4.0")
    status, actions = codedeploy.end(execution)
    assert status == "Failed"
    told = codedeploy.world.outcomes.wait(_deployment(actions), "pre-traffic")
    assert told.answer == "Failed", told.text
    assert any("a book has a price" in reason for reason in told.reasons), told.reasons
    assert codedeploy.served() == before


def test_the_test_listener_serves_the_next_release_before_customers_get_it(codedeploy: Reference) -> None:
    ports = codedeploy.infrastructures[ENVIRONMENT].ports
    assert set(ports) == {"ProductionListener", "TestListener"}
    with urllib.request.urlopen(f"http://127.0.0.1:{ports['TestListener']}/health", timeout=10) as answer:
        assert answer.status == 200


def test_development_is_at_zero_at_the_weekend_and_production_is_not(codedeploy: Reference) -> None:
    codedeploy.make_environment("development")
    codedeploy.make_service(codedeploy.build("1.5.0", "development"), "development")
    production = codedeploy.count("production")
    codedeploy.tick(datetime(2027, 1, 9, 12, tzinfo=UTC))
    assert (codedeploy.count("development"), codedeploy.count("production")) == (0, production)
    codedeploy.tick(datetime(2027, 1, 11, 12, tzinfo=UTC))
    assert (codedeploy.count("development"), codedeploy.count("production")) == (1, production)
