"""Customers of a shop: steady traffic on the production listener, each request remembered."""

import http.client
import itertools
import json
import threading
import time
from collections import Counter
from dataclasses import dataclass
from typing import Self

ORDER = json.dumps({"book": 7, "quantity": 1})
USER_AGENT = "customer"


@dataclass(frozen=True)
class Visit:
    """One request; status 0: the connection failed."""

    at: float
    path: str
    status: int
    version: str


class Customers:
    """One thread that looks which version serves, twice, and buys a book.

    Three in turn, as the load balancer deals a share of 10 % to every tenth request: with a number that divides
    ten, the same customer would always get it.
    """

    def __init__(self, port: int, every: float = 0.02) -> None:
        self._port, self._every = port, every
        self._stopping = threading.Event()
        self._visits: list[Visit] = []
        self._thread = threading.Thread(target=self._shop, name="customers", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join(15)

    def since(self, moment: float) -> list[Visit]:
        """The visits that began after that moment."""
        return [visit for visit in list(self._visits) if visit.at >= moment]

    def versions(self, since: float) -> Counter[str]:
        """How often each version answered since then."""
        return Counter(visit.version for visit in self.since(since) if visit.version)

    def _shop(self) -> None:
        for path in itertools.cycle(["/version", "/version", "/api/checkout"]):
            if self._stopping.wait(self._every):
                return
            at = time.monotonic()
            try:
                status, version = self._ask(path)
            except (OSError, http.client.HTTPException):
                status, version = 0, ""
            self._visits.append(Visit(at, path, status, version))

    def _ask(self, path: str) -> tuple[int, str]:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=10)
        headers = {"user-agent": USER_AGENT, "content-type": "application/json"}
        try:
            if path == "/version":
                connection.request("GET", path, headers=headers)
            else:
                connection.request("POST", path, body=ORDER, headers=headers)
            answer = connection.getresponse()
            body = answer.read()
        finally:
            connection.close()
        version = str(json.loads(body)["version"]) if path == "/version" and answer.status == 200 else ""
        return answer.status, version
