"""The chapter of the night: a development environment sleeps, and in the morning everything is as it was."""

import html
import json
import re
import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from world import World
from world.approver import Visitor
from world.control import Json
from world.environments import remembered
from world.estate import ASLEEP, DIMENSION, Plan, differences, tags
from world.inbox import Message
from world.outcomes import wait_for

from demo import letter
from demo.screen import Screen

DATA, BACK_END, FRONT_END = "dev-shop/db-orders", "dev-shop/api-orders", "dev-shop/web"
SEARCH, WORKER, REPORTS = "dev-shop/search", "dev-shop/worker", "dev-shop/reports"
AGENT, LOOKS_LIVE = "dev-shop/log-agent", "dev-shop/web-prod"
SLEEPERS = (DATA, BACK_END, FRONT_END, SEARCH, WORKER, REPORTS)
AWAKE = (AGENT, LOOKS_LIVE)
CLUSTER = "dev-shop"
REMARKS = {
    BACK_END: "scales by itself; the team keeps it from scaling in",
    SEARCH: "was being deployed at 22:00",
    WORKER: "somebody set its count at night",
    REPORTS: "until 23:00 by its own tag; put off by an hour",
    AGENT: "DAEMON",
    LOOKS_LIVE: "looks like production",
}
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DEPLOYING = 25 * MINUTE
SECONDS_UNTIL_TOLD = 10.0
SECONDS_UNTIL_STILL = 60.0
# What differs where only a count does.
OF_A_COUNT = {"desiredCount", "runningCount", "deployments", "currentServiceRevisions"}


@dataclass
class Night:
    """What became of the night. Counts are told by service, `cluster/name`."""

    zone: str = ""
    # What people were told before, by the time of the sleep that it was about.
    notices: dict[str, str] = field(default_factory=dict)
    # What whoever put a sleep off was told.
    snoozed: str = ""
    evening: dict[str, int] = field(default_factory=dict)
    # When each was found to sleep, in the order in which they were stopped.
    slept: dict[str, str] = field(default_factory=dict)
    # Who was expected to be awake and was not.
    too_early: list[str] = field(default_factory=list)
    # Why others were left alone, at 22:00 or at all.
    reasons: dict[str, str] = field(default_factory=dict)
    # What an alarm that wanted more tasks came to.
    alarm: Json = field(default_factory=dict)
    at_night: dict[str, int] = field(default_factory=dict)
    morning: dict[str, int] = field(default_factory=dict)
    woke: list[str] = field(default_factory=list)
    conflict: Json = field(default_factory=dict)
    # How many fields were compared, what differed, and what of that is the conflict.
    compared: int = 0
    differs: list[str] = field(default_factory=list)
    left_alone: list[str] = field(default_factory=list)
    summary: str = ""
    # Schedules that could not be delivered, and what people were told of problems.
    problems: list[str] = field(default_factory=list)
    seconds: float = 0.0


