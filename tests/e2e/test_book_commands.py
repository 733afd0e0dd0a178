"""What the book shows of the program: its help, its commands, and the files that it reads."""

import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import book
import pytest
import reference
import yaml
from world import paths

PROGRAM = str(paths.BINARIES / "deploy-hooks")
PAGES = [page for page in book.pages() if page.name != "CHANGELOG.md" and page.parent.name != "reference"]
FENCED = re.compile(r"^( *)```yaml\n(.*?)^\1```", re.MULTILINE | re.DOTALL)


def _run(*words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([PROGRAM, *words], capture_output=True, text=True, timeout=60)


@cache
def _help(words: tuple[str, ...]) -> str:
    done = _run(*words, "--help")
    return done.stdout if done.returncode == 0 else ""


def test_the_help_in_the_book_is_that_of_the_program() -> None:
    written = (reference.PAGES / "cli.md").read_text()
    assert written == reference.cli(paths.BINARIES / "deploy-hooks"), "run `make docs-reference`"


def _commands() -> Iterator[tuple[Path, list[str]]]:
    for page in PAGES:
        joined = re.sub(r"\\\n\s*", " ", page.read_text())
        lines = [line.strip() for line in joined.splitlines() if re.match(r" {4,}deploy-hooks ", line)]
        for found in lines + re.findall(r"`(deploy-hooks [^`]*)`", joined):
            yield page, re.sub(r"'[^']*'|\"[^\"]*\"", "TEXT", found.split(" #")[0]).split()[1:]


def test_commands_have_the_names_and_options_that_the_program_has() -> None:
    checked = 0
    for page, words in _commands():
        names: tuple[str, ...] = ()
        for word in words:
            if not re.fullmatch(r"[a-z][a-z-]*", word) or f"\n  {word} " not in _help(names):
                break
            names = (*names, word)
        assert names or words[0].startswith("--") or "…" in " ".join(words), (page, words)
        told = _help(names)
        for option in (word.split("=")[0] for word in words if word.startswith("--") and len(word) > 2):
            assert re.search(rf"{option}\b", told), (page, words, option)
        checked += 1
    assert checked > 60


def _files() -> Iterator[tuple[str, str]]:
    """Whole files of ours: with a version, and what makes them one kind or another."""
    for page in PAGES:
        for number, (indent, text) in enumerate(FENCED.findall(page.read_text())):
            whole = re.sub(rf"(?m)^{indent}", "", text)
            if whole.startswith(("version: 1\n", "# yaml-language-server")):
                yield f"{page.relative_to(paths.ROOT)}-{number}", whole


@pytest.mark.parametrize(("name", "text"), list(_files()), ids=[name for name, _ in _files()])
def test_files_in_the_book_are_right(name: str, text: str, tmp_path: Path) -> None:  # noqa: ARG001
    place = tmp_path / "file.yaml"
    place.write_text(text)
    keys = set(yaml.safe_load(text))
    if "routes" in keys:
        done = _run("approvals", "lint", str(place))
    elif "accounts" in keys:
        done = _run("env", "lint", str(place))
    else:
        assert "checks" in keys
        done = _run("validate", str(place))
    assert done.returncode == 0, done.stdout + done.stderr


def test_there_are_files_of_each_kind() -> None:
    kinds = ["routes" if "routes:" in text else "accounts" if "accounts:" in text else "checks" for _, text in _files()]
    assert min(kinds.count(kind) for kind in ("routes", "accounts", "checks")) >= 2, kinds


def test_the_steps_of_the_tutorial_that_need_no_world_work(tmp_path: Path) -> None:
    [text] = [
        text for page in PAGES if page.name == "tutorial.md" for _, text in FENCED.findall(page.read_text())
        if "checks:" in text
    ]  # fmt: skip
    suite = tmp_path / "shop.yaml"
    suite.write_text(text)
    for command in ("validate", "explain"):
        done = _run(command, str(suite))
        assert done.returncode == 0, done.stdout + done.stderr
