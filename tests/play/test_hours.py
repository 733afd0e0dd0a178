"""The hours of the local world are put around the present, so they must be right whatever time a test begins at."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone

import pytest
from world.environments import NIGHT, Hours, configured

MINUTE = timedelta(minutes=1)
# Around midnight, the ends of months and years, the leap day, both changes of the clocks, and a weekend.
DAYS = (
    *(datetime(2026, 11, 29, tzinfo=UTC), datetime(2026, 12, 31, tzinfo=UTC), datetime(2027, 2, 28, tzinfo=UTC)),
    *(datetime(2028, 2, 28, tzinfo=UTC), datetime(2028, 2, 29, tzinfo=UTC), datetime(2026, 3, 29, tzinfo=UTC)),
    *(datetime(2026, 10, 25, tzinfo=UTC), datetime(2026, 7, 31, tzinfo=UTC), datetime(2026, 11, 21, tzinfo=UTC)),
)
TIMES = [timedelta(minutes=30 * number + 29 * (number % 2), seconds=59 * (number % 3)) for number in range(48)]
CONFIG = "zone: Europe/Berlin\nschedules:\n  office: Mon-Fri 09:00-22:00\n"


def moments() -> Iterator[datetime]:
    """At all hours of all these days, and at each minute around midnight."""
    for day in DAYS:
        yield from (day + time for time in TIMES)
        yield from (day + timedelta(hours=23) + minute * MINUTE for minute in range(-10, 75))


def is_on(windows: str, moment: datetime) -> bool:
    """Whether windows such as `Mon-Sun 11:00-00:30` hold at a moment."""
    days, times = windows.split(" ")
    assert days == "Mon-Sun"
    start, end = ((int(time[:2]), int(time[3:])) for time in times.split("-"))
    now = (moment.hour, moment.minute)
    return start <= now < end if start < end else now >= start or now < end


@pytest.mark.parametrize("day", DAYS, ids=lambda day: f"{day:%Y-%m-%d}")
def test_it_is_day_now_evening_soon_and_night_for_eleven_hours(day: datetime) -> None:
    for now in [moment for moment in moments() if day <= moment < day + timedelta(days=2)]:
        hours = Hours.around(now)
        assert timedelta(minutes=59) <= hours.evening - now <= timedelta(minutes=61), now
        assert hours.morning - hours.evening == NIGHT
        assert "00:00" not in hours.windows.split("-")[-1], "midnight as an end has two names"
        for awake in (now, hours.evening - MINUTE, hours.morning):
            assert is_on(hours.windows, awake), (now, awake)
        for asleep in (hours.evening, hours.evening + NIGHT / 2, hours.morning - MINUTE):
            assert not is_on(hours.windows, asleep), (now, asleep)
        assert hours.parameters()["EnvironmentsDown"] == f"cron({hours.evening.minute} {hours.evening.hour} * * ? *)"
        assert f"  office: {hours.windows}\n" in configured(CONFIG, hours)


@pytest.mark.parametrize("offset", [-11, -5, 5.5, 14])
def test_the_machines_own_zone_does_not_matter(offset: float) -> None:
    for now in moments():
        assert Hours.around(now.astimezone(timezone(timedelta(hours=offset)))) == Hours.around(now)
