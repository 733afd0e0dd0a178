"""The chapter of the approval: a pipeline asks, wrong answers are refused, a right one lets the release go."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from world import World
from world.approver import Answer, Member
from world.control import Json
from world.inbox import Message
from world.pipeline import Pipeline, Plan
from world.shop import Release, Shop

from demo import letter
from demo.screen import Screen

LEAD = Member("U0LEAD001", "lead")
PUT = "PutApprovalResult"
SECONDS_UNTIL_TOLD = 20.0
# A click that is heard reaches CodePipeline long before.
SECONDS_UNTIL_SURE = 1.5


@dataclass
class Approval:
    """What became of the approval."""

    forged: int = 0
    # What whoever clicked on the changed release was told.
    superseded: str = ""
    replayed: int = 0
    # Results that CodePipeline took, after each wrong answer and in the end.
    taken_wrongly: int = 0
    taken: int = 0
    summary: str = ""
    changed: str = ""
    outcome: str = ""
    questions: list[str] = field(default_factory=list)


class Chapter:
    """Asks, answers wrongly, answers rightly; the deployment that follows is a play like the others."""

    def __init__(self, world: World, shop: Shop, screen: Screen, release: Release) -> None:
        self._world, self._shop, self._screen, self._release = world, shop, screen, release
        plan = Plan(topic=world.stack.approval_topic, stack="shop-data", deploy=shop.action())
        self._pipeline: Pipeline = world.pipeline("shop-release", plan)
        self._execution = ""
        self._after = max((call["seq"] for call in world.control.calls()), default=0)
        self._again: Callable[[], Answer]
        self.approval = Approval()

    def play(self) -> str:
        """Plays until the deployment has begun; returns its id."""
        self._pipeline.create()
        self._pipeline.commit("Tell customers when their book arrives", self._shop.sources(self._release))
        self._pipeline.change_set(CHANGES[:-1])
        first = self._ask()
        self._supersede(first)
        question = self._ask()
        self._forge(question)
        self._again = self._answer(question)
        return self._pipeline.deployment_of(self._execution)

    def listen(self) -> None:
        """After the deployment: the message has changed, and its thread tells how it ended."""
        self._pipeline.ended(self._execution)
        approval = self.approval
        approval.changed = self._heard("chat.update", "Approved by").text
        self._replay()
        outcome = self._heard("chat.postMessage", "succeeded", threaded=True)
        approval.outcome = outcome.text
        approval.taken = len(self._taken())
        approval.summary = self._pipeline.result(self._execution)[1]
        self._screen.line("Slack", "in the message's thread:")
        letter.show(self._screen, outcome.blocks())

    def _ask(self) -> Message:
        """Starts an execution, and waits for the question."""
        known = set(self.approval.questions)
        self._execution = self._pipeline.start(self._release.version)
        self._pipeline.token(self._execution)
        self._screen.line("CodePipeline", f"{self._pipeline.name} waits for an approval of {self._release.version}")
        question = self._world.inbox.wait("slack", self._pipeline.name, lambda m: m.case and m.case not in known)
        if not known:
            self._screen.line("Slack", "a message arrives in the release room:")
            letter.show(self._screen, question.blocks())
        else:
            self._screen.line("Slack", "a message arrives, with the change set as it is now; on top:")
            letter.show(self._screen, question.blocks(), only_danger=True)
        self.approval.questions.append(question.case)
        return question

    def _supersede(self, question: Message) -> None:
        """Somebody makes the change set again, and the answer to the old message counts no more."""
        self._pipeline.change_set(CHANGES)
        self._screen.line("developer", "makes the change set again: it now removes the table of orders, too")
        seen = question.seq
        self._world.slack.click(LEAD, question, "approve")
        told = self._world.inbox.wait("slack", "", lambda m: m.seq > seen and m.operation == "response")
        self.approval.superseded = str(told.body["text"]).replace("\n", ": ")
        self._screen.line("lead", "approves what the message showed", mood="dim")
        self._refused(self.approval.superseded)
        self._pipeline.stop(self._execution)
        self._screen.line("CodePipeline", "is told to stop this execution, and starts another one")

    def _forge(self, question: Message) -> None:
        answer = self._world.slack.click(LEAD, question, "approve", secret="guessed")  # noqa: S106
        self.approval.forged = answer.status
        self._screen.line("somebody", "sends an approval in the lead's name, with a signature of their own", mood="dim")
        self._refused(f"HTTP {answer.status}")

    def _answer(self, question: Message) -> Callable[[], Answer]:
        """The right answer; returns a way to send the very same request again."""
        slack = self._world.slack
        payload: Json = slack.interaction(LEAD, question.case, "approve", "Looks good", question)
        body, headers = slack.signed(payload)
        answer = slack.post(body, headers)
        self._screen.line("lead", "approves, in Slack: “Looks good”", mood="good", took=answer.took)
        self._heard("chat.update", "Approved by")
        self._screen.line("CodePipeline", f"goes on: {self._pipeline.result(self._execution)[1]}", mood="good")
        return lambda: slack.post(body, headers)

    def _replay(self) -> None:
        before = len(self._taken())
        self.approval.replayed = self._again().status
        time.sleep(SECONDS_UNTIL_SURE)
        self._screen.line("somebody", "sends the lead's request once more, signature and all", mood="dim")
        self.approval.taken_wrongly += len(self._taken()) - before
        self._refused(f"HTTP {self.approval.replayed}, a signature counts once")

    def _refused(self, why: str) -> None:
        waits = self._pipeline.result(self._execution)[0] == "InProgress"
        self.approval.taken_wrongly += len(self._taken()) if waits else 0
        self._screen.line("decision", f"refused: {why}", mood="bad")

    def _taken(self) -> list[Json]:
        calls = self._world.control.calls(self._after, operation=PUT)
        return [call for call in calls if call["status"] == 200]

    def _heard(self, operation: str, holding: str, threaded: bool = False) -> Message:
        def wanted(message: Message) -> bool:
            return (
                message.operation == operation
                and holding in message.text
                and (not threaded or "thread_ts" in message.body)
            )

        return self._world.inbox.wait("slack", "", wanted, SECONDS_UNTIL_TOLD)


def _change(action: str, logical_id: str, kind: str, *details: Json, replacement: str = "False") -> Json:
    change = {"Action": action, "LogicalResourceId": logical_id, "ResourceType": kind, "Details": list(details)}
    return change | ({"Replacement": replacement, "Scope": ["Properties"]} if action == "Modify" else {})


def _detail(name: str, recreation: str, before: str, after: str) -> Json:
    target = {"Attribute": "Properties", "Name": name, "RequiresRecreation": recreation}
    return {"Target": target | {"BeforeValue": before, "AfterValue": after}, "Evaluation": "Static"}


# What CloudFormation is going to do. The last one comes in when somebody changes their mind.
CHANGES = [
    _change("Add", "ArrivalTopic", "AWS::SNS::Topic"),
    _change("Add", "ArrivalQueue", "AWS::SQS::Queue"),
    _change("Modify", "ShopRole", "AWS::IAM::Role", _detail("Policies", "Never", "[]", '["sns:Publish"]')),
    _change("Modify", "Dashboard", "AWS::CloudWatch::Dashboard", _detail("DashboardBody", "Never", "{}", "{…}")),
    _change(
        "Modify",
        "Carts",
        "AWS::ElastiCache::ReplicationGroup",
        _detail("Engine", "Always", "redis", "valkey"),
        replacement="True",
    ),
    _change("Remove", "OrdersTable", "AWS::DynamoDB::Table"),
]
