"""Problem watch: once a second this instance measures itself, and says what is wrong with it."""

from __future__ import annotations

from collections.abc import Callable

from notifier.duties.duty import Duty


class ProblemWatch(Duty):
    """A round is one look, without the store: it goes on while that is away."""

    name = "problem watch"
    interval = 1.0
    at_once = True

    def __init__(self, look: Callable[[], None]) -> None:
        super().__init__()
        self._look = look

    async def round(self) -> None:
        self._look()
