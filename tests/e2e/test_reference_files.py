"""The files of the reference pipelines, read by the program: suites, approvals, environments."""

import subprocess
from pathlib import Path

import pytest
from world import paths

FOLDERS = sorted(path.parent for path in paths.ROOT.glob("examples/pipelines/*/deploy-hooks"))


def _run(folder: Path, *words: str) -> str:
    program = str(paths.BINARIES / "deploy-hooks")
    done = subprocess.run([program, *words], cwd=folder, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda path: path.name)
def test_suites_are_right(folder: Path) -> None:
    suites = sorted(str(path) for path in (folder / "suites").glob("*.yaml"))
    assert suites
    assert _run(folder, "validate", *suites).count("right") == len(suites)


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda path: path.name)
def test_approvals_are_right_and_ask_two_people_for_production(folder: Path) -> None:
    assert "decide: 2 of" in _run(folder, "approvals", "lint", "deploy-hooks/approvals.yaml")


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda path: path.name)
def test_environments_are_right(folder: Path) -> None:
    if (folder / "deploy-hooks" / "environments.yaml").exists():
        week = _run(folder, "env", "plan", "--config", "deploy-hooks/environments.yaml", "--offline", "--week")
        assert "office" in week
