"""Child processes that cannot outlive this one."""

import ctypes
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from itertools import count
from pathlib import Path

STOP_WITHIN = 5.0
_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None, use_errno=True)


class ProcessFailed(Exception):
    """A process ended, or did not come up."""


def _die_with_parent() -> None:
    # Should this process be killed outright, the kernel ends the child: the last of three nets, after
    # the context managers and the signal handlers.
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


class Process:
    """A server in a process group of its own, with its output in a file."""

    def __init__(self, name: str, command: list[str], env: dict[str, str], log: Path) -> None:
        self.name = name
        self.log = log
        with log.open("ab") as output:
            self._popen = subprocess.Popen(
                command,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=_die_with_parent,
            )

    def wait_until(self, ready: Callable[[], bool], within: float) -> None:
        """Returns when `ready` says so; fails with the log's tail when the process ends or time is over."""
        deadline = time.monotonic() + within
        while not ready():
            if self._popen.poll() is not None:
                raise ProcessFailed(f"{self.name} ended with status {self._popen.returncode}:\n{self.tail()}")
            if time.monotonic() > deadline:
                raise ProcessFailed(f"{self.name} was not ready after {within:.0f} s:\n{self.tail()}")
            time.sleep(0.05)

    def tail(self, lines: int = 20) -> str:
        """The end of its output."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def stop(self) -> None:
        """Asks the whole group to end, then kills what is left of it."""
        self._signal(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            self._popen.wait(STOP_WITHIN)
        # Also when the leader has gone: what it left behind is in its group.
        self._signal(signal.SIGKILL)
        self._popen.wait()

    def _signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self._popen.pid, number)


# Below the ports that the system gives to sockets which ask for any, and to clients: nobody else takes one of
# these before the program that it is meant for opens it.
_PORTS = count(10_240 + os.getpid() * 137 % 20_000)


def free_port() -> int:
    """A port of loopback on which nobody listens, given once by this process."""
    for port in _PORTS:
        with socket.socket() as s, suppress(OSError):
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            s.bind(("127.0.0.1", port))
            return port
    raise AssertionError("a count does not end")
