"""Builds the book of docs/SUMMARY.md into .local/book/html, and follows all its links.

Usage: book.py      (make docs)

The pages are laid out as in the repository, with what they link to beside them, so that each link leads to the same
place there and in the book. Exits with 1 where one leads nowhere.
"""

import os
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

ROOT = Path(__file__).resolve().parents[1]
SUMMARY = ROOT / "docs" / "SUMMARY.md"
BOOK = ROOT / ".local" / "book"
MDBOOK = Path(os.environ.get("MDBOOK", ROOT / ".tools" / "mdbook" / "bin" / "mdbook"))
LINK = re.compile(r"\]\(([^()\s]+)\)")


def pages() -> list[Path]:
    """The files of the summary, in its order."""
    return [(SUMMARY.parent / link).resolve() for link in LINK.findall(SUMMARY.read_text())]


def linked(page: Path) -> list[Path]:
    """The files and folders of the repository to which a page leads."""
    targets = [urlsplit(link) for link in LINK.findall(page.read_text())]
    paths = [(page.parent / unquote(it.path)).resolve() for it in targets if it.path and not it.scheme]
    return [path for path in paths if path.exists() and path.is_relative_to(ROOT)]


def lay_out(source: Path) -> None:
    """Copies the pages, and what they lead to; folders are led to by their lists of files."""
    known = pages()
    for page in known:
        _copy(page, source)
        for target in linked(page):
            if target.is_dir():
                for path in sorted(target.glob("*")):
                    if path.is_file() and path.suffix != ".md":
                        _copy(path, source)
                _list(target, source)
            elif target not in known:
                _copy(target, source)
    text = LINK.sub(lambda match: f"]({_from_root(match[1])})", SUMMARY.read_text())
    (source / "SUMMARY.md").write_text(text)


def _from_root(link: str) -> str:
    return str((SUMMARY.parent / link).resolve().relative_to(ROOT))


def _copy(path: Path, source: Path) -> None:
    place = source / path.relative_to(ROOT)
    place.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(path, place)


def _list(folder: Path, source: Path) -> None:
    names = sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))
    items = "".join(f'<li><a href="{name}">{name}</a></li>' for name in names)
    place = source / folder.relative_to(ROOT) / "index.html"
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(f"<!doctype html><title>{folder.name}</title><ul>{items}</ul>\n")


class _Page(HTMLParser):
    """The links and anchors of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.anchors: set[str] = set()
        self._within = 0

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attributes}
        if "id" in values:
            self.anchors.add(values["id"])
        # Only what the page itself says: the rest is mdBook's.
        if tag == "main":
            self._within += 1
        elif self._within and tag == "a" and "href" in values:
            self.links.append(values["href"])

    def handle_endtag(self, tag: str) -> None:
        if tag == "main":
            self._within -= 1


def broken(built: Path) -> list[str]:
    """Each link that leads nowhere, with its page."""
    read: dict[Path, _Page] = {}
    for path in sorted(built.rglob("*.html")):
        read[path] = _Page()
        read[path].feed(path.read_text())
    found = []
    for page in pages():
        path = built / page.relative_to(ROOT).with_suffix(".html")
        if path not in read:
            found.append(f"{page.relative_to(ROOT)}: it became no page")
            continue
        for link in read[path].links:
            if problem := _problem(link, path, read):
                found.append(f"{page.relative_to(ROOT)}: {link}: {problem}")
    return found


def _problem(link: str, page: Path, read: dict[Path, _Page]) -> str:
    parts = urlsplit(link)
    if parts.scheme:
        return ""
    target = (page.parent / unquote(parts.path)).resolve() if parts.path else page
    if target.is_dir():
        target = target / "index.html"
    if not target.exists():
        return "there is no such file"
    if parts.fragment and target in read and unquote(parts.fragment) not in read[target].anchors:
        return "the page has no such heading"
    return ""


def main() -> int:
    """Builds and checks."""
    shutil.rmtree(BOOK, ignore_errors=True)
    source = BOOK / "src"
    source.mkdir(parents=True)
    lay_out(source)
    shutil.copy(ROOT / "docs" / "book.toml", BOOK)
    subprocess.run([str(MDBOOK), "build", str(BOOK)], check=True)
    found = broken(BOOK / "html")
    print(*found, sep="\n", file=sys.stderr)
    print(f"{len(pages())} pages in {(BOOK / 'html' / 'index.html').relative_to(ROOT)}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
