"""A process under a hard limit of memory, as Lambda sets one: a cgroup where this machine lets us make one,
else a limit of the process's own data."""

import os
import resource
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

# The root of each kind of hierarchy, a file that only a real one has, and the file of the limit.
V2 = (Path("/sys/fs/cgroup"), "cgroup.controllers", "memory.max")
V1 = (Path("/sys/fs/cgroup/memory"), "memory.limit_in_bytes", "memory.limit_in_bytes")


@dataclass(frozen=True)
class Cage:
    """How a child is limited, and what it took at most."""

    kind: str
    enter: Callable[[], None]

    @staticmethod
    def peak(process: "subprocess.Popen[bytes]") -> int:
        """The most memory that the living process ever held, in MiB."""
        status = Path(f"/proc/{process.pid}/status").read_text(encoding="utf-8")
        held = next(line for line in status.splitlines() if line.startswith("VmHWM"))
        return int(held.split()[1]) // 1024


@contextmanager
def cage(mebibytes: int) -> Iterator[Cage]:
    """A limit for one child; whoever exceeds it is killed, or, without a cgroup, gets no more memory."""
    limit = mebibytes * 1024 * 1024
    group = _group(limit)
    if group is None:
        # Address space would count each thread's arena and stack; data counts what is really private.
        yield Cage("data limit", lambda: resource.setrlimit(resource.RLIMIT_DATA, (limit, limit)))
        return
    try:
        yield Cage("cgroup", lambda: (group / "cgroup.procs").write_text(str(os.getpid()), encoding="ascii") and None)
    finally:
        _leave(group)


def _leave(group: Path) -> None:
    """Removes the group as soon as its last process is gone."""
    for _ in range(50):
        try:
            group.rmdir()
        except OSError:
            time.sleep(0.1)
        else:
            return


def _group(limit: int) -> Path | None:
    for root, mark, name in (V2, V1):
        if not (root / mark).exists():
            continue
        group = root / f"deploy-hooks-{uuid.uuid4().hex[:8]}"
        try:
            group.mkdir()
        except OSError:
            continue
        try:
            (group / name).write_text(str(limit), encoding="ascii")
        except OSError:
            _leave(group)
            continue
        return group
    return None
