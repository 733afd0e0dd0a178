"""Clicks in Slack: whose count, and which never do."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from cases import LEAD, PUT, SECOND, STRANGER, Case, Waiting
from world import World
from world.approver import Member

MINUTES = 60


def test_a_click_decides_and_the_approver_stands_first(waiting: Waiting) -> None:
    case = waiting("usual")
    answer = case.click(comment="Looks good & safe <b>")
    assert (answer.status, answer.body.strip()) == (200, ""), answer
    assert answer.took < 3, f"Slack waits 3 s, the answer took {answer.took:.1f} s"
    status, summary = case.decided()
    assert status == "Succeeded"
    assert summary.startswith("Approved by lead (slack:T0SHOP0001/U0LEAD001)"), summary
    assert "Looks good & safe <b>" in summary
    assert case.pipeline.ended(case.execution) == "Succeeded"
    case.updated("Approved by")
    [record] = [r for r in case.audit("Approved by") or case.audit() if r["kind"] == "outcome"][:1]
    assert record["by"][0]["approver"] == "slack:T0SHOP0001/U0LEAD001", record


def test_a_rejection_stops_the_pipeline(waiting: Waiting) -> None:
    case = waiting("usual")
    case.click(action="reject", comment="Not on a Friday")
    status, summary = case.decided()
    assert status == "Failed"
    assert summary.startswith("Rejected by lead (slack:T0SHOP0001/U0LEAD001)"), summary
    assert "Not on a Friday" in summary
    assert case.pipeline.ended(case.execution) == "Failed"
    case.updated("Rejected by")


@contextmanager
def _unheard(world: World, case: Case) -> Iterator[None]:
    """What happens in the block must not reach CodePipeline, nor end the approval."""
    before = len(world.control.calls(operation=PUT))
    yield
    # A refused request ends at once; what it had started asynchronously would need a moment.
    time.sleep(1)
    assert len(world.control.calls(operation=PUT)) == before, "CodePipeline was told something"
    assert case.waits()


@pytest.fixture(scope="module")
def open_case(waiting_session: Waiting) -> Case:
    """An approval that none of the wrong clicks may end."""
    return waiting_session("usual")


def test_a_forged_signature_is_refused(world: World, open_case: Case) -> None:
    with _unheard(world, open_case):
        assert open_case.click(secret="not-the-secret").status == 401  # noqa: S106


@pytest.mark.parametrize("secret", ["", " "])
def test_an_empty_secret_signs_nothing(world: World, open_case: Case, secret: str) -> None:
    with _unheard(world, open_case):
        assert open_case.click(secret=secret).status == 401


@pytest.mark.parametrize("header", ["X-Slack-Signature", "X-Slack-Request-Timestamp"])
@pytest.mark.parametrize("value", [None, "", "v0=", "v1=00", "tomorrow", "-1", "1" * 400])
def test_a_request_without_its_signature_is_refused(
    world: World, open_case: Case, header: str, value: str | None
) -> None:
    body, headers = world.slack.signed(world.slack.interaction(LEAD, open_case.id, "approve"))
    del headers[header]
    if value is not None:
        headers[header] = value
    with _unheard(world, open_case):
        assert world.slack.post(body, headers).status == 401


def test_a_body_that_was_changed_is_refused(world: World, open_case: Case) -> None:
    body, headers = world.slack.signed(world.slack.interaction(STRANGER, open_case.id, "approve"))
    forged = body.replace(STRANGER.user.encode(), LEAD.user.encode())
    assert forged != body
    with _unheard(world, open_case):
        assert world.slack.post(forged, headers).status == 401


@pytest.mark.parametrize("late", [-6 * MINUTES, 6 * MINUTES, -24 * 60 * MINUTES])
def test_a_request_of_another_time_is_refused(world: World, open_case: Case, late: int) -> None:
    with _unheard(world, open_case):
        assert open_case.click(at=time.time() + late).status == 401


@pytest.mark.parametrize(
    "member", [STRANGER, Member(LEAD.user, LEAD.name, team="T0OTHER001"), Member("U0LEAD002", "lead")]
)
def test_only_an_id_on_the_list_counts_whatever_the_name(world: World, open_case: Case, member: Member) -> None:
    with _unheard(world, open_case):
        seen = _last(world)
        assert open_case.click(member).status == 200
        told = open_case.told(seen)
    assert "not among those who may decide" in told.text, told.text
    assert open_case.audit(f"{member.team}/{member.user}"), "the attempt left no record"


def test_a_click_for_a_case_that_nobody_knows_is_told_so(world: World, open_case: Case) -> None:
    with _unheard(world, open_case):
        seen = _last(world)
        assert world.slack.send(world.slack.interaction(LEAD, "a" * 26, "approve")).status == 200
        assert "not known here" in open_case.told(seen).text


@pytest.mark.parametrize("value", ["", "../../etc/passwd", "A" * 26, "x" * 2000, "approve"])
def test_a_value_that_is_no_case_changes_nothing(world: World, open_case: Case, value: str) -> None:
    with _unheard(world, open_case):
        assert world.slack.send(world.slack.interaction(LEAD, value, "approve")).status in {200, 400}


def test_whoever_started_the_pipeline_may_not_approve_it(world: World, waiting: Waiting) -> None:
    case = waiting("usual", user="release-lead")
    with _unheard(world, case):
        seen = _last(world)
        assert case.click().status == 200
        assert "started" in case.told(seen).text
    case.click(action="reject", comment="my own mistake")
    assert case.decided()[0] == "Failed"


def test_a_replayed_click_changes_nothing(world: World, waiting: Waiting) -> None:
    case = waiting("usual")
    body, headers = world.slack.signed(world.slack.interaction(LEAD, case.id, "approve", "once", case.asked()))
    assert world.slack.post(body, headers).status == 200
    assert case.decided()[0] == "Succeeded"
    before = len(world.control.calls(operation=PUT))
    assert [world.slack.post(body, headers).status for _ in range(3)] == [401] * 3
    time.sleep(1)
    assert len(world.control.calls(operation=PUT)) == before
    assert case.pipeline.status(case.execution) == "Succeeded"


def test_a_rejection_without_its_reason_is_asked_for_it(world: World, waiting: Waiting) -> None:
    case = waiting("reasons")
    with _unheard(world, case):
        seen = _last(world)
        case.click(action="reject")
        assert "reason" in case.told(seen).text
    case.click(action="reject", comment="the reason")
    assert case.decided()[0] == "Failed"


def test_two_of_three_must_say_yes(world: World, waiting: Waiting) -> None:
    case = waiting("two")
    with _unheard(world, case):
        for _ in range(2):
            case.click(LEAD)
        case.audit("1 of 2")
    case.click(SECOND)
    status, summary = case.decided()
    assert status == "Succeeded"
    assert "U0LEAD001" in summary and "U0SECOND1" in summary, summary


def test_where_nobody_may_decide_there_is_nothing_to_click(world: World, waiting: Waiting) -> None:
    case = waiting("console")
    message = world.inbox.wait("slack", case.name)
    assert message.buttons() == []
    case.pipeline.answer_in_console(case.token, "Approved", "in the console")
    assert case.decided()[0] == "Succeeded"


def _last(world: World) -> int:
    return max((message.seq for message in world.inbox.messages()), default=0)
