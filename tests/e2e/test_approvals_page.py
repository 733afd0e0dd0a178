"""The decision page in a real browser, at the width of a phone and of a desk, without JavaScript."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from browser import DESKTOP, PHONE, chromium
from cases import Waiting
from change_sets import REMOVED, REPLACED, ROLE, big_change_set
from playwright.sync_api import Browser, BrowserContext, Page
from world import World, paths

SCREENSHOTS = paths.LOCAL / "screenshots"
# Where a finger can hit it (WCAG 2.2, target size).
FINGER = 24
READABLE = 12


@pytest.fixture(scope="module")
def browser(world: World) -> Iterator[Browser]:
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    with chromium(world.url, world.door.host) as browser:
        yield browser


@pytest.fixture(params=[PHONE, DESKTOP], ids=["phone", "desktop"])
def width(request: pytest.FixtureRequest) -> dict[str, int]:
    return dict(request.param)


@pytest.fixture
def context(browser: Browser, width: dict[str, int]) -> Iterator[BrowserContext]:
    """A browser that runs no script."""
    made = browser.new_context(viewport=width, java_script_enabled=False, ignore_https_errors=True)  # type: ignore[arg-type]
    with made:
        yield made


def test_the_page_shows_what_is_decided_and_its_form_decides(
    context: BrowserContext, width: dict[str, int], waiting: Waiting
) -> None:
    case = waiting("usual", prepare=big_change_set(30), stack="page", comment="Check the dashboards first.")
    page = context.new_page()
    _open(page, case.links()["approve"])
    shot(page, "asks", width)
    _check_layout(page, width)
    _check_access(page)
    text = page.inner_text("body")
    for needed in (case.name, "Approval", "Check the dashboards first.", "1.1.0"):
        assert needed in text, text
    places = [text.index(name) for name in (REMOVED, REPLACED, ROLE, "Parameter000")]
    assert places == sorted(places), "what is dangerous does not stand on top"

    page.fill("textarea", "Seen it, <b>fine</b>")
    page.click("form button[type=submit], form button:not([type])")
    page.wait_for_load_state()
    shot(page, "decided", width)
    _check_layout(page, width)
    status, summary = case.decided()
    assert status == "Succeeded"
    assert "Seen it, <b>fine</b>" in summary
    assert "approved" in page.inner_text("body").lower()
    assert page.query_selector("form") is None


def test_a_rejection_asks_for_its_reason(context: BrowserContext, width: dict[str, int], waiting: Waiting) -> None:
    case = waiting("reasons")
    page = context.new_page()
    _open(page, case.links()["reject"])
    shot(page, "asks-no", width)
    _check_layout(page, width)
    page.fill("textarea", "Not on a Friday")
    page.click("form button[type=submit], form button:not([type])")
    page.wait_for_load_state()
    assert case.decided()[0] == "Failed"
    assert "rejected" in page.inner_text("body").lower()


def test_a_page_of_something_over_and_one_of_nothing(
    world: World, context: BrowserContext, width: dict[str, int], waiting: Waiting
) -> None:
    case = waiting("usual")
    link = case.links()["approve"]
    case.pipeline.answer_in_console(case.token, "Rejected", "found a fault", user="console-user")
    case.decided()
    page = context.new_page()
    _open(page, link)
    shot(page, "over", width)
    _check_layout(page, width)
    assert "console-user" in page.inner_text("body")
    page.goto(f"https://{world.door.host}/d/nothing.here")
    shot(page, "nothing", width)
    _check_layout(page, width)


def _open(page: Page, link: str) -> None:
    problems: list[str] = []
    page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    page.on("requestfailed", lambda request: problems.append(request.url))
    answer = page.goto(link)
    assert answer and answer.status == 200, answer
    assert problems == [], "the page's own policy stops something of it, or it loads something"


def shot(page: Page, name: str, width: dict[str, int]) -> Path:
    """For people to look at."""
    path = SCREENSHOTS / f"decision-{name}-{width['width']}.png"
    page.screenshot(path=path, full_page=True)
    return path


def _check_layout(page: Page, width: dict[str, int]) -> None:
    assert page.evaluate("document.documentElement.scrollWidth") <= width["width"], "one must scroll sideways"
    for control in page.query_selector_all("button, textarea, input:not([type=hidden])"):
        box = control.bounding_box()
        assert box, "a control that can't be seen"
        assert box["height"] >= FINGER and box["x"] >= 0 and box["x"] + box["width"] <= width["width"], box
    sizes = page.evaluate(
        "[...document.querySelectorAll('body *')].filter(e => e.innerText && !e.children.length)"
        ".map(e => parseFloat(getComputedStyle(e).fontSize))"
    )
    assert min(sizes) >= READABLE, f"text of {min(sizes)} px"


def _check_access(page: Page) -> None:
    """What assistive technology needs."""
    assert page.get_attribute("html", "lang")
    assert re.search(r"\S", page.title())
    assert len(page.query_selector_all("h1")) == 1
    assert len(page.query_selector_all("main")) == 1
    for field in page.query_selector_all("textarea, input:not([type=hidden])"):
        name = field.get_attribute("id")
        assert name and page.query_selector(f"label[for={name}]"), "a field without a label"
    viewport = page.get_attribute("meta[name=viewport]", "content") or ""
    assert "width=device-width" in viewport and "user-scalable=no" not in viewport
