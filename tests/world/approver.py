"""Plays whoever answers: Slack's servers on behalf of a member, and somebody with a browser and a link."""

import base64
import hashlib
import hmac
import http.client
import json
import time
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlencode, urljoin, urlsplit

from world.approvals import TEAM
from world.control import Json
from world.inbox import Message

INTERACTIONS = "/slack/interactions"
COMMANDS = "/slack/commands"
FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class Answer:
    """What the function URL answered."""

    status: int
    headers: dict[str, str]
    cookies: tuple[str, ...]
    body: str
    took: float


class Door:
    """The function URL, reached through the front door of the local AWS."""

    def __init__(self, endpoint: str, decision_url: str) -> None:
        self._address = urlsplit(endpoint).netloc
        self.host = urlsplit(decision_url).netloc
        self._prefix = f"/_aws/lambda-url/{self.host.split('.', 1)[0]}"
        # Where one gets with a browser or curl.
        self.address = f"http://{self._address}{self._prefix}"

    def ask(self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None) -> Answer:
        """One request; redirects are answers like any other."""
        began = time.monotonic()
        connection = http.client.HTTPConnection(self._address, timeout=60)
        try:
            connection.request(method, self._prefix + path, body=body, headers=headers or {})
            answer = connection.getresponse()
            text = answer.read().decode(errors="replace")
        finally:
            connection.close()
        fields = answer.getheaders()
        return Answer(
            answer.status,
            {name.lower(): value for name, value in fields},
            tuple(value for name, value in fields if name.lower() == "set-cookie"),
            text,
            time.monotonic() - began,
        )


@dataclass(frozen=True)
class Member:
    """Somebody in the workspace."""

    user: str
    name: str
    team: str = TEAM


@dataclass
class Slack:
    """Slack's servers: they sign what a member clicks and send it to the function URL."""

    door: Door
    endpoint: str
    signing_secret: str
    clicks: int = field(default=0)

    def click(self, member: Member, message: Message, action: str, comment: str = "", **how: Any) -> Answer:
        """A member presses a button of a message; `how` goes to `send`."""
        return self.send(self.interaction(member, message.case, action, comment, message), **how)

    def interaction(
        self, member: Member, case: str, action: str, comment: str = "", message: Message | None = None
    ) -> Json:
        """The payload of a click (https://docs.slack.dev/reference/interaction-payloads/block_actions-payload)."""
        self.clicks += 1
        now = f"{time.time():.6f}"
        posted = message.answer["body"] if message else {"ts": now, "channel": "C0RELEASE1"}
        return {
            "type": "block_actions",
            "user": {"id": member.user, "username": member.name, "name": member.name, "team_id": member.team},
            "api_app_id": "A0HOOKS001",
            "token": "deprecated",
            "container": {
                "type": "message",
                "message_ts": posted["ts"],
                "channel_id": posted["channel"],
                "is_ephemeral": False,
            },
            "trigger_id": f"{self.clicks}.{time.time_ns()}.trigger",
            "team": {"id": member.team, "domain": "shop"},
            "enterprise": None,
            "is_enterprise_install": False,
            "channel": {"id": posted["channel"], "name": "release-room"},
            "message": {"type": "message", "ts": posted["ts"], "blocks": message.blocks() if message else []},
            "state": {"values": {"comment": {"comment": {"type": "plain_text_input", "value": comment or None}}}},
            "response_url": f"{self.endpoint}/_sinks/slack/response/click{self.clicks}",
            "actions": [
                {
                    "action_id": action,
                    "block_id": "decide",
                    "text": {"type": "plain_text", "text": action.title(), "emoji": True},
                    "value": case,
                    "type": "button",
                    "action_ts": now,
                }
            ],
        }

    def send(self, payload: Json, *, secret: str | None = None, at: float | None = None) -> Answer:
        """Signs as Slack does, unless told to do it with another secret or at another time, and sends."""
        return self.post(*self.signed(payload, secret=secret, at=at))

    def signed(
        self, payload: Json, *, secret: str | None = None, at: float | None = None
    ) -> tuple[bytes, dict[str, str]]:
        """The raw body and the headers of a request."""
        return self.sign({"payload": json.dumps(payload)}, secret=secret, at=at)

    def sign(
        self, fields: dict[str, str], *, secret: str | None = None, at: float | None = None
    ) -> tuple[bytes, dict[str, str]]:
        """The same of any form."""
        body = urlencode(fields).encode()
        moment = str(int(time.time() if at is None else at))
        base = b"v0:" + moment.encode() + b":" + body
        key = (self.signing_secret if secret is None else secret).encode()
        signature = "v0=" + hmac.new(key, base, hashlib.sha256).hexdigest()
        return body, {"Content-Type": FORM, "X-Slack-Request-Timestamp": moment, "X-Slack-Signature": signature}

    def command(self, member: Member, text: str) -> dict[str, str]:
        """What Slack sends of a slash command (https://docs.slack.dev/interactivity/implementing-slash-commands)."""
        self.clicks += 1
        return {
            "token": "deprecated",
            "team_id": member.team,
            "team_domain": "shop",
            "channel_id": "C0NIGHT001",
            "channel_name": "night-room",
            "user_id": member.user,
            "user_name": member.name,
            "command": "/environments",
            "text": text,
            "api_app_id": "A0HOOKS001",
            "response_url": f"{self.endpoint}/_sinks/slack/response/command{self.clicks}",
            "trigger_id": f"{self.clicks}.{time.time_ns()}.trigger",
        }

    def post(self, body: bytes, headers: dict[str, str], path: str = INTERACTIONS) -> Answer:
        """Sends as it is."""
        return self.door.ask("POST", path, body, headers)


