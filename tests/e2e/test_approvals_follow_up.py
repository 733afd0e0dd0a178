"""After the question: expiry, supersession, stops, reminders and the outcome, each told once and truly."""

import json
from datetime import UTC, datetime, timedelta

from cases import LEAD, Case, Waiting
from world import World
from world.outcomes import wait_for

HOUR = 3600
GROUP = "approval-reminders"


def test_an_approval_that_nobody_answers_expires(world: World, waiting: Waiting) -> None:
    case = waiting("usual", timeout_minutes=60)
    case.asked()
    world.control.advance(HOUR + 60)
    assert case.decided()[0] == "Failed"
    case.updated("expired")
    seen = max(message.seq for message in world.inbox.messages())
    case.click()
    assert "expired" in case.told(seen).text.lower()


def test_a_stopped_execution_is_told(waiting: Waiting) -> None:
    case = waiting("usual")
    case.asked()
    case.pipeline.stop(case.execution)
    message = case.updated("stopped")
    assert message.buttons() == [], "there is nothing left to click"


def test_a_decision_in_the_console_changes_the_message(waiting: Waiting) -> None:
    case = waiting("usual")
    case.asked()
    case.pipeline.answer_in_console(case.token, "Approved", "seen on the big screen", user="console-user")
    message = case.updated("Approved")
    assert "console-user" in message.text
    assert message.buttons() == []


def test_the_thread_tells_that_the_execution_succeeded(waiting: Waiting) -> None:
    case = waiting("usual")
    case.click()
    assert case.pipeline.ended(case.execution) == "Succeeded"
    case.thread("succeeded")


def test_each_change_is_told_once_even_if_its_events_come_again(world: World, waiting: Waiting) -> None:
    case = waiting("usual")
    case.click()
    case.thread("succeeded")
    event = {
        "version": "0",
        "id": "00000000-0000-4000-8000-000000000000",
        "detail-type": "CodePipeline Pipeline Execution State Change",
        "source": "aws.codepipeline",
        "account": "000000000000",
        "time": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": "us-east-1",
        "resources": [],
        "detail": {"pipeline": case.name, "execution-id": case.execution, "state": "SUCCEEDED", "version": 1.0},
    }
    told = len(world.inbox.messages("slack", case.name))
    for _ in range(2):
        answer = world.aws.lambda_.invoke(FunctionName=world.stack.notifier, Payload=json.dumps(event).encode())
        assert "FunctionError" not in answer, answer["Payload"].read()
    assert len(world.inbox.messages("slack", case.name)) == told


def test_reminders_are_scheduled_at_parts_of_the_time_and_told_while_it_waits(world: World, waiting: Waiting) -> None:
    case = waiting("reminded", timeout_minutes=600)
    case.asked()
    schedules = wait_for("three schedules", lambda: s if len(s := _schedules(world, case)) == 3 else None)
    starts = [record for record in case.records() if record["sk"] == "case"]
    asked, expires = (_time(starts[0]["body"][key]) for key in ("asked_at", "expires"))
    whole = expires - asked
    for number, part in (("1", 0.5), ("2", 0.8), ("escalation", 0.9)):
        schedule = schedules[f"approval-{case.id}-{number}"]
        expected = asked + whole * part
        told = datetime.fromisoformat(schedule["ScheduleExpression"][3:-1]).replace(tzinfo=UTC)
        assert abs(told - expected) < timedelta(seconds=2), (number, told, expected)
        assert schedule["ActionAfterCompletion"] == "DELETE"
        target = schedule["Target"]
        assert target["Arn"].endswith(f":function:{world.stack.notifier}")
        assert target["DeadLetterConfig"]["Arn"], target
        assert json.loads(target["Input"])["reminder"]["case"] == case.id

    # The virtual clock reaches the first one, and it is told for real.
    world.control.advance(5 * HOUR + 60)
    case.thread("still waits")
    world.control.advance(4 * HOUR)
    escalated = world.inbox.wait("webhook", case.name)
    assert "escalation" in escalated.text
    case.click(LEAD)
    assert case.decided()[0] == "Succeeded"


def test_a_reminder_of_something_decided_says_nothing(world: World, waiting: Waiting) -> None:
    case = waiting("reminded", timeout_minutes=600)
    case.click()
    case.updated("Approved by")
    told = len(world.inbox.messages())
    payload = json.dumps({"reminder": {"case": case.id, "number": 1}}).encode()
    answer = world.aws.lambda_.invoke(FunctionName=world.stack.notifier, Payload=payload)
    assert "FunctionError" not in answer
    assert len([m for m in world.inbox.messages()[told:] if case.name in m.text and "still" in m.text]) == 0


def _schedules(world: World, case: Case) -> dict[str, dict[str, object]]:
    pages = world.aws.scheduler.get_paginator("list_schedules").paginate(GroupName=GROUP)
    names = [item["Name"] for page in pages for item in page["Schedules"] if case.id in item["Name"]]
    return {name: world.aws.scheduler.get_schedule(GroupName=GROUP, Name=name) for name in names}


def _time(text: str) -> datetime:
    head, _, rest = text.rstrip("Z").partition(".")
    return datetime.fromisoformat(f"{head}.{rest[:6]:0<6}+00:00")
