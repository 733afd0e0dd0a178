"""A service that misbehaves at each address in one way, always the same: run as the one container of a task.

It also has accounts, as `examples/suites/journey.yaml` wants them. A release of it reads `PORT`, `SHOP_VERSION` and
`SHOP_PASSWORD`, and takes no orders while the file that its one argument names holds its version."""

import json
import os
import sys
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs

SLOW = 0.4
FOR_EVER = 3600
SESSION, FORM, CART = "session-1", "form-1", "cart-1"


class Service(ThreadingHTTPServer):
    """Remembers how often an address was asked, for those that come and go."""

    daemon_threads = True

    def __init__(self, port: int, version: str, password: str = "", switch: Path | None = None) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.version, self.password, self._switch = version, password, switch
        self.asked: Counter[str] = Counter()
        self.lock = threading.Lock()

    def is_broken(self) -> bool:
        """Whether somebody has switched this version off."""
        return self._switch is not None and self._switch.exists() and self._switch.read_text() == self.version

    def turn(self, path: str) -> int:
        """How often it has been asked before."""
        with self.lock:
            self.asked[path] += 1
            return self.asked[path] - 1


class Handler(BaseHTTPRequestHandler):
    """Answers."""

    protocol_version = "HTTP/1.1"
    server: Service

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Nothing."""

    def do_GET(self) -> None:
        match self.path.removesuffix("/") or "/":
            case "/slow":
                time.sleep(SLOW)
                self._say({"total": 7})
            case "/hanging":
                threading.Event().wait(FOR_EVER)
            case "/wrong-status":
                self._say({"error": "no database"}, 503)
            case "/wrong-body":
                self._say({"total": 0, "currency": None})
            case path if path.startswith("/flapping/"):
                # Of two requests the second one is refused; at `bad-first` the first one.
                is_bad = self.server.turn(path) % 2 == (0 if path.endswith("bad-first") else 1)
                self._say({"flaps": True}, 503 if is_bad else 200)
            case "/orders":
                self._say({"orders": []}, 503 if self.server.is_broken() else 200)
            case "/version":
                self._say({"version": self.server.version})
            case "/login":
                self._page(f'<form><input name=user><input name=csrf value="{FORM}"></form>')
            case "/" | "/health":
                self._page("<h1>Welcome</h1>")
            case _:
                self._say({"error": "no such page"}, 404)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0))).decode()
        match self.path:
            case "/login":
                form = {key: values[0] for key, values in parse_qs(body).items()}
                good = form.get("csrf") == FORM and form.get("password") == self.server.password
                cookie = {"set-cookie": f"session={SESSION}; Path=/; HttpOnly"} if good else {}
                self._say({"token": SESSION} if good else {"error": "wrong password"}, 200 if good else 403, cookie)
            case _ if f"session={SESSION}" not in self.headers.get("cookie", ""):
                self._say({"error": "log in first"}, 401)
            case "/cart":
                self._say({"cart": CART, "lines": 1}, 201)
            case "/pay":
                self._say({"paid": True}, 201 if json.loads(body)["cart"] == CART else 409)
            case _:
                self._say({"error": "no such page"}, 404)

    def do_DELETE(self) -> None:
        self._say({"emptied": True})

    def _page(self, html: str) -> None:
        self._send(html.encode(), "text/html; charset=utf-8", 200, {})

    def _say(self, value: object, status: int = 200, headers: dict[str, str] | None = None) -> None:
        self._send(json.dumps(value).encode(), "application/json", status, headers or {})

    def _send(self, body: bytes, kind: str, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {"content-type": kind, "content-length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    switch = Path(sys.argv[1]) if len(sys.argv) > 1 else None
    port, version = int(os.environ["PORT"]), os.environ["SHOP_VERSION"]
    Service(port, version, os.environ.get("SHOP_PASSWORD", ""), switch).serve_forever()
