"""Keeps what may happen a thousand times a second from filling the log."""

from __future__ import annotations


class Seldom:
    """Passes one in `seconds`, and counts the others."""

    __slots__ = ("_kept_back", "_next", "_seconds")

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._next = float("-inf")
        self._kept_back = 0

    def allows(self, now: float) -> int | None:
        """The number kept back since the last that passed; None when this one is kept back too."""
        if now < self._next:
            self._kept_back += 1
            return None
        kept_back, self._kept_back = self._kept_back, 0
        self._next = now + self._seconds
        return kept_back
