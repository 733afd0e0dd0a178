"""The same approval in every place: within each service's limits, with what is dangerous on top."""

import json
import re
from typing import Any

import pytest
from cases import Case, Waiting, link_payload
from change_sets import REMOVED, REPLACED, ROLE, big_change_set
from world import World
from world.inbox import Message

CHANGES = 200
BROADCAST = "<!channel> & everyone: \U0001f680 <https://example.com|click> \u202egnp.exe"
SECRET = "AKIAIOSFODNN7EXAMPLE"  # noqa: S105


@pytest.fixture(scope="module")
def case(waiting_session: Waiting) -> Case:
    """200 changes, 100 of them and the most dangerous ones in a nested stack; a commit that shouts."""

    def prepare(pipeline: Any) -> None:
        big_change_set(CHANGES, nested=True)(pipeline)

    case = waiting_session(
        "everywhere", prepare=prepare, stack="shop-stack", comment=f"Mind the key {SECRET}", commit=BROADCAST
    )
    case.asked()
    return case


def _slack(world: World, case: Case, operation: str, channel: str) -> Message:
    return world.inbox.wait(
        "slack", case.name, lambda m: m.operation == operation and (not channel or m.body.get("channel") == channel)
    )


def _check_order(text: str) -> None:
    removed, replaced, role = (text.find(name) for name in (REMOVED, REPLACED, ROLE))
    assert -1 not in (removed, replaced, role), "what is dangerous is not told at all:\n" + text[:3000]
    harmless = min((at for at in (text.find("Outer0"), text.find("Inner0")) if at >= 0), default=len(text))
    assert removed < replaced < role < harmless, (removed, replaced, role, harmless)


def _check_words(text: str) -> None:
    assert SECRET not in text, "what looks like a secret is told"
    assert "\u202e" not in text


def test_slack(world: World, case: Case) -> None:
    message = _slack(world, case, "chat.postMessage", "C0RELEASE1")
    assert message.accepted, message.answer
    _check_order(message.text)
    _check_words(message.text)
    assert "more" in message.text, "nobody is told that there is more"
    assert set(message.mentions) == {"@U0LEAD001"}, "those of the route, and no other"
    assert {button["action_id"] for button in message.buttons()} >= {"approve", "reject"}
    for button in message.buttons():
        if "value" in button:
            assert button["value"] == case.id, "a button carries more than the opaque id"
            assert button["confirm"], "a button without a confirmation"


def test_slack_in_chinese(world: World, case: Case) -> None:
    message = _slack(world, case, "chat.postMessage", "C0CHINESE1")
    assert message.accepted, message.answer
    _check_order(message.text)
    assert any("\u4e00" <= c <= "\u9fff" for c in json.dumps(message.body, ensure_ascii=False))


def test_a_slack_webhook(world: World, case: Case) -> None:
    message = world.inbox.wait("slack", case.name, lambda m: "/hook/" in m.path)
    assert message.accepted, message.answer
    _check_order(message.text)
    _check_words(message.text)
    assert message.mentions == []
    assert all("value" not in button for button in message.buttons()), "a webhook has nobody to send a click to"


def test_teams(world: World, case: Case) -> None:
    message = world.inbox.wait("teams", case.name)
    assert message.accepted, message.answer
    assert len(message.text.encode()) <= 28 * 1024
    _check_order(message.text)
    _check_words(message.text)


def test_a_signed_webhook(world: World, case: Case) -> None:
    message = world.inbox.wait("webhook", case.name)
    # The sink checks the signature with the secret, and refuses a wrong one.
    assert message.accepted, message.answer
    assert {"webhook-id", "webhook-timestamp", "webhook-signature"} <= set(message.headers)
    _check_order(message.text)
    _check_words(message.text)


def test_mail(case: Case) -> None:
    mail = case.mail()
    assert len(mail.html.encode()) <= 102_000
    for text in (mail.seen(), mail.text):
        _check_order(text)
        _check_words(text)
    assert "\n" not in mail.subject and case.name in mail.subject
    assert "<script" not in mail.html.lower() and "http://" not in mail.html


def test_a_topic_s_subscribers(world: World, case: Case) -> None:
    envelope = world.list.wait(case.name)
    assert len(envelope["Message"].encode()) <= 256 * 1024
    assert len(envelope["Subject"]) <= 100 and envelope["Subject"].isascii()
    _check_order(envelope["Message"])
    _check_words(envelope["Message"])
    links = re.findall(rf"https://{re.escape(world.door.host)}/d/\S+", envelope["Message"])
    assert {link_payload(link)["act"] for link in links} == {"view"}, "subscribers who may not decide got a link for it"


def test_amazon_q(world: World, case: Case) -> None:
    notification = json.loads(world.chat.wait(case.name)["Message"])
    assert (notification["version"], notification["source"]) == ("1.0", "custom")
    content = notification["content"]
    assert content["textType"] == "client-markdown"
    assert len(content["title"]) <= 250 and len(content["description"]) <= 8000
    _check_order(content["description"])
    _check_words(json.dumps(notification, ensure_ascii=False))
    assert "<!channel>" not in content["description"], "Amazon Q passes markdown on to Slack"
