"""What `make checkov` passes over has a reason that stands beside it."""

from pathlib import Path
from typing import Any

import pytest
from world import templates
from world.templates import ROOT, TARGET_ROLE, TEMPLATE

TEMPLATES = sorted({TEMPLATE, TARGET_ROLE, *(ROOT / "examples").rglob("*.yaml")} & set(ROOT.rglob("*.yaml")))


def _skips(path: Path) -> list[tuple[str, Any]]:
    text = path.read_text()
    if "AWSTemplateFormatVersion" not in text:
        return []
    resources = templates.load(path)["Resources"]
    return [
        (name, skip)
        for name, made in resources.items()
        for skip in made.get("Metadata", {}).get("checkov", {}).get("skip", [])
    ]


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(ROOT)))
def test_each_exception_has_a_reason(path: Path) -> None:
    for name, skip in _skips(path):
        assert set(skip) == {"id", "comment"} and len(skip["comment"]) > 15, (name, skip)


def test_lint_looks_for_weak_settings() -> None:
    makefile = (ROOT / "Makefile").read_text()
    lint = makefile.split("\nlint: ")[1].split("\n\n")[0]
    assert "$(MAKE) checkov" in lint
    assert "--skip-check" not in makefile, "an exception stands beside its resource"
