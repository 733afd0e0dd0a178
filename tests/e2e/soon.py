"""A service whose evening comes a few minutes after the world began, by the clock on the wall.

The web part of the function knows only that clock. So what its links wake must have slept by it, and not only
by the virtual one.
"""

from datetime import UTC, datetime
from typing import Any

from cases import link_payload
from nights import HOUR, MINUTE, Nights
from world import World
from world.estate import Estate, Plan
from world.outcomes import wait_for


class Soon:
    """The service, and the links of its notice."""

    def __init__(self, world: World, nights: Nights) -> None:
        self._world, self._nights = world, nights
        self.place = "dev-soon/web"
        # Not in the estate of the other tests, whose nights are other ones.
        self.estate = Estate(world.aws)
        now = datetime.now(UTC)
        self.evening = now.replace(second=0, microsecond=0) + 2 * MINUTE
        # Midnight has two names.
        if (self.evening.hour, self.evening.minute) == (0, 0):
            self.evening += MINUTE
        self.estate.make(self.place, Plan(1, schedule=f"Mon-Sun {self.evening + HOUR:%H:%M}-{self.evening:%H:%M}"))
        nights.run("tick", now)

    def link(self, wish: Any) -> str:
        """The link of the notice by which this can be asked for."""
        mail = self._world.inbox.wait_mail(self.place)
        return next(link for link in mail.links() if link_payload(link)["w"] == wish)

    def falls_asleep(self) -> None:
        """Waits for its evening; mostly it is over by then."""
        wait_for("the evening", lambda: datetime.now(UTC) > self.evening, within=180, every=0.5)
        # What it did in nights that are still to come, by this clock, says nothing.
        self._nights.forget(self.place)
        ran = self._nights.run("tick", datetime.now(UTC), only=self.place)
        assert not ran.failed, ran.value
        assert self.estate.look(self.place)["desiredCount"] == 0, ran.value
