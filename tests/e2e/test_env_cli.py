"""`deploy-hooks env`, as a person at a terminal uses it, in the same environment that the function tends."""

import json
import subprocess
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from nights import HOUR, MINUTE, Nights, instant
from soon import Soon
from world import World, paths
from world.environments import configured
from world.estate import Estate, Plan, differences
from world.servers import environment

EXAMPLE = paths.ROOT / "examples" / "environments.yaml"
BAD = paths.ROOT / "crates" / "environments" / "tests" / "bad"
SHOP, API, PRIVATE = "dev-cli/web", "dev-cli/api-web", "dev-cli/private"
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def run(night_world: World) -> Run:
    """Runs `deploy-hooks env …`."""
    config = night_world.home / "environments.yaml"
    text = Path(__file__).with_name("environments.yaml").read_text()
    config.write_text(configured(text, night_world.hours))
    env = environment(night_world.url, night_world.home) | {
        "STATE_TABLE": night_world.stack.environments_table,
        "ENVIRONMENTS_CONFIG": str(config),
    }

    def run_(*arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
        command = [str(paths.BINARIES / "deploy-hooks"), *arguments]
        return subprocess.run(command, env=env, input=given, capture_output=True, text=True, timeout=60)

    return run_


@pytest.fixture(scope="module")
def estate(night_world: World, soon: Soon) -> Iterator[Estate]:
    """Two services that have opted in and one that hasn't."""
    estate = night_world.estate
    assert soon.place not in {SHOP, API, PRIVATE}
    estate.make(SHOP, Plan(2, bounds=(1, 4)))
    estate.make(API, Plan(1))
    estate.make(PRIVATE, Plan(1, schedule=None))
    estate.wait_until_settled(cluster="dev-cli")
    yield estate
    estate.remove(SHOP, API, PRIVATE)


def test_the_plan_says_what_would_be_done_and_when_and_does_nothing(
    run: Run, night_world: World, estate: Estate
) -> None:
    before = estate.all("dev-cli")
    now = _json(run("env", "--json", "plan", "dev-cli/*"))
    assert {row["do"] for row in now["rows"] if row["desired_state"]} == {"nothing"}
    evening = instant(night_world.hours.evening + MINUTE)
    later = _json(run("env", "--json", "plan", "--at", evening, "dev-cli/*"))
    rows = {f"{row['service']['cluster']}/{row['service']['name']}": row for row in later["rows"]}
    assert (rows[SHOP]["do"], rows[API]["do"], rows[PRIVATE]["do"]) == ("sleep", "sleep", "skip")
    assert rows[SHOP]["was"] == {"desired": 2, "scaling": rows[SHOP]["was"]["scaling"]}
    assert rows[SHOP]["order"] < rows[API]["order"], "back ends sleep after front ends"
    assert "no tag" in rows[PRIVATE]["why"]
    table = _said(run("env", "plan", "--at", evening, "dev-cli/*"))
    assert SHOP in table and "sleep" in table, table
    assert differences(before, estate.all("dev-cli")) == []


def test_the_week_is_a_picture_and_a_page(run: Run, night_world: World, estate: Estate) -> None:
    assert estate.counts("dev-cli")
    picture = _said(run("env", "plan", "--week", "dev-cli/*"))
    for needed in (SHOP, "Mon", "Sun"):
        assert needed in picture, picture
    page = night_world.home / "week.html"
    _said(run("env", "plan", "--html", str(page), "dev-cli/*"))
    text = page.read_text()
    assert text.lower().startswith("<!doctype html>") and SHOP in text and "<script" not in text


def test_explain_says_why_and_what_comes_next(run: Run, night_world: World, estate: Estate) -> None:
    assert estate.counts("dev-cli")
    text = _said(run("env", "explain", SHOP))
    for needed in ("2 (1-4)", "should be on", "deploy-hooks:schedule", f"{night_world.hours.evening:%H:%M}"):
        assert needed in text, text
    assert "left alone" in _said(run("env", "explain", PRIVATE))
    unknown = run("env", "explain", "dev-cli/wep")
    assert unknown.returncode == 2 and "dev-cli/web" in unknown.stderr, unknown.stderr


def test_down_and_up_by_hand_bring_everything_back(run: Run, nights: Nights, estate: Estate) -> None:
    before = estate.all("dev-cli")
    dry = _said(run("env", "down", "dev-cli/*"))
    assert "Dry run" in dry and differences(before, estate.all("dev-cli")) == [], dry
    down = _said(run("env", "down", "dev-cli/*", "--for", "2h", "--yes", "--by", "lead"))
    assert "Stopped 2 services" in down, down
    assert estate.counts("dev-cli") == {SHOP: 0, API: 0, PRIVATE: 1}
    # The function knows of it, and lets them sleep.
    ran = nights.run("tick", datetime.now(UTC), only="dev-cli/*")
    assert ran.done["woken"] == 0 and estate.counts("dev-cli")[SHOP] == 0, ran.value
    status = _said(run("env", "status", "dev-cli/*"))
    assert "asleep" in status and SHOP in status, status
    up = _said(run("env", "up", "dev-cli/*", "--yes", "--by", "lead"))
    assert "woke 2 services" in up, up
    assert differences(before, estate.wait_until_settled(cluster="dev-cli")) == []


def test_snooze_puts_the_sleep_off(run: Run, night_world: World, nights: Nights, estate: Estate) -> None:
    evening = night_world.hours.evening
    until = instant(evening + HOUR)
    _said(run("env", "snooze", SHOP, "--until", until, "--by", "lead"))
    assert [r["services"] for r in nights.requests() if r["by"] == "lead" and r["until"] == until] == [SHOP]
    nights.run("down", evening + MINUTE, only="dev-cli/*")
    assert estate.counts("dev-cli") == {SHOP: 2, API: 0, PRIVATE: 1}
    nights.run("tick", evening + HOUR + MINUTE, only="dev-cli/*")
    assert estate.counts("dev-cli") == {SHOP: 0, API: 0, PRIVATE: 1}
    nights.run("up", night_world.hours.morning + MINUTE, only="dev-cli/*")
    assert estate.counts("dev-cli") == {SHOP: 2, API: 1, PRIVATE: 1}


def test_schedules_are_evaluated_in_all_three_grammars(run: Run) -> None:
    asked = [
        {"syntax": "windows", "schedule": "Mon-Fri 09:00-22:00 UTC", "at": "2026-11-23T21:59:59Z"},
        {"syntax": "custodian", "schedule": "off=[(M-F,19)];on=[(M-F,7)];tz=utc", "at": "2026-11-23T20:00:00Z"},
        {"syntax": "kube-downscaler", "schedule": "Mon-Fri 07:30-20:30 Europe/Berlin", "at": "2026-11-23T19:29:00Z"},
        {"syntax": "windows", "schedule": "Mon-Fri 9-22", "at": "2026-11-23T20:00:00Z"},
    ]
    done = run("env", "at", given="".join(json.dumps(line) + "\n" for line in asked))
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 1 and [a.get("state") for a in answers] == ["on", "off", "on", None], done.stdout
    assert answers[0]["next_edge"] == "2026-11-23T22:00:00Z"
    assert {"line", "field", "column", "problem", "remedy"} <= answers[3]["error"].keys(), answers[3]


def test_configurations_are_checked_before_they_are_used(run: Run) -> None:
    _said(run("env", "lint", str(EXAMPLE), str(Path(__file__).with_name("environments.yaml"))))
    wrong = sorted(BAD.glob("*.yaml"))
    assert len(wrong) > 30
    for file in wrong:
        done = run("env", "lint", str(file))
        assert done.returncode == 2 and f"{file.name}:" in done.stderr, (file.name, done.stdout + done.stderr)


def _said(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def _json(done: subprocess.CompletedProcess[str]) -> Any:
    return json.loads(_said(done))
