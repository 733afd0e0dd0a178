"""The release package of the pre-traffic gate under Lambda's memory, against bodies, suites, AppSpecs and events
that are meant to take it all: it answers, and rightly. A killed process would leave CodeDeploy waiting for an hour."""

import os
import sys
from collections.abc import Callable, Iterator

import pytest
from hostile import hostile
from one_gate import APP_SPEC, EVENT, Given, Outcome, run, table

pytestmark = pytest.mark.skipif(
    os.environ.get("PACKAGES") == "quick",
    reason="these packages are unoptimised: `make test` measures the one that is built for Lambda",
)

SIZES = (256, 512)
ROWS: list[tuple[str, int, Outcome]] = []


def checks(url: str, expect: str, count: int = 10, more: str = "") -> str:
    """A suite of so many equal checks, with all defaults."""
    each = "".join(
        f"  - name: check {n}\n    http: GET /{url}\n    retries: 0\n{more}    expect: [{expect}]\n"
        for n in range(count)
    )
    return f"version: 1\nname: hostile\nchecks:\n{each}"


def aliases() -> str:
    """A small file whose aliases repeat a long text four thousand times."""
    names = ", ".join(["*long"] * 4000)
    head = "version: 1\nname: hostile\nvars: { a: &long '" + "x" * 100_000 + "' }\n"
    return head + f"checks: [{{ name: a, http: {{ url: /well, json: [{names}] }} }}]\n"


def one(path: str) -> str:
    """A suite of one check on JSON at this path."""
    return checks("well", f"{{ json: {{ path: '{path}', exists: true }} }}", 1)


# What it is, what AWS says of it, and the answers that are right.
ATTACKS: dict[str, tuple[Callable[[int], Given], set[str]]] = {
    "nothing": (
        lambda port: Given(checks("well", "{ json: { path: $.version, equals: 1.2.0 } }", 200), port),
        {"Succeeded"},
    ),
    # Judged, or refused for want of memory: both are right, being killed is not.
    "nested JSON": (
        lambda port: Given(checks("nested", "{ json: { path: '$[0][0]', equals: 0 } }"), port),
        {"Succeeded", "Failed"},
    ),
    "nested JSON, wrong": (
        lambda port: Given(checks("nested", "{ json: { path: '$[0][0]', equals: 1 } }"), port),
        {"Failed"},
    ),
    "gzip bomb": (lambda port: Given(checks("bomb", "{ body: { not_contains: error } }"), port), {"Failed"}),
    "gzip bomb as JSON": (lambda port: Given(checks("bomb", "{ json: { path: $, exists: true } }"), port), {"Failed"}),
    "24,000 headers": (
        lambda port: Given(checks("headers", "{ header: { name: x-h1, equals: w } }"), port),
        {"Failed"},
    ),
    "endless body": (lambda port: Given(checks("endless", "{ body: { contains: x } }"), port), {"Failed"}),
    "slow drip": (
        lambda port: Given(checks("drip", "{ body: { contains: x } }", more="    timeout: 2s\n"), port),
        {"Failed"},
    ),
    "aliases in the suite": (lambda port: Given(aliases(), port), {"Failed"}),
    "nested values in the suite": (
        lambda port: Given(f"version: 1\nname: a\nvars: {{ a: [{'[0],' * 200_000}0] }}\nchecks: []\n", port),
        {"Failed"},
    ),
    "1,000 parentheses": (lambda port: Given(one("$[?" + "(" * 1000 + "@.a" + ")" * 1000 + "]"), port), {"Failed"}),
    "20 nested filters": (lambda port: Given(one("$[?@" * 20 + ".a" + "]" * 20), port), {"Failed"}),
    "aliases in the AppSpec": (
        lambda port: Given(
            checks("well", "{ status: 200 }", 1),
            port,
            APP_SPEC + "Extra: [&a '" + "x" * 100_000 + "', " + ", ".join(["*a"] * 10_000) + "]\n",
        ),
        {"Failed"},
    ),
    "1 GiB as AppSpec": (
        lambda port: Given(checks("well", "{ status: 200 }", 1), port, app_spec_mebibytes=1024),
        {"Failed"},
    ),
    "event of 6 MB": (
        lambda port: Given(checks("well", "{ status: 200 }", 1), port, event=EVENT | {"Extra": [[0]] * 1_000_000}),
        {"Succeeded"},
    ),
}


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """The hostile service's."""
    with hostile() as port:
        yield port


@pytest.fixture(scope="module", autouse=True)
def _figures(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    # The figures are what people want to see of a run that passed.
    capture = request.config.pluginmanager.getplugin("capturemanager")
    with capture.global_and_fixture_disabled():
        # Standard output of a process beside others is not heard.
        print("\n" + table(ROWS), file=sys.stderr)


@pytest.mark.parametrize("mebibytes", SIZES)
@pytest.mark.parametrize("attack", ATTACKS)
def test_a_gate_under_hostile_input_answers_rightly_within_its_memory(attack: str, mebibytes: int, port: int) -> None:
    """It answers once, in time, with what is right, and lives."""
    given, right = ATTACKS[attack]
    outcome = run(given(port), mebibytes)
    ROWS.append((attack, mebibytes, outcome))
    assert outcome.exit_code is None, f"the process was killed: {outcome}"
    assert len(outcome.answers) == 1 and set(outcome.answers) <= right, outcome
    assert outcome.seconds < 25, outcome
    assert outcome.peak < mebibytes, outcome
