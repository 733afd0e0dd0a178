"""`deploy-hooks approvals`, as a person at a terminal uses it: look at a message, try the channels, read the audit."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from cases import MAILBOX, Waiting
from world import World, paths
from world.servers import environment

CONFIG = Path(__file__).with_name("approvals.yaml")
EVENTS = paths.ROOT / "events"
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def run(world: World) -> Run:
    """Runs `deploy-hooks approvals …`."""
    env = environment(world.url, world.home) | {
        "STATE_TABLE": world.stack.state_table,
        "SLACK_API_URL": f"{world.url}/_sinks/slack/api",
        "ALLOW_PRIVATE_ADDRESSES": "true",
    }

    def run_(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [str(paths.BINARIES / "deploy-hooks"), "approvals", *arguments]
        return subprocess.run(command, env=env, capture_output=True, text=True, timeout=60)

    return run_


def test_the_audit_of_a_case_tells_who_answered_what(run: Run, waiting: Waiting) -> None:
    case = waiting("usual")
    case.click(action="approve", comment="for the record")
    case.decided()
    case.audit("for the record")
    for selection in (["--case", case.id], ["--pipeline", case.name]):
        done = run("audit", *selection)
        assert done.returncode == 0, done.stderr
        assert "slack:T0SHOP0001/U0LEAD001" in done.stdout and "for the record" in done.stdout, done.stdout
        assert case.token not in done.stdout
    records = json.loads(run("--json", "audit", "--case", case.id).stdout)
    assert {record["kind"] for record in records} >= {"told", "click", "outcome"}


@pytest.mark.parametrize("event", sorted(path.name for path in EVENTS.glob("approval-*.json")))
def test_each_sample_message_can_be_looked_at(run: Run, event: str) -> None:
    done = run("preview", "--config", str(CONFIG), str(EVENTS / event))
    # State changes, reminders and decisions of gates, for which this configuration has no route with `passed`, carry
    # nothing to show; the command says so.
    silent = event in {
        "approval-action-changed.json",
        "approval-ecs-deployment-over.json",
        "approval-execution-changed.json",
        "approval-gate-decided.json",
        "approval-gate-stopped.json",
        "approval-reminder.json",
    }
    assert (done.returncode != 0) == silent, done.stderr + done.stdout
    assert done.stderr if silent else done.stdout


def test_a_test_message_reaches_every_channel(run: Run, world: World) -> None:
    seen = max((message.seq for message in world.inbox.messages()), default=0)
    done = run("send-test", "--config", str(CONFIG), "--send")
    assert done.returncode == 0, done.stderr + done.stdout
    got = world.inbox.messages(after=seen)
    assert all(message.accepted for message in got), got
    assert {(m.service, m.operation) for m in got} >= {
        ("slack", "chat.postMessage"),
        ("slack", "hook"),
        ("teams", "post"),
        ("webhook", "post"),
    }
    assert any(MAILBOX in mail.to for mail in world.inbox.mails("deploy-hooks"))


def test_without_being_told_to_nothing_is_sent(run: Run, world: World) -> None:
    seen = len(world.inbox.messages())
    done = run("send-test", "--config", str(CONFIG))
    assert done.returncode == 0, done.stderr
    assert len(world.inbox.messages()) == seen


def test_the_configurations_of_the_repository_are_sound(run: Run) -> None:
    for config in (CONFIG, paths.APPROVALS, paths.ROOT / "examples" / "approvals.yaml"):
        done = run("lint", str(config))
        assert done.returncode == 0, done.stderr + done.stdout
