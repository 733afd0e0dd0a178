"""Two runs that never change, with every kind of row that a report can have: what the pictures of reports show."""

from collections import Counter
from typing import Any

from world.control import Json

LETTERS = {"P": "passed", "F": "failed", "?": "inconclusive", "E": "errored", "-": "no_data"}
SHOP = "https://test.shop.example.com"
BODY = """{"error": "no database", "detail": "connection to orders.internal:5432 refused", "request": "4f1c-77ab"}"""


def _tally(strip: str) -> Json:
    counted = Counter(strip)
    return {name: counted[letter] for letter, name in LETTERS.items()}


def _line(expected: str, got: str, came_to: str = "passed") -> Json:
    return {"expected": expected, "got": got, "measurement": came_to}


def _answer(came_to: str, request: str, at: int, took: int, *lines: Json, **more: Any) -> Json:
    """A try or a step of a journey."""
    status = more.get("status", 200)
    return {
        "number": 1,
        "measurement": came_to,
        "started_ms": at,
        "duration_ms": took,
        "request": request,
        "status": status,
        "latency_ms": took if status else None,
        "expectations": list(lines),
        "notes": [],
        "body_excerpt": None,
        **more,
    }


def _try(number: int, came_to: str, request: str, at: int, took: int, *lines: Json, **more: Any) -> Json:
    return _answer(came_to, request, at, took, *lines, **{"error": None, "number": number, **more})


def _step(number: int, name: str, came_to: str, request: str, at: int, took: int, *lines: Json, **more: Any) -> Json:
    plain = {"number": number, "name": name, "always": False, "error": None, "captured": []}
    return _answer(came_to, request, at, took, *lines, **(plain | more))


def _check(name: str, strip: str, rounds: dict[int, list[Json]], detail: str = "", **more: Any) -> Json:
    """`rounds` are those whose tries are kept, by their numbers."""
    made = [
        {
            "number": number,
            "measurement": LETTERS[strip[number - 1]],
            "started_ms": tries[0]["started_ms"],
            "duration_ms": tries[-1]["started_ms"] + tries[-1]["duration_ms"] - tries[0]["started_ms"],
            "tries": tries,
        }
        for number, tries in rounds.items()
    ]
    worst = next((letter for letter in "F?E-" if letter in strip), "P")
    plain = {"severity": "required", "tags": [], "measurement": LETTERS[worst], "blocks": worst == "F"}
    return {"name": name, "strip": strip, "tally": _tally(strip), "rounds": made, "detail": detail} | plain | more


def _report(stage: str, reasons: list[str], took: int, checks: list[Json], **more: Any) -> Json:
    return {
        "format": 1,
        "suite": "shop",
        "stage": stage,
        "address": f"{SHOP}/",
        "target": {
            "application": "shop",
            "deployment_group": "live",
            "deployment_id": "d-4Q7XKZ2MF",
            "image": "111122223333.dkr.ecr.eu-central-1.amazonaws.com/shop:1.4.0",
            "version": "1.4.0",
            "old_version": "1.3.2",
        },
        "started": "2026-03-14T09:26:53Z",
        "finished": "2026-03-14T09:27:00Z",
        "duration_ms": took,
        "seed": "5f3a9c01d27be486",
        "verdict": {"passed": False, "conclusion": "failed", "reasons": reasons},
        "ended": "window",
        "bake": None,
        "summary": _tally("".join(next(k for k, v in LETTERS.items() if v == one["measurement"]) for one in checks)),
        "checks": checks,
        "notes": [],
        **more,
    }


