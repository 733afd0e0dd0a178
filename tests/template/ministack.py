"""MiniStack alone, for tests that need no more of AWS."""

from pathlib import Path

from world import paths
from world.aws import Aws
from world.processes import Process, free_port
from world.servers import ACCOUNT, START_WITHIN, environment


class MiniStack:
    """The process and its clients."""

    def __init__(self, home: Path, **settings: str) -> None:
        port = free_port()
        self.home, self.url = home, f"http://127.0.0.1:{port}"
        self.environment = environment(self.url, home)
        env = self.environment | {"GATEWAY_PORT": str(port), "BIND_HOST": "127.0.0.1", "MINISTACK_ACCOUNT_ID": ACCOUNT}
        self._process = Process("MiniStack", [str(paths.MINISTACK)], env | settings, home / "ministack.log")
        try:
            self.aws = Aws(self.url)
            self._process.wait_until(self._answers, START_WITHIN)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Ends it."""
        self._process.stop()

    def _answers(self) -> bool:
        try:
            self.aws.s3.list_buckets()
        except Exception:
            return False
        return True
