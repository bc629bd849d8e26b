"""Redis' clock, which alone judges what is due, expired or over: instances may disagree, and their clocks be wrong.

Scripts ask for it themselves (`TIME`). What is judged or stamped outside of one goes by the distance between Redis'
clock and this process' monotonic one, measured at each connect and with every heartbeat. Setting an instance's wall
clock thus changes nothing. All times that users see come from it too, so that `created_at`, `updated_at`, `sent_at`,
attempts and events of several instances stand in one order.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable

from notifier.store.redis.link import Reply

DRIFT = 200e-6  # seconds a second by which two clocks may part: twice what crystals are sold with
UNKNOWN = float("inf")


class StoreClock:
    """The clock of one store: on Redis Cluster that of the server which has the deliveries."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic, wall: Callable[[], float] = time.time) -> None:
        self._monotonic = monotonic
        self._wall = wall
        self._offset: float | None = None
        self._error = UNKNOWN
        self._measured_at = 0.0

    def now(self) -> float:
        """Unix seconds; before the first connect, this machine's."""
        return self._wall() if self._offset is None else self._monotonic() + self._offset

    def skew(self) -> float:
        """Seconds by which this machine's wall clock is ahead of Redis' clock; 0 before the first connect."""
        return 0.0 if self._offset is None else self._wall() - self.now()

    @property
    def error(self) -> float:
        """The seconds by which `now` may be wrong, infinite before the first connect."""
        return self._error + DRIFT * (self._monotonic() - self._measured_at)

    def earliest(self) -> float:
        """The earliest time that it can be there: what was due by then is due for certain."""
        return self.now() - self.error

    async def measure(self, ask: Callable[[], Awaitable[Reply]]) -> None:
        """Compares the clocks; `ask` gets the reply to `TIME`.

        A measurement that agrees with a closer one changes nothing; one that does not takes its place: the server's
        clock was set, or it is another server."""
        before = self._monotonic()
        seconds, micros = await ask()
        after = self._monotonic()
        offset = int(seconds) + int(micros) / 1e6 - (before + after) / 2
        error = (after - before) / 2
        if self._offset is None or error < self.error or abs(offset - self._offset) > error + self.error:
            self._offset, self._error, self._measured_at = offset, error, after
