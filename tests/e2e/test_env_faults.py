"""What goes wrong at night: calls that fail, functions that die, events that come twice, late or together.

No count is lost: after each of these, the next runs bring every service to where it belongs.
"""

import itertools
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from nights import DAY, MINUTE, Nights, Ran
from world import World
from world.control import Json
from world.estate import ASLEEP, Estate, Plan, differences, tags
from world.outcomes import wait_for

CLUSTER = "dev-faults"
NUMBERS = itertools.count(1)
# The calls that change a service.
CHANGES = [
    ("ecs", "TagResource"),
    ("application-autoscaling", "RegisterScalableTarget"),
    ("ecs", "UpdateService"),
]
ERROR: Json = {"status": 500, "code": "ServerException"}
DENIED: Json = {"status": 400, "code": "AccessDeniedException"}
CUT_BEFORE: Json = {"status": 0}
CUT_AFTER: Json = {"status": 0, "after": True}
# What goes wrong, and which of the two directions can't be finished then.
FAULTS: list[tuple[str, str, Json, set[str]]] = [
    ("dynamodb", "PutItem", CUT_AFTER, {"down"}),
    ("dynamodb", "UpdateItem", DENIED, {"down", "up"}),
    ("ecs", "TagResource", ERROR, set()),
    ("application-autoscaling", "RegisterScalableTarget", CUT_BEFORE, {"down", "up"}),
    ("ecs", "UpdateService", ERROR, {"down", "up"}),
    ("ecs", "UpdateService", CUT_AFTER, {"down", "up"}),
]
THROTTLED = {"status": 400, "code": "ThrottlingException"}
TOGETHER = 5


class Lab:
    """Three services, and the instants of a night of their own."""

    def __init__(self, world: World, nights: Nights, name: str) -> None:
        self.estate: Estate = world.estate
        self.nights, self.pattern = nights, f"{CLUSTER}/{name}-*"
        # Each test has a day of its own, after that of the story.
        days = next(NUMBERS) + 2
        self.evening, self.morning = world.hours.evening + days * DAY, world.hours.morning + days * DAY
        self.bounded = self.estate.make(
            f"{CLUSTER}/{name}-bounded", Plan(3, bounds=(2, 6), suspended=("ScheduledScalingSuspended",))
        )
        self.plain = self.estate.make(f"{CLUSTER}/{name}-plain", Plan(2))
        self.api = self.estate.make(f"{CLUSTER}/{name}-api-plain", Plan(1))
        self.places = [self.bounded, self.plain, self.api]
        self.before = self.read()

    def read(self) -> dict[str, Json]:
        return {place: self.estate.look(place) for place in self.places}

    def run(self, action: str, at: datetime, **fields: Any) -> Ran:
        return self.nights.run(action, at, only=self.pattern, **fields)

    def asleep(self) -> bool:
        return all(self.estate.look(place)["desiredCount"] == 0 for place in self.places)

    def wakes_as_it_was(self) -> None:
        """The morning, with as many ticks as it takes."""
        for number in range(3):
            self.run("up" if number == 0 else "tick", self.morning + number * 5 * MINUTE)
        after = wait_for("the tasks", self._all_run)
        assert differences(self.before, after) == []

    def _all_run(self) -> dict[str, Json] | None:
        read = self.read()
        return read if all(one["runningCount"] == one["desiredCount"] for one in read.values()) else None


@pytest.fixture
def lab(night_world: World, nights: Nights) -> Iterator[Lab]:
    lab = Lab(night_world, nights, f"n{next(NUMBERS)}")
    wait_for("the tasks", lab._all_run)
    lab.before = lab.read()
    yield lab
    lab.estate.remove(*lab.places)


def test_events_that_come_twice_and_together_lose_no_count(lab: Lab) -> None:
    def together(action: str, at: datetime) -> list[Ran]:
        with ThreadPoolExecutor(TOGETHER) as pool:
            return list(pool.map(lambda _: lab.run(action, at), range(TOGETHER)))

    ran = together("down", lab.evening)
    assert sum(one.done["stopped"] for one in ran) == len(lab.places), [one.value for one in ran]
    assert lab.asleep()
    assert lab.run("down", lab.evening + 5 * MINUTE).done["stopped"] == 0
    ran = together("up", lab.morning)
    assert sum(one.done["woken"] for one in ran) == len(lab.places), [one.value for one in ran]
    lab.wakes_as_it_was()


def test_an_evening_that_comes_in_the_middle_of_the_day_stops_nothing(lab: Lab) -> None:
    ran = lab.run("down", datetime.now(UTC) - timedelta(hours=10))
    assert ran.done["stopped"] == 0, ran.value
    assert differences(lab.before, lab.read()) == []


