"""The state of the connection: answering or not, since when, and the time of the next try. Pure: the time is given."""

from __future__ import annotations

from enum import Enum

BACKOFF = (1.0, 2.0, 4.0, 5.0)  # seconds: a server that is back is shown within ten
JITTER = 0.2  # of the wait, either way: many dashboards must not come back in step


class State(Enum):
    """The states of the connection."""

    CONNECTING = "connecting"
    LIVE = "live"
    UNAVAILABLE = "unavailable"  # it answers, and says that its store is away
    OFFLINE = "offline"
    REFUSED = "refused"  # it no longer takes the token


class Link:
    """The connection as a whole, judged by the regular fetch of the figures. Times are monotonic seconds."""

    def __init__(self) -> None:
        self.state = State.CONNECTING
        self.reason = ""
        self._tries = 0
        self._fresh_at: float | None = None
        self._retry_at = 0.0

    def answered(self, now: float) -> bool:
        """The server answered; says whether that is a change."""
        changed = self.state is not State.LIVE
        self.state, self.reason, self._tries, self._fresh_at = State.LIVE, "", 0, now
        return changed

    def failed(self, state: State, reason: str, now: float, chance: float) -> float:
        """The server did not answer well; `chance` in 0…1 spreads the wait. Returns the seconds to wait."""
        wait = BACKOFF[min(self._tries, len(BACKOFF) - 1)] * (1 + JITTER * (2 * chance - 1))
        self.state, self.reason, self._retry_at = state, reason, now + wait
        self._tries += 1
        return wait

    @property
    def live(self) -> bool:
        """True after a fetch that succeeded."""
        return self.state is State.LIVE

    @property
    def stale(self) -> bool:
        """True where the data shown may be out of date."""
        return self.state not in (State.LIVE, State.CONNECTING)

    def retry_in(self, now: float) -> int:
        """Whole seconds until the next try, at least 0."""
        return max(0, round(self._retry_at - now))

    def age(self, now: float) -> float | None:
        """Seconds since the last good answer; None before the first."""
        return None if self._fresh_at is None else now - self._fresh_at
