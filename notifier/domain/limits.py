"""Arithmetic of limits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from notifier.errors import ErrorCode, FieldError, NotifierError

MESSAGES_PER_SECOND = 50.0
MESSAGE_BURST = 100.0
TOLERATED_SECONDS = 10.0
BAD_MESSAGES_IN_A_ROW = 20


class Quota(NamedTuple):
    """Where a caller stands with a rate limit: its name, `limit` in `window` seconds, how many are `left`, and the
    seconds until all are free again."""

    name: str
    limit: int
    window: float
    left: int
    free_in: float


class OverLimit(NotifierError):
    """A rate limit was reached, and nothing was done."""

    def __init__(self, quota: Quota, errors: Sequence[FieldError]) -> None:
        text = f"at most {quota.limit} in {quota.window:g} s"
        super().__init__(ErrorCode.RATE_LIMITED, text, errors, retry_after=max(1.0, quota.free_in))
        self.quota = quota


class MessageBudget:
    """The limit on one client's messages: a token bucket of 50 a second and 100 at once (contract §4).

    Over it a message is refused; a client that goes on for 10 s is to be cut off.
    """

    __slots__ = ("_over_since", "_refused_at", "_tokens", "_updated", "bad_in_a_row")

    def __init__(self, now: float) -> None:
        """`now` is a monotonic time in seconds, as in every method."""
        self._tokens = MESSAGE_BURST
        self._updated = now
        self._over_since: float | None = None
        self._refused_at = now
        self.bad_in_a_row = 0

    def take(self, now: float) -> bool:
        """Takes a token for one more message; False where there is none."""
        self._tokens = min(MESSAGE_BURST, self._tokens + (now - self._updated) * MESSAGES_PER_SECOND)
        self._updated = now
        if self._tokens >= 1:
            self._tokens -= 1
            return True
        if self._over_since is None or now - self._refused_at > 1.0:  # a pause of a second ends an offence
            self._over_since = now
        self._refused_at = now
        return False

    def give_back(self) -> None:
        """Gives back the token that was taken last, before it is asked for again for the same message."""
        self._tokens += 1

    def exhausted(self, now: float) -> bool:
        """True for a client that has been over its budget for 10 s."""
        return self._over_since is not None and now - self._over_since >= TOLERATED_SECONDS
