"""The thread that speaks to Kafka.

It reads a batch while the one before is being stored, and marks a partition's offset only when all before it is
stored; librdkafka commits what is marked, every second, and whenever a partition is given away. While the store is
away the partitions are paused, not left: the thread goes on polling, so that the group keeps this pod.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import logging
import threading
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING

from notifier.errors import ErrorCode, NotifierError
from notifier.ingest.batch import Batch, Letter, Partition
from notifier.ingest.client_log import MAX_LINE, ClientLog
from notifier.ingest.messages import Source
from notifier.ingest.options import Options
from notifier.ingest.state import State, brokers_up

if TYPE_CHECKING:
    from confluent_kafka import Consumer, KafkaError, Message, TopicPartition

BATCH = 1000  # messages
POLL = 0.2  # seconds to wait for a message; nothing wakes the thread sooner when it is asked to stop
PAUSED_POLL = 0.1
STORE_WAIT = 0.25  # seconds without a poll while a batch is being stored
REVOKE_WAIT = 1.5  # seconds that a partition is kept for what is being stored; the store answers or fails within 1
LOOK_AGAIN = (0.1, 0.2, 0.5, 1.0)  # seconds between tries while the store is away
MEASURE_EVERY = 1.0
MEASURE_TIMEOUT = 0.5  # seconds for a broker to say how far a partition goes

Store = Callable[[Sequence[Letter]], Awaitable[None]]

log = logging.getLogger("notifier.kafka")


class Reader:
    """One membership of the group, from joining to leaving. All but `ask_to_stop` runs in its thread."""

    def __init__(
        self, options: Options, topic: str, store: Store, state: State, loop: asyncio.AbstractEventLoop
    ) -> None:
        """`store` is called on `loop`; it raises `NotifierError(unavailable)` while the store is away."""
        self._options = options
        self._topic = topic
        self._store = store
        self._state = state
        self._loop = loop
        self._stopping = threading.Event()
        self._backlog: deque[Batch] = deque()  # the first is being stored, or waits for the store
        self._storing: concurrent.futures.Future[None] | None = None
        self._failures = 0
        self._retry_at = 0.0
        self._measure_at = 0.0
        self._next: dict[Partition, int | None] = {}  # of our partitions: the first offset that is not stored
        self._paused: set[Partition] = set()
        self._fatal: KafkaError | None = None
        self._log = ClientLog()

    def ask_to_stop(self) -> None:
        """Makes the thread return once the batch under way is stored."""
        self._stopping.set()

    def run(self) -> None:
        """Reads until it is asked to stop; raises what it cannot go on after."""
        from confluent_kafka import Consumer

        callbacks = {"error_cb": self._on_error, "stats_cb": self._on_statistics, "logger": self._log}
        self._consumer: Consumer = Consumer({**self._options, **callbacks})
        try:
            self._consumer.subscribe(
                [self._topic], on_assign=self._on_assign, on_revoke=self._on_revoke, on_lost=self._on_lost
            )
            self._state.running = True
            while not self._stopping.is_set():
                self._turn()
            self._conclude(REVOKE_WAIT)
        finally:
            self._state.running = False
            self._consumer.close()  # commits what is marked, and leaves the group
            self._state.lag = self._state.partitions = self._state.brokers_up = 0

    # -- one turn

    def _turn(self) -> None:
        if self._state.paused:
            self._pause_all()
            self._read(PAUSED_POLL)
        elif self._storing is None:
            self._read(POLL)
        elif len(self._backlog) < 2:
            self._read(0)
        self._conclude(STORE_WAIT)
        self._submit()
        self._measure()
        if self._fatal is not None:
            raise NotifierError(ErrorCode.UNAVAILABLE, f"Kafka: {self._fatal.str()}")

    def _read(self, timeout: float) -> None:
        """Takes what has come, and serves the group; waits for the first message only."""
        first = self._consumer.poll(timeout)
        if first is None:
            return
        messages = [first, *self._consumer.consume(BATCH - 1, 0)]
        letters = [letter for message in messages if (letter := self._letter(message)) is not None]
        if letters:
            self._backlog.append(Batch(letters))

    def _letter(self, message: Message) -> Letter | None:
        error = message.error()
        if error is not None:
            self._note_trouble(error)
            return None
        topic, partition, offset = message.topic(), message.partition(), message.offset()
        if (topic, partition) not in self._next:
            return None  # given away since it was fetched
        source = Source(topic or "", partition or 0, offset or 0, message.timestamp()[1])
        raw = message.value()
        return Letter(source, raw.encode() if isinstance(raw, str) else raw)

    def _submit(self) -> None:
        if self._storing is None and self._backlog and time.monotonic() >= self._retry_at:
            letters = self._backlog[0].letters
            self._storing = asyncio.run_coroutine_threadsafe(_store(self._store, letters), self._loop)

    def _conclude(self, timeout: float) -> None:
        """Waits until the batch under way is stored, or has failed."""
        if self._storing is None or not concurrent.futures.wait([self._storing], timeout).done:
            return
        storing, self._storing = self._storing, None
        error = storing.exception()
        if error is None:
            self._mark(self._backlog.popleft())
            self._resume_all()
        elif isinstance(error, NotifierError) and error.code is ErrorCode.UNAVAILABLE:
            self._hold(error.message)
        else:
            raise error

    def _mark(self, batch: Batch) -> None:
        """Marks stored offsets for commit, of partitions that are still assigned to this instance."""
        ends = {partition: end for partition, end in batch.ends.items() if partition in self._next}
        if ends:
            self._consumer.store_offsets(offsets=[_place(partition, end) for partition, end in ends.items()])
            self._next.update(ends)
            self._state.trouble = ""

    # -- while the store is away

    def _hold(self, reason: str) -> None:
        if not self._state.paused:
            log.warning("kafka.paused", extra={"error": reason})
        self._state.paused = reason
        self._retry_at = time.monotonic() + LOOK_AGAIN[min(self._failures, len(LOOK_AGAIN) - 1)]
        self._failures += 1

    def _pause_all(self) -> None:
        fresh = self._next.keys() - self._paused
        if fresh:
            self._consumer.pause([_place(partition) for partition in fresh])
            self._paused |= fresh

    def _resume_all(self) -> None:
        self._failures = 0
        if self._state.paused:
            log.info("kafka.resumed")
            self._state.paused = ""
        ours = self._paused & self._next.keys()
        self._paused.clear()
        if ours:
            self._consumer.resume([_place(partition) for partition in ours])

    # -- the group

    def _on_assign(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        self._next |= {(partition.topic, partition.partition): None for partition in partitions}
        self._state.partitions = len(self._next)
        self._state.brokers_up = max(1, self._state.brokers_up)  # one has just spoken; statistics come later
        self._state.trouble = ""
        self._measure_at = 0.0
        log.info("kafka.assigned", extra={"partitions": sorted(p.partition for p in partitions)})

    def _on_revoke(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        self._conclude(REVOKE_WAIT)  # what is stored by then is committed before the partitions go
        self._give_up(partitions)
        log.info("kafka.revoked", extra={"partitions": sorted(p.partition for p in partitions)})

    def _on_lost(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        self._give_up(partitions)
        log.warning("kafka.lost", extra={"partitions": sorted(p.partition for p in partitions)})

    def _give_up(self, partitions: list[TopicPartition]) -> None:
        gone = {(partition.topic, partition.partition) for partition in partitions}
        for partition in gone:
            self._next.pop(partition, None)
        self._paused -= gone
        for batch in self._backlog:
            batch.drop(gone)
        self._state.partitions = len(self._next)

    # -- how it stands

    def _measure(self) -> None:
        now = time.monotonic()
        if now < self._measure_at:
            return
        self._measure_at = now + MEASURE_EVERY
        from confluent_kafka import KafkaException

        try:
            self._find_beginnings()
            self._state.lag = sum(self._lag_of(partition, begin) for partition, begin in self._next.items())
        except KafkaException as error:  # the figure of before stays; that a broker is away is told by the statistics
            log.debug("kafka.unmeasured", extra={"error": str(error)})

    def _find_beginnings(self) -> None:
        """Asks where the group stands in partitions of which nothing has been stored by us."""
        unknown = [_place(partition) for partition, begin in self._next.items() if begin is None]
        for found in self._consumer.committed(unknown, MEASURE_TIMEOUT) if unknown else ():
            if found.error is None:
                self._next[found.topic, found.partition] = max(0, found.offset)

    def _lag_of(self, partition: Partition, begin: int | None) -> int:
        # What is fetched tells how far a partition goes; nothing is fetched while it is paused.
        cached = not self._state.paused
        first, end = self._consumer.get_watermark_offsets(_place(partition), timeout=MEASURE_TIMEOUT, cached=cached)
        return max(0, end - max(begin or 0, first)) if end > 0 else 0

    def _on_statistics(self, text: str) -> None:
        self._state.brokers_up = brokers_up(text)

    def _on_error(self, error: KafkaError) -> None:
        self._log.say(logging.WARNING, error.name(), error.str())
        if error.fatal():
            self._fatal = error

    def _note_trouble(self, error: KafkaError) -> None:
        self._log.say(logging.WARNING, error.name(), error.str())
        self._state.trouble = error.str()[:MAX_LINE]


async def _store(store: Store, letters: Sequence[Letter]) -> None:
    await store(letters)


def _place(partition: Partition, offset: int | None = None) -> TopicPartition:
    from confluent_kafka import TopicPartition

    return TopicPartition(*partition) if offset is None else TopicPartition(*partition, offset)
