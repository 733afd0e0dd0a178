"""`make world`: which service it runs, and that what it prints can be pasted."""

import re
import sys
from pathlib import Path

import pytest
from world.__main__ import EXPORTS, HINTS, SUITE, Wanted, _find


def test_without_more_it_is_the_shop() -> None:
    wanted = Wanted.read([])
    assert (wanted.name, wanted.images, wanted.health) == ("shop", {}, "/health")
    assert "name: shop" in wanted.suite


def test_a_program_stands_for_an_image(tmp_path: Path) -> None:
    suite = tmp_path / "books.yaml"
    suite.write_text("version: 1\n")
    program = f"my-books={sys.executable}"
    wanted = Wanted.read(["--image", program, "--suite", str(suite), "--health", "/up"])
    assert wanted.images == {"my-books": Path(sys.executable).resolve()}
    assert (wanted.suite, wanted.health) == ("version: 1\n", "/up")
    release = wanted.release("1.0.0")
    assert (release.image, release.settings) == ("my-books", {"VERSION": "1.0.0"})
    assert "http: GET /up" in Wanted.read(["--image", program, "--health", "/up"]).suite
    assert Wanted.read(["--image", program]).suite == SUITE.format(name="my-books", health="/health")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--image", "books"], "is not NAME=PROGRAM; write for example IMAGE=books=target/debug/books"),
        (["--image", "=x"], "is not NAME=PROGRAM"),
        (["--image", "a b=/bin/sh"], "is not NAME=PROGRAM"),
        (["--image", "books=/no/such"], "which is no program; build it first"),
        (["--image", f"books={__file__}"], "which is no program; build it first"),
        (["--image", "books=/bin/sh", "--suite", "/no/such.yaml"], "SUITE=/no/such.yaml is no file"),
    ],
)
def test_what_is_wrong_is_said(arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        Wanted.read(arguments)
    assert ended.value.code == 2
    assert sentence in capsys.readouterr().err


def test_what_is_printed_works_with_both_versions_of_the_aws_cli() -> None:
    """Version 1 reads AWS_DEFAULT_REGION; only version 2 has --cli-binary-format and `logs tail`."""
    assert "AWS_REGION=" in EXPORTS and "AWS_DEFAULT_REGION=" in EXPORTS
    assert "--cli-binary-format" not in HINTS and "logs tail" not in HINTS
    payloads = re.findall(r"--payload (\S+)", HINTS)
    assert payloads and all(payload.startswith("fileb://") for payload in payloads)


def test_the_id_of_an_execution_is_found_wherever_it_lies() -> None:
    assert _find({"a": 1, "details": {"deeper": {"id": "x"}}}, "id") == "x"
    assert _find({"a": {"b": 1}}, "id") is None
