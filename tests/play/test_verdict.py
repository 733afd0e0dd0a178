"""The demo's own verdict: each way in which a play can go wrong must be told, as its exit status depends on it."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import pytest
from demo.approval import Approval
from demo.play import Played
from demo.sentence import Journey, journey_differences
from demo.stories import APPROVED, STORIES, Story
from demo.verdict import approval_differences, differences
from world.outcomes import Outcome

ALL = [*STORIES, APPROVED]
JOURNEY = Journey(recorded=True, asked=5, replayed=True, seconds=2.0)


def outcome(report: str = "s3://reports/r.html", named: tuple[str, ...] = ()) -> Outcome:
    reasons = "\n".join(f'  - check "{name}" failed' for name in named)
    return Outcome("subject", f"text\nWhy\n{reasons}\n\n", {"report": report})


def story_of(fault: str) -> Story:
    """The story of the release that has this fault."""
    [story] = [story for story in ALL if story.release.fault == fault]
    return story


def played(story: Story) -> Played:
    """A play that went as its story says."""
    rolled_back = story.ends == "Failed"
    served = {"1.0.0": Counter({200: 90})}
    if story.may_serve:
        served[story.release.version] = Counter({200: 10})
    return Played(
        story,
        deployment_id="d-ABCDEF123",
        status=story.ends,
        asked=set(story.answers),
        answers=dict(story.answers),
        outcomes={stage: outcome(named=story.named) for stage in story.answers},
        canary_share=0.1 if story.may_serve else None,
        rolled_back=rolled_back,
        seconds_until_back=0.2 if rolled_back else None,
        served=served,
        serving_afterwards={story.leaves},
        got=Counter({200: 100}),
    )


@pytest.mark.parametrize("story", ALL, ids=lambda story: story.release.version)
def test_a_play_as_its_story_says_has_no_differences(story: Story) -> None:
    assert differences(played(story)) == []


def unanswered(p: Played) -> None:
    p.answers.pop("pre-traffic")


def wrong_answer(p: Played) -> None:
    p.answers["pre-traffic"] = "Failed" if p.answers["pre-traffic"] == "Succeeded" else "Succeeded"


def wrong_end(p: Played) -> None:
    p.status = "Stopped"


def no_end(p: Played) -> None:
    p.status = ""


def wrong_version_left(p: Played) -> None:
    p.serving_afterwards = {p.story.leaves, "9.9.9"}


def nobody_served(p: Played) -> None:
    p.serving_afterwards = set()


def no_report(p: Played) -> None:
    p.outcomes["pre-traffic"] = outcome(report="")


@pytest.mark.parametrize("story", ALL, ids=lambda story: story.release.version)
@pytest.mark.parametrize(
    "spoil", [unanswered, wrong_answer, wrong_end, no_end, wrong_version_left, nobody_served, no_report]
)
def test_what_goes_wrong_in_any_story_is_told(story: Story, spoil: Callable[[Played], None]) -> None:
    p = played(story)
    spoil(p)
    assert differences(p)


def broken_served(p: Played) -> None:
    p.served[p.story.release.version] = Counter({500: 1})


def not_rolled_back(p: Played) -> None:
    p.rolled_back = False


def customers_hurt(p: Played) -> None:
    p.got[503] += 1


def customers_without_answer(p: Played) -> None:
    p.got[0] += 1


@pytest.mark.parametrize("fault", ["checkout", "dead-button"])
@pytest.mark.parametrize("spoil", [broken_served, not_rolled_back, customers_hurt, customers_without_answer])
def test_a_broken_release_must_not_reach_anybody(fault: str, spoil: Callable[[Played], None]) -> None:
    p = played(story_of(fault))
    spoil(p)
    assert differences(p)


def test_whoever_found_a_fault_must_be_named() -> None:
    p = played(story_of("dead-button"))
    p.outcomes = {"pre-traffic": outcome(named=p.story.named[:1])}
    [difference] = differences(p)
    assert p.story.named[1] in difference


def test_a_journey_as_it_should_be_has_no_differences() -> None:
    assert journey_differences(JOURNEY) == []


@pytest.mark.parametrize(
    "changes",
    [{"recorded": False}, {"asked": 0}, {"replayed": False}, {"asked_again": 1}, {"seconds": 10.1}],
    ids=str,
)
def test_what_goes_wrong_with_a_journey_is_told(changes: dict[str, object]) -> None:
    assert journey_differences(replace(JOURNEY, **changes))


def late(p: Played) -> None:
    p.seconds_until_back = 16.0


def no_canary(p: Played) -> None:
    p.canary_share = None


def all_at_once(p: Played) -> None:
    p.canary_share = 1.0


@pytest.mark.parametrize("spoil", [late, no_canary, all_at_once, not_rolled_back])
def test_a_release_that_breaks_under_traffic_must_go_quickly(spoil: Callable[[Played], None]) -> None:
    p = played(story_of("pool"))
    spoil(p)
    assert differences(p)


def approval(**changes: object) -> Approval:
    """An approval as the story says."""
    return replace(
        Approval(
            forged=401,
            superseded="This was superseded: what it showed has changed.",
            replayed=401,
            taken=1,
            summary="Approved by lead (slack:T0SHOP0001/U0LEAD001): Looks good",
            changed="Approved by lead",
            outcome="The execution succeeded.",
            questions=["a", "b"],
        ),
        **changes,
    )


def test_an_approval_as_its_story_says_has_no_differences() -> None:
    assert approval_differences(approval()) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"forged": 200},
        {"replayed": 200},
        {"superseded": "approved"},
        {"taken_wrongly": 1},
        {"taken": 0},
        {"taken": 2},
        {"summary": "Looks good, said lead"},
        {"changed": ""},
        {"outcome": ""},
        {"questions": ["a"]},
    ],
    ids=str,
)
def test_what_goes_wrong_with_an_approval_is_told(changes: dict[str, object]) -> None:
    assert approval_differences(approval(**changes))
