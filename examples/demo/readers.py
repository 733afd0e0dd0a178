"""Readers of the books service: steady production traffic, whose latency is a metric in CloudWatch, by version."""

import json
import threading
import time
import urllib.request
from typing import Self

from world import World
from world.native import PRODUCTION, NativeService

NAMESPACE, METRIC = "Shop", "Latency"
READERS = 8
# Each of the readers rests so long after each answer.
PAUSE = 0.25


class Readers:
    """Some threads that ask until they are stopped, and one that writes down each second how long answers took."""

    def __init__(self, world: World, service: NativeService) -> None:
        self._world, self._service = world, service
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._taken: dict[str, list[float]] = {}
        self._threads = [threading.Thread(target=self._read, daemon=True) for _ in range(READERS)]
        self._threads.append(threading.Thread(target=self._write, daemon=True))

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join(5)

    def _read(self) -> None:
        request = urllib.request.Request(f"http://127.0.0.1:{self._service.port}/version", headers={"Host": PRODUCTION})
        while not self._stopping.wait(PAUSE):
            began = time.monotonic()
            try:
                with urllib.request.urlopen(request, timeout=10) as answer:
                    version = str(json.load(answer)["version"])
            except OSError:
                continue
            with self._lock:
                self._taken.setdefault(version, []).append((time.monotonic() - began) * 1000)

    def _write(self) -> None:
        while not self._stopping.wait(1):
            with self._lock:
                taken, self._taken = self._taken, {}
            for version, milliseconds in taken.items():
                self._world.aws.cloudwatch.put_metric_data(
                    Namespace=NAMESPACE,
                    MetricData=[
                        {
                            "MetricName": METRIC,
                            "Dimensions": [
                                {"Name": "Service", "Value": self._service.name},
                                {"Name": "Version", "Value": version},
                            ],
                            "Unit": "Milliseconds",
                            "StorageResolution": 1,
                            "Values": milliseconds,
                            "Counts": [1] * len(milliseconds),
                        }
                    ],
                )
