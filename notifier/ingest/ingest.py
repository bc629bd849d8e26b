"""Deliveries from a Kafka topic: the thread that reads it, and what the event loop does with a batch."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Iterable, Sequence

from notifier.domain.deliveries import Draft
from notifier.errors import ErrorCode, NotifierError
from notifier.ingest.batch import Letter
from notifier.ingest.messages import read_message, undeliverable
from notifier.ingest.options import Options
from notifier.ingest.reader import Reader
from notifier.ingest.state import State
from notifier.service.accept import AcceptService, Undeliverable

LEAVE_WAIT = 5.0  # seconds; with no broker to take leave of, librdkafka waits for the whole session
CHUNK = 100  # messages stored by one script: longer, and others would notice that the store is busy

log = logging.getLogger("notifier.kafka")


class Ingest:
    """This pod's part in the consumer group."""

    def __init__(
        self,
        options: Options,
        topic: str,
        accept: AcceptService,
        note: Callable[[str, str], None] = lambda topic, user: None,
    ) -> None:
        """`note` is told of each delivery that is new, by topic and user."""
        self._note = note
        self._options = options
        self._topic = topic
        self._accept = accept
        self._reader: Reader | None = None
        self._end: asyncio.Future[None] | None = None  # of the reader's thread
        self._stopping = False
        self.state = State()

    async def keep_reading(self, seconds: float) -> None:
        """Sees to it that this pod reads, for so many seconds; raises what the reader could not go on after."""
        if self._stopping:
            await asyncio.sleep(seconds)
            return
        if self._end is None:
            self._end = self._start()
        await asyncio.wait([self._end], timeout=seconds)
        if self._end.done() and not self._stopping:
            end, self._end = self._end, None
            end.result()

    async def stop(self, timeout: float) -> None:
        """Waits until the batch under way is stored and committed, then leaves the group; `timeout` in seconds."""
        self._stopping = True
        if self._reader is None or self._end is None:
            return
        self._reader.ask_to_stop()
        timeout = min(timeout, LEAVE_WAIT)
        await asyncio.wait([self._end], timeout=timeout)
        if not self._end.done():  # what is not committed is read again, and found stored
            log.warning("kafka.stop_cut_short", extra={"after_s": timeout})
        elif (error := self._end.exception()) is not None:
            log.error("kafka.stop_failed", exc_info=error)

    def _start(self) -> asyncio.Future[None]:
        loop = asyncio.get_running_loop()
        end: asyncio.Future[None] = loop.create_future()
        self._reader = Reader(self._options, self._topic, self.store, self.state, loop)
        threading.Thread(target=_run, args=(self._reader, loop, end), name="kafka", daemon=True).start()
        return end

    async def store(self, letters: Sequence[Letter]) -> None:
        """Stores a batch, each message once however often this is repeated.

        Raises `NotifierError(unavailable)` while the store is away: then some of it may be stored.
        """
        chunks = [letters[first : first + CHUNK] for first in range(0, len(letters), CHUNK)]
        for first in range(0, len(chunks), 2):  # one is prepared while the store works on the other
            await asyncio.gather(*map(self._store_chunk, chunks[first : first + 2]))

    async def _store_chunk(self, letters: Sequence[Letter]) -> None:
        drafts: list[tuple[str, Draft]] = []
        sources: list[Letter] = []
        dead: list[Undeliverable] = []
        for letter in letters:
            read = read_message(letter.raw, letter.source)
            if isinstance(read, Undeliverable):
                dead.append(read)
            else:
                drafts.append(read)
                sources.append(letter)
        self.state.buried += await self._accept.bury(dead)
        try:
            await self._accept_counted(drafts)
        except NotifierError as error:
            if error.code is ErrorCode.UNAVAILABLE:
                raise
            await self._store_one_by_one(zip(drafts, sources, strict=True))

    async def _store_one_by_one(self, items: Iterable[tuple[tuple[str, Draft], Letter]]) -> None:
        """Stores each delivery alone: one that the store refuses must not hold up those after it."""
        for draft, letter in items:
            try:
                await self._accept_counted([draft])
            except NotifierError as error:
                if error.code is ErrorCode.UNAVAILABLE:
                    raise
                refused = undeliverable(letter.source, letter.raw or b"", "kafka_refused", error.message)
                self.state.buried += await self._accept.bury([refused])

    async def _accept_counted(self, drafts: Sequence[tuple[str, Draft]]) -> None:
        stored = await self._accept.accept(drafts)
        new = [draft for (_, draft), result in zip(drafts, stored, strict=True) if result.outcome == "stored"]
        self.state.stored += len(new)
        for draft in new:
            self._note(self._topic, draft.user_id or draft.recipient)


def _run(reader: Reader, loop: asyncio.AbstractEventLoop, end: asyncio.Future[None]) -> None:
    """The thread: how it ended is told to the event loop."""
    failure: Exception | None = None
    try:
        reader.run()
    except Exception as error:
        failure = error
    if not loop.is_closed():
        loop.call_soon_threadsafe(_settle, end, failure)


def _settle(end: asyncio.Future[None], failure: Exception | None) -> None:
    if end.done():
        return
    if failure is None:
        end.set_result(None)
    else:
        end.set_exception(failure)
