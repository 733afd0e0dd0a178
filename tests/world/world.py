"""The whole local world as one context: up with `with`, down whatever happens."""

import shutil
import signal
import tempfile
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import FrameType, TracebackType
from typing import Self

from world import approvals, environments, paths, pipeline, stack
from world.approvals import Secrets
from world.approver import Door, Slack
from world.aws import Aws
from world.environments import Hours
from world.estate import Estate
from world.inbox import Inbox
from world.listener import Listener
from world.outcomes import Outcomes
from world.servers import Servers
from world.shop import Plan, Shop


class World:
    """The servers, the deployed functions, and what they tell."""

    def __init__(
        self,
        name: str,
        on_step: Callable[[str], None] = lambda _: None,
        config: Path = paths.APPROVALS,
        nights: Path | None = None,
        hours: Callable[[datetime], Hours] = Hours.around,
        images: Mapping[str, Path] | None = None,
        **parameters: str,
    ) -> None:
        """`on_step` hears what is being done; `config` is that of the approvals, `nights` that of environments
        that sleep, if there are any, at these `hours`; `images` are programs that stand for images, beside the
        sample shop; `parameters` overrides those of the template."""
        self._images = images
        self._name, self._on_step, self._config, self._parameters = name, on_step, config, parameters
        self._nights, self._hours = nights, hours
        self.secrets = Secrets()
        self._users: dict[str, Aws] = {}
        self._undo: list[Callable[[], object]] = []
        self._keep_logs = False

    def __enter__(self) -> Self:
        paths.check()
        paths.LOCAL.mkdir(exist_ok=True)
        self.home = Path(tempfile.mkdtemp(prefix=f"{self._name}-", dir=paths.LOCAL))
        # A plain `kill` must clean up as Ctrl-C does.
        before = signal.signal(signal.SIGTERM, _raise_exit)
        self._undo.append(lambda: signal.signal(signal.SIGTERM, before))
        try:
            self._bring_up()
        except BaseException as error:
            self._tear_down(failed=isinstance(error, Exception))
            if isinstance(error, Exception):
                error.add_note(f"the logs are in {self.home}")
            raise
        return self

    def _bring_up(self) -> None:
        self._on_step("starting MiniStack and local-aws")
        self.servers = Servers(self.home, self._images)
        self._undo.append(self.servers.stop)
        self.url, self.control = self.servers.url, self.servers.control
        self.aws = Aws(self.url)
        settings = approvals.prepare(self.servers, self.aws, self.secrets, self._config)
        if self._nights:
            self.hours = self._hours(datetime.now(UTC))
            settings |= environments.prepare(self.aws, self._nights.read_text(), self.hours)
        self._on_step("deploying template.yaml with SAM")
        self.stack = stack.deploy(self.aws, self.url, self.home, **(settings | self._parameters))
        self.inbox = Inbox(self.control, self.url)
        self.messages = self._listen(self.stack.approval_topic)
        self.list, self.chat = (self._listen(topic) for topic in settings["ChannelTopicArns"].split(","))
        self.door = Door(self.url, self.stack.decision_url)
        if self._nights:
            self.night_door = Door(self.url, self.stack.scheduler_url)
            self.night_slack = Slack(self.night_door, self.url, self.secrets.environments_slack_signing)
            self.estate = Estate(self.aws)
            self.night_news = self._listen(self.stack.environments_topic)
        self.slack = Slack(self.door, self.url, self.secrets.slack_signing)
        self.outcomes = Outcomes(self.aws, self.stack)
        self._undo.append(self.outcomes.stop)

    def _listen(self, topic: str) -> Listener:
        listener = Listener(self.aws, topic)
        self._undo.append(listener.stop)
        return listener

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._tear_down(failed=kind is not None and issubclass(kind, Exception))

    def shop(self, name: str, plan: Plan | None = None) -> Shop:
        """A shop that is not open yet."""
        return Shop(self.aws, self.servers.data, name, plan)

    def pipeline(self, name: str, plan: pipeline.Plan) -> pipeline.Pipeline:
        """A pipeline that is not made yet."""
        return pipeline.Pipeline(self.connect, self.control, name, plan)

    def connect(self, user: str) -> Aws:
        """Clients of somebody."""
        if user not in self._users:
            self._users[user] = Aws(self.url, user)
        return self._users[user]

    def now(self) -> datetime:
        """The virtual time."""
        return datetime.now(UTC) + timedelta(seconds=self.control.offset())

    def advance_to(self, instant: datetime, rates: str = "last") -> None:
        """Puts the virtual clock forward to an instant."""
        self.control.advance((instant - self.now()).total_seconds(), rates)

    def keep_logs(self) -> None:
        """Leaves the logs where they are when the world ends."""
        self._keep_logs = True

    def _tear_down(self, failed: bool) -> None:
        # A second Ctrl-C must not cut the cleaning short.
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            while self._undo:
                self._undo.pop()()
            if not failed and not self._keep_logs:
                shutil.rmtree(self.home, ignore_errors=True)
        finally:
            signal.signal(signal.SIGINT, before)


def _raise_exit(number: int, _: FrameType | None) -> None:
    raise SystemExit(128 + number)
