"""Databases that sleep: an Aurora cluster as a whole, and what AWS starts again by itself after seven days."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from nights import DAY, HOUR, MINUTE, Nights, instant
from world import World
from world.outcomes import wait_for

CLUSTER = "dev-ledger"
PLACE = f"rds/{CLUSTER}"


@pytest.fixture(scope="module")
def evening(night_world: World, nights: Nights) -> Iterator[datetime]:
    """A cluster that never runs by itself has been put to sleep at this instant."""
    now = datetime.now(UTC)
    night_world.estate.make_database_cluster(CLUSTER, schedule="never")
    ran = nights.run("tick", now, only=PLACE)
    assert ran.done["stopped"] == 1, ran.value
    yield now
    if status(night_world) == "stopped":
        start(night_world)
    night_world.estate.remove_database_cluster(CLUSTER)


def status(world: World) -> str:
    return str(world.estate.database_cluster(CLUSTER)["Status"])


def start(world: World) -> None:
    """What AWS does after seven days, and people do at any time."""
    world.aws.rds.start_db_cluster(DBClusterIdentifier=CLUSTER)
    wait_for("the cluster to run", lambda: status(world) == "available")


def reason(nights: Nights) -> str:
    """Why the last was done to the cluster, as the log tells it."""
    return str([line["why"] for line in nights.log() if line.get("place") == PLACE and line.get("why")][-1])


def test_a_cluster_sleeps_as_a_whole(night_world: World, nights: Nights, evening: datetime) -> None:
    assert status(night_world) == "stopped"
    ran = nights.run("tick", evening + MINUTE, only="rds/*")
    assert ran.done["stopped"] == 0, ran.value
    # Its instances are its own business.
    assert f"{PLACE}-1" not in ran.summary, ran.summary


def test_a_tag_keeps_it_up_as_long_as_it_says(night_world: World, nights: Nights, evening: datetime) -> None:
    night_world.estate.tag_database_cluster(CLUSTER, "deploy-hooks:keep-up-until", instant(evening + 2 * HOUR))
    assert nights.run("tick", evening + HOUR, only=PLACE).done["woken"] == 1
    wait_for("the cluster to run", lambda: status(night_world) == "available")
    assert nights.run("tick", evening + 2 * HOUR + MINUTE, only=PLACE).done["stopped"] == 1
    assert status(night_world) == "stopped"


def test_what_aws_starts_after_seven_days_sleeps_again(night_world: World, nights: Nights, evening: datetime) -> None:
    for week in (1, 2):
        start(night_world)
        ran = nights.run("tick", evening + 7 * week * DAY + 3 * HOUR, only=PLACE)
        assert ran.done["stopped"] == 1, ran.value
        assert reason(nights) == "AWS has started it again after seven days"
        assert status(night_world) == "stopped"


def test_what_somebody_starts_earlier_is_theirs(night_world: World, nights: Nights, evening: datetime) -> None:
    start(night_world)
    ran = nights.run("tick", evening + 17 * DAY, only=PLACE)
    assert ran.done["stopped"] == 0, ran.value
    assert status(night_world) == "available"
    assert reason(nights) == "somebody changed it while it slept"
