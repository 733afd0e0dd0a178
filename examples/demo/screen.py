"""Writes the timeline: one line an event, with colours only where somebody looks at a terminal."""

import os
import sys
import textwrap
import time
from typing import TextIO

WHO_WIDTH = 14
# minutes:seconds.tenth, two spaces, who
INDENT = " " * (9 + WHO_WIDTH + 1)

COLOURS = {"good": "32", "bad": "31;1", "dim": "2", "loud": "1", "time": "36"}


class Screen:
    """The place the play is told at."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._started = time.monotonic()
        self._colours = out.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"
        self._width = os.get_terminal_size(out.fileno()).columns if out.isatty() else 140

    def line(self, who: str, what: str, *, mood: str = "", took: float | None = None) -> None:
        """One event: elapsed time, who, what, and how long it took."""
        minutes, seconds = divmod(time.monotonic() - self._started, 60)
        elapsed = f"{int(minutes):>2}:{seconds:04.1f}"
        length = "" if took is None else f" ({spoken_time(took)})"
        text = textwrap.wrap(
            f"{what}{length}", max(40, self._width - len(INDENT)), break_long_words=False, break_on_hyphens=False
        )
        head = f"{self.paint('time', elapsed)}   {self.paint('dim', who):<{WHO_WIDTH + self._extra('dim')}} "
        self._write(head + self.paint(mood, text[0]))
        for more in text[1:]:
            self._write(INDENT + self.paint(mood, more))

    def framed(self, edge: str, text: str, mood: str = "") -> None:
        """A line of something that is quoted, below the timeline's texts."""
        width = max(40, self._width - len(INDENT) - len(edge))
        for line in textwrap.wrap(text, width, break_on_hyphens=False) or [""]:
            self._write(INDENT + self.paint("dim", edge) + self.paint(mood, line))

    def heading(self, text: str) -> None:
        """A new chapter."""
        self._write("")
        self._write(self.paint("loud", f"── {text} " + "─" * max(3, min(self._width, 100) - len(text) - 4)))

    def text(self, text: str = "", mood: str = "") -> None:
        """Something beside the timeline."""
        self._write(self.paint(mood, text))

    def table(self, header: list[str], rows: list[list[str]]) -> None:
        """Columns, each as wide as its longest cell."""
        widths = [max(len(row[i]) for row in [header, *rows]) for i in range(len(header))]

        def joined(cells: list[str]) -> str:
            return "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()

        self._write(self.paint("loud", joined(header)))
        self._write(self.paint("dim", "  ".join("─" * width for width in widths)))
        for row in rows:
            self._write(joined(row))

    def paint(self, mood: str, text: str) -> str:
        """The text in the mood's colour."""
        if not self._colours or mood not in COLOURS:
            return text
        return f"\x1b[{COLOURS[mood]}m{text}\x1b[0m"

    def _extra(self, mood: str) -> int:
        return len(self.paint(mood, ""))

    def _write(self, text: str) -> None:
        print(text, file=self._out, flush=True)


def spoken_time(seconds: float) -> str:
    """`210 ms`, `4.2 s`, `1 min 5 s`."""
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if rest else f"{minutes} min"


def stdout_or_stderr(json_wanted: bool) -> TextIO:
    """The timeline makes room on standard output for a JSON summary."""
    return sys.stderr if json_wanted else sys.stdout
