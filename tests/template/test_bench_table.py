"""The table of `make bench`: each bench has its rows in it, found in what it prints."""

import re

import bench_table
from world.paths import ROOT

# As each bench prints it; that they still do is below.
PRINTED = {
    "gate/gate": """\
200 checks, 20ms latency, 50 at a time, taking turns, median of 9
floor (computed)                80.0 ms    1.00 × the floor
bare loop, in process           83.1 ms    1.04 × the floor
engine, in process              86.0 ms    1.08 × the floor
engine / bare loop              1.04, whole process 1.11
""",
    "pre-traffic/start": """\
start-up, median of 11
  hello world, spawn to first GET /next         1.6 ms
  pre-traffic, spawn to first GET /next         2.7 ms  (1.7 x hello world, at most 2: kept)
  pre-traffic, one check, spawn to answered    64.0 ms  (with look-ups, report and notification)
  Node.js, one request, spawn to answered     371.0 ms  (5.8 x the gate, at least 5: kept)
""",
    "hook/faults": """\
CodeDeploy
  runs              1000, in 1290 invocations
  answered          998 (57 retries by Lambda)
  unheard           2, and said so by the gate
  passes            430
  false passes      0
Ecs
  runs              1000, in 7001 invocations
  answered          1000 (0 retries by Lambda)
  unheard           0, and said so by the gate
  passes            401
  false passes      0
""",
    "schedule/evaluate": "slowest: 3400000 evaluations/s, 13.6 × the bound of 250000\n",
    "briefing/latency": """\
briefing, each look-up 50ms, 15 runs, a new client each
  measured       212.4ms (median; 209.1ms to 230.0ms)
  calls          14
  their sum      700ms
  ratio          3.3 times faster than one after the other
  critical path  200ms (4 calls that wait for each other)
""",
    "approval-notifier/latency": "  approval message, cold   measured  390 ms   critical path  350 ms (7 calls deep)"
    "   sum  1200 ms (24 calls)   sum / measured 3.1\n",
    "cli/judge": "1000 reports of 20 checks and 12 rounds (31 KiB each) are judged, with outcomes and 3 suggestions,"
    " in 1.9 s; at most 5 s: kept\n",
}


def _log(printed: dict[str, str]) -> str:
    return "".join(f"{bench_table.HEAD}{name}\n{text}" for name, text in printed.items())


def test_every_bench_has_its_rows() -> None:
    found, missed = bench_table.rows(_log(PRINTED))
    assert missed == []
    # The contracts of gates have a row each.
    assert len(found) == sum(map(len, bench_table.BENCHES.values())) + 1
    text = bench_table.table(found)
    assert re.search(r"pre-traffic, spawn to first GET /next +2\.7 ms +hello world +1\.7 × +2 ×: kept", text), text
    assert re.search(r"1000 of 1000 +Ecs +0 unheard +0 false passes: 0", text), text


def test_a_bench_that_failed_printed_nothing_or_missed_its_bound_is_missed() -> None:
    silent = PRINTED | {"cli/judge": "error: could not compile\n"}
    assert bench_table.rows(_log(silent))[1] == ["cli/judge printed nothing that belongs into the table"]
    failed = PRINTED | {"hook/faults": PRINTED["hook/faults"] + f"{bench_table.FAILED}hook/faults\n"}
    assert bench_table.rows(_log(failed))[1] == ["hook/faults missed a bound"]
    slow = PRINTED | {"pre-traffic/start": PRINTED["pre-traffic/start"].replace("at most 2: kept", "at most 2: MISSED")}
    assert bench_table.rows(_log(slow))[1] == ["pre-traffic/start missed a bound"]


def test_the_benches_print_these_words() -> None:
    """What a row is found by stands in the source of its bench."""
    words = {
        "gate": ["engine, in process", "engine / bare loop", "× the floor", "whole process {:.2}"],
        "pre-traffic": ["x hello world, at most", "x the gate, at least"],
        "hook": ["  runs              {runs}, in", "  answered          {}", "  false passes      {}"],
        "schedule": ["slowest: {slowest:.0} evaluations/s, {:.1} × the bound of"],
        "briefing": [
            "  measured       {median",
            "  their sum      ",
            "  ratio          {:.1} times",
            "  critical path  ",
        ],
        "approval-notifier": ["measured {:4} ms   critical path {:4} ms", "sum / measured {:.1}"],
        "cli": ["{REPORTS} reports of {CHECKS} checks", "in {:.1} s; at most"],
    }
    assert set(words) == {package for package, _ in bench_table.BENCHES}
    for package, bench in bench_table.BENCHES:
        source = (ROOT / "crates" / package / "benches" / f"{bench}.rs").read_text()
        for word in words[package]:
            assert word in source, (package, word)
