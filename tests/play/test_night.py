"""The chapter of the night: each way in which it can go wrong must be told, and it must be evening somewhere."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from demo.evening import PLACES, SOONEST, where_it_is_evening
from demo.night import AGENT, BACK_END, DATA, FRONT_END, LOOKS_LIVE, REPORTS, SEARCH, SLEEPERS, WORKER, Night
from demo.verdict import OF_A_COUNT, night_differences

COUNTS = {DATA: 1, BACK_END: 3, FRONT_END: 2, SEARCH: 2, WORKER: 2, REPORTS: 1, AGENT: 1, LOOKS_LIVE: 2}
HALF_HOURS = [datetime(2026, 11, 21, tzinfo=UTC) + timedelta(minutes=30 * number) for number in range(48)]


def night(**changes: object) -> Night:
    """A night as the story says."""
    return replace(
        Night(
            zone="Asia/Tokyo",
            notices={"22:00": "5 services will sleep at 22:00", "23:00": "1 service will sleep at 23:00"},
            snoozed="Done: awake until Sun 22 Nov 00:00 (Asia/Tokyo).",
            evening=COUNTS,
            slept=dict.fromkeys([FRONT_END, WORKER, BACK_END, DATA, SEARCH, REPORTS], "22:00"),
            reasons={
                SEARCH: f"Later: {SEARCH}: a deployment is in progress; until …",
                LOOKS_LIVE: f"Skipped: {LOOKS_LIVE}: {LOOKS_LIVE} looks like production.",
            },
            alarm={"desired": 0, "reason": "suspended"},
            at_night=COUNTS | dict.fromkeys(SLEEPERS, 0) | {WORKER: 1},
            morning=COUNTS | {WORKER: 1},
            woke=[DATA, BACK_END, FRONT_END, SEARCH, REPORTS],
            conflict={"expected": {"desired": 0}, "found": {"desired": 1}},
            compared=200,
            left_alone=[f"{WORKER} {name}: 2 → 1" for name in sorted(OF_A_COUNT)],
            summary=f"Saved by this sleep: … Changed by somebody: {WORKER}",
        ),
        **changes,
    )


def test_a_night_as_its_story_says_has_no_differences() -> None:
    assert night_differences(night()) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"notices": {"22:00": "5 services will sleep at 22:00"}},
        {"snoozed": ""},
        {"snoozed": "This link has expired"},
        {"slept": dict.fromkeys([FRONT_END, WORKER, BACK_END, DATA, SEARCH], "22:00")},
        {"slept": dict.fromkeys([*night().slept, LOOKS_LIVE], "22:00")},
        {"slept": dict.fromkeys([DATA, BACK_END, FRONT_END, WORKER, SEARCH, REPORTS], "22:00")},
        {"too_early": [SEARCH]},
        {"reasons": {}},
        {"reasons": night().reasons | {SEARCH: "not a word"}},
        {"alarm": {}},
        {"alarm": {"desired": 1}},
        {"at_night": {}},
        {"at_night": night().at_night | {DATA: 1}},
        {"at_night": night().at_night | {LOOKS_LIVE: 0}},
        {"woke": [FRONT_END, BACK_END, DATA]},
        {"woke": [DATA, FRONT_END]},
        {"conflict": {}},
        {"conflict": {"expected": {"desired": 0}, "found": {"desired": 2}}},
        {"morning": COUNTS},
        {"left_alone": []},
        {"left_alone": [*night().left_alone, f"{WORKER} tags: [] → [1]"]},
        {"differs": ["dev-shop/web desiredCount: 2 → 1"]},
        {"compared": 0},
        {"summary": "Saved by this sleep: …"},
        {"summary": WORKER},
        {"problems": ["Environments: 1 new"]},
    ],
    ids=str,
)
def test_what_goes_wrong_at_night_is_told(changes: dict[str, object]) -> None:
    assert night_differences(night(**changes))


@pytest.mark.parametrize("now", HALF_HOURS, ids=lambda now: f"{now:%H:%M}")
def test_it_is_evening_somewhere(now: datetime) -> None:
    hours = where_it_is_evening(now)
    assert SOONEST <= hours.evening - now <= SOONEST + timedelta(hours=1)
    assert (hours.windows, hours.morning - hours.evening) == ("Mon-Sun 09:00-22:00", timedelta(hours=11))
    assert hours.parameters() == {"EnvironmentsDown": "cron(0 22 * * ? *)", "EnvironmentsUp": "cron(0 9 * * ? *)"}


@pytest.mark.parametrize("month", [1, 7])
def test_the_places_are_where_they_are_taken_to_be(month: int) -> None:
    noon = datetime(2026, month, 10, 12, tzinfo=UTC)
    offsets = [noon.astimezone(ZoneInfo(place)).utcoffset() for place in PLACES]
    assert offsets == [timedelta(hours=hours) for hours in range(-11, 13)]
