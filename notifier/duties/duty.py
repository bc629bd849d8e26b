"""Base class of background duties: start, stop and supervision; a subclass adds one round."""

from __future__ import annotations

import asyncio
import logging
import random
from abc import ABC, abstractmethod
from collections.abc import Callable

from notifier.errors import NotifierError

FIRST_BACKOFF = 0.2
MAX_BACKOFF = 10.0

log = logging.getLogger("notifier.duties")


class Duty(ABC):
    """Runs `round` repeatedly, `interval` seconds apart; an error is logged and counted, and the duty goes on."""

    name: str
    interval: float
    max_backoff = MAX_BACKOFF  # seconds between two tries at the most, however often it failed
    at_once = False  # True: the first round comes at the start rather than after an interval

    def __init__(self) -> None:
        self.last_error: str | None = None
        self.rounds = 0
        self.on_failure: Callable[[str], None] = lambda name: None
        self._failures = 0
        self._task: asyncio.Task[None] | None = None
        self._hurry = asyncio.Event()

    @abstractmethod
    async def round(self) -> None:
        """One round of the duty."""

    @property
    def healthy(self) -> bool:
        """True while the duty runs and its last round succeeded."""
        return self.last_error is None and self._task is not None and not self._task.done()

    def start(self) -> None:
        """Begins; returns at once."""
        self._task = asyncio.create_task(self._run(), name=f"duty {self.name}")

    async def stop(self) -> None:
        """Cancels the task, in the middle of a round if need be."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def hurry(self) -> None:
        """Starts the next round now; one that is under way is followed by another at once."""
        self._hurry.set()

    def hurry_after_failure(self) -> None:
        """Retries now after failures, and resets the back-off: the store is there again."""
        if self._failures or self.at_once:
            self._failures = 0
            self._hurry.set()

    async def _run(self) -> None:
        if not self.at_once:
            await self._pause(self.interval * random.uniform(0.5, 1.0))
        while True:
            await self._pause(await self._supervised_round())

    async def _supervised_round(self) -> float:
        """Does a round; the seconds until the next."""
        try:
            await self.round()
        except Exception as error:
            self._note_failure(error)
            self._failures += 1
            backoff: float = min(self.max_backoff, FIRST_BACKOFF * 2 ** min(self._failures, 10))
            return backoff * random.uniform(0.5, 1.0)
        self.rounds += 1
        self._succeed()
        return self.interval

    def _succeed(self) -> None:
        """Clears the last failure. A round that goes on for hours calls it once it does its work again."""
        self.last_error = None
        self._failures = 0

    def _note_failure(self, error: Exception) -> None:
        self.on_failure(self.name)
        self.last_error = str(error) or type(error).__name__
        if not isinstance(error, NotifierError):
            log.error("duty.failed", extra={"duty": self.name}, exc_info=error)
        elif self._failures == 0:
            log.warning("duty.waits", extra={"duty": self.name, "error": error.message})

    async def _pause(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._hurry.wait()
        except TimeoutError:
            return
        self._hurry.clear()
