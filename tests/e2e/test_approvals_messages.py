"""Whatever arrives on the topic: each message has a sane outcome, and none stops another."""

import json
import time
import uuid
from typing import Any

import pytest
from cases import Waiting
from world import World
from world.outcomes import wait_for

BROADCASTS = ("<!channel>", "<!here>", "<!everyone>")


def _approval(name: str, **changes: Any) -> dict[str, Any]:
    approval = {
        "pipelineName": name,
        "stageName": "Approval",
        "actionName": "Approve",
        "token": str(uuid.uuid4()),
        "expires": "2099-08-30T11:09Z",
        "externalEntityLink": None,
        "approvalReviewLink": f"https://console.aws.amazon.com/#/Approval/Approve/approve/{uuid.uuid4()}",
        "customData": None,
    }
    return {"region": "us-east-1", "consoleLink": "https://console.aws.amazon.com/", "approval": approval | changes}


def _name() -> str:
    return f"odd-{uuid.uuid4().hex[:8]}"


def _publish(world: World, message: str, **more: Any) -> None:
    world.aws.sns.publish(TopicArn=world.stack.approval_topic, Message=message, **more)


@pytest.mark.parametrize("missing", ["expires", "externalEntityLink", "approvalReviewLink", "customData"])
def test_a_message_without_what_it_may_lack_still_asks(world: World, missing: str) -> None:
    name = _name()
    message = _approval(name)
    del message["approval"][missing]
    _publish(world, json.dumps(message))
    assert world.inbox.wait("slack", name, lambda m: m.buttons() or m.blocks()).accepted


@pytest.mark.parametrize(
    "changes",
    [
        {"expires": None},
        {"expires": "soon"},
        {"expires": 1661857740},
        {"externalEntityLink": "javascript:alert(1)"},
        {"externalEntityLink": "http://example.com/"},
        {"externalEntityLink": ["https://example.com"]},
        {"customData": {"nested": True}},
        {"customData": "x" * 20_000},
        {"customData": "\x00\x07\x1b[31m\u202egnp.exe\u202c \ud83d\ude80"},
        {"customData": " ".join(BROADCASTS) + " <@U0LEAD001> <https://example.com|a> & *bold*"},
        {"unheardOf": {"a": [1, 2, 3]}},
    ],
    ids=lambda changes: str(changes)[:40],
)
def test_an_odd_message_still_asks_and_speaks_for_nobody(world: World, changes: dict[str, Any]) -> None:
    name = _name()
    message = _approval(name, **changes)
    _publish(world, json.dumps(message))
    told = world.inbox.wait("slack", name)
    assert told.accepted, told.answer
    # As text at most: no markup of Slack makes a link of it.
    assert "<javascript:" not in told.text
    assert message["approval"]["token"] not in told.text
    assert told.mentions == [], "a comment rings somebody's bell"
    assert not any(ord(c) < 32 and c not in "\n\t" for c in json.dumps(told.body, ensure_ascii=False))
    assert "\u202e" not in told.text


@pytest.mark.parametrize("missing", ["pipelineName", "stageName", "actionName", "token"])
@pytest.mark.parametrize("value", ["absent", None, 7, ""])
def test_a_message_without_what_it_needs_is_passed_on_as_text(world: World, missing: str, value: Any) -> None:
    mark = _name()
    message = _approval(mark, customData=mark)
    token = message["approval"]["token"]
    review = message["approval"]["approvalReviewLink"]
    if value == "absent":
        del message["approval"][missing]
    else:
        message["approval"][missing] = value
    _publish(world, json.dumps(message))
    told = world.inbox.wait("slack", mark)
    assert told.buttons() == []
    assert token not in told.text and review not in told.text, "the token was passed on"


@pytest.mark.parametrize(
    "message",
    [
        "{mark} is no JSON {{",
        '"{mark}"',
        '["{mark}"]',
        '{{"a": "{mark}"}}',
        '{{"approval": "{mark}"}}',
        '{{"approval": ["{mark}"]}}',
        '["{mark}",' + "[" * 3000,
        "{mark} " + "long " * 50_000,
        "{mark} \x07\x1b[31m \u202e <!channel>",
    ],
    ids=["text", "string", "list", "object", "approval text", "approval list", "deep", "256 KB", "control"],
)
def test_anything_else_is_passed_on_as_text(world: World, message: str) -> None:
    mark = _name()
    text = message.format(mark=mark)[: 256 * 1024 - 100]
    _publish(world, text, Subject="Something")
    told = world.inbox.wait("slack", mark)
    assert told.accepted, told.answer
    assert told.mentions == []


