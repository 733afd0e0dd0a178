"""`make world`: which service it runs, and that what it prints can be pasted."""

import os
import re
import string
import subprocess
import sys
from pathlib import Path

import pytest
from world import __main__, stack
from world.__main__ import EXPORTS, HINTS, SUITE, Wanted, _find
from world.stack import DeployFailed


def test_without_more_it_is_the_shop() -> None:
    wanted = Wanted.read([])
    assert (wanted.name, wanted.images, wanted.health) == ("shop", {}, "/health")
    assert "name: shop" in wanted.suite


def test_a_program_stands_for_an_image(tmp_path: Path) -> None:
    suite = tmp_path / "books.yaml"
    suite.write_text("version: 1\n")
    program = f"my-books={sys.executable}"
    wanted = Wanted.read(["--image", program, "--suite", str(suite), "--health", "/up"])
    assert wanted.images == {"my-books": Path(sys.executable).resolve()}
    assert (wanted.suite, wanted.health) == ("version: 1\n", "/up")
    release = wanted.release("1.0.0")
    assert (release.image, release.settings) == ("my-books", {"VERSION": "1.0.0"})
    assert "http: GET /up" in Wanted.read(["--image", program, "--health", "/up"]).suite
    assert Wanted.read(["--image", program]).suite == SUITE.format(name="my-books", health="/health")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--image", "books"], "is not NAME=PROGRAM; write for example IMAGE=books=target/debug/books"),
        (["--image", "=x"], "is not NAME=PROGRAM"),
        (["--image", "a b=/bin/sh"], "is not NAME=PROGRAM"),
        (["--image", "books=/no/such"], "which is no program; build it first"),
        (["--image", f"books={__file__}"], "which is no program; build it first"),
        (["--image", "books=/bin/sh", "--suite", "/no/such.yaml"], "SUITE=/no/such.yaml is no file"),
    ],
)
def test_what_is_wrong_is_said(arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        Wanted.read(arguments)
    assert ended.value.code == 2
    assert sentence in capsys.readouterr().err


def test_what_is_printed_works_with_both_versions_of_the_aws_cli() -> None:
    """Version 1 reads AWS_DEFAULT_REGION; only version 2 has --cli-binary-format and `logs tail`."""
    assert "AWS_REGION=" in EXPORTS and "AWS_DEFAULT_REGION=" in EXPORTS
    assert "--cli-binary-format" not in HINTS and "logs tail" not in HINTS
    payloads = re.findall(r"--payload (\S+)", HINTS)
    assert payloads and all(payload.startswith("fileb://") for payload in payloads)


def test_what_is_printed_can_be_pasted_as_it_stands() -> None:
    """Into shells that know no comments at the prompt, too, as zsh."""
    names = {name: f"x-{name}" for _, name, _, _ in string.Formatter().parse(HINTS) if name}
    shown = HINTS.format(**{**names, "exports": EXPORTS.format(url="u", region="r", tools="t", binaries="b")})
    commands = [line.strip() for line in shown.splitlines() if line.startswith("  ")]
    assert len(commands) > 20
    words = {"aws", "curl", "deploy-hooks", "export", "world_now()"}
    assert {command.split()[0] for command in commands} == words, "no addresses, remarks or other words"
    assert not [command for command in commands if re.search(r"\s#", command)]
    stubs = """
        set -euo pipefail
        aws() { :; }
        curl() { echo '{"now":"2026-01-02T03:04:05.678Z","offset_seconds":3600.0}'; }
        deploy-hooks() { echo "$@"; }
    """
    script = stubs + "\n".join(commands)
    done = subprocess.run(
        ["/bin/bash", "-c", script], env=dict(os.environ), capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    told = [line for line in done.stdout.splitlines() if line.startswith("env ")]
    assert len(told) == 3
    assert all(line.endswith("--at 2026-01-02T03:04:05.678Z") for line in told), "by the clock of the world"


def test_a_deployment_that_takes_too_long_is_told_in_a_sentence(tmp_path: Path) -> None:
    log = tmp_path / "sam.log"
    slow = ["bash", "-c", "echo waiting for the stack; sleep 60"]
    with pytest.raises(DeployFailed, match="did not end within 0.5 seconds; try again") as failed:
        stack.run(slow, tmp_path, dict(os.environ), log, within=0.5)
    assert "waiting for the stack" in str(failed.value)
    with pytest.raises(DeployFailed, match="ended with status 3"):
        stack.run(["bash", "-c", "exit 3"], tmp_path, dict(os.environ), log, within=60)
    stack.run(["true"], tmp_path, dict(os.environ), log, within=60)


def test_a_world_that_does_not_come_up_ends_without_a_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(_: Wanted) -> None:
        error = DeployFailed("sam deploy did not end within 900 seconds")
        error.add_note("the logs are in .local/world-x")
        raise error

    monkeypatch.setattr(__main__, "keep", fail)
    assert __main__.main([]) == 2
    told = capsys.readouterr().err
    assert told.splitlines()[1:] == [
        "The world could not be brought up: sam deploy did not end within 900 seconds",
        "the logs are in .local/world-x",
    ]

    def stop(_: Wanted) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(__main__, "keep", stop)
    assert __main__.main([]) == 130


def test_the_id_of_an_execution_is_found_wherever_it_lies() -> None:
    assert _find({"a": 1, "details": {"deeper": {"id": "x"}}}, "id") == "x"
    assert _find({"a": {"b": 1}}, "id") is None
