"""Canaries that ECS deploys itself; releases of a small shop, deployed for real: good, too old, broken, broken for
people only, broken under traffic, and one that needs a yes; and a night of a development environment, which sleeps and
wakes as it was.
"""

import argparse
import json
import signal
import sys
import time
from contextlib import ExitStack
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from string import ascii_lowercase

from world import World, chromium
from world.model import BUYS
from world.paths import LOCAL, ROOT, SUITES, NotSetUp
from world.processes import ProcessFailed
from world.shop import Plan, Shop
from world.stack import DeployFailed

from demo.approval import Approval, Chapter
from demo.canary import CanaryChapter, canary_differences
from demo.customers import Customers, errors
from demo.evening import where_it_is_evening
from demo.night import REMARKS, Night, NightChapter
from demo.play import Play, Played, Stage
from demo.screen import Screen, spoken_time, stdout_or_stderr
from demo.sentence import Journey, SentenceChapter, journey_differences
from demo.stories import APPROVED, BROWSED, RUNNING, SENTENCE, STORIES, WIRED, Story
from demo.verdict import approval_differences, differences, night_differences, summary

ENVIRONMENTS = Path(__file__).with_name("environments.yaml")

INTERRUPTED = 130
TITLE_OF_THE_CANARY = "a service that ECS deploys itself: a gate at each step of a canary, and a yes before it"
TITLE_OF_THE_NIGHT = "a night: a development environment sleeps, and wakes as it was"

EXAMPLES = """\
examples:
  make demo                          the play, with a live timeline
  make demo ARGS=--keep              leaves the local AWS running to look around; Ctrl-C ends it
  make demo ARGS=--json > play.json  a summary for programs; the timeline goes to standard error
  NO_COLOR=1 make demo               without colours

Exit status: 0 if every release ended as it should, every gate and approver was heard and the morning was as the
evening, 1 if not (it says what differed), 2 if the local AWS could not be brought up.
"""


