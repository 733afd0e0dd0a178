"""Each package is built with the others, and then alone by SAM: with the same features, nothing is linked twice."""

import re
import subprocess

import pytest
from world.templates import ROOT

FUNCTIONS = sorted(re.findall(r"^      CodeUri: crates/([\w-]+)$", (ROOT / "template.yaml").read_text(), re.MULTILINE))


def _features(*packages: str) -> set[str]:
    """The crates that these packages are made of, each with its features."""
    chosen = [word for package in packages for word in ("--package", package)]
    command = ["cargo", "tree", "--locked", "--edges", "no-dev", "--prefix", "none", "--format", "{p} {f}", *chosen]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=120)
    return {line.removesuffix("(*)").strip() for line in done.stdout.splitlines() if line.strip()}


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_package_has_the_same_features_alone_and_with_the_others(function: str) -> None:
    assert len(FUNCTIONS) > 1
    assert sorted(_features(function) - _features(*FUNCTIONS)) == []
