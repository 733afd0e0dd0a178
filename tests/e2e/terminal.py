"""A terminal as people have one, in tmux: what is typed into it, and what stands on its screen."""

import os
import shutil
import subprocess
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from world.paths import NotSetUp

COLUMNS, LINES = 100, 50
PROMPT = "ready>"


class Terminal:
    """One shell. Nothing of the user's settings is read."""

    def __init__(self, program: str, home: Path, path: Path) -> None:
        self._tmux = [program, "-L", f"test-{uuid.uuid4().hex[:8]}", "-f", os.devnull]
        env = {"PATH": f"{path}:{os.environ['PATH']}", "HOME": str(home), "LANG": "C.UTF-8", "TERM": "xterm-256color"}
        size = ("-x", str(COLUMNS), "-y", str(LINES))
        shell = f"env PS1='{PROMPT} ' bash --norc --noprofile"
        command = [*self._tmux, "-u", "new-session", "-d", "-c", str(home), *size, shell]
        subprocess.run(command, env=env, cwd=home, check=True, timeout=30)

    def close(self) -> None:
        """Ends the shell and all that runs in it."""
        subprocess.run([*self._tmux, "kill-server"], check=False, timeout=30, capture_output=True)

    def type(self, text: str) -> None:
        """Types a line."""
        self.keys("-l", text)
        self.keys("Enter")

    def keys(self, *keys: str) -> None:
        """Presses keys by tmux's names, such as `C-c`."""
        subprocess.run([*self._tmux, "send-keys", *keys], check=True, timeout=30)

    def screen(self) -> str:
        """What stands there, wrapped lines joined, with what has scrolled off."""
        command = [*self._tmux, "capture-pane", "-p", "-J", "-S", "-"]
        return subprocess.run(command, check=True, timeout=30, capture_output=True, text=True).stdout.rstrip()

    def wait_for(self, text: str, within: float = 60) -> str:
        """The screen as soon as this stands on it."""
        deadline = time.monotonic() + within
        while text not in (screen := self.screen()):
            if time.monotonic() > deadline:
                raise TimeoutError(f"{text!r} did not come in {within:.0f} s; the screen:\n{screen}")
            time.sleep(0.1)
        return screen

    def run(self, command: str, within: float = 60) -> tuple[str, int]:
        """Types a command and waits for its end; returns what it said and its exit code."""
        mark = uuid.uuid4().hex[:8]
        # The mark is put together by the shell, so that the line that was typed doesn't have it.
        self.type(f"{command}; echo {mark[:4]}''{mark[4:]} $?")
        screen = self.wait_for(f"{mark} ", within)
        said, _, code = screen.partition(f"{mark} ")
        return said.rpartition(PROMPT)[2].partition("\n")[2], int(code.split()[0])


@contextmanager
def terminal(home: Path, path: Path) -> Iterator[Terminal]:
    """A terminal in `home`, where programs in `path` are found."""
    program = shutil.which("tmux")
    if not program:
        raise NotSetUp("there is no tmux; `tools/install.sh tmux` gets it or says how")
    opened = Terminal(program, home, path)
    try:
        yield opened
    finally:
        opened.close()
