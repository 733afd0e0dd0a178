"""What is answered to a request, without a socket."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

CATALOGUE = [
    {"id": 7, "title": "The Sea from Here", "cents": 1290},
    {"id": 9, "title": "Bread without Haste", "cents": 1850},
]


@dataclass(frozen=True)
class Answer:
    """What is sent back."""

    status: int
    content_type: str
    body: bytes


def answer(method: str, target: str, environment: Mapping[str, str]) -> Answer:
    """The answer to a request; `environment` says which version this is."""
    url = urlsplit(target)
    match method, url.path:
        case "GET", "/":
            titles = "".join(f"<li>{book['title']}</li>" for book in CATALOGUE)
            page = f"<!doctype html><html lang=en><title>Books</title><h1>Welcome</h1><ul>{titles}</ul>"
            return Answer(200, "text/html; charset=utf-8", page.encode())
        case "GET", "/health":
            return _json(200, {"status": "ok"})
        case "GET", "/version":
            return _json(200, {"version": environment.get("VERSION", "unknown")})
        case "GET", "/api/books":
            return _json(200, CATALOGUE)
        case "GET", "/api/price":
            return _price(parse_qs(url.query))
        case _:
            return _json(404, {"error": "there is nothing here"})


def _price(query: Mapping[str, list[str]]) -> Answer:
    wanted = query.get("book", [""])[0]
    found = next((book for book in CATALOGUE if str(book["id"]) == wanted), None)
    if found is None:
        return _json(404, {"error": f"there is no book {wanted!r}"})
    return _json(200, {"book": found["id"], "total": found["cents"] / 100})


def _json(status: int, value: Any) -> Answer:
    return Answer(status, "application/json", json.dumps(value).encode())
