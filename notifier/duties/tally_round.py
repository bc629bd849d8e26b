"""Tally: shows the other workers of this machine, once a second, what this one has counted."""

from __future__ import annotations

from collections.abc import Callable

from notifier.duties.duty import Duty


class TallyRound(Duty):
    name = "tally"
    interval = 1.0
    at_once = True

    def __init__(self, publish: Callable[[], object]) -> None:
        """`publish` writes this worker's tally where the others read it."""
        super().__init__()
        self._publish = publish

    async def round(self) -> None:
        self._publish()
