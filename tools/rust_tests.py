"""Runs the Rust tests of the whole workspace: the programs that cargo makes of them, some side by side.

Usage: rust_tests.py [--jobs N] [WORD ...]     WORDs go to each program, as after `cargo test --`

`cargo test` runs one program after the other, and most of them wait most of the time. What a program printed is shown
whole once it has ended. A few tests that failed beside others are run again, alone: a machine that stood still for
seconds lets the time limits of what it runs pass. They are named even so, for one that fails at times may have found a
fault. At the end stand the failed tests and the sums. Exit code 1 if any failed.
"""

import argparse
import json
import os
import re
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
# Eight times what the slowest takes on two cores.
TIME_LIMIT_SECONDS = 1_200
# Of a program whose tests have failed.
FAILED_EXIT_CODE = 101
# So few may have met a machine that stood still; more are a fault.
RUN_AGAIN_AT_MOST = 6
BUILD = ["cargo", "test", "--locked", "--workspace", "--lib", "--bins", "--tests", "--no-run"]
RESULT = re.compile(r"^test result: \w+\. (\d+) passed; (\d+) failed; (\d+) ignored", re.MULTILINE)
RUNNING: set[subprocess.Popen[str]] = set()
FAILED = re.compile(r"^test (\S.*) \.\.\. FAILED", re.MULTILINE)


@dataclass(frozen=True)
class Program:
    """One program of tests, and the package that it is run in."""

    executable: Path
    package: Path
    target: str

    def __str__(self) -> str:
        return f"{self.package.name} {self.target}"


@dataclass(frozen=True)
class Outcome:
    """What a program came to."""

    program: Program
    output: str
    problem: str
    seconds: float
    passed_alone: tuple[str, ...] = ()

    @property
    def failed_tests(self) -> list[str]:
        """By name. A crash or a hang fails none."""
        return FAILED.findall(self.output)

    @property
    def ran_all(self) -> bool:
        """Whether it came to its own end, and names each test that it counts as failed: no crash hides behind them."""
        counted = sum(int(match[2]) for match in RESULT.finditer(self.output))
        return self.problem == f"ended with {FAILED_EXIT_CODE}" and 0 < counted == len(self.failed_tests)


def programs(messages: str) -> list[Program]:
    """The programs that cargo names in its messages, one JSON object a line."""
    found = []
    for line in messages.splitlines():
        message = json.loads(line)
        if message["reason"] != "compiler-artifact" or not message["executable"] or not message["profile"]["test"]:
            continue
        target = message["target"]
        found.append(
            Program(
                Path(message["executable"]),
                Path(message["manifest_path"]).parent,
                f"{'/'.join(target['kind'])} {target['name']}",
            )
        )
    return found


def run(program: Program, words: list[str]) -> Outcome:
    """Runs one to its end, as cargo would, or to the time limit."""
    begun = time.monotonic()
    process = subprocess.Popen(
        [program.executable, *words],
        cwd=program.package,
        env={**os.environ, "CARGO_MANIFEST_DIR": str(program.package)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    )
    RUNNING.add(process)
    try:
        output, _ = process.communicate(timeout=TIME_LIMIT_SECONDS)
        problem = "" if process.returncode == 0 else f"ended with {process.returncode}"
    except subprocess.TimeoutExpired:
        kill(process)
        output, _ = process.communicate()
        problem = f"did not end in {TIME_LIMIT_SECONDS} seconds"
    RUNNING.discard(process)
    return Outcome(program, output, problem, time.monotonic() - begun)


def kill(process: subprocess.Popen[str]) -> None:
    """With all that it has started: what holds its output open would be waited for without an end."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def run_again(outcomes: list[Outcome]) -> list[Outcome]:
    """With those that failed run again alone, where they are few and each is a test that has a name."""
    failed = [outcome for outcome in outcomes if outcome.problem]
    tests = sum(len(outcome.failed_tests) for outcome in failed)
    if tests > RUN_AGAIN_AT_MOST or not all(outcome.ran_all for outcome in failed):
        return outcomes
    return [alone(outcome) if outcome.problem else outcome for outcome in outcomes]


def alone(outcome: Outcome) -> Outcome:
    """Its failed tests, one after the other. What a test is that fails again stays what it was."""
    passed = []
    for test in outcome.failed_tests:
        again = run(outcome.program, ["--exact", test])
        print(f"\n{outcome.program}, alone ({again.seconds:.1f} s)\n{again.output.strip()}", flush=True)
        ran = sum(int(match[1]) for match in RESULT.finditer(again.output))
        if not again.problem and ran == 1:
            passed.append(test)
    still_failed = len(passed) < len(outcome.failed_tests)
    return replace(outcome, problem=outcome.problem if still_failed else "", passed_alone=tuple(passed))


def summary(outcomes: list[Outcome]) -> list[str]:
    """The lines at the end: what failed, and the sums."""
    passed, failed, ignored = (
        sum(int(match[group]) for outcome in outcomes for match in RESULT.finditer(outcome.output))
        for group in (1, 2, 3)
    )
    lines = []
    for outcome in outcomes:
        if outcome.passed_alone:
            lines.append(f"PASSED ONLY ALONE {outcome.program}: {', '.join(outcome.passed_alone)}")
        if outcome.problem:
            tests = [test for test in outcome.failed_tests if test not in outcome.passed_alone]
            # A crash or a hang fails no test by name.
            failed += 0 if tests else 1
            lines.append(f"FAILED {outcome.program}: {', '.join(tests) or outcome.problem}")
    only_alone = sum(len(outcome.passed_alone) for outcome in outcomes)
    passed_words = f"{passed + only_alone} passed" + (f" ({only_alone} of them only alone)" if only_alone else "")
    sums = f"{passed_words}, {failed - only_alone} failed, {ignored} ignored"
    lines.append(f"Rust: {sums}, in {len(outcomes)} programs")
    return lines


def main() -> int:
    options = argparse.ArgumentParser(usage=__doc__)
    options.add_argument("--jobs", type=int, default=os.cpu_count() or 2)
    options.add_argument("words", nargs="*")
    asked = options.parse_args()
    built = subprocess.run(
        [*BUILD, "--message-format=json-render-diagnostics"], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    if built.returncode:
        return built.returncode
    outcomes = []
    with ThreadPoolExecutor(asked.jobs) as pool:
        all_of_them = [pool.submit(run, program, asked.words) for program in programs(built.stdout)]
        try:
            for done in as_completed(all_of_them):
                outcome = done.result()
                outcomes.append(outcome)
                print(f"\n{outcome.program} ({outcome.seconds:.1f} s)\n{outcome.output.strip()}", flush=True)
        except KeyboardInterrupt:
            pool.shutdown(wait=False, cancel_futures=True)
            for process in list(RUNNING):
                kill(process)
            return 130
    outcomes = run_again(outcomes)
    print()
    print("\n".join(summary(outcomes)))
    return 1 if any(outcome.problem for outcome in outcomes) or not outcomes else 0


if __name__ == "__main__":
    sys.exit(main())
