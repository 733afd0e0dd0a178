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


FAILS_BESIDE_OTHERS = """
passed='test result: ok. 1 passed; 0 failed; 0 ignored'
case "$*" in
"--exact at_times") echo "test at_times ... ok"; echo "$passed" ;;
"--exact always") echo "test always ... FAILED"; echo "test result: FAILED. 0 passed; 1 failed; 0 ignored"; exit 101 ;;
"--exact "*) echo "test result: ok. 0 passed; 0 failed; 0 ignored" ;;
*) for test in {}; do echo "test $test ... FAILED"; done
   echo "test result: FAILED. 3 passed; {} failed; 0 ignored"; exit 101 ;;
esac
"""


def summary_of(tmp_path: Path, *tests: str) -> list[str]:
    failing = program(tmp_path, FAILS_BESIDE_OTHERS.format(" ".join(tests), len(tests)))
    return rust_tests.summary(rust_tests.run_again([rust_tests.run(failing, [])]))


def test_what_failed_is_run_again_alone_and_named_even_so(tmp_path: Path) -> None:
    name = f"{tmp_path.name} test it"
    assert summary_of(tmp_path, "at_times") == [
        f"PASSED ONLY ALONE {name}: at_times",
        "Rust: 4 passed (1 of them only alone), 0 failed, 0 ignored, in 1 programs",
    ]
    assert summary_of(tmp_path, "at_times", "always") == [
        f"PASSED ONLY ALONE {name}: at_times",
        f"FAILED {name}: always",
        "Rust: 4 passed (1 of them only alone), 1 failed, 0 ignored, in 1 programs",
    ]
    # A program that no longer knows the test has not passed it.
    assert summary_of(tmp_path, "renamed")[0] == f"FAILED {name}: renamed"


def test_many_failures_and_a_crash_are_not_run_again(tmp_path: Path) -> None:
    many = ["at_times"] * (rust_tests.RUN_AGAIN_AT_MOST + 1)
    assert summary_of(tmp_path, *many)[-1] == "Rust: 3 passed, 7 failed, 0 ignored, in 1 programs"
    crashed = rust_tests.run(program(tmp_path, "kill -SEGV $$"), [])
    assert rust_tests.run_again([crashed]) == [crashed]
    # Nor one that failed a test before: others have not run.
    script = 'case "$*" in --exact*) echo "test result: ok. 1 passed; 0 failed; 0 ignored" ;;'
    script += ' *) echo "test at_times ... FAILED"; kill -SEGV $$ ;; esac'
    crashed = rust_tests.run(program(tmp_path, script), [])
    assert crashed.failed_tests == ["at_times"]
    assert rust_tests.run_again([crashed]) == [crashed]


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
