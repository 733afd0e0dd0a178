"""Starts MiniStack and local-aws, which know each other's address."""

import http.client
import os
from collections.abc import Mapping
from pathlib import Path

from world import paths
from world.control import Control
from world.processes import Process, ProcessFailed, free_port

REGION = "us-east-1"
ACCOUNT = "000000000000"
START_WITHIN = 60.0
# What `faketime` sets: under it, everything here has the same false time.
FALSE_TIME = ("LD_PRELOAD", "FAKETIME", "FAKETIME_SHARED", "FAKETIME_DONT_FAKE_MONOTONIC", "DONT_FAKE_MONOTONIC")


def environment(endpoint: str, home: Path) -> dict[str, str]:
    """The environment of every child: nothing of the user's AWS, so no real account can be meant by mistake."""
    return {
        "PATH": f"{paths.TOOLS}:{os.environ.get('PATH', '')}",
        "HOME": str(home),
        "TMPDIR": str(home),
        "LANG": "C.UTF-8",
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "NO_PROXY": "127.0.0.1,localhost",
        **{name: os.environ[name] for name in FALSE_TIME if name in os.environ},
    }


class Servers:
    """The two processes; `url` is the one front door."""

    def __init__(self, home: Path, images: Mapping[str, Path] | None = None) -> None:
        """`images` are programs that stand for images, by the names of their repositories, beside the sample shop."""
        self.home = home
        self._images = {"shop": paths.BINARIES / "sample-shop", **(images or {})}
        self._processes: list[Process] = []
        self.data = home / "local-aws"
        self.data.mkdir()
        port = free_port()
        self.url = self._start_local_aws(f"http://127.0.0.1:{port}")
        self.control = Control(self.url)
        try:
            self._start_ministack(port)
        except BaseException:
            self.stop()
            raise

    def _start_local_aws(self, upstream: str) -> str:
        ready = self.home / "local-aws.url"
        program = paths.BINARIES / "local-aws"
        command = [
            str(program),
            *("--listen", "127.0.0.1:0", "--upstream", upstream),
            *("--data-dir", str(self.data), "--ready-file", str(ready)),
            *("--region", REGION, "--account", ACCOUNT),
            *(word for name, path in self._images.items() for word in ("--image", f"{name}={path}")),
        ]
        process = Process("local-aws", command, environment(upstream, self.home), self.home / "local-aws.log")
        self._processes.append(process)
        try:
            process.wait_until(lambda: ready.exists() and ready.read_text().strip() != "", START_WITHIN)
        except BaseException:
            self.stop()
            raise
        text = ready.read_text().strip()
        return text if text.startswith("http") else f"http://{text}"

    def _start_ministack(self, port: int) -> None:
        home = self.home / "ministack"
        home.mkdir()
        env = environment(self.url, home) | {
            "GATEWAY_PORT": str(port),
            "BIND_HOST": "127.0.0.1",
            "MINISTACK_ACCOUNT_ID": ACCOUNT,
            # A function that failed is run again after a second, not after Lambda's minute.
            "LAMBDA_ASYNC_RETRY_BASE_SECONDS": "1",
        }
        process = Process("MiniStack", [str(paths.MINISTACK)], env, self.home / "ministack.log")
        # Before local-aws, which waits for open connections.
        self._processes.insert(0, process)
        process.wait_until(lambda: _answers(port), START_WITHIN)

    def stop(self) -> None:
        """Ends both; nothing they started survives."""
        problems = []
        for process in self._processes:
            try:
                process.stop()
            except ProcessFailed as error:
                problems.append(str(error))
        self._processes.clear()
        if problems:
            raise ProcessFailed("; ".join(problems))


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", "/_ministack/health")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
