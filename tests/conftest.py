"""How tests are shared out where several processes run them, each with local worlds of its own."""

from pathlib import PurePosixPath

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

# Files of one world, or of one story that is looked at as a whole at its end.
TOGETHER = ("test_approvals", "test_env")


class ByWorld(LoadScopeScheduling):
    """Tests of one file, and files of one world, run in one process and in their order."""

    def _split_scope(self, nodeid: str) -> str:
        path = nodeid.split("::", 1)[0]
        name = PurePosixPath(path).name
        return next((shared for shared in TOGETHER if name.startswith(shared)), path)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> ByWorld:
    """Shares them out by world, whatever `--dist` says."""
    return ByWorld(config, log)
