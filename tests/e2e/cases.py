"""Approvals that wait, as the tests use them: who is asked, how they answer, and what became of it."""

import base64
import itertools
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from world import World
from world.approver import Answer, Member, Visitor, link_payload
from world.control import Json
from world.inbox import Mail, Message
from world.outcomes import wait_for
from world.pipeline import Pipeline, Plan

LEAD = Member("U0LEAD001", "lead")
SECOND = Member("U0SECOND1", "second")
STRANGER = Member("U0STRANGE", "stranger")
MAILBOX = "lead@example.com"
NUMBERS = itertools.count(1)
PUT = "PutApprovalResult"


@dataclass
class Case:
    """One approval that waits, or has waited."""

    world: World
    pipeline: Pipeline
    execution: str
    token: str

    # What people got

    @property
    def name(self) -> str:
        """The pipeline's name, which is in every message about it."""
        return self.pipeline.name

    def asked(self, operation: str = "chat.postMessage", within: float = 30) -> Message:
        """Slack's first message, with its buttons."""
        return self.world.inbox.wait("slack", self.name, lambda m: m.operation == operation and m.case, within)

    @property
    def id(self) -> str:
        """The opaque id."""
        return self.asked().case

    def mail(self, to: str = MAILBOX) -> Mail:
        """The mail that asks somebody."""
        return self.world.inbox.wait_mail(self.name, lambda mail: to in mail.to and self.decision_links(mail))

    def decision_links(self, mail: Mail) -> list[str]:
        """The mail's links to the decision page."""
        return [link for link in mail.links() if urlsplit(link).netloc == self.world.door.host]

    def links(self, to: str = MAILBOX, mail: Mail | None = None) -> dict[str, str]:
        """The links of a mailbox, or of a mail, by what they may do."""
        found = {link_payload(link)["act"]: link for link in self.decision_links(mail or self.mail(to))}
        assert {"approve", "reject"} <= set(found), f"the mail has only links to {sorted(found)}"
        return found

    def updated(self, holding: str, within: float = 30) -> Message:
        """The change of Slack's first message that holds a text."""
        return self.world.inbox.wait(
            "slack", self.name, lambda m: m.operation == "chat.update" and holding in m.text, within
        )

    def thread(self, holding: str, within: float = 30) -> Message:
        """The answer in the thread that holds a text."""
        first = self.asked().answer["body"]["ts"]

        def threaded(message: Message) -> bool:
            return isinstance(message.body, dict) and message.body.get("thread_ts") == first

        return self.world.inbox.wait("slack", holding, threaded, within)

    # What they do

    def click(self, member: Member = LEAD, action: str = "approve", comment: str = "", **how: Any) -> Answer:
        """A button in Slack."""
        return self.world.slack.click(member, self.asked(), action, comment, **how)

    def answer_by_link(self, action: str = "approve", comment: str = "", to: str = MAILBOX) -> Answer:
        """Opens the link in a mail, and sends the page's form."""
        return self.answer_link(self.mail(to), action, comment)

    def answer_link(self, mail: Mail, action: str, comment: str = "") -> Answer:
        """The same for a given mail."""
        link = self.links(mail=mail)[action]
        visitor = Visitor(self.world.door)
        page = visitor.get(link)
        assert page.status == 200, page
        return visitor.submit(link, page, comment)

    def told(self, after: int, within: float = 20) -> Message:
        """What Slack was told at a click's response address, after a message."""
        return self.world.inbox.wait("slack", "", lambda m: m.seq > after and "/response/" in m.path, within)

    # What became of it

    def decided(self, within: float = 30) -> tuple[str, str]:
        """Waits until the approval is over; its status and the reviewer's comment."""

        def over() -> tuple[str, str] | None:
            result = self.pipeline.result(self.execution)
            return result if result[0] in {"Succeeded", "Failed", "Abandoned"} else None

        return tuple(wait_for(f"the end of the approval of {self.name}", over, within))  # type: ignore[return-value]

    def waits(self) -> bool:
        """Whether it still waits."""
        return self.pipeline.result(self.execution)[0] == "InProgress"

    def records(self) -> list[Json]:
        """The items of the state table about it, those of the audit at the end."""
        return items(self.world, f"approval#{self.id}") + items(self.world, f"audit#{self.id}")

    def audit(self, holding: str = "", within: float = 15) -> list[Json]:
        """The audit records that hold a text, as soon as there is one."""

        def found() -> list[Json]:
            records = [item["body"] for item in self.records() if item["sk"].startswith("audit#")]
            return [record for record in records if holding in json.dumps(record, ensure_ascii=False)]

        return list(wait_for(f"an audit record of {self.name} with {holding!r}", found, within))

    def results_put(self) -> list[Json]:
        """The PutApprovalResult calls for this pipeline that reached CodePipeline and were accepted."""
        return [c for c in self.world.control.calls(operation=PUT) if c["status"] == 200 and self._is_mine(c)]

    def _is_mine(self, call: Json) -> bool:
        return bool(call.get("resource", self.name) == self.name)


Waiting = Callable[..., Case]


def wait_for_case(world: World, route: str, **plan: Any) -> Case:
    """A new pipeline whose name leads to a route, with an execution that waits for its approval."""
    start = {key: plan.pop(key) for key in ("user", "release") if key in plan}
    prepare, commit, files = plan.pop("prepare", None), plan.pop("commit", ""), plan.pop("files", None)
    pipeline = world.pipeline(f"{route}-{next(NUMBERS)}", Plan(topic=world.stack.approval_topic, **plan))
    pipeline.create()
    if prepare:
        prepare(pipeline)
    if commit or files:
        pipeline.commit(commit, files)
    execution = pipeline.start(**start)
    return Case(world, pipeline, execution, pipeline.token(execution))


def items(world: World, pk: str = "", table: str = "") -> list[Json]:
    """Items of the state table, or of another one, their bodies read."""
    table = table or world.stack.state_table
    pages = world.aws.dynamodb.get_paginator("scan").paginate(TableName=table, ConsistentRead=True)
    found = [item for page in pages for item in page["Items"]]
    return [
        {"pk": item["pk"]["S"], "sk": item["sk"]["S"], "body": json.loads(item["body"]["S"]), "raw": item}
        for item in found
        if pk in ("", item["pk"]["S"])
    ]


def link_with(link: str, **changes: Any) -> str:
    """The link with another payload and the old signature."""
    head, segment = link.rsplit("/", 1)
    payload = base64.urlsafe_b64encode(json.dumps(link_payload(link) | changes).encode()).decode().rstrip("=")
    return f"{head}/{payload}.{segment.split('.', 1)[1]}"
