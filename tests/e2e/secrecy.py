"""No approval token and no secret of a channel leaves its place, wherever one looks.

Searched when the session ends, so that it covers what all the tests brought about.
"""

import base64
import json
from pathlib import Path
from urllib.parse import quote

import pytest
from cases import items
from world import World

MIN_TOKENS = 10
# The files of whose tests some ran in this process.
RAN = pytest.StashKey[set[str]]()


def check(world: World, session: pytest.Session) -> None:
    """Searches everything that the functions wrote for all tokens and secrets that there were.

    When all tests of approvals ran, there also have to be enough tokens and something to search everywhere.
    """
    tokens = _published(world)
    if not tokens:
        return
    places = dict(_places(world))
    if _all_approvals_ran(session):
        assert len(tokens) >= MIN_TOKENS, f"only {len(tokens)} approvals were published"
        assert all(places.values()), f"nothing to search in {[name for name, text in places.items() if not text]}"
    _check_tokens(places, tokens)
    _check_secrets(world, places)
    # The approval messages themselves hold tokens: searched in the same way, they are found.
    published = json.dumps(world.messages.heard())
    assert any(token in published for token in tokens), "the search would find nothing"


def _all_approvals_ran(session: pytest.Session) -> bool:
    there = {path.name for path in Path(__file__).parent.glob("test_approvals_*.py")}
    option = session.config.option
    # Of several processes, each runs some.
    return there <= session.stash[RAN] and not (option.keyword or option.markexpr)


def _published(world: World) -> set[str]:
    """All tokens that CodePipeline ever published."""
    heard = [json.loads(envelope["Message"]) for envelope in world.messages.heard('"approvalReviewLink"')]
    waited = [message["approval"].get("token") for message in heard if isinstance(message, dict)]
    return {token for token in waited if isinstance(token, str) and len(token) >= 32}


def _check_tokens(places: dict[str, str], tokens: set[str]) -> None:
    forms = {form for token in tokens for form in _forms(token)}
    found = [f"{name} has {form[:8]}…" for name, text in places.items() for form in forms if form in text]
    assert not found, found


def _check_secrets(world: World, places: dict[str, str]) -> None:
    known = world.secrets
    secrets = [known.slack_signing, known.slack_bot, known.webhook, known.webhook.removeprefix("whsec_")]
    keys = world.aws.secretsmanager.get_secret_value(SecretId=world.stack.keys_secret)["SecretString"]
    # Said without the secret itself, which would be in the report of the tests.
    found = [name for name, text in places.items() if any(secret in text for secret in [*secrets, keys])]
    assert not found, f"a secret is in {found}"


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
