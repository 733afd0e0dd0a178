"""Runs the benches and prints, at their end, one table: each measured value beside its floor, peer or bound.

Usage: bench_table.py             runs all, shows what they print, and keeps it in .local/bench.log   (make bench)
       bench_table.py FILE        only reads what was kept

Each row is found in what a bench prints anyway; a bench that printed no row, or failed, is MISSED. Exit code 1 then.
"""

import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LOG = ROOT / ".local" / "bench.log"
HEAD = "== bench "
FAILED = "== failed "


@dataclass(frozen=True)
class Line:
    """A row, found in the output of a bench: what it is, a pattern, and the columns made of its groups."""

    what: str
    pattern: str
    measured: str
    beside: str
    ratio: str
    bound: str = ""


# By package and bench of Cargo, a script of `tools/` and its argument, or a target of make, in their order.
BENCHES: dict[tuple[str, str], list[Line]] = {
    ("gate", "gate"): [
        Line(
            "200 checks, engine, in process",
            r"^engine, in process +([\d.]+) ms +([\d.]+) × the floor",
            "{0} ms",
            "latency alone",
            "{1} ×",
        ),
        Line(
            "the same beside a bare loop",
            r"^engine / bare loop +([\d.]+), whole process ([\d.]+)",
            "",
            "bare loop",
            "{0} ×, whole process {1} ×",
        ),
    ],
    ("gate", "browser"): [
        Line(
            "five steps in a browser, without the wait for rest",
            r"^browser check / Playwright +time without the wait ([\d.]+), at most ([\d.]+): (\w+)",
            "",
            "Playwright",
            "{0} ×",
            "{1} ×: {2}",
        ),
        Line(
            "the client's memory",
            r"^browser check / Playwright +client memory ([\d.]+), at most ([\d.]+): (\w+)",
            "",
            "Playwright",
            "{0} ×",
            "{1} ×: {2}",
        ),
    ],
    ("pre-traffic", "start"): [
        Line(
            "pre-traffic, spawn to first GET /next",
            r"pre-traffic, spawn to first GET /next +([\d.]+) ms +\(([\d.]+) x hello world, at most ([\d.]+): (\w+)\)",
            "{0} ms",
            "hello world",
            "{1} ×",
            "{2} ×: {3}",
        ),
        Line(
            "Node.js hook, spawn to answered",
            r"Node\.js, one request, spawn to answered +([\d.]+) ms +\(([\d.]+) x the gate, at least ([\d.]+): (\w+)\)",
            "{0} ms",
            "the gate",
            "{1} ×",
            "at least {2} ×: {3}",
        ),
    ],
    ("hook", "faults"): [
        Line(
            "calls of gates under faults, answered",
            r"^(\w+)\n  runs +(\d+),.*\n  answered +(\d+) .*\n  unheard +(\d+),.*\n  passes .*\n  false passes +(\d+)",
            "{2} of {1}",
            "{0}",
            "{3} unheard",
            "0 false passes: {4}",
        ),
    ],
    ("schedule", "evaluate"): [
        Line(
            "schedules, evaluations a second",
            r"^slowest: (\d+) evaluations/s, ([\d.]+) × the bound of (\d+)",
            "{0}",
            "bound of {2}",
            "{1} ×",
        ),
    ],
    ("briefing", "latency"): [
        Line(
            "a briefing of an approval",
            r"  measured +(\S+) \(median.*\n.*\n  their sum +(\S+)\n  ratio +([\d.]+) times.*\n  critical path +(\S+)",
            "{0}",
            "sum of its calls {1}",
            "{2} × faster",
            "critical path {3}",
        ),
    ],
    ("approval-notifier", "latency"): [
        Line(
            "event to first message",
            r"^  (.+?) +measured +(\d+) ms +critical path +(\d+) ms .*? sum +(\d+) ms .*sum / measured ([\d.]+)",
            "{1} ms",
            "{0}: sum {3} ms",
            "{4} × faster",
            "critical path {2} ms",
        ),
    ],
    ("bench_env.py", "custodian"): [
        Line(
            "schedules beside Cloud Custodian's, evaluations a second",
            r"in Python: +(\d+) .*\n.*in Rust: +(\d+) evaluations/s, (\d+) t.*\n  differing answers: (\d+) of (\d+)",
            "{1}",
            "Cloud Custodian's {0}",
            "{2} × faster",
            "0 of {4} answers differ: {3}",
        ),
    ],
    ("bench_env.py", "plan"): [
        Line(
            "a plan for 10,000 services",
            r"^slowest: ([\d.]+) ms, ([\d.]+) × the bound of (.+)",
            "{0} ms",
            "bound of {2}",
            "{1} ×",
        ),
    ],
    ("bench_env.py", "apply"): [
        Line(
            "changes of 1,000 services and more",
            r"^worst from [\d_]+ services on: ([\d.]+) × the bound, ([\d.]+) allowed",
            "",
            "the rate AWS allows",
            "{0} ×",
            "{1} ×",
        ),
    ],
    ("cli", "check"): [
        Line(
            "deploy-hooks check, a process",
            r"^  (check / bare loop|peak memory|deploy-hooks check|most / first fifth) +(\S.*?) +at most (.+?): (\w+)",
            "{1}",
            "{0}",
            "",
            "{2}: {3}",
        ),
    ],
    ("make", "bench-reaction"): [
        Line(
            "first failed customer to the caller's hearing",
            r"  median +([\d.]+) s.*\n(?:.*\n)*?  bound +([\d.]+) s",
            "{0} s",
            "a canary in the local AWS",
            "",
            "{1} s",
        ),
    ],
    ("cli", "judge"): [
        Line(
            "judging kept reports",
            r"^(\d+) reports of .* in ([\d.]+) s; at most +(\d+) s: (\w+)",
            "{1} s",
            "{0} reports",
            "",
            "{2} s: {3}",
        ),
    ],
}


