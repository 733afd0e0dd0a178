"""Customers of the shop: steady production traffic, and a count of what they got."""

import http.client
import json
import threading
import time
from collections import Counter
from typing import Self

USER_AGENT = "customer"
ORDER = json.dumps({"book": 7, "quantity": 1})
VISITS = [("GET", "/", None), ("GET", "/api/books", None), ("POST", "/api/checkout", ORDER)]
# Each of the customers rests so long after each request.
PAUSE = 0.08
NO_ANSWER = 0


class Customers:
    """Some threads that browse and buy until they are stopped."""

    def __init__(self, port: int, customers: int = 4) -> None:
        self._port = port
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._got: list[tuple[float, int]] = []
        self._threads = [threading.Thread(target=self._shop, daemon=True) for _ in range(customers)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join(5)

    def got(self, since: float) -> Counter[int]:
        """How many answers of each status they got since then (`time.time`); 0 is no answer at all."""
        with self._lock:
            return Counter(status for at, status in self._got if at >= since)

    def _shop(self) -> None:
        while True:
            for method, path, body in VISITS:
                if self._stopping.wait(PAUSE):
                    return
                status = self._visit(method, path, body)
                with self._lock:
                    self._got.append((time.time(), status))

    def _visit(self, method: str, path: str, body: str | None) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=10)
        try:
            headers = {"User-Agent": USER_AGENT, "Content-Type": "application/json"}
            connection.request(method, path, body=body, headers=headers)
            answer = connection.getresponse()
            answer.read()
            return answer.status
        except (OSError, http.client.HTTPException):
            return NO_ANSWER
        finally:
            connection.close()


def errors(got: Counter[int]) -> int:
    """How many of the answers were none, or a server's error."""
    return sum(count for status, count in got.items() if status == NO_ANSWER or status >= 500)


def spoken(got: Counter[int]) -> str:
    """`812 answers: 540 × 200, 272 × 201`."""
    parts = [f"{count} × {status or 'no answer'}" for status, count in sorted(got.items())]
    return f"{got.total()} answers: {', '.join(parts)}" if parts else "no answers"
