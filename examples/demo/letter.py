"""Shows a message of Slack in the terminal, as its reader sees it: headings, lines, buttons."""

import html
import re
from typing import Any

from demo.screen import Screen

LINES = 32
EDGE = "│ "


def show(screen: Screen, blocks: list[dict[str, Any]], only_danger: bool = False) -> None:
    """Writes the message, or its dangerous lines, with an edge at its left; a very long one is cut, and says so."""
    lines = [line for block in blocks for line in _lines(block)]
    lines = [line for line in lines if line[0] == "bad" or not only_danger]
    for mood, text in lines[:LINES]:
        screen.framed(EDGE, text, mood)
    if len(lines) > LINES:
        screen.framed(EDGE, f"… and {len(lines) - LINES} more lines", "dim")


def words(blocks: list[dict[str, Any]]) -> str:
    """The message's words, without what its buttons and links lead to."""
    return "\n".join(text for block in blocks for _, text in _lines(block))


def _lines(block: dict[str, Any]) -> list[tuple[str, str]]:
    """The block's lines, each with its mood."""
    kind = block.get("type")
    if kind == "header":
        return [("loud", _plain(block["text"]))]
    if kind == "section":
        parts = [block[key] for key in ("text",) if key in block] + list(block.get("fields", []))
        return [(_mood(line), line) for part in parts for line in _plain(part).splitlines()]
    if kind == "context":
        return [("dim", _plain(element)) for element in block["elements"] if "text" in element]
    if kind == "actions":
        return [("time", "  ".join(f"[ {_plain(element['text'])} ]" for element in block["elements"]))]
    if kind == "input":
        return [("dim", f"{_plain(block['label'])}: ________")]
    return [("", "")] if kind == "divider" else []


def _plain(text: dict[str, Any]) -> str:
    """The words of a text object, without Slack's marks."""
    words = str(text.get("text", ""))
    if text.get("type") == "mrkdwn":
        words = re.sub(r"<([^|>]+)\|([^>]*)>", r"\2", words)
        words = re.sub(r"<(https?:[^>]+)>", r"\1", words)
        words = re.sub(r"(?<!\w)[*_`]([^*_`\n]+)[*_`](?!\w)", r"\1", words)
    return html.unescape(words)


def _mood(line: str) -> str:
    return "bad" if re.search(r"\b(REMOVES|REPLACES|MAJOR|DOWNGRADE|FAILED)\b", line) else ""
