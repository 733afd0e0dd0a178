"""A customer played by a model, from one sentence. What it did on a good release is recorded, and done again on the
next without it. No account is here, so the model is scripted; the browser, the release and the recording are real.
"""

import os
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from world import World
from world.model import BUYS
from world.paths import BINARIES, LOCAL
from world.shop import Shop

from demo.screen import Screen
from demo.stories import SENTENCE

WITHIN = 60.0
# Doing it again is to cost next to nothing.
REPLAYED_WITHIN = 10.0


@dataclass
class Journey:
    """What became of the model's way through the shop."""

    recorded: bool = False
    # How often the model was asked while its way was recorded, and while it was done again.
    asked: int = 0
    asked_again: int = 0
    replayed: bool = False
    seconds: float = 0.0
    said: str = ""


class SentenceChapter:
    """Records what a model does on the running release, approves it, and does it again."""

    def __init__(self, world: World, screen: Screen, shop: Shop) -> None:
        self._world, self._screen, self._shop = world, screen, shop
        self._folder = LOCAL / "recording"

    def play(self) -> Journey:
        """Plays it to its end."""
        shutil.rmtree(self._folder, ignore_errors=True)
        self._folder.mkdir(parents=True)
        suite, recording = self._folder / "suite.yaml", self._folder / "journey.json"
        suite.write_text(f"version: 1\nname: shop\nchecks:\n{SENTENCE}")
        journey = Journey()
        with self._world.control.model(BUYS):
            run, took = self._run("record", suite, "--url", self._shop.url(), "--out", recording)
            journey.recorded, journey.asked = run.returncode == 0, len(self._world.control.model_calls())
        journey.said = run.stdout + run.stderr
        if not journey.recorded:
            return journey
        what = f"records what a model does from one sentence, asked {journey.asked} times (here it is scripted)"
        self._screen.line("deploy-hooks", what, took=took)
        shown, _ = self._run("show", recording)
        for line in shown.stdout.splitlines():
            self._screen.framed("│ ", line, "dim")
        run, _ = self._run("approve", recording, suite)
        journey.said += run.stdout + run.stderr
        with self._world.control.model([]):
            run, journey.seconds = self._run("replay", suite, "--url", self._shop.url())
            journey.replayed, journey.asked_again = run.returncode == 0, len(self._world.control.model_calls())
        journey.said += run.stdout + run.stderr
        if journey.replayed:
            self._screen.line("deploy-hooks", "does it again without a model", mood="good", took=journey.seconds)
        return journey

    def _run(self, command: str, *arguments: str | Path) -> tuple[subprocess.CompletedProcess[str], float]:
        began = time.monotonic()
        environment = {
            **os.environ,
            "NO_COLOR": "1",
            "AWS_ENDPOINT_URL": self._world.url,
            "AWS_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
        }
        program = [str(BINARIES / "deploy-hooks"), "agent", command, *map(str, arguments)]
        try:
            run = subprocess.run(program, env=environment, capture_output=True, text=True, timeout=WITHIN, check=False)
        except subprocess.TimeoutExpired as error:
            raise TimeoutError(f"deploy-hooks agent {command} did not end within {WITHIN:.0f} s") from error
        return run, time.monotonic() - began


def journey_differences(journey: Journey) -> list[str]:
    """Each thing that is not as it should be, as a sentence."""
    if not journey.recorded:
        return [f"what the model did should have been recorded and was not: {journey.said}"]
    found = []
    if not journey.asked:
        found.append("a model should have been asked while its way was recorded and was not")
    if not journey.replayed:
        found.append(f"the recorded journey should have passed on the good release and did not: {journey.said}")
    if journey.asked_again:
        found.append(f"the recorded journey should have asked no model and asked {journey.asked_again} times")
    if journey.seconds > REPLAYED_WITHIN:
        found.append(f"the recorded journey should have taken {REPLAYED_WITHIN:.0f} s and took {journey.seconds:.1f} s")
    return found
