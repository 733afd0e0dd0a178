"""Some three hundred services whose calls are throttled as AWS does it: nothing is lost, and the work goes on from
one invocation to the next."""

import itertools
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

import pytest
from nights import DAY, MINUTE, Nights
from world import World
from world.control import Json
from world.estate import Plan, differences
from world.outcomes import wait_for

CLUSTER = "dev-many"
MANY = 300
BOUNDED = 20
# Faster than AWS, so that nobody has to wait for minutes; and slower than the function believes it to be.
BUCKETS: list[Json] = [
    {"name": "service-changes", "burst": 40, "per_second": 15},
    {"name": "service-reads", "burst": 60, "per_second": 30},
]
RATE = ("defer_deadline: 4h", "defer_deadline: 4h\nrate: { burst: 60, per_second: 30, share: 90% }")
# The function stops beginning services at the half of it.
LIMIT = 24
PLACES = [f"{CLUSTER}/service-{number:03}" for number in range(MANY)]


@pytest.fixture(scope="module")
def evening(night_world: World) -> Iterator[dict[str, Json]]:
    """All of them, some with bounds, with counts of one to four."""
    estate = night_world.estate
    night_world.aws.ecs.create_cluster(clusterName=CLUSTER)
    definition = estate.register(f"{CLUSTER}/service")

    def make(number: int) -> None:
        bounds = (1, 8) if number < BOUNDED else None
        estate.make(PLACES[number], Plan(1 + number % 4, bounds=bounds), definition)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(make, range(MANY)))
    yield estate.wait_until_settled(cluster=CLUSTER)
    estate.remove(*PLACES)


def test_hundreds_of_services_sleep_and_wake_under_throttling(
    night_world: World, nights: Nights, evening: dict[str, Json]
) -> None:
    estate, at = night_world.estate, {"down": night_world.hours.evening, "up": night_world.hours.morning}
    with nights.config(RATE), nights.timeout(LIMIT), night_world.control.throttled(*BUCKETS):
        for action, phase in [("down", "down"), ("up", "up")]:
            ran = nights.run(action, at[action] + 30 * DAY, only=f"{CLUSTER}/*")
            assert not ran.failed, f"{action}: {ran.value}"
            assert ran.value["continued"] is True, ran.value
            assert ran.done["continue"] > 0 and ran.done["failed"] == 0, ran.done
            _reach(nights, phase, at[action] + 30 * DAY)
        refused = sum(bucket["refused"] for bucket in night_world.control.buckets().values())
        assert refused > 0, "nothing was throttled, so the test shows nothing"
    assert differences(evening, estate.wait_until_settled(cluster=CLUSTER)) == []


def _reach(nights: Nights, phase: str, at: datetime) -> None:
    """Waits for the runs that continue the first; what one of them held when its time was over is a later tick's."""
    ticks = itertools.count(1)

    def all_there() -> bool:
        left = [place for place, now in nights.phases(CLUSTER).items() if now != phase]
        if len(left) < MANY / 10 and left:
            nights.run("tick", at + next(ticks) * 5 * MINUTE, only=f"{CLUSTER}/*")
        return not left

    wait_for(f"all to be {phase}", all_there, within=90, every=1)
    assert len(nights.phases(CLUSTER)) == MANY
