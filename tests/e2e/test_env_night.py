"""One night, from the notice before it to the morning after it, on the local AWS's own EventBridge Scheduler.

The tests are its chapters, in their order. In the morning every service has what it had in the evening, field
by field, but for the one that somebody changed at night, and for what a redeploy changes.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import pytest
from cases import link_payload
from nights import HOUR, MINUTE, Nights, moment
from soon import Soon
from world import World
from world.approver import Member, Visitor
from world.control import Json
from world.estate import ASLEEP, Plan, differences, tags
from world.inbox import Message
from world.outcomes import wait_for

DATA, API, WEB, WORKER = "dev-shop/db-orders", "dev-shop/api-orders", "dev-shop/web", "dev-shop/worker"
TOUCHED, REDEPLOYED = "dev-shop/touched", "dev-shop/redeployed"
SNOOZED, PRESSED = "dev-shop/snoozed", "dev-shop/pressed"
ROLLING, COLOURED = "dev-shop/rolling", "dev-shop/coloured"
REPORTS, LEGACY = "dev-data/reports", "dev-data/legacy"
IDLE, EXPRESS = "dev-shop/idle", "dev-shop/express"
DATABASE, GROUP = "dev-orders", "dev-workers"
OWL = Member("U0NIGHTOWL", "night-owl")
OWN_SUSPENSION = ("DynamicScalingInSuspended",)
SLEEPERS = {DATA, API, WEB, WORKER, TOUCHED, REDEPLOYED, COLOURED, REPORTS, LEGACY}
# What stays as it is, and the word by which people are told why.
AWAKE = {
    "dev-shop/agent": "",
    EXPRESS: "Express",
    "dev-shop/shop-prod": "production",
    "dev-shop/payments-api": "denied",
    "dev-shop/private": "no tag",
    "elsewhere/other": "",
}


@dataclass
class Story:
    """What the chapters hand on."""

    world: World
    nights: Nights
    evening: dict[str, Json]
    others: dict[str, Json]
    # How many lines of the log are of other nights.
    earlier: int
    asleep: dict[str, Json] = field(default_factory=dict)

    def metric(self, name: str) -> float:
        """The sum of a metric in this night."""
        return sum(self.nights.metrics(name)[self.earlier :])

    def counts(self) -> dict[str, int]:
        return self.world.estate.counts()

    def until(self, what: str, wanted: dict[str, int], within: float = 60) -> None:
        """Waits until these services have these counts."""

        def reached() -> bool:
            counts = self.counts()
            return all(counts[place] == count for place, count in wanted.items())

        wait_for(what, reached, within, every=0.3)


def plans(world: World) -> dict[str, Plan]:
    """The services of the environment."""
    hours = world.hours
    times = f"{hours.morning:%H:%M}-{hours.evening:%H:%M}"
    # It knows whole hours only: this one begins to sleep at the first one after the evening.
    later = hours.evening + HOUR
    custodian = escaped(f"off=[(M-U,{later.hour})];on=[(M-U,{hours.morning.hour})];tz=utc")
    return {
        DATA: Plan(1),
        API: Plan(3, bounds=(2, 6), suspended=OWN_SUSPENSION),
        WEB: Plan(2, bounds=(1, 4)),
        WORKER: Plan(2, tags={"team": "orders"}),
        TOUCHED: Plan(2),
        REDEPLOYED: Plan(1),
        # The same hours in other words: people are told of each in a message of its own.
        SNOOZED: Plan(1, schedule=f"Mon-Fri {times} + Sat-Sun {times}"),
        PRESSED: Plan(1, schedule=f"Mon-Thu {times} + Fri-Sun {times}"),
        ROLLING: Plan(1),
        COLOURED: Plan(1, controller="CODE_DEPLOY"),
        IDLE: Plan(0),
        "dev-shop/agent": Plan(daemon=True),
        "dev-shop/shop-prod": Plan(1),
        "dev-shop/payments-api": Plan(1),
        "dev-shop/private": Plan(1, schedule=None),
        REPORTS: Plan(2, schedule=f"Mon-Sun {times} UTC"),
        LEGACY: Plan(1, schedule=None, tags={"maid_offhours": custodian}),
        "elsewhere/other": Plan(1),
    }


def escaped(custodian: str) -> str:
    """As it is written in a tag of ECS, which takes no brackets, commas and semicolons."""
    return "".join(f"u{ord(c):02x}" if c in "[](),;" else c for c in custodian)


@pytest.fixture(scope="module")
def story(night_world: World, nights: Nights, soon: Soon) -> Iterator[Story]:
    """The day: everything runs."""
    assert soon.place not in plans(night_world)
    estate = night_world.estate
    for place, plan in plans(night_world).items():
        estate.make(place, plan)
    estate.make_express(EXPRESS)
    estate.make_database(DATABASE)
    estate.make_group(GROUP, 1, 4, 2)
    evening = estate.wait_until_settled()
    others = {"database": estate.database(DATABASE), "group": estate.group(GROUP)}
    yield Story(night_world, nights, evening, others, len(nights.metrics("Stopped")))


def test_people_are_told_who_will_sleep_some_minutes_before(story: Story) -> None:
    world = story.world
    world.advance_to(world.hours.evening - 8 * MINUTE)
    for place in (API, WEB, WORKER, DATA):
        notice = world.inbox.wait("slack", place)
        assert f"{world.hours.evening:%H:%M}" in notice.text, notice.text
        assert "dev-shop/private" not in notice.text and IDLE not in notice.text, notice.text
    assert world.inbox.wait_mail(WEB).to == ("lead@example.com",)
    assert story.counts() == {place: one["desiredCount"] for place, one in story.evening.items()}


def test_a_link_of_the_notice_puts_the_sleep_off(story: Story) -> None:
    world = story.world
    mail = world.inbox.wait_mail(SNOOZED)
    link = next(link for link in mail.links() if link_payload(link)["w"] == {"snooze": 0})
    asked = lambda: [request for request in story.nights.requests() if request["services"] == SNOOZED]  # noqa: E731
    for method in ("HEAD", "GET", "GET"):
        assert Visitor(world.night_door).get(link, method).status == 200
    assert asked() == [], "a mail scanner has put a sleep off"
    visitor = Visitor(world.night_door)
    answer = visitor.submit(link, visitor.get(link))
    assert answer.status == 200, answer
    [request] = asked()
    assert moment(request["until"]) == world.hours.evening + HOUR
    assert "lead@example.com" in request["by"], request


def test_a_button_of_the_notice_puts_the_sleep_off(story: Story) -> None:
    world, slack = story.world, story.world.night_slack
    notice = world.inbox.wait("slack", PRESSED)
    button = next(button for button in notice.buttons() if str(button.get("value", "")).endswith(".0"))
    asked = lambda: [request for request in story.nights.requests() if request["services"] == PRESSED]  # noqa: E731

    def press(member: Member) -> Message:
        click = slack.interaction(member, button["value"], button["action_id"], message=notice)
        answer = slack.send(click)
        assert answer.status == 200 and answer.took < 3, answer
        path = urlsplit(click["response_url"]).path
        return world.inbox.wait("slack", "", lambda message: message.path.endswith(path.rsplit("/", 1)[-1]))

    forged = slack.interaction(OWL, button["value"], button["action_id"], message=notice)
    assert slack.send(forged, secret="0" * 32).status == 401
    assert "may not" in press(Member(OWL.user, OWL.name, team="T0OTHER001")).text
    assert asked() == [], "somebody outside has put a sleep off"
    for _ in range(2):
        told = press(OWL)
        assert f"{world.hours.evening + HOUR:%H:%M}" in told.text, told.text
    # Each press is a request: what the first has asked for may have been replaced.
    assert len(asked()) == 2, asked()
    for request in asked():
        assert moment(request["until"]) == world.hours.evening + HOUR
        assert OWL.user in request["by"], request


def test_in_the_evening_they_sleep_and_nothing_else_does(story: Story) -> None:
    world, estate = story.world, story.world.estate
    # A new version that takes its time, and a database that does in the morning.
    world.control.lag(ROLLING, start=2.5 * 3600)
    estate.redeploy(ROLLING, "1.1.0")
    world.control.lag(DATA, start=4)
    before = estate.all()
    world.advance_to(world.hours.evening + MINUTE)
    story.until("the sleepers to sleep", dict.fromkeys(SLEEPERS - {LEGACY}, 0))
    story.asleep = estate.wait_until_settled(but=ROLLING)
    untouched = before.keys() - SLEEPERS
    assert differences(_only(before, untouched), _only(story.asleep, untouched)) == []
    assert story.nights.record(ROLLING) is None and story.nights.record("dev-shop/private") is None
    assert estate.database(DATABASE)["DBInstanceStatus"] == "stopped"
    group = estate.group(GROUP)
    assert (group["MinSize"], group["MaxSize"], group["DesiredCapacity"]) == (0, 4, 0)


def test_what_sleeps_can_not_be_woken_by_its_scaling_and_says_what_it_had(story: Story) -> None:
    for place, had in {API: "desired=3 min=2 max=6 suspended=i--", WEB: "desired=2 min=1 max=4 suspended=---"}.items():
        service = story.asleep[place]
        target = service["scalableTarget"]
        assert (target["MinCapacity"], set(target["SuspendedState"].values())) == (0, {True}), target
        assert tags(service)[ASLEEP].startswith(had), tags(service)
    assert tags(story.asleep[WORKER]).items() >= {"team": "orders", "deploy-hooks:schedule": "default"}.items()


def test_front_ends_slept_before_back_ends_and_those_before_their_database(story: Story) -> None:
    saved = {place: moment(_record(story, place)["was"]["at"]) for place in (WEB, API, DATA)}
    assert saved[WEB] < saved[API] < saved[DATA], saved


def test_people_can_see_who_does_not_sleep_and_why(story: Story) -> None:
    summary = story.nights.run("tick", story.world.hours.evening + 2 * MINUTE, dry_run=True).summary
    for place in ("dev-shop/shop-prod", "dev-shop/payments-api", EXPRESS):
        [line] = [line for line in summary.splitlines() if place in line]
        assert AWAKE[place] in line, line
    assert "a deployment is in progress" in next(line for line in summary.splitlines() if ROLLING in line), summary


def test_at_night_people_may_change_what_they_like(story: Story) -> None:
    world, estate = story.world, story.world.estate
    estate.update(TOUCHED, desiredCount=1)
    estate.redeploy(REDEPLOYED, "1.1.0")
    world.advance_to(world.hours.evening + 2 * HOUR)
    story.nights.wait_for_phase(TOUCHED, "left")
    story.until("the importer's schedule", {LEGACY: 0})
    counts = story.counts()
    assert (counts[TOUCHED], counts[REDEPLOYED], counts[ROLLING]) == (1, 0, 1), counts
    assert counts[SNOOZED] == counts[PRESSED] == 0, "the hour by which their sleep was put off is over"


def test_a_deployment_that_is_over_lets_its_service_sleep(story: Story) -> None:
    world = story.world
    world.advance_to(world.hours.evening + 3 * HOUR, rates="none")
    wait_for("the end of the deployment", lambda: _rollouts(world.estate.look(ROLLING)) == ["COMPLETED"])
    world.advance_to(world.hours.evening + 4 * HOUR)
    story.until("the deferred one to sleep", {ROLLING: 0})


def test_in_the_morning_everything_is_as_it_was_but_for_the_conflict(story: Story) -> None:
    world, estate = story.world, story.world.estate
    world.control.lag(ROLLING)
    world.advance_to(world.hours.morning + MINUTE)
    story.nights.wait_for_phase(WEB, "up")
    story.nights.wait_for_phase(TOUCHED, "conflict")
    story.until(
        "the morning",
        {place: story.evening[place]["desiredCount"] for place in SLEEPERS - {TOUCHED} | {SNOOZED, PRESSED, ROLLING}},
    )
    morning = estate.wait_until_settled()
    same = morning.keys() - {TOUCHED, REDEPLOYED, ROLLING}
    assert {SNOOZED, PRESSED, LEGACY, *SLEEPERS} - {TOUCHED, REDEPLOYED} <= same
    assert differences(_only(story.evening, same), _only(morning, same)) == []
    # A redeploy counts, and everything else is as it was.
    for place in (REDEPLOYED, ROLLING):
        changed = {told.split()[1].rstrip(":") for told in differences(*_two(place, story.evening, morning))}
        assert changed == {"taskDefinition", "deployments", "currentServiceRevisions"}, changed
    changed = {told.split()[1].rstrip(":") for told in differences(*_two(TOUCHED, story.evening, morning))}
    assert changed == {"desiredCount", "runningCount", "deployments", "currentServiceRevisions"}, changed
    assert morning[TOUCHED]["desiredCount"] == 1
    found = {"database": estate.database(DATABASE), "group": estate.group(GROUP)}
    assert differences(story.others, found) == []


def test_what_others_need_woke_first_and_was_healthy_before_they_did(story: Story) -> None:
    woken = {place: moment(_record(story, place)["since"]) for place in (WEB, API, DATA)}
    assert woken[DATA] < woken[API] < woken[WEB], woken
    assert (woken[API] - woken[DATA]).total_seconds() >= 4, "the database takes four seconds to start"


def test_the_conflict_is_recorded_with_what_was_expected_and_found(story: Story) -> None:
    record = _record(story, TOUCHED)
    assert record["was"]["level"]["desired"] == 2
    assert record["conflict"]["expected"]["desired"] == 0
    assert record["conflict"]["found"]["desired"] == 1


def test_the_morning_is_told_once_with_its_conflict_and_what_was_saved(story: Story) -> None:
    world = story.world
    # Awake is what runs: the first run has only asked for it, and on a busy machine the next one comes too early, too.
    world.advance_to(world.hours.morning + 6 * MINUTE)
    try:
        morning = world.inbox.wait("slack", "set it to 2 by hand", within=15)
    except TimeoutError:
        world.advance_to(world.hours.morning + 11 * MINUTE)
        morning = world.inbox.wait("slack", "set it to 2 by hand")
    for needed in (TOUCHED, WEB, API, "vCPU-hours"):
        assert needed in morning.text, morning.text
    assert "dev-shop/private" not in morning.text
    assert world.inbox.wait_mail("set it to 2 by hand").to == ("lead@example.com",)
    before = story.counts()
    world.advance_to(world.hours.morning + 16 * MINUTE, rates="every")
    assert world.inbox.messages("slack", "set it to 2 by hand") == [morning]
    assert story.counts() == before, "the conflict was not left alone"


def test_what_was_done_and_saved_is_in_the_metrics(story: Story) -> None:
    slept = len(SLEEPERS | {SNOOZED, PRESSED, ROLLING}) + len(story.others)
    stopped, woken, conflicts = (story.metric(name) for name in ("Stopped", "Woken", "Conflicts"))
    # The service that sleeps soon has a night of its own meanwhile.
    assert slept <= stopped <= slept + 1 and slept - 1 <= woken <= slept, (slept, stopped, woken)
    assert (conflicts, story.metric("Failed")) == (1, 0)
    # Twelve tasks of a quarter of a vCPU and half a GB slept for eleven hours, four others for a part of that.
    vcpu, memory = (story.metric(name) for name in ("SavedVcpuHours", "SavedGbHours"))
    assert 12 * 10.9 < vcpu / 0.25 < 16 * 11.1 and memory == pytest.approx(2 * vcpu), (vcpu, memory)
    assert story.metric("SavedMoney") == pytest.approx(vcpu * 0.04048 + memory * 0.004445)


def test_the_log_names_each_service_with_what_was_done_and_why(story: Story) -> None:
    lines = [line for line in story.nights.log() if "_aws" not in line]
    assert {line["service"] for line in lines} == {"deploy-hooks"}
    done = [(line["place"], line["step"]) for line in lines if line["message"].endswith(": done") and line["why"]]
    assert {(place, "sleep") for place in SLEEPERS} <= set(done)
    assert {(place, "wake") for place in SLEEPERS - {TOUCHED}} | {(TOUCHED, "conflict")} <= set(done)


def _record(story: Story, place: str) -> Json:
    record = story.nights.record(place)
    assert record, f"there is no record of {place}"
    return record


def _rollouts(service: Json) -> list[str]:
    return [deployment["rolloutState"] for deployment in service["deployments"]]


def _only(read: dict[str, Json], places: set[str]) -> dict[str, Json]:
    return {place: service for place, service in read.items() if place in places}


def _two(place: str, *read: dict[str, Json]) -> tuple[dict[str, Json], ...]:
    return tuple({place: one[place]} for one in read)
