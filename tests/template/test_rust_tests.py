"""What runs the Rust tests names each that failed, and nothing that did not end counts as passed."""

import json
from pathlib import Path

import pytest
import rust_tests
from rust_tests import Program


def program(tmp_path: Path, script: str) -> Program:
    executable = tmp_path / "program"
    executable.write_text(f"#!/bin/sh\n{script}\n")
    executable.chmod(0o755)
    return Program(executable, tmp_path, "test it")


def test_only_programs_of_tests_are_run() -> None:
    def artifact(executable: str | None, test: bool) -> str:
        return json.dumps(
            {
                "reason": "compiler-artifact",
                "executable": executable,
                "profile": {"test": test},
                "manifest_path": "/crates/gate/Cargo.toml",
                "target": {"kind": ["test"], "name": "browser"},
            }
        )

    messages = [
        artifact("/target/a", True),
        artifact("/target/b", False),
        artifact(None, True),
        '{"reason": "build-finished"}',
    ]
    found = rust_tests.programs("\n".join(messages))
    assert found == [Program(Path("/target/a"), Path("/crates/gate"), "test browser")]
    assert str(found[0]) == "gate test browser"


def test_what_failed_is_named_and_summed(tmp_path: Path) -> None:
    result = "test result: FAILED. 3 passed; 1 failed; 2 ignored; 0 measured"
    failing = program(tmp_path, f"pwd; echo 'test a::b ... FAILED'; echo '{result}'; exit 101")
    outcome = rust_tests.run(failing, [])
    assert outcome.output.startswith(f"{tmp_path}\n")
    assert rust_tests.summary([outcome]) == [
        f"FAILED {tmp_path.name} test it: a::b",
        "Rust: 3 passed, 1 failed, 2 ignored, in 1 programs",
    ]


def test_a_crash_and_a_hang_are_failures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    crashed = rust_tests.run(program(tmp_path, "kill -SEGV $$"), [])
    assert crashed.problem == "ended with -11"
    assert rust_tests.summary([crashed]) == [
        f"FAILED {tmp_path.name} test it: ended with -11",
        "Rust: 0 passed, 1 failed, 0 ignored, in 1 programs",
    ]
    monkeypatch.setattr(rust_tests, "TIME_LIMIT_SECONDS", 0.2)
    hung = rust_tests.run(program(tmp_path, "sleep 60 & wait"), [])
    assert hung.problem == "did not end in 0.2 seconds"


def test_what_passed_is_no_problem(tmp_path: Path) -> None:
    outcome = rust_tests.run(program(tmp_path, 'echo "$@"'), ["--exact", "word"])
    assert (outcome.output, outcome.problem) == ("--exact word\n", "")
