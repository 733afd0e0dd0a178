"""The state machine that sends one worker to each account and region, with the deployed function as its worker."""

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from nights import HOUR, Nights, instant
from world import World
from world.control import Json
from world.estate import Estate, Plan
from world.outcomes import wait_for
from world.servers import ACCOUNT, REGION
from world.templates import TEMPLATE, load

PLACES = [f"dev-fan/web-{number}" for number in range(3)]
ROLE = f"arn:aws:iam::{ACCOUNT}:role/environments"
OWN = {"account": ACCOUNT, "region": REGION, "role_arn": ROLE}
NOT_ALLOWED = {"account": "222222222222", "region": REGION, "role_arn": "arn:aws:iam::222222222222:role/environments"}


class Machine:
    """The template's state machine, made in the local AWS."""

    def __init__(self, world: World) -> None:
        self._states = world.aws.states
        worker = world.aws.lambda_.get_function_configuration(FunctionName=world.stack.scheduler)["FunctionArn"]
        definition = json.dumps(load(TEMPLATE)["Resources"]["EnvFanOut"]["Properties"]["Definition"])
        known = {"Function": worker, "Topic": world.stack.environments_topic, "Partition": "aws"}
        for name, value in known.items():
            definition = definition.replace("${" + name + "}", value)
        made = self._states.create_state_machine(name="env-fan-out", definition=definition, roleArn=ROLE)
        self._arn = str(made["stateMachineArn"])

    def run(self, action: str, at: datetime, targets: list[Json], **fields: Any) -> Json:
        """The execution with this input, when it has ended."""
        given = {"action": action, "at": instant(at), "only": "dev-fan/*", "targets": targets} | fields
        started = self._states.start_execution(stateMachineArn=self._arn, input=json.dumps(given))

        def ended() -> Json | None:
            found = dict(self._states.describe_execution(executionArn=started["executionArn"]))
            return found if found["status"] != "RUNNING" else None

        return dict(wait_for("the end of the execution", ended, within=90))

    def remove(self) -> None:
        """Deletes it."""
        self._states.delete_state_machine(stateMachineArn=self._arn)


@pytest.fixture(scope="module")
def machine(night_world: World) -> Iterator[Machine]:
    made = Machine(night_world)
    yield made
    made.remove()


@pytest.fixture(scope="module")
def estate(night_world: World) -> Iterator[Estate]:
    """Three services that never run by themselves."""
    estate = Estate(night_world.aws)
    for place in PLACES:
        estate.make(place, Plan(2, bounds=(1, 4), schedule="never"))
    yield estate
    estate.remove(*PLACES)


def test_a_worker_takes_the_role_and_puts_its_services_to_sleep(machine: Machine, estate: Estate) -> None:
    ended = machine.run("down", datetime.now(UTC), [OWN])
    assert ended["status"] == "SUCCEEDED", ended
    output = json.loads(ended["output"])
    assert (output["targets"], output["stopped"], output["failed"]) == (1, 3, []), output
    assert estate.counts("dev-fan") == dict.fromkeys(PLACES, 0)


def test_an_account_that_is_not_allowed_is_named_and_stops_nobody(
    machine: Machine, estate: Estate, nights: Nights
) -> None:
    for place in PLACES:
        estate.tag(place, "deploy-hooks:keep-up-until", instant(datetime.now(UTC) + HOUR))
    began = time.monotonic()
    ended = machine.run("tick", datetime.now(UTC), [NOT_ALLOWED, OWN])
    assert (ended["status"], ended["error"]) == ("FAILED", "EnvironmentsNotReached"), ended
    assert "1 of 2 accounts and regions" in ended["cause"], ended
    assert "the account 222222222222 is not allowed" in ended["cause"], ended
    assert time.monotonic() - began < 60
    assert estate.counts("dev-fan") == dict.fromkeys(PLACES, 2)
    assert {nights.phase(place) for place in PLACES} == {"up"}
