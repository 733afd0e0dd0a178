"""What the report looks like: two fixed runs on a phone and on a desk, light and dark, beside kept pictures.

`make screens` takes them anew, into `screens/`; look at each before you keep it."""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from browser import DESKTOP, PHONE
from fixed_runs import RUNS
from pictures import Difference, compared, photographed, photographer, reduced, save
from playwright.sync_api import Browser
from world import paths

KEPT = Path(__file__).with_name("screens")
TAKEN = paths.LOCAL / "screenshots" / "report"
WIDTHS = {"phone": PHONE["width"], "desk": DESKTOP["width"]}
SCHEMES = ("light", "dark")
MAX_BYTES = 150_000
# Set by `make screens`.
ANEW = bool(os.environ.get("SCREENS_ANEW"))

CHANGES = {
    "another colour of what failed": ":root { --failed: #6a2ab3 !important; --failed-wash: #efe6fa !important; }",
    "no bars": ".bar, .cell { visibility: hidden; }",
    "names on the right": ".name { text-align: right; }",
    "more room between rows": "summary { padding-top: 1.2rem !important; }",
    "no reasons": ".reasons { visibility: hidden; }",
}

# As other machines draw letters.
DRAWN = {
    "smoother": "body { filter: blur(.5px); }",
    "bolder": "* { -webkit-text-stroke: .3px; }",
    "a pixel further": ".page { transform: translate(-1px, 0); }",
    "closer": "* { font-kerning: none; }",
}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with photographer() as browser:
        yield browser


def page_of(run: str) -> str:
    """The page that the gates make of a run."""
    program = paths.BINARIES / "examples" / "report_page"
    report = json.dumps(RUNS[run]())
    return subprocess.run([str(program)], input=report, capture_output=True, text=True, check=True, timeout=30).stdout


def kept(run: str, width: str, scheme: str) -> bytes:
    return (KEPT / f"{run}-{width}-{scheme}.png").read_bytes()


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("run", RUNS)
def test_the_report_looks_as_it_did(browser: Browser, run: str, width: str, scheme: str) -> None:
    name = f"{run}-{width}-{scheme}.png"
    taken = photographed(browser, page_of(run), WIDTHS[width], scheme)
    save(TAKEN / name, taken)
    if ANEW:
        save(KEPT / name, reduced(browser, taken))
    assert (KEPT / name).stat().st_size <= MAX_BYTES
    difference = compared(browser, kept(run, width, scheme), taken)
    assert difference.is_the_same, f"{TAKEN / name} is not as tests/e2e/screens/{name}: {difference}"


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_of_colour_or_layout_is_seen(browser: Browser, change: str) -> None:
    for run, width in zip(RUNS, WIDTHS, strict=True):
        difference = difference_of(browser, run, width, CHANGES[change])
        assert not difference.is_the_same, f"{run} {width}: {difference}"


def difference_of(browser: Browser, run: str, width: str, style: str) -> Difference:
    taken = photographed(browser, page_of(run), WIDTHS[width], "light", style)
    return compared(browser, kept(run, width, "light"), taken)


@pytest.mark.parametrize("drawing", DRAWN)
def test_letters_that_are_drawn_otherwise_are_no_difference(browser: Browser, drawing: str) -> None:
    for run, width in zip(RUNS, WIDTHS, strict=True):
        difference = difference_of(browser, run, width, DRAWN[drawing])
        assert difference.is_the_same, f"{run} {width}: {difference}"