def before_traffic() -> Json:
    """One round, as bars on an axis of time."""
    get = f"GET {SHOP}"
    refused = "expected status 201, got 503"
    journey = [
        _step(1, "open the form", "passed", f"{get}/login", 620, 180, _line("css input[name=csrf]", "1 element")),
        _step(
            *(2, "log in", "passed", f"POST {SHOP}/login", 800, 410, _line("status 200", "200")),
            captured=[{"name": "session", "value": "***"}, {"name": "reader", "value": "demo@example.com"}],
        ),
        _step(
            *(3, "pay", "failed", f"POST {SHOP}/pay", 1210, 905, _line("status 201", "503", "failed")),
            status=503,
            body_excerpt=BODY,
        ),
        _step(1, "empty the cart", "passed", f"DELETE {SHOP}/cart", 2115, 95, _line("status 2xx", "204"), always=True),
    ]
    checks = [
        _check(
            "home page", "P", {1: [_try(1, "passed", f"{get}/", 0, 120, _line("status 200", "200"))]}, tags=["smoke"]
        ),
        _check(
            "a reader buys a book",
            "F",
            {1: [_try(1, "failed", f"{get}/login", 620, 1590, steps=journey, status=503)]},
            f'step 3 "pay": {refused}',
            tags=["smoke", "checkout"],
        ),
        _check(
            "books are listed",
            "P",
            {
                1: [
                    _try(1, "failed", f"{get}/api/books", 140, 300, _line("status 200", "502", "failed"), status=502),
                    _try(2, "passed", f"{get}/api/books", 940, 260, _line("json $ length >= 1", "3")),
                ]
            },
        ),
        _check(
            "stock is known",
            "E",
            {
                1: [
                    _try(
                        1,
                        "errored",
                        "GET https://stock.internal/",
                        60,
                        2400,
                        status=None,
                        error="the name did not resolve",
                    )
                ]
            },
            "the name did not resolve",
        ),
        _check(
            "no slower than the old version under load",
            "F",
            {
                1: [
                    _try(
                        *(1, "failed", "load 40/s for 5s against the new and the old version", 1500, 5000),
                        _line("errors not > 1 %", "errors: 0.4 % in 200 samples"),
                        _line(
                            "latency p95 not worse than the old version's by more than 20 %",
                            "latency p95: 346 ms in 200 samples; old version 218 ms: higher than the old version "
                            "(p = 0.0000777, effect 1, tolerated 0.33)",
                            "failed",
                        ),
                        status=None,
                        notes=["latency p50 112 ms, p90 281 ms, p95 346 ms, p99 512 ms"],
                    )
                ]
            },
            "latency p95: 346 ms in 200 samples; old version 218 ms",
        ),
        _check(
            "error rate",
            "?",
            {
                1: [
                    _try(
                        *(1, "inconclusive", "metric 100 * errors / requests over 5m", 40, 210),
                        _line("not > 1.0 %", "99 % in 1 sample, limit 1.0 %: too few, 3 are needed", "inconclusive"),
                        status=None,
                    )
                ]
            },
            "too few samples",
            severity="advisory",
        ),
        _check(
            "no alarm is on",
            "-",
            {
                1: [
                    _try(
                        *(1, "no_data", "the alarms shop-5xx and shop-latency", 50, 160),
                        _line("shop-5xx OK", "INSUFFICIENT_DATA", "no_data"),
                        _line("shop-latency OK", "OK"),
                        status=None,
                    )
                ]
            },
            "shop-5xx has not enough data",
            severity="advisory",
        ),
    ]
    reasons = [
        f'check "a reader buys a book" failed: step 3 "pay": {refused}',
        'check "no slower than the old version under load" failed: latency p95: 346 ms in 200 samples; '
        "old version 218 ms",
        'check "stock is known" errored: the name did not resolve',
    ]
    return _report("pre-traffic", reasons, 6500, checks)


def under_traffic() -> Json:
    """A bake: each check as a strip of rounds."""
    get = f"GET {SHOP}"

    def bad(number: int, at: int) -> list[Json]:
        lines = (_line("status 200", "503", "failed"), _line("latency < 800ms", "1.2s", "failed"))
        return [_try(1, "failed", f"{get}/api/checkout", at, 1200 + number, *lines, status=503, body_excerpt=BODY)]

    def good(path: str, at: int, took: int) -> list[Json]:
        return [
            _try(
                1, "passed", f"{get}{path}", at, took, _line("status 200", "200"), _line("latency < 800ms", f"{took}ms")
            )
        ]

    metric = "5xx rate: 3.1 % in 42 samples, limit 1.0 %; old version 0.2 %"
    checks = [
        _check("home page", "P" * 12, {1: good("/", 0, 84), 12: good("/", 110_000, 91)}),
        _check(
            "what a checkout costs",
            "PPPFPPFPPFPP",
            {
                1: good("/api/checkout", 100, 210),
                4: bad(4, 30_100),
                7: bad(7, 60_100),
                12: good("/api/checkout", 110_100, 190),
            },
            "expected status 200, got 503",
        ),
        _check(
            "5xx rate",
            "--?P?FFFFFFF",
            {
                6: [
                    _try(
                        *(1, "failed", "metric 100 * FILL(errors, 0) / requests over 5m", 50_200, 180),
                        _line("not > 1.0 %", metric, "failed"),
                        status=None,
                    )
                ]
            },
            metric,
        ),
        _check(
            "books are listed",
            "PPFPPPPPPPPP",
            {1: good("/api/books", 200, 133)},
            "expected status 200, got 502",
            severity="advisory",
        ),
        _check("prices are right", "PPPPEEPPPPPP", {}, 'the name "prices.internal" could not be resolved'),
    ]
    bake = {
        "initial_delay_ms": 0,
        "window_ms": 110_000,
        "every_ms": 10_000,
        "failure_limit": 2,
        "error_limit": 2,
        "rounds": 12,
        "starts_ms": [10_000 * number for number in range(12)],
        "completed": True,
    }
    reasons = [
        f'check "5xx rate" failed 7 of 12 rounds, limit 2; last: {metric}',
        'check "what a checkout costs" failed 3 of 12 rounds, limit 2; last: expected status 200, got 503',
    ]
    notes = ["Values of 12 rounds in the middle were left out, as all that is kept takes at most 8 MiB."]
    return _report("post-traffic", reasons, 110_400, checks, bake=bake, seed=None, notes=notes)


RUNS = {"before-traffic": before_traffic, "under-traffic": under_traffic}
