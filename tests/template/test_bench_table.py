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
    "gate/browser": """\
one page, five steps, one Chromium, median of 31, either waits 250 ms for what still comes
browser check                    320.0 ms    21.0 MiB of the client
Playwright                       380.0 ms   220.0 MiB of the client
browser check / Playwright     time without the wait 0.54, at most 1: kept
browser check / Playwright     client memory 0.095, at most 0.1: kept
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
    "bench_env.py/custodian": """\
6000 questions about 900 values, many mutilated, 2020 to 2035, half near clock changes
  Cloud Custodian, in Python:        26749 evaluations/s (offhour and onhour, each once)
  desired_state, in Rust:          9255154 evaluations/s, 346 times as many
  differing answers: 0 of 6000
""",
    "bench_env.py/plan": "slowest: 94.0 ms, 0.094 × the bound of 1 s\n",
    "bench_env.py/apply": "worst from 1000 services on: 1.034 × the bound, 1.1 allowed\n",
    "cli/check": """\
  check / bare loop             1.05   at most 1.10: kept
  peak memory                19.1 MiB, the loop's 11.0 MiB   at most 24 MiB: kept
  check / bare loop             1.04   at most 1.10: kept
  peak memory                20.1 MiB, the loop's 11.0 MiB   at most 24 MiB: kept
  bare loop                      4.0 ms
  deploy-hooks check          9.0 ms   at most 15 ms: kept
  most / first fifth            1.02   at most 1.10: kept
  most / first fifth            1.03   at most 1.10: kept
""",
    "make/bench-reaction": """\
from the first failing request of a customer to the caller's hearing `failed`, 31 canaries
  median 0.61 s, most 1.10 s; 3 times before any customer's failed
  bound  1.21 s (every 1s, a try of 8 ms, 200 ms); 0 were later
""",
    "cli/judge": "1000 reports of 20 checks and 12 rounds (31 KiB each) are judged, with outcomes and 3 suggestions,"
    " in 1.9 s; at most 5 s: kept\n",
}


def _log(printed: dict[str, str]) -> str:
    return "".join(f"{bench_table.HEAD}{name}\n{text}" for name, text in printed.items())


def test_every_bench_has_its_rows() -> None:
    found, missed = bench_table.rows(_log(PRINTED))
    assert missed == []
    # The contracts of gates have a row each, here two, and `deploy-hooks check` has seven.
    assert len(found) == sum(map(len, bench_table.BENCHES.values())) + 1 + 6
    text = bench_table.table(found)
    assert re.search(r"pre-traffic, spawn to first GET /next +2\.7 ms +hello world +1\.7 × +2 ×: kept", text), text
    assert re.search(r"9255154 +Cloud Custodian's 26749 +346 × faster +0 of 6000 answers differ: 0", text), text
    assert re.search(r"19\.1 MiB, the loop's 11\.0 MiB +peak memory +24 MiB: kept", text), text
    assert re.search(r"0\.61 s +a canary in the local AWS +1\.21 s", text), text
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
        "gate/gate": ["engine, in process", "engine / bare loop", "× the floor", "whole process {:.2}"],
        "gate/browser": [
            "browser check / Playwright     time without the wait {time:.2}, at most {MAX_TIME_RATIO}: {}",
            "browser check / Playwright     client memory {memory:.3}, at most {MAX_MEMORY_RATIO}: {}",
        ],
        "pre-traffic/start": ["x hello world, at most", "x the gate, at least"],
        "hook/faults": ["  runs              {runs}, in", "  answered          {}", "  false passes      {}"],
        "schedule/evaluate": ["slowest: {slowest:.0} evaluations/s, {:.1} × the bound of"],
        "briefing/latency": [
            "  measured       {median",
            "  their sum      ",
            "  ratio          {:.1} times",
            "  critical path  ",
        ],
        "approval-notifier/latency": ["measured {:4} ms   critical path {:4} ms", "sum / measured {:.1}"],
        "bench_env.py/custodian": ["in Python: {slow", "in Rust:     {fast", "differing answers: {len(differing)} of"],
        "bench_env.py/plan": ["slowest: {:.1} ms, {:.3} × the bound of"],
        "bench_env.py/apply": ["services on: {worst:.3} × the bound, {ALLOWED} allowed"],
        "cli/check": ["check / bare loop", "peak memory", "most / first fifth", "   at most {bound}: {mark}"],
        "make/bench-reaction": ["  median {statistics", "  bound  {bound:.2f} s"],
        "cli/judge": ["{REPORTS} reports of {CHECKS} checks", "in {:.1} s; at most"],
    }
    assert set(words) == set(map(bench_table.name, bench_table.BENCHES))
    for of in bench_table.BENCHES:
        source = _source(*of)
        for word in words[bench_table.name(of)]:
            assert word in source, (of, word)


def _source(home: str, bench: str) -> str:
    """Of what prints."""
    if home == "make":
        return (ROOT / "tools" / f"{bench.replace('-', '_')}.py").read_text()
    if bench == "custodian":
        return (ROOT / "tools" / home).read_text()
    package = "environments" if home.endswith(".py") else home
    benches = ROOT / "crates" / package / "benches"
    file = benches / f"{bench}.rs"
    return (file if file.exists() else benches / bench / "main.rs").read_text()
