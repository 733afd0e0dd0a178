"""What a pull request runs by the examples for CI: their own command lines, with the program, on a service."""

import json
import os
import re
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml
from world import paths

EXAMPLES = paths.ROOT / "examples" / "ci"
SUITE = """
version: 1
name: shop
checks:
  - name: the home page renders
    http: GET /
    retries: 0
    expect: [{ status: 200 }, { body: { contains: Bookshop } }]
"""


class _Home(BaseHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Nothing."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"Bookshop")


@pytest.fixture
def url() -> Iterator[str]:
    """A release that answers."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Home) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@dataclass
class Checkout:
    """A repository with a suite, and the environment of a job."""

    folder: Path
    env: dict[str, str]

    def run(self, command: str) -> "subprocess.CompletedProcess[str]":
        """One step of the job."""
        shell = ["bash", "-e", "-o", "pipefail", "-c", command]
        return subprocess.run(shell, cwd=self.folder, env=self.env, capture_output=True, text=True, timeout=60)


@pytest.fixture
def checkout(tmp_path: Path, url: str) -> Checkout:
    """Where the job runs."""
    (tmp_path / "suites").mkdir()
    (tmp_path / "suites" / "shop.yaml").write_text(SUITE)
    path = f"{paths.BINARIES}{os.pathsep}{os.environ['PATH']}"
    summary = str(tmp_path / "summary.md")
    given = {"PATH": path, "URL": url, "SUITE": "suites/shop.yaml", "GITHUB_STEP_SUMMARY": summary}
    return Checkout(tmp_path, given)


def _read(name: str) -> Any:
    return yaml.safe_load((EXAMPLES / name).read_text())


def _steps() -> dict[str, str]:
    steps = _read("github-actions.yaml")["jobs"]["gate"]["steps"]
    return {step["name"]: step["run"] for step in steps if "run" in step}


def test_a_pull_request_on_github_shows_the_report_of_a_good_release(checkout: Checkout) -> None:
    steps = _steps()
    for name in ("Validate all suites", "Check the release", "Show the report"):
        done = checkout.run(steps[name])
        assert done.returncode == 0, (name, done.stdout, done.stderr)
    summary = (checkout.folder / "summary.md").read_text()
    assert summary.startswith("### shop, pre-traffic: passed\n") and "the home page renders" in summary


def test_a_bad_release_fails_the_job_and_its_report_is_shown_all_the_same(checkout: Checkout) -> None:
    suite = checkout.folder / "suites" / "shop.yaml"
    suite.write_text(SUITE.replace("Bookshop", "Teashop"))
    steps = _steps()
    assert checkout.run(steps["Check the release"]).returncode == 1
    assert checkout.run(steps["Show the report"]).returncode == 0
    summary = (checkout.folder / "summary.md").read_text()
    assert summary.startswith("### shop, pre-traffic: failed\n") and "Teashop" in summary


def test_a_wrong_suite_is_shown_beside_its_line_and_no_report_is_missed(checkout: Checkout) -> None:
    (checkout.folder / "suites" / "shop.yaml").write_text(SUITE.replace("status", "staus"))
    steps = _steps()
    done = checkout.run(steps["Validate all suites"])
    assert done.returncode == 3
    assert done.stdout.startswith("::error file=suites/shop.yaml,line=8,"), done.stdout
    assert checkout.run(steps["Show the report"]).returncode == 0


def test_a_build_of_codebuild_leaves_results_and_a_report(checkout: Checkout) -> None:
    phases = _read("buildspec.yaml")["phases"]
    commands = [command for phase in phases.values() for command in phase["commands"]]
    own = [command for command in commands if command.startswith("deploy-hooks ")]
    assert [command.split()[1] for command in own] == ["validate", "check"]
    for command in own:
        done = checkout.run(command)
        assert done.returncode == 0, (command, done.stdout, done.stderr)
    spec = _read("buildspec.yaml")
    [results] = spec["reports"]["deploy-hooks"]["files"]
    tests = re.findall(r'<testcase\b[^>]*? name="([^"]+)"', (checkout.folder / results).read_text())
    assert tests == ["the home page renders"]
    [report] = spec["artifacts"]["files"]
    assert "the home page renders" in (checkout.folder / report).read_text()


def test_both_examples_say_the_same() -> None:
    job, spec = _read("github-actions.yaml")["jobs"]["gate"], _read("buildspec.yaml")
    assert job["env"] == spec["env"]["variables"], json.dumps(job["env"])
