"""What people and machines got: the messages at the sinks of local-aws, and the mails at MiniStack's SES."""

import html
import http.client
import json
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlsplit

from world.control import Control, Json


@dataclass(frozen=True)
class Message:
    """One request to a sink, and what the sink answered."""

    seq: int
    service: str
    operation: str
    path: str
    headers: dict[str, str]
    body: Any
    answer: Json

    @property
    def text(self) -> str:
        """All of the body, as one searchable text."""
        return self.body if isinstance(self.body, str) else json.dumps(self.body, ensure_ascii=False)

    @property
    def accepted(self) -> bool:
        """Whether the sink took it."""
        body = self.answer.get("body")
        refused = isinstance(body, dict) and body.get("ok") is False
        return not refused and self.answer["status"] < 300

    @property
    def mentions(self) -> list[str]:
        """Whom it would notify: `@U…`, `!channel`, as Slack reads it."""
        return list(self.answer.get("mentions", []))

    @property
    def case(self) -> str:
        """The opaque id of the case in the message's buttons; empty without buttons."""
        return next((str(button["value"]) for button in self.buttons() if button.get("value")), "")

    def blocks(self) -> list[Json]:
        """Slack's blocks."""
        blocks = self.body.get("blocks", []) if isinstance(self.body, dict) else []
        return list(json.loads(blocks) if isinstance(blocks, str) else blocks)

    def buttons(self) -> list[Json]:
        """Slack's buttons that send something."""
        elements = [element for block in self.blocks() for element in block.get("elements", [])]
        return [e for e in elements if isinstance(e, dict) and e.get("type") == "button" and "action_id" in e]


@dataclass(frozen=True)
class Mail:
    """One mail that SES took."""

    to: tuple[str, ...]
    subject: str
    text: str
    html: str

    def links(self) -> list[str]:
        """The addresses in its HTML part, in their order."""
        found = _Links()
        found.feed(self.html)
        return found.links

    def seen(self) -> str:
        """The words of its HTML part, as a reader sees them."""
        return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", self.html)))


class Inbox:
    """Everything that was sent so far."""

    def __init__(self, control: Control, endpoint: str) -> None:
        self._control, self._address = control, urlsplit(endpoint).netloc

    def messages(self, service: str = "", holding: str = "", after: int = 0) -> list[Message]:
        """The messages to a sink that hold a text."""
        found = [_message(item) for item in self._control.sinks(after, service)]
        return [message for message in found if holding in message.text]

    def mails(self, holding: str = "") -> list[Mail]:
        """The mails that hold a text."""
        found = [_mail(item) for item in self._mails()]
        return [mail for mail in found if holding in mail.subject + mail.text + mail.html]

    def wait(
        self,
        service: str,
        holding: str,
        wanted: Callable[[Message], Any] = lambda _: True,
        within: float = 30,
    ) -> Message:
        """The first such message, as soon as it is there."""
        seen: list[Message] = []

        def found() -> Message | None:
            seen[:] = self.messages(service)
            return next((message for message in seen if holding in message.text and wanted(message)), None)

        return _poll(f"a message to {service} that holds {holding!r}", found, within, lambda: _told(seen))

    def wait_mail(self, holding: str, wanted: Callable[[Mail], Any] = lambda _: True, within: float = 30) -> Mail:
        """The first such mail, as soon as it is there."""

        def found() -> Mail | None:
            return next((mail for mail in self.mails(holding) if wanted(mail)), None)

        return _poll(f"a mail that holds {holding!r}", found, within, lambda: str([m.subject for m in self.mails()]))

    def _mails(self) -> Iterator[Json]:
        connection = http.client.HTTPConnection(self._address, timeout=10)
        try:
            connection.request("GET", "/_ministack/ses/messages")
            accounts = json.loads(connection.getresponse().read())["messages"]
        finally:
            connection.close()
        for account in accounts.values():
            yield from account


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        address = dict(attrs).get("href")
        if tag == "a" and address:
            self.links.append(address)


def _message(item: Json) -> Message:
    names = ("seq", "service", "operation", "path", "headers", "body", "answer")
    return Message(**{name: item.get(name) for name in names})


def _mail(item: Json) -> Mail:
    to = item.get("To") or []
    return Mail(
        tuple([to] if isinstance(to, str) else to),
        item.get("Subject") or "",
        item.get("BodyText") or "",
        item.get("BodyHtml") or "",
    )


def _told(messages: list[Message]) -> str:
    return "\n".join(f"{m.seq} {m.service} {m.operation} {m.path} → {m.answer}: {m.text[:600]}" for m in messages[-8:])


def _poll(what: str, found: Callable[[], Any], within: float, told: Callable[[], str]) -> Any:
    deadline = time.monotonic() + within
    while not (value := found()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not in {within:.0f} s; there was:\n{told()}")
        time.sleep(0.1)
    return value
