"""Records results of attempts: all of one turn of the event loop in one script, retried until the store has them."""

from __future__ import annotations

import asyncio
import logging

from notifier.domain.status import Status
from notifier.errors import NotifierError
from notifier.store.deliveries import Deliveries
from notifier.store.delivery_records import Finished

MOST = 500  # results in one script: others wait for the store meanwhile
BACKOFF = (0.05, 0.1, 0.2, 0.5, 1.0)

log = logging.getLogger("notifier.delivery")


class Recorder:
    """Collects results, and stores them in batches."""

    def __init__(self, deliveries: Deliveries) -> None:
        self._deliveries = deliveries
        self._waiting: list[tuple[Finished, asyncio.Future[Status | None]]] = []
        self._tasks: set[asyncio.Task[None]] = set()

    def finish(self, result: Finished) -> asyncio.Future[Status | None]:
        """Queues a result; the future holds, once it is stored, the new status, or None where the lease was lost."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Status | None] = loop.create_future()
        if not self._waiting:
            loop.call_soon(self._flush)
        self._waiting.append((result, future))
        return future

    def _flush(self) -> None:
        waiting, self._waiting = self._waiting, []
        for start in range(0, len(waiting), MOST):
            task = asyncio.ensure_future(self._store(waiting[start : start + MOST]))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _store(self, batch: list[tuple[Finished, asyncio.Future[Status | None]]]) -> None:
        """Retries until the store has it: a send must be recorded as sent, or it would be made again."""
        tries = 0
        while True:
            try:
                statuses = await self._deliveries.finish([result for result, _ in batch])
                break
            except NotifierError as error:
                if tries == 0:
                    log.warning("record.delayed", extra={"results": len(batch), "error": error.message})
                await asyncio.sleep(BACKOFF[min(tries, len(BACKOFF) - 1)])
                tries += 1
        for (_, future), status in zip(batch, statuses, strict=True):
            if not future.done():
                future.set_result(status)

    async def stop(self) -> None:
        """Gives up results that are not stored yet; their leases run out."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
