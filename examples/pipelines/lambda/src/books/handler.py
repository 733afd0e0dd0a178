"""What Lambda calls."""

import os
from typing import Any

CATALOGUE = {7: ("The Sea from Here", 1290), 9: ("Bread without Haste", 1850)}


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """`{"action": "price", "book": 7}`, or `{"action": "version"}`."""
    match event:
        case {"action": "version"}:
            return {"version": os.environ.get("VERSION", "unknown")}
        case {"action": "price", "book": int(book)} if book in CATALOGUE:
            title, cents = CATALOGUE[book]
            return {"book": book, "title": title, "total": cents / 100}
        case _:
            return {"error": "there is no such book, or no such action"}