class Visitor:
    """Somebody with a browser that keeps cookies and runs no script."""

    def __init__(self, door: Door) -> None:
        self._door = door
        self.cookies: dict[str, str] = {}

    def get(self, link: str, method: str = "GET") -> Answer:
        """Opens a link."""
        return self._keep(self._door.ask(method, _path(link), None, self._headers()))

    def submit(self, link: str, page: Answer, comment: str = "", button: str = "", **written: str) -> Answer:
        """Sends the page's form; `button` is the value of the button pressed, where there are several, and `written`
        what is written into other fields."""
        form = forms(page.body)[0] if not button else next(f for f in forms(page.body) if button in f.buttons)
        fields = form.fields | written
        if form.comment:
            fields[form.comment] = comment
        if button:
            fields[form.buttons[button]] = button
        headers = self._headers() | {
            "Content-Type": FORM,
            "Origin": f"https://{self._door.host}",
            "Sec-Fetch-Site": "same-origin",
        }
        # As a browser does: the form's address is relative to the page's.
        path = _path(urljoin(link, form.action))
        return self._keep(self._door.ask("POST", path, urlencode(fields).encode(), headers))

    def _headers(self) -> dict[str, str]:
        cookies = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        return {"Cookie": cookies} if cookies else {}

    def _keep(self, answer: Answer) -> Answer:
        for cookie in answer.cookies:
            name, _, value = cookie.split(";", 1)[0].partition("=")
            self.cookies[name.strip()] = value
        return answer


@dataclass
class Form:
    """A form of a page: where it goes, and what it sends."""

    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict)
    # The name of the field for a comment.
    comment: str = ""
    # The value of each button that has one, and its name.
    buttons: dict[str, str] = field(default_factory=dict)


def forms(page: str) -> list[Form]:
    """The forms of a page."""
    reader = _Forms()
    reader.feed(page)
    return reader.forms


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append(Form(values.get("action", ""), values.get("method", "get").lower()))
        elif self.forms and tag == "input" and values.get("type") in {"hidden", "number"}:
            self.forms[-1].fields[values["name"]] = values.get("value", "")
        elif self.forms and tag == "textarea":
            self.forms[-1].comment = values["name"]
        elif self.forms and tag == "button" and "name" in values:
            self.forms[-1].buttons[values.get("value", "")] = values["name"]


def link_payload(link: str) -> Json:
    """What a link says in its readable half."""
    payload = urlsplit(link).path.rsplit("/", 1)[-1].split(".", 1)[0]
    return dict(json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))))


def _path(link: str) -> str:
    parts = urlsplit(link)
    return parts.path + (f"?{parts.query}" if parts.query else "")
