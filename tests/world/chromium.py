"""A headless Chromium that listens for the DevTools protocol, for checks in a browser."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from world.paths import NotSetUp
from world.processes import Process

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
START_WITHIN = 30.0


def program() -> str | None:
    """The browser of this machine, if it has one."""
    names = [os.environ["CHROMIUM"]] if os.environ.get("CHROMIUM") else NAMES
    return next(filter(None, map(shutil.which, names)), None)


@contextmanager
def listening() -> Iterator[str]:
    """The address at which it listens while this lasts."""
    found = program()
    if not found:
        raise NotSetUp("there is no Chromium; `tools/install.sh chromium` gets one or says how")
    # It makes a socket among the temporary files, whose path must be short.
    with tempfile.TemporaryDirectory(dir="/tmp", ignore_cleanup_errors=True) as folder:
        profile = Path(folder)
        command = [
            found,
            "--headless=new",
            "--no-sandbox",
            "--no-first-run",
            "--disable-dev-shm-usage",
            "--disable-background-networking",
            "--remote-debugging-port=0",
            f"--user-data-dir={profile}",
            "about:blank",
        ]
        process = Process("chromium", command, {**os.environ, "TMPDIR": folder}, profile / "log")
        try:
            # Two lines, when it listens: the port and the path.
            address = profile / "DevToolsActivePort"
            process.wait_until(lambda: address.exists() and address.read_text().count("\n") >= 1, START_WITHIN)
            port, path = address.read_text().split("\n")[:2]
            yield f"ws://127.0.0.1:{port}{path}"
        finally:
            process.stop()