class NightChapter:
    """Lets an evening, a night and a morning go by under the virtual clock."""

    def __init__(self, world: World, screen: Screen) -> None:
        self._world, self._screen, self._estate, self._hours = world, screen, world.estate, world.hours
        self._tell = screen.line
        self._evening: dict[str, Json] = {}
        self._events = 0
        self.night = Night(zone=world.hours.zone)

    def play(self) -> Night:
        """Plays it to the morning."""
        began = time.monotonic()
        _, self._events = self._world.control.events()
        evening, morning = self._hours.evening, self._hours.morning
        self._settle_in(evening - 25 * MINUTE)
        self._notice(evening - 10 * MINUTE, evening)
        self._ship()
        self._fall_asleep(evening + MINUTE)
        self._end_of_the_deployment(evening + 20 * MINUTE)
        self._put_off(evening + HOUR)
        self._disturb(evening + 3.5 * HOUR)
        self._wake(morning + MINUTE)
        self._compare()
        self.night.seconds = time.monotonic() - began
        return self.night

    # The evening

    def _settle_in(self, at: datetime) -> None:
        """The environment as its team left it."""
        self._forward(at, "none")
        hours = self._hours
        for place, plan in {
            DATA: Plan(1),
            BACK_END: Plan(3, bounds=(2, 6), suspended=("DynamicScalingInSuspended",)),
            FRONT_END: Plan(2, bounds=(1, 4)),
            SEARCH: Plan(2),
            WORKER: Plan(2, tags={"team": "orders"}),
            REPORTS: Plan(1, schedule=f"Mon-Sun {hours.morning:%H:%M}-{hours.evening + HOUR:%H:%M} {hours.zone}"),
            AGENT: Plan(daemon=True),
            LOOKS_LIVE: Plan(2),
        }.items():
            self._estate.make(place, plan)
        self._scale_by_itself(BACK_END)
        self._evening = self._settled()
        self.night.evening = _counts(self._evening)
        told = ", ".join(f"{place.split('/')[1]} {count}" for place, count in self.night.evening.items())
        self._tell("ECS", f"{CLUSTER}, of a team in {hours.zone}, where it is {at:%H:%M}: {told}")

    def _scale_by_itself(self, place: str) -> None:
        target = {
            "TargetValue": 60.0,
            "PredefinedMetricSpecification": {"PredefinedMetricType": "ECSServiceAverageCPUUtilization"},
        }
        self._estate.aws.autoscaling.put_scaling_policy(
            PolicyName="cpu",
            ResourceId=f"service/{place}",
            PolicyType="TargetTrackingScaling",
            TargetTrackingScalingPolicyConfiguration=target,
            **DIMENSION,
        )

    def _notice(self, at: datetime, sleep: datetime) -> Message:
        """Goes to when people have been told of a sleep."""
        self._forward(at)
        told = f"{sleep:%H:%M}"
        message = self._world.inbox.wait("slack", f"will sleep at {told}", lambda m: m.operation == "chat.postMessage")
        self.night.notices[told] = letter.words(message.blocks())
        self._tell("Slack", "a message arrives in the team's room:")
        letter.show(self._screen, message.blocks())
        return message

    def _ship(self) -> None:
        """A deployment that will not be over in time."""
        self._world.control.lag(SEARCH, start=DEPLOYING.total_seconds())
        self._estate.redeploy(SEARCH, "1.1.0")
        self._tell("developer", f"ships a new version of {SEARCH}, which takes {DEPLOYING.seconds // 60} minutes")

    def _fall_asleep(self, at: datetime) -> None:
        self._forward(at)
        self._tell_sleepers()
        self._expect_awake(SEARCH, REPORTS)
        summary = self._plan()
        for place in (SEARCH, LOOKS_LIVE):
            line = next((line for line in summary if place in line), "not a word")
            self.night.reasons[place] = line
            self._tell("env-scheduler", line)

    def _end_of_the_deployment(self, at: datetime) -> None:
        self._forward(at, "none")
        self._world.control.lag(SEARCH)
        # Its evening is now: with the new version.
        self._evening[SEARCH] = self._settled()[SEARCH]
        self._expect_awake(SEARCH)
        self._tell("ECS", f"the new version of {SEARCH} runs, and nothing was cut off")
        self._forward(at + 6 * MINUTE)
        self._tell_sleepers()

    def _put_off(self, sleep: datetime) -> None:
        """Somebody works late, and has got a link."""
        message = self._notice(sleep - 9 * MINUTE, sleep)
        self._open(message)
        self._forward(sleep + 6 * MINUTE)
        self._expect_awake(REPORTS)
        self._tell("ECS", f"{REPORTS} still runs")
        self._forward(sleep + HOUR + 6 * MINUTE)
        self._tell_sleepers()

    def _open(self, message: Message) -> None:
        """Follows the first link, and does what its page offers."""
        visitor = Visitor(self._world.night_door)
        links = [e["url"] for block in message.blocks() for e in block.get("elements", []) if "url" in e]
        if not links:
            self._tell("developer", "works late, and finds no link", mood="bad")
            return
        page = visitor.get(links[0])
        self._tell("developer", "works late, opens the first link, and presses the page's button", took=page.took)
        answer = visitor.submit(links[0], page)
        self.night.snoozed = _headline(answer.body)
        self._tell("page", self.night.snoozed, mood="good" if answer.status == 200 else "bad")

    # The night

    def _disturb(self, at: datetime) -> None:
        """An alarm that wants more tasks, and somebody who changes a count."""
        self._forward(at, "none")
        self.night.alarm = self._world.control.alarm(BACK_END, "out")
        self._tell("Auto Scaling", f"an alarm wants more of {BACK_END}: {self.night.alarm.get('reason')}")
        self._estate.update(WORKER, desiredCount=1)
        self._tell("somebody", f"sets {WORKER} to 1 by hand, and says nothing")
        self._forward(at + 6 * MINUTE)
        self.night.at_night = self._estate.counts(CLUSTER)
        for place in AWAKE:
            changed = _between(self._evening, self._estate.all(CLUSTER), place)
            self.night.differs += [f"at night {line}" for line in changed]

    # The morning

    def _wake(self, at: datetime) -> None:
        self._forward(at)
        after = self._settled()
        self.night.morning = _counts(after)
        records = {place: self._record(place) for place in SLEEPERS}
        woken = [place for place in SLEEPERS if records[place].get("phase") == "up"]
        self.night.woke = sorted(woken, key=lambda place: _instant(records[place]["since"]))
        for place in self.night.woke:
            self._tell("ECS", f"{place} is back: {after[place]['desiredCount']}", mood="good")
        self.night.conflict = records[WORKER].get("conflict") or {}
        # Awake is what runs: the run after the one that woke them finds that, and says so.
        self._forward(at + 5 * MINUTE)
        self._read_the_summary()

    def _read_the_summary(self) -> None:
        try:
            message = self._world.inbox.wait("slack", "Saved by this sleep", within=SECONDS_UNTIL_TOLD)
        except TimeoutError:
            self._tell("Slack", "no message arrives in the team's room", mood="bad")
            return
        self.night.summary = letter.words(message.blocks())
        self._tell("Slack", "a message arrives in the team's room:")
        letter.show(self._screen, message.blocks())

    def _compare(self) -> None:
        """Field by field."""
        night, after = self.night, self._estate.all(CLUSTER)
        night.compared = sum(len(service) for service in after.values())
        for line in differences(self._evening, after):
            place, name = line.split(":", 1)[0].split(" ", 1)
            is_conflict = place == WORKER and name in OF_A_COUNT
            (night.left_alone if is_conflict else night.differs).append(line)
        night.problems += self._problems()
        what = f"{len(after)} services, {night.compared} fields compared with the evening's: "
        if night.differs:
            self._tell("demo", f"{what}{len(night.differs)} differ that should not", mood="bad")
        else:
            self._tell("demo", f"{what}all are equal but the count of {WORKER}, which is a conflict", mood="good")

    # Time

    def _forward(self, to: datetime, rates: str = "last") -> None:
        """Puts the clock forward, and tells which schedules were due."""
        self._tell("demo", f"puts the clock forward to {to:%H:%M}", mood="dim")
        self._world.advance_to(to, rates)
        events, self._events = self._world.control.events(self._events)
        for event in events:
            if event["kind"] == "schedule" and "env-scheduler" in event["detail"]["name"]:
                at = _instant(event["detail"]["at"]).astimezone(to.tzinfo)
                self._tell("Scheduler", f"{at:%H:%M} {event['detail']['name']} calls {self._world.stack.scheduler}")
            if event["kind"] == "schedule" and "was not called" in event["message"]:
                self.night.problems.append(event["message"])

    # Looking

    def _settled(self) -> dict[str, Json]:
        """Everything about all services, once no task is on its way and no deployment in progress."""

        def still() -> dict[str, Json] | None:
            found = self._estate.all(CLUSTER)
            return found if all(_is_still(service) for service in found.values()) else None

        return dict(wait_for(f"the services of {CLUSTER} to be as wanted", still, SECONDS_UNTIL_STILL))

    def _tell_sleepers(self) -> None:
        """Those that sleep now and didn't before, in the order in which they were stopped."""
        now = self._estate.all(CLUSTER)
        fresh = [place for place in SLEEPERS if now[place]["desiredCount"] == 0 and place not in self.night.slept]
        saved = {place: self._record(place).get("was") or {} for place in fresh}
        for place in sorted(fresh, key=lambda place: str(saved[place].get("at"))):
            at = _instant(saved[place]["at"]).astimezone(self._hours.evening.tzinfo) if saved[place] else None
            self.night.slept[place] = f"{at:%H:%M}" if at else "unknown"
            had = tags(now[place]).get(ASLEEP, "").split(" at=")[0]
            self._tell("ECS", f"{place} sleeps; its tag says what it had: {had}")

    def _expect_awake(self, *places: str) -> None:
        counts = self._estate.counts(CLUSTER)
        self.night.too_early += [place for place in places if counts[place] == 0]

    def _plan(self) -> list[str]:
        """What the function would do now, in sentences."""
        event = {"action": "tick", "at": self._world.now().isoformat(), "dry_run": True}
        answer = self._world.aws.lambda_.invoke(FunctionName=self._world.stack.scheduler, Payload=json.dumps(event))
        return str(json.loads(answer["Payload"].read()).get("summary")).splitlines()

    def _problems(self) -> list[str]:
        """Problems that the team was told of, and events that nobody could deal with."""
        told = [letter.words(message.blocks()) for message in self._world.inbox.messages("slack", "Environments: ")]
        queue = {"QueueUrl": self._world.stack.environments_queue, "MaxNumberOfMessages": 10}
        return told + [message["Body"] for message in self._world.aws.sqs.receive_message(**queue).get("Messages", [])]

    def _record(self, place: str) -> Json:
        return remembered(self._world.aws, self._world.stack.environments_table, self._estate.arn(place))


def _counts(read: dict[str, Json]) -> dict[str, int]:
    return {place: int(service["desiredCount"]) for place, service in read.items()}


def _between(before: dict[str, Json], after: dict[str, Json], place: str) -> list[str]:
    return differences({place: before[place]}, {place: after[place]})


def _is_still(service: Json) -> bool:
    states = [deployment["rolloutState"] for deployment in service["deployments"]]
    return service["runningCount"] == service["desiredCount"] and states == ["COMPLETED"]


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _headline(page: str) -> str:
    """What a page says first."""
    found = re.search(r"<h1[^>]*>(.*?)</h1>", page, re.DOTALL)
    return html.unescape(found[1]).strip() if found else ""
