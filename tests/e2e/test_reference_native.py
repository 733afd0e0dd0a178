"""examples/pipelines/ecs-native in the local AWS: from a tag to a canary with gates, and back."""

import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from references import CALLS_AGAIN_AFTER, ENVIRONMENT, WITHIN, Reference, world_of
from world.checkout import Built
from world.outcomes import wait_for
from world.paths import BINARIES, ROOT
from world.servers import environment

FOLDER = ROOT / "examples" / "pipelines" / "ecs-native"


class Native(Reference):
    """ECS deploys the service itself, the first time, too."""

    def make_service(self, built: Built, environment: str = ENVIRONMENT) -> None:
        super().make_service(built, environment)
        wait_for("the first deployment", lambda: self._first_is_over(environment), WITHIN)

    def _first_is_over(self, environment: str) -> bool:
        self.world.control.advance(CALLS_AGAIN_AFTER)
        listed = self.world.aws.ecs.list_service_deployments(cluster=environment, service="books")["serviceDeployments"]
        status = listed[0]["status"]
        told = [outcome.text for outcome in self.outcomes(listed[0]["serviceDeploymentArn"])]
        assert status in {"PENDING", "IN_PROGRESS", "SUCCESSFUL"}, "\n".join(told)
        return bool(status == "SUCCESSFUL")


@pytest.fixture(scope="module")
def native(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Native]:
    """The production environment, with its pipeline."""
    home = tmp_path_factory.mktemp("native")
    with world_of(FOLDER, home) as world:
        made = Native(world, FOLDER, home)
        made.put_environments()
        made.make_shared()
        made.make_environment()
        first = made.build("1.2.0")
        made.put_suites(first)
        made.make_service(first)
        made.make_pipeline()
        yield made


def test_a_tagged_release_is_approved_measured_at_each_step_and_goes_live(native: Native) -> None:
    execution = native.start("1.3.0")
    native.approve("1.3.0")
    status, actions = native.end(execution)
    assert status == "Succeeded", actions
    assert native.served() == "1.3.0"
    variables: Any = actions["Release"]["outputVariables"]
    told = native.outcomes(variables["service_deployment"])
    assert {outcome.answer for outcome in told} == {"Succeeded"}
    # Once before traffic; at 10 %, at 100 % and once more after it.
    assert sorted(outcome.stage for outcome in told) == ["post-traffic"] * 3 + ["pre-traffic"]
    assert actions["Smoke"]["outputVariables"]["verdict"] == "passed"
    native.told_in_the_thread("succeeded")


def test_the_wiring_of_the_service_is_in_order(native: Native) -> None:
    program = str(BINARIES / "deploy-hooks")
    command = [program, "wiring", "--cluster", ENVIRONMENT, "--service", "books"]
    env = environment(native.world.url, native.world.home)
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_release_that_has_no_prices_is_seen_by_no_customer(native: Native) -> None:
    before = native.served()
    execution = native.start("1.4.0", image="books-broken")
    native.approve("1.4.0")
    status, actions = native.end(execution)
    assert status == "Failed"
    message = actions["Release"]["executionResult"]["errorDetails"]["message"]
    assert "was rolled back" in message and native.world.stack.pre_traffic in message, message
    assert native.served() == before


def test_development_is_at_zero_at_the_weekend_and_production_is_not(native: Native) -> None:
    native.make_environment("development")
    built = native.build("1.5.0", "development")
    native.put_suites(built)
    native.make_service(built, "development")
    production = native.count("production")
    saturday, monday = datetime(2027, 1, 9, 12, tzinfo=UTC), datetime(2027, 1, 11, 12, tzinfo=UTC)
    native.tick(saturday)
    assert (native.count("development"), native.count("production")) == (0, production)
    native.tick(monday)
    assert (native.count("development"), native.count("production")) == (1, production)
