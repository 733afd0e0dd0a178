"""After everything else: no approval token has left CodePipeline, wherever one looks.

It stands last, so that it sees what all the tests before it brought about.
"""

import base64
import json
from urllib.parse import quote

import pytest
from cases import Waiting, items
from world import World

ENOUGH = 10


@pytest.fixture(scope="module")
def tokens(world: World, waiting_session: Waiting) -> set[str]:
    """All that CodePipeline ever published; if this test runs alone, some are made first."""
    while len(_published(world)) < ENOUGH:
        case = waiting_session("everywhere")
        case.click(comment="yes")
        case.decided()
        case.thread("succeeded")
    return _published(world)


def _published(world: World) -> set[str]:
    heard = [json.loads(envelope["Message"]) for envelope in world.messages.heard('"approvalReviewLink"')]
    waited = [message["approval"].get("token") for message in heard if isinstance(message, dict)]
    return {token for token in waited if isinstance(token, str) and len(token) >= 32}


def test_no_token_is_anywhere(world: World, tokens: set[str]) -> None:
    forms = {form for token in tokens for form in _forms(token)}
    places = dict(_places(world))
    assert all(places.values()), f"nothing to search in {[name for name, text in places.items() if not text]}"
    found = [f"{name} has {form[:8]}…" for name, text in places.items() for form in forms if form in text]
    assert not found, found


def test_no_secret_of_a_channel_is_anywhere(world: World, tokens: set[str]) -> None:  # noqa: ARG001
    known = world.secrets
    secrets = [known.slack_signing, known.slack_bot, known.webhook, known.webhook.removeprefix("whsec_")]
    keys = world.aws.secretsmanager.get_secret_value(SecretId=world.stack.keys_secret)["SecretString"]
    places = dict(_places(world))
    for text in places.values():
        for secret in [*secrets, keys]:
            assert secret not in text


def test_the_search_would_find_one(world: World, tokens: set[str]) -> None:
    """The approval messages themselves hold tokens: searched in the same way, they are found."""
    published = json.dumps(world.messages.heard())
    assert any(token in published for token in tokens)


def _places(world: World) -> list[tuple[str, str]]:
    """Everything that the functions wrote, by where."""
    texts = [(f"the log of {name}", _log(world, name)) for name in (world.stack.notifier, world.stack.decision)]
    # The gates may not have run at all.
    texts.append(("the logs of the gates", "none" + _log(world, world.stack.pre_traffic)))
    texts.append(("the schedules", "none" + json.dumps(_schedules(world), default=str)))
    texts.append(("the state table", json.dumps([item["raw"] for item in items(world)])))
    texts.append(("the sinks", "\n".join(m.text + m.path + json.dumps(m.headers) for m in world.inbox.messages())))
    texts.append(("the mails", "\n".join(mail.subject + mail.text + mail.html for mail in world.inbox.mails())))
    for name, listener in (("the list", world.list), ("the chat", world.chat)):
        texts.append((name, json.dumps(listener.heard())))
    texts.append(("the links", "\n".join(_unpacked(world))))
    texts.append(("the calls", json.dumps(world.control.calls())))
    return texts


def _log(world: World, function: str) -> str:
    pages = world.aws.logs.get_paginator("filter_log_events").paginate(logGroupName=f"/aws/lambda/{function}")
    return "\n".join(event["message"] for page in pages for event in page["events"])


def _schedules(world: World) -> list[object]:
    scheduler = world.aws.scheduler
    found = scheduler.list_schedules()["Schedules"]
    return [scheduler.get_schedule(GroupName=item["GroupName"], Name=item["Name"]) for item in found]


def _unpacked(world: World) -> list[str]:
    """The readable half of every link to the decision page."""
    links = [link for mail in world.inbox.mails() for link in mail.links() if "/d/" in link]
    payloads = [link.rsplit("/", 1)[-1].split(".", 1)[0] for link in links]
    return [base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode(errors="replace") for text in payloads]


def _forms(token: str) -> list[str]:
    """The token as it may be written."""
    encoded = base64.b64encode(token.encode()).decode().rstrip("=")[:-1]
    return [token, token.replace("-", ""), token.upper(), quote(token, safe="").replace("-", "%2D"), encoded]