def name(of: tuple[str, str]) -> str:
    """`hook/faults`"""
    return "/".join(of)


def command(of: tuple[str, str]) -> list[str]:
    """How it is run."""
    home, bench = of
    if home == "make":
        return ["make", "--no-print-directory", bench]
    if home.endswith(".py"):
        return [sys.executable, f"tools/{home}", bench]
    # The command line has a profile of its own, by which it is built for people.
    profile = ["--profile", "cli"] if home == "cli" else []
    return ["cargo", "bench", "--locked", *profile, "--package", home, "--bench", bench]


def run() -> str:
    """What all of them print, with a head for each."""
    LOG.parent.mkdir(exist_ok=True)
    kept = []
    for of in BENCHES:
        kept.append(f"{HEAD}{name(of)}\n")
        print(f"\n{kept[-1]}", end="", flush=True)
        with subprocess.Popen(command(of), cwd=ROOT, stdout=subprocess.PIPE, text=True) as running:
            assert running.stdout is not None
            for line in running.stdout:
                print(line, end="", flush=True)
                kept.append(line)
        if running.returncode:
            kept.append(f"{FAILED}{name(of)}\n")
    LOG.write_text("".join(kept))
    return "".join(kept)


def rows(text: str) -> tuple[list[list[str]], list[str]]:
    """The rows of all benches, and what is missed."""
    found, missed = [], []
    for of, lines in BENCHES.items():
        part = text.split(f"{HEAD}{name(of)}\n")[1].split(HEAD)[0] if f"{HEAD}{name(of)}\n" in text else ""
        before = len(found)
        for line in lines:
            for match in re.finditer(line.pattern, part, re.MULTILINE):
                columns = (line.measured, line.beside, line.ratio, line.bound)
                found.append([line.what, *(column.format(*match.groups()) for column in columns)])
        if len(found) == before:
            missed.append(f"{name(of)} printed nothing that belongs into the table")
        if FAILED in part or "MISSED" in part:
            missed.append(f"{name(of)} missed a bound")
    return found, missed


def table(found: list[list[str]]) -> str:
    """As columns."""
    head = ["what", "measured", "beside", "ratio", "bound or floor"]
    widths = [max(len(row[column]) for row in [head, *found]) for column in range(len(head))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in [head, *found]]
    return "\n".join(line.rstrip() for line in lines)


def main(arguments: list[str]) -> int:
    """Prints it."""
    text = Path(arguments[0]).read_text() if arguments else run()
    found, missed = rows(text)
    print(f"\n{table(found)}")
    for line in missed:
        print(f"MISSED  {line}", file=sys.stderr)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
