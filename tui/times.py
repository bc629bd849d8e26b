"""The one clock and the one zone of all that is shown: a replay has another clock, the operator may choose the zone."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo


@dataclass
class Times:
    """`now` in unix seconds; `zone` is UTC, or None for that of this computer."""

    now: Callable[[], float] = time.time
    zone: tzinfo | None = UTC

    @property
    def name(self) -> str:
        """The zone in a word: `UTC` or `local`."""
        return "local" if self.zone is None else "UTC"

    def at(self, moment: float) -> datetime:
        """A moment in unix seconds, in the zone; in UTC where it would fall out of the calendar."""
        found = datetime.fromtimestamp(moment, UTC)
        try:
            return found.astimezone(self.zone)
        except OverflowError:
            return found

    def turn(self, local: bool) -> None:
        """Shows local time from now on, or UTC."""
        self.zone = None if local else UTC


TIMES = Times()
