"""A decision counts once, whatever races, crashes or is decided elsewhere; and what is told of it is true."""

import json
import time
from concurrent.futures import ThreadPoolExecutor

from cases import LEAD, PUT, SECOND, Case, Waiting
from change_sets import big_change_set, dangerous, harmless
from world import World
from world.approver import Answer, Visitor
from world.outcomes import wait_for

CLICKS = 50


def test_fifty_clicks_at_once_leave_one_decision(world: World, waiting: Waiting) -> None:
    case = waiting("usual")
    links = case.links()
    visitors = [Visitor(world.door) for _ in range(5)]
    pages = [visitor.get(links["approve"]) for visitor in visitors]
    before = _last_call(world)
    started = time.monotonic()
    with ThreadPoolExecutor(CLICKS) as crowd:
        clicks = [
            crowd.submit(_click_until_taken, case, "approve" if number % 3 else "reject", f"click {number}")
            for number in range(CLICKS - len(visitors))
        ]
        posts = [
            crowd.submit(visitor.submit, links["approve"], page) for visitor, page in zip(visitors, pages, strict=True)
        ]
        answers = [click.result() for click in clicks]
        assert {answer.status for answer in answers} == {200}
        assert all(post.result().status < 500 for post in posts)
    print(f"{CLICKS} clicks were answered in {time.monotonic() - started:.1f} s")
    status, summary = case.decided()

    settled = wait_for("the outcome", lambda: [r for r in case.records() if r["sk"] == "decision"], 30)[0]
    wait_for("the end of all clicks", lambda: len(_clicks(case)) >= CLICKS - len(visitors), 60)
    effective = [call for call in world.control.calls(before, operation=PUT) if call["status"] == 200]
    assert len(effective) == 1, effective
    assert len([record for record in case.records() if record["sk"] == "decision"]) == 1
    verdict = "Approved" if status == "Succeeded" else "Rejected"
    assert summary.startswith(verdict), (status, summary)
    assert verdict.lower() in json.dumps(settled["body"]).lower()
    case.updated(verdict)


def _click_until_taken(case: Case, choice: str, comment: str) -> Answer:
    """Clicks, and once more where the limit of concurrent decisions turned the click away, as people do."""
    for _ in range(20):
        answer = case.click(LEAD, choice, comment)
        if answer.status not in (429, 503):
            break
        time.sleep(0.5)
    return answer


def test_what_was_decided_in_the_console_is_told_to_whoever_clicks_later(world: World, waiting: Waiting) -> None:
    case = waiting("usual")
    case.asked()
    case.pipeline.answer_in_console(case.token, "Rejected", "we found something", user="console-user")
    assert case.decided()[0] == "Failed"
    seen = max(message.seq for message in world.inbox.messages())
    before = _last_call(world)
    case.click()
    told = case.told(seen)
    assert "rejected" in told.text.lower(), told.text
    assert "console-user" in told.text, "it isn't told who decided"
    assert [call for call in world.control.calls(before, operation=PUT) if call["status"] == 200] == []
    case.updated("Rejected")


def test_a_crash_between_intent_and_outcome_ends_in_the_truth(world: World, waiting: Waiting) -> None:
    """CodePipeline takes the answer, and the function never hears of it."""
    case = waiting("usual")
    case.asked()
    with world.control.fault("codepipeline", PUT, after=True, status=0):
        case.click(comment="heard by nobody")
        status, summary = case.decided()
        assert (status, "heard by nobody" in summary) == ("Succeeded", True)
    case.updated("Approved by", within=60)
    assert _decision(case)["outcome"], "the record has no outcome"
    assert len([record for record in case.records() if record["sk"] == "decision"]) == 1