def test_alarms_and_triggers_are_told_plainly(world: World) -> None:
    mark = _name()
    alarm = {
        "AlarmName": mark,
        "AlarmDescription": "Too many errors",
        "NewStateValue": "ALARM",
        "OldStateValue": "OK",
        "NewStateReason": "Threshold Crossed",
        "StateChangeTime": "2026-01-01T00:00:00.000+0000",
        "Region": "US East (N. Virginia)",
        "AWSAccountId": "000000000000",
        "Trigger": {"MetricName": "Errors"},
    }
    _publish(world, json.dumps(alarm), Subject=f'ALARM: "{mark}"')
    assert "Threshold Crossed" in world.inbox.wait("slack", mark).text
    trigger = {
        "region": "us-east-1",
        "accountId": "000000000000",
        "eventTriggerName": "all",
        "applicationName": mark + "-app",
        "deploymentId": "d-ABCDEF123",
        "deploymentGroupName": "production",
        "createTime": "Mon Jan 01 00:00:00 UTC 2026",
        "completeTime": None,
        "status": "FAILED",
    }
    _publish(world, json.dumps(trigger))
    assert "d-ABCDEF123" in world.inbox.wait("slack", mark + "-app").text


def test_one_bad_record_does_not_hold_up_the_others(world: World) -> None:
    marks = [_name() for _ in range(3)]
    records = [
        _record(json.dumps(_approval(marks[0]))),
        {"EventSource": "aws:sns", "Sns": {"Message": 7}},
        "no record",
        None,
        _record("\x00" + marks[1]),
        _record(json.dumps(_approval(marks[2]))),
    ]
    payload = json.dumps({"Records": records}).encode()
    answer = world.aws.lambda_.invoke(FunctionName=world.stack.notifier, Payload=payload)
    for mark in marks:
        world.inbox.wait("slack", mark, within=5)
    assert "panic" not in answer["Payload"].read().decode().lower()


@pytest.mark.parametrize("event", ["{}", "[]", "null", '"text"', "7", '{"Records": 7}', '{"reminder": {"case": "x"}}'])
def test_an_event_of_no_known_shape_does_not_crash(world: World, event: str) -> None:
    answer = world.aws.lambda_.invoke(FunctionName=world.stack.notifier, Payload=event.encode())
    told = answer["Payload"].read().decode()
    assert "panic" not in told.lower(), told


def test_what_can_not_be_delivered_waits_in_the_queue(world: World, waiting: Waiting) -> None:
    with world.control.fault("slack", "*", status=500, code="internal_error"):
        case = waiting("usual")
        # As SNS does it: asynchronously, so that Lambda tries again and then gives up.
        event = {"Records": [_record(world.messages.wait(case.token)["Message"])]}
        world.aws.lambda_.invoke(
            FunctionName=world.stack.notifier, InvocationType="Event", Payload=json.dumps(event).encode()
        )
        message = wait_for("the undelivered message", lambda: _undelivered(world, case.name), 120)
    assert message["requestContext"]["condition"] == "RetriesExhausted"
    assert "room" in message["responsePayload"]["errorMessage"], "it isn't told who was not reached"
    assert case.token not in json.dumps(message["responsePayload"]), "the error holds the token"
    # Once the cause is gone, what waits there is sent again; what was told already is not.
    mails = len(world.inbox.mails(case.name))
    payload = json.dumps(message["requestPayload"]).encode()
    answer = world.aws.lambda_.invoke(FunctionName=world.stack.notifier, Payload=payload)
    assert "FunctionError" not in answer, answer["Payload"].read()
    assert case.asked().accepted
    assert len(world.inbox.mails(case.name)) == mails == 2


def test_a_sink_that_asks_for_patience_gets_it(world: World, waiting: Waiting) -> None:
    with world.control.fault("slack", "chat.postMessage", status=429, headers={"Retry-After": "2"}, times=1):
        began = time.monotonic()
        case = waiting("usual")
        assert case.asked().accepted
    assert time.monotonic() - began >= 2


def _record(message: str) -> dict[str, Any]:
    return {
        "EventSource": "aws:sns",
        "EventVersion": "1.0",
        "EventSubscriptionArn": "arn:aws:sns:us-east-1:000000000000:topic:1",
        "Sns": {
            "Type": "Notification",
            "MessageId": str(uuid.uuid4()),
            "TopicArn": "arn:aws:sns:us-east-1:000000000000:topic",
            "Subject": None,
            "Message": message,
            "Timestamp": "2026-01-01T00:00:00.000Z",
        },
    }


def _undelivered(world: World, holding: str) -> dict[str, Any] | None:
    got = world.aws.sqs.receive_message(
        QueueUrl=world.stack.undelivered_queue, MaxNumberOfMessages=10, WaitTimeSeconds=1
    )
    for message in got.get("Messages", []):
        if holding in message["Body"]:
            return dict(json.loads(message["Body"]))
    return None
