"""What the documents point at is there, and what the template takes stands in one of them."""

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from world.templates import ROOT, Json

DOCUMENTS = sorted(
    [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("crates/*/README.md"), *ROOT.glob("examples/**/*.md")]
)
FENCE = re.compile(r"^ {0,3}(```|~~~)")


def _prose(text: str) -> Iterator[str]:
    """The lines that are no code."""
    fenced = False
    for line in text.splitlines():
        if FENCE.match(line):
            fenced = not fenced
        elif not fenced and not line.startswith("    "):
            yield line


def _anchors(text: str) -> set[str]:
    """Those of its headings, as GitHub makes them."""
    seen: Counter[str] = Counter()
    anchors = set()
    for line in _prose(text):
        heading = re.match(r"#{1,6} +(.+?)[ #]*$", line)
        if not heading:
            continue
        shown = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading[1])
        slug = re.sub(r"[^\w\- ]", "", shown.lower()).replace(" ", "-")
        anchors.add(f"{slug}-{seen[slug]}" if seen[slug] else slug)
        seen[slug] += 1
    return anchors


def _links(text: str) -> list[str]:
    """What is linked within the repository."""
    prose = re.sub(r"`[^`\n]*`", "", "\n".join(_prose(text)))
    targets = re.findall(r"\]\(([^()\s]+)\)", prose) + re.findall(r"^\[[^\]]+\]: +(\S+)", prose, re.MULTILINE)
    return [target for target in targets if not re.match(r"[a-z]+:", target)]


def _broken(document: Path, text: str) -> list[str]:
    broken = []
    for link in _links(text):
        path, _, anchor = link.partition("#")
        target = (document.parent / path).resolve() if path else document
        if not target.exists() or not target.is_relative_to(ROOT):
            broken.append(f"{link}: there is no such file")
        elif anchor and anchor not in _anchors(text if target == document else target.read_text()):
            broken.append(f"{link}: the document has no such heading")
    return broken


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_within_the_repository_leads_somewhere(document: Path) -> None:
    assert not _broken(document, document.read_text())


def test_a_link_that_leads_nowhere_is_found() -> None:
    text = (
        "# One `two`: three\n\n## Same\n\n## Same\n\n"
        "[a](#one-two-three), [b](#same-1), [c](suite.md#secrets)\n\n"
        "```\n# no heading\n[no link](nowhere.md)\n```\n\n"
        "[d](#no-heading), [e](#same-2), [f](suite.md#nothing), [g](nowhere.md), [h](https://example.com/#x)\n"
    )
    broken = [line.partition(":")[0] for line in _broken(ROOT / "docs" / "verdict.md", text)]
    assert broken == ["#no-heading", "#same-2", "suite.md#nothing", "nowhere.md"]


def test_every_parameter_stands_in_a_document(template: Json) -> None:
    first_cells = [cell for path in sorted((ROOT / "docs").glob("*.md")) for cell in _first_cells(path.read_text())]
    explained = {name for cell in first_cells for name in re.findall(r"`([A-Z]\w+)`", cell)}
    assert not set(template["Parameters"]) - explained, "each has a row that says what it is"
    for name in (*template["Outputs"], *template["Parameters"]):
        assert name in explained, f"{name} stands in no table of docs/"


def _first_cells(text: str) -> Iterator[str]:
    """Those of all tables."""
    for line in text.splitlines():
        if line.lstrip().startswith("| "):
            yield line.split("|")[1]


def test_sample_events_name_functions_that_the_template_makes(resources: Json) -> None:
    made = {
        properties["FunctionName"]["Sub"].removesuffix("${FunctionNameSuffix}")
        for resource in resources.values()
        if "FunctionName" in (properties := resource.get("Properties", {})) and "CodeUri" in properties
    }
    assert "CodeDeployHook_post-traffic" in made
    events = {path.name: path.read_text() for path in sorted((ROOT / "events").glob("*.json"))}
    named = {
        (name, function) for name, text in events.items() for function in re.findall(r'"FunctionName": "([^"]+)"', text)
    }
    assert named
    assert {function for _, function in named} <= made, named
