"""Measures what environments promise: evaluations, plan and apply, each next to its bound.

Usage: bench_env.py [NAME...]

Names are evaluate, custodian, plan, apply; none means all. The exit code is 1 when a bound is missed, when an
answer differs from Cloud Custodian's, or when a call is lost.
"""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CUSTODIAN = ROOT / ".tools/custodian/bin/python"
BENCH = ["cargo", "bench", "--locked", "--quiet"]


def rust(package: str, bench: str) -> bool:
    """Runs a bench that judges itself."""
    return subprocess.run([*BENCH, "--package", package, "--bench", bench], cwd=ROOT, check=False).returncode == 0


def theirs(question: str) -> str:
    return question.rsplit("\t", 1)[1]


def custodian() -> bool:
    """Asks Cloud Custodian's own filters and ours the same questions, and compares answers and speed."""
    subprocess.run([ROOT / "tools/install.sh", "custodian"], cwd=ROOT, check=True)
    asked = subprocess.run([CUSTODIAN, "tools/ask_custodian.py"], cwd=ROOT, check=True, capture_output=True, text=True)
    *questions, theirs_a_second = asked.stdout.splitlines()
    plain = "".join(question.rsplit("\t", 1)[0] + "\n" for question in questions)
    command = [*BENCH, "--package", "schedule", "--bench", "custodian"]
    ours = subprocess.run(command, cwd=ROOT, check=True, input=plain, stdout=subprocess.PIPE, text=True)
    *answers, ours_a_second = ours.stdout.splitlines()
    told = list(zip(questions, answers, strict=True))
    # What one machine's zone decides can't be read elsewhere; what is refused here is never read otherwise.
    differing = [(question, answer) for question, answer in told if answer not in (theirs(question), "refused")]
    stricter = [question for question, answer in told if answer == "refused" and theirs(question) in ("on", "off")]
    refused = [question for question, answer in told if answer == "refused" and question not in set(stricter)]
    for question, answer in differing[:10]:
        print(f"  differs: {question.expandtabs()} there, {answer} here")
    fast, slow = float(ours_a_second), float(theirs_a_second)
    values = len({question.split("\t")[1] for question in questions})
    print(f"{len(questions)} questions about {values} values, many mutilated, 2020 to 2035, half near clock changes")
    print(f"  Cloud Custodian, in Python: {slow:>12.0f} evaluations/s (offhour and onhour, each once)")
    print(f"  desired_state, in Rust:     {fast:>12.0f} evaluations/s, {fast / slow:.0f} times as many")
    print(f"  differing answers: {len(differing)} of {len(answers)}")
    print(f"  refused by both: {len(refused)}; refused here alone: {len(stricter)}")
    for question in stricter[:: max(1, len(stricter) // 10)]:
        print(f"  refused here alone: {question.expandtabs()} there")
    return not differing and fast > slow


BENCHES: dict[str, Callable[[], bool]] = {
    "evaluate": lambda: rust("schedule", "evaluate"),
    "custodian": custodian,
    "plan": lambda: rust("environments", "plan"),
    "apply": lambda: rust("environments", "apply"),
}


def main(names: list[str]) -> int:
    unknown = sorted(set(names) - set(BENCHES))
    if unknown:
        print(f"there is no bench {', '.join(unknown)}; name some of {', '.join(BENCHES)}", file=sys.stderr)
        return 2
    missed = []
    for name in names or BENCHES:
        print(f"\n== {name}", flush=True)
        if not BENCHES[name]():
            missed.append(name)
    print(f"\nmissed: {', '.join(missed)}" if missed else "\nevery bound is kept")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