def arguments() -> argparse.Namespace:
    """What was asked for."""
    parser = argparse.ArgumentParser(
        prog="demo", description=__doc__, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", action="store_true", help="print a JSON summary on standard output at the end")
    parser.add_argument("--keep", action="store_true", help="leave everything running until Ctrl-C")
    return parser.parse_args()


def main() -> int:
    """Returns the exit status."""
    asked = arguments()
    screen = Screen(stdout_or_stderr(asked.json))
    try:
        return perform(screen, asked)
    except (NotSetUp, ProcessFailed, DeployFailed, TimeoutError) as error:
        screen.text(f"\nThe play could not go on: {error}", "bad")
        for note in getattr(error, "__notes__", []):
            screen.text(note)
        return 2
    except KeyboardInterrupt:
        screen.text("\nInterrupted; everything that was started has been ended.")
        return INTERRUPTED


def perform(screen: Screen, asked: argparse.Namespace) -> int:
    """Brings the world up, plays, and tells the end."""
    began = time.monotonic()
    screen.heading("A local AWS, deploy-hooks in it, and a shop in production")
    on_step = lambda step: screen.line("demo", step)  # noqa: E731
    parameters = {"EcsServices": "native/*"}
    with ExitStack() as opened:
        has_browser = chromium.program() is not None
        if has_browser:
            on_step("starting Chromium")
            parameters["BrowserEndpoint"] = opened.enter_context(chromium.listening())
            parameters["AgentModelArns"] = "arn:aws:bedrock:us-east-1::foundation-model/*"
        else:
            screen.line("demo", "leaves the chapter in a browser out: there is no Chromium here", mood="dim")
        world = opened.enter_context(
            World("demo", on_step, nights=ENVIRONMENTS, hours=where_it_is_evening, **parameters)
        )
        screen.line("SAM", f"deployed {', '.join(world.stack.functions)}")
        shop = world.shop(
            "shop", Plan(config="CodeDeployDefault.ECSCanary10Percent5Minutes", tasks=2, termination_minutes=5)
        )
        more = WIRED + (BROWSED if has_browser else "")
        shop.open(RUNNING, suite=suite_with(more))
        screen.line("ECS", f"the shop is open: {RUNNING.version} serves customers at {shop.url()}", mood="good")
        # First, while the clock is right: CloudWatch's values have the time of this machine.
        letters = iter(ascii_lowercase)
        screen.heading(f"{next(letters)}) {TITLE_OF_THE_CANARY}")
        revisions = CanaryChapter(world, screen).play()
        reports = LOCAL / "reports" / datetime.now().strftime("%Y-%m-%d_%H-%M-%S")
        with Customers(shop.production_port) as customers:
            stage = Stage(world, shop, customers, screen)
            stories = [story for story in STORIES if has_browser or not story.needs_browser]
            played: list[Played] = []
            journey: Journey | None = None
            for story in stories:
                letter = next(letters)
                if not story.asks_model:
                    played.append(play_one(stage, letter, story))
                    continue
                shop.put_suite(suite_with(more + SENTENCE))
                with world.control.model(BUYS):
                    played.append(play_one(stage, letter, story))
                shop.put_suite(suite_with(more))
                journey = SentenceChapter(world, screen, shop).play()
            approved, approval = play_approval(stage, next(letters))
        played.append(approved)
        screen.heading(f"{next(letters)}) {TITLE_OF_THE_NIGHT}")
        night = NightChapter(world, screen).play()
        saved = [save(world, one, reports) for one in played]
        found = [difference for one in played for difference in differences(one)] + approval_differences(approval)
        found += canary_differences(revisions) + night_differences(night)
        found += journey_differences(journey) if journey else []
        tell_end(screen, played, saved)
        tell_night(screen, night)
        tell_verdict(screen, found, time.monotonic() - began)
        if asked.json:
            releases = [summary(*pair) for pair in zip(played, saved, strict=True)]
            told = {
                "releases": releases,
                "approval": asdict(approval),
                "canary": [asdict(revision) for revision in revisions],
                "journey": asdict(journey) if journey else None,
                "night": asdict(night),
                "differences": found,
            }
            print(json.dumps(told, indent=2))
        if asked.keep:
            keep(screen, world, shop)
        return 1 if found else 0


def suite_with(more: str) -> str:
    """The suite of the example, with these checks as well, and with a bake that nobody has to wait for."""
    suite = (SUITES / "shop.yaml").read_text().replace("\n  bake: 20s\n", "\n  bake: 12s\n")
    return suite.replace("\nchecks:\n", f"\nchecks:\n{more}")


def play_one(stage: Stage, letter: str, story: Story) -> Played:
    """One chapter."""
    stage.screen.heading(f"{letter}) {story.release.version}: {story.title}")
    return Play(stage, story).play()


def play_approval(stage: Stage, letter: str) -> tuple[Played, Approval]:
    """The last chapter: nothing is deployed before somebody has said yes."""
    stage.screen.heading(f"{letter}) {APPROVED.release.version}: {APPROVED.title}")
    chapter = Chapter(stage.world, stage.shop, stage.screen, APPROVED.release)
    played = Play(stage, APPROVED, chapter.play).play()
    chapter.listen()
    return played, chapter.approval


def save(world: World, played: Played, folder: Path) -> dict[str, str]:
    """Downloads the HTML reports of a release."""
    return {
        stage: str(world.outcomes.save_report(outcome, folder).relative_to(ROOT))
        for stage, outcome in played.outcomes.items()
        if outcome.report
    }


def tell_end(screen: Screen, played: list[Played], saved: list[dict[str, str]]) -> None:
    """The table, the reasons and the reports."""
    screen.heading("What became of them")
    header = ["release", "expected", "got", "pre-traffic", "post-traffic", "customers", "errors", "took"]
    screen.table(header, [row(one) for one in played])
    for one, reports in zip(played, saved, strict=True):
        screen.text()
        screen.text(f"{one.story.release.version}, {one.story.title}", "loud")
        for stage, outcome in one.outcomes.items():
            for reason in outcome.reasons:
                screen.text(f"  {stage}: {reason}", "good" if outcome.answer == "Succeeded" else "bad")
            if stage in reports:
                screen.text(f"    {reports[stage]}", "dim")


def tell_night(screen: Screen, night: Night) -> None:
    """The table of the night."""
    screen.heading("What became of the night")
    header = ["service", "evening", "at night", "morning", "slept at", ""]
    rows = [
        [
            place,
            *(str(counts.get(place)) for counts in (night.evening, night.at_night, night.morning)),
            night.slept.get(place, "never"),
            REMARKS.get(place, ""),
        ]
        for place in night.evening
    ]
    screen.table(header, rows)


def tell_verdict(screen: Screen, found: list[str], took: float) -> None:
    """The verdict on the play itself."""
    screen.text()
    for difference in found:
        screen.text(f"NOT as it should be: {difference}", "bad")
    if not found:
        screen.text(
            "Every release ended as it should, every gate answered, one approval counted: the right one, and the "
            "environment woke as it had gone to sleep, but for what somebody changed. "
            f"The play took {spoken_time(took)}.",
            "good",
        )


def row(played: Played) -> list[str]:
    """A release as a line of the table."""
    story = played.story
    served = played.served.get(story.release.version)
    return [
        story.release.version,
        story.ends,
        played.status + (", rolled back" if played.rolled_back else ""),
        played.answers.get("pre-traffic", "not asked"),
        played.answers.get("post-traffic", "not asked"),
        f"{served.total()} served by it" if served else "none served by it",
        str(errors(played.got)),
        spoken_time(played.seconds),
    ]


def keep(screen: Screen, world: World, shop: Shop) -> None:
    """Waits for Ctrl-C."""
    screen.text("\nEverything still runs; Ctrl-C ends it.")
    screen.text(
        f"  export AWS_ENDPOINT_URL={world.url} AWS_REGION=us-east-1 AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test"
    )
    screen.text(f"  .tools/tools/bin/aws deploy list-deployments --application-name shop\n  curl {shop.url()}")
    try:
        signal.pause()
    except KeyboardInterrupt:
        screen.text("\nending it")


if __name__ == "__main__":
    sys.exit(main())