@pytest.mark.parametrize(
    ("service", "operation", "how", "stopped"),
    FAULTS,
    ids=[f"{operation} {how.get('code', 'cut')}{' after' * ('after' in how)}" for _, operation, how, _ in FAULTS],
)
def test_a_call_that_fails_is_made_up_for_by_the_next_run(
    night_world: World, lab: Lab, service: str, operation: str, how: Json, stopped: set[str]
) -> None:
    for action, at in [("down", lab.evening), ("up", lab.morning)]:
        with night_world.control.fault(service, operation, **how):
            ran = lab.run(action, at)
        assert (ran.done["failed"] > 0) == (action in stopped), ran.value
        assert ran.done["failed"] == 0 or operation in ran.summary or "state table" in ran.summary, ran.summary
        lab.run("tick", at + 5 * MINUTE)
        lab.run("tick", at + 10 * MINUTE)
        assert lab.asleep() == (action == "down")
    lab.wakes_as_it_was()


@pytest.mark.parametrize("call", CHANGES, ids=":".join)
def test_calls_that_are_throttled_are_made_again_more_slowly(
    night_world: World, lab: Lab, call: tuple[str, str]
) -> None:
    with night_world.control.fault(*call, times=2, **THROTTLED):
        ran = lab.run("down", lab.evening)
    assert ran.done["stopped"] == len(lab.places) and ran.done["failed"] == 0, ran.value
    assert lab.asleep()
    lab.wakes_as_it_was()


@pytest.mark.parametrize("direction", ["down", "up"])
def test_a_function_that_is_killed_half_way_is_followed_by_one_that_ends_its_work(
    night_world: World, lab: Lab, direction: str
) -> None:
    at = lab.evening
    if direction == "up":
        lab.run("down", at)
        at = lab.morning
    on_its_way = {"down": "going-down", "up": "going-up"}[direction]
    # It is waited for, so that Lambda doesn't run it again: its evening would come back in the morning.
    with night_world.control.fault("ecs", "UpdateService", delay_ms=60_000), ThreadPoolExecutor(1) as pool:
        killed = pool.submit(lab.run, direction, at)
        wait_for("the record", lambda: on_its_way in map(lab.nights.phase, lab.places), every=0.05)
        lab.nights.kill()
        assert killed.result().failed
    lab.run("tick", at + 5 * MINUTE)
    lab.run("tick", at + 10 * MINUTE)
    assert lab.asleep() == (direction == "down")
    lab.wakes_as_it_was()


def test_a_record_that_is_lost_is_recovered_from_the_tag(lab: Lab) -> None:
    lab.run("down", lab.evening)
    assert lab.asleep()
    for place in lab.places:
        told = tags(lab.estate.look(place))[ASLEEP]
        assert told.startswith(f"desired={lab.before[place]['desiredCount']} "), told
        lab.nights.forget(place)
    lab.run("tick", lab.evening + 5 * MINUTE)
    lab.wakes_as_it_was()


def test_a_dry_run_says_what_it_would_do_and_changes_nothing(night_world: World, lab: Lab) -> None:
    after = max(call["seq"] for call in night_world.control.calls())
    by_event = lab.run("down", lab.evening, dry_run=True)
    with lab.nights.settings(ENVIRONMENTS_DRY_RUN="true"):
        # An event can't lift what the setting says.
        by_setting = lab.run("down", lab.evening, dry_run=False)
    for ran in (by_event, by_setting):
        assert ran.summary.startswith("Dry run: would stop 3 services"), ran.summary
        assert ran.value["dry_run"] is True and ran.done["stopped"] == 0
    assert differences(lab.before, lab.read()) == []
    assert [lab.nights.record(place) for place in lab.places] == [None] * len(lab.places)
    made = {(call["service"], call["operation"]) for call in night_world.control.calls(after)}
    assert not made & {*CHANGES, ("ecs", "UntagResource"), ("dynamodb", "PutItem")}, made


def test_a_configuration_that_is_wrong_is_not_used_at_all(night_world: World, lab: Lab) -> None:
    with lab.nights.config(("default_schedule: office", "default_schedule: offise")):
        ran = lab.run("down", lab.evening)
        assert ran.failed
        told = ran.value["errorMessage"]
        for needed in ("environments.yaml:", "offise", "office"):
            assert needed in told, told
        assert night_world.night_news.wait("offise"), "nobody was told"
    assert differences(lab.before, lab.read()) == []
    assert lab.run("down", lab.evening).done["stopped"] == len(lab.places)
    lab.wakes_as_it_was()


def test_an_event_that_is_wrong_does_nothing(lab: Lab) -> None:
    for wrong in ({"only": "a b"}, {"account": "1"}, {"account": "111122223333"}, {"region": "eu-west-9"}):
        ran = lab.nights.run("down", lab.evening, **({"only": lab.pattern} | wrong))
        assert ran.failed, (wrong, ran.value)
    ran = lab.run("sleep", lab.evening)
    assert ran.failed and "actions are down, up, tick" in ran.value["errorMessage"], ran.value
    assert differences(lab.before, lab.read()) == []
