"""The tutorial of docs/suite.md, typed into a terminal as it stands there: from a URL to a green suite."""

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from terminal import Terminal, terminal
from world import paths
from world.processes import Process, free_port
from world.servers import environment

SECTION = "## Try it on your laptop"
FILE, URL = "shop.yaml", "http://localhost:8080"
FIVE_MINUTES = 300.0


def commands(file: Path, section: str = "") -> list[str]:
    """The commands of the first block that begins with the installation, without what is said beside them."""
    text = file.read_text()
    text = text[text.index(section) :]
    block = re.search(r"^    cargo install .*\n(?:    .*\n)+", text, re.MULTILINE)
    assert block, f"{file} no longer says how to begin"
    lines = [line.split("  #")[0].strip() for line in block[0].splitlines()]
    return [line for line in lines if line]


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    """Where the newcomer's service answers."""
    port = free_port()
    env = environment("http://127.0.0.1:9", tmp_path) | {"PORT": str(port), "SHOP_VERSION": "1.0.0"}
    shop = Process("sample-shop", [str(paths.BINARIES / "sample-shop")], env, tmp_path / "shop.log")
    try:
        yield f"http://localhost:{port}"
    finally:
        shop.stop()


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Terminal]:
    home = tmp_path / "home"
    home.mkdir()
    with terminal(home, paths.BINARIES) as opened:
        yield opened


def test_a_newcomer_with_a_url_has_a_green_suite_in_five_minutes(url: str, shell: Terminal, tmp_path: Path) -> None:
    install, init, validate, check = commands(paths.ROOT / "docs" / "suite.md", SECTION)
    # The program is built already: what is looked at begins with the first suite.
    assert install == "cargo install --locked --profile cli --path crates/cli"
    assert [line.split()[:2] for line in (init, validate, check)] == [
        ["deploy-hooks", "init"],
        ["deploy-hooks", "validate"],
        ["deploy-hooks", "check"],
    ]
    begun = time.monotonic()

    said, code = shell.run(init.replace(URL, url))
    assert code == 0, said
    assert FILE in said, said
    suite = tmp_path / "home" / FILE
    written = suite.read_text()
    assert "http: GET /" in written

    said, code = shell.run(validate)
    assert code == 0, said
    assert "error" not in said.lower(), said

    assert "--watch" in check.split()
    shell.type(check.replace(URL, url))
    screen = shell.wait_for("waiting for a change of shop.yaml; Ctrl-C ends")
    assert time.monotonic() - begun < FIVE_MINUTES
    green = screen.rpartition("--watch")[2]
    assert re.search(r"^passed after \d+", green, re.MULTILINE), green
    assert re.search(r"all \d+ required checks passed", green), green
    for name in re.findall(r'- name: "(.*)"', written):
        assert name in green, f"{name} is not on the screen:\n{green}"

    # A suite that is green whatever the service does would be no use.
    suite.write_text(written.replace("http: GET /", "http: GET /nowhere/", 1))
    screen = shell.wait_for("404").rpartition("--watch")[2]
    assert "failed" in screen.lower()
    shell.keys("C-c")
    said, code = shell.run(check.replace(URL, url).replace(" --watch", ""))
    assert code == 1, said


def test_the_readme_begins_with_the_same_commands() -> None:
    there = [line.replace(" --watch", "") for line in commands(paths.ROOT / "README.md")]
    tutorial = commands(paths.ROOT / "docs" / "suite.md", SECTION)
    expected = [line.replace(" --watch", "") for line in tutorial if " validate " not in line]
    assert there[: len(expected)] == expected