def test_a_run_that_is_killed_after_its_intent_is_finished_by_the_next(world: World, waiting: Waiting) -> None:
    case = waiting("usual")
    case.asked()
    lambda_, before = world.aws.lambda_, _last_call(world)
    with world.control.fault("codepipeline", PUT, delay_ms=60_000, times=1):
        case.click(comment="first try")
        wait_for("the intent", lambda: [r for r in case.records() if r["sk"] == "decision"])
        # A change of a function ends the processes that run it.
        limit = lambda_.get_function_configuration(FunctionName=world.stack.decision)["Timeout"]
        lambda_.update_function_configuration(FunctionName=world.stack.decision, Timeout=limit)
    # Lambda runs a click again whose run has died; if that comes too early, the next click finishes it.
    wait_for("the decision", lambda: case.click(LEAD).status == 200 and not case.waits(), 60, every=5)
    status, summary = case.decided()
    assert status == "Succeeded"
    assert summary.startswith("Approved by lead") and "first try" in summary, summary
    assert _decision(case)["outcome"]
    assert len([call for call in world.control.calls(before, operation=PUT) if call["status"] == 200]) == 1
    case.updated("Approved by")


def test_an_answer_that_is_throttled_is_given_again(world: World, waiting: Waiting) -> None:
    case = waiting("usual")
    case.asked()
    with world.control.fault("codepipeline", PUT, status=400, code="ThrottlingException", times=2):
        case.click()
        assert case.decided()[0] == "Succeeded"


def test_a_message_that_comes_again_is_told_once(world: World, waiting: Waiting) -> None:
    case = waiting("usual")
    first = case.asked()
    message = world.messages.wait(case.token)
    for _ in range(3):
        world.aws.sns.publish(TopicArn=world.stack.approval_topic, Message=message["Message"], Subject="again")
    notification = {
        "account": "000000000000",
        "detailType": "CodePipeline Action Execution State Change",
        "region": "us-east-1",
        "source": "aws.codepipeline",
        "time": "2026-01-01T00:00:00Z",
        "notificationRuleArn": "arn:aws:codestar-notifications:us-east-1:000000000000:notificationrule/1",
        "detail": {
            "pipeline": case.name,
            "execution-id": case.execution,
            "stage": "Approval",
            "action": "Approve",
            "state": "STARTED",
            "type": {"owner": "AWS", "provider": "Manual", "category": "Approval", "version": "1"},
            "version": 5.0,
        },
        "resources": [],
        "additionalAttributes": {},
    }
    world.aws.sns.publish(TopicArn=world.stack.approval_topic, Message=json.dumps(notification))
    time.sleep(4)
    asked = [message for message in world.inbox.messages("slack", case.name) if message.buttons()]
    assert [message.seq for message in asked] == [first.seq], "people were asked twice"
    assert len(world.inbox.mails(case.name)) == 2, "one mail for each of two recipients"


def test_a_click_on_something_that_changed_since_is_superseded(world: World, waiting: Waiting) -> None:
    case = waiting("usual", stack="changed", prepare=big_change_set(5))
    case.asked()
    # Somebody makes the change set again, with one more removal.
    case.pipeline.change_set([*harmless(5), *dangerous()])
    seen = max(message.seq for message in world.inbox.messages())
    before = _last_call(world)
    case.click()
    assert "superseded" in case.told(seen).text.lower() or "changed" in case.told(seen).text.lower()
    assert world.control.calls(before, operation=PUT) == []
    assert case.waits()


def test_a_click_on_an_execution_that_a_newer_one_replaced_is_superseded(world: World, waiting: Waiting) -> None:
    old = waiting("usual")
    message = old.asked()
    newer = old.pipeline.start("1.2.0")
    # The newer one waits before the stage until the older one is gone, and then takes its place.
    old.pipeline.stop(old.execution)
    fresh = Case(world, old.pipeline, newer, old.pipeline.token(newer))
    seen = max(m.seq for m in world.inbox.messages())
    before = _last_call(world)
    world.slack.click(SECOND, message, "approve")
    world.slack.click(LEAD, message, "approve")
    old.told(seen)
    assert world.control.calls(before, operation=PUT) == []
    assert fresh.waits()


def _decision(case: Case) -> dict[str, object]:
    found = wait_for(
        "the record", lambda: [r for r in case.records() if r["sk"] == "decision" and r["body"].get("outcome")]
    )
    return dict(found[0]["body"])


def _clicks(case: Case) -> list[dict[str, object]]:
    return [
        record for record in case.records() if record["sk"].startswith("audit#") and record["body"]["kind"] == "click"
    ]


def _last_call(world: World) -> int:
    return max((call["seq"] for call in world.control.calls()), default=0)
