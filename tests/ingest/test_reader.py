"""The reader's rules without brokers: offsets marked, partitions paused, given away and measured."""

import asyncio
import threading

import pytest
from confluent_kafka import KafkaError, KafkaException, TopicPartition

from notifier.errors import ErrorCode, NotifierError
from notifier.ingest.reader import Reader
from notifier.ingest.state import State
from tests.support import eventually

AWAY = NotifierError(ErrorCode.UNAVAILABLE, "the store is not available")
PLACES = [TopicPartition("orders", number) for number in (0, 1)]


class Message:
    """A message, or an error in its place."""

    def __init__(self, offset, partition=0, value=b"{}", error=None):
        self._facts = {"offset": offset, "partition": partition, "value": value, "error": error}
        self._facts |= {"topic": "orders", "timestamp": (1, 1_700_000_000_000)}

    def __getattr__(self, name):
        return lambda: self._facts[name]


class Consumer:
    """Notes what it is asked for; `messages` is what it has fetched."""

    def __init__(self, *messages):
        self.messages = list(messages)
        self.marked, self.paused, self.resumed, self.cached = [], [], [], []
        self.watermarks = (0, 100)
        self.away = False

    def poll(self, timeout):
        return self.messages.pop(0) if self.messages else None

    def consume(self, most, timeout):
        found, self.messages = self.messages[:most], self.messages[most:]
        return found

    def store_offsets(self, offsets):
        self.marked += [(place.partition, place.offset) for place in offsets]

    def pause(self, places):
        self.paused += [place.partition for place in places]

    def resume(self, places):
        self.resumed += [place.partition for place in places]

    def committed(self, places, timeout):
        return [TopicPartition(place.topic, place.partition, 40) for place in places]

    def get_watermark_offsets(self, place, timeout, cached):
        if self.away:
            raise KafkaException(KafkaError(KafkaError._TRANSPORT))
        self.cached.append(cached)
        return self.watermarks


class House:
    """A reader that has both partitions, and a store that can be away."""

    def __init__(self, *messages):
        self.stored, self.failures = [], []
        self.may_store = asyncio.Event()
        self.may_store.set()
        self.state = State()
        self.reader = Reader({}, "orders", self.store, self.state, asyncio.get_running_loop())
        self.consumer = self.reader._consumer = Consumer(*messages)
        self.reader._on_assign(self.consumer, PLACES)

    async def store(self, letters):
        await self.may_store.wait()
        if self.failures:
            raise self.failures.pop(0)
        self.stored += [(letter.source.partition, letter.source.offset) for letter in letters]

    async def turns(self, until):
        """Turns of the thread, until something is so."""
        thread = Turns(self.reader)
        thread.start()
        try:
            await eventually(lambda: thread.error or until(), "the turns")
        finally:
            thread.stopping.set()
            await asyncio.to_thread(thread.join)
        if thread.error:
            raise thread.error


class Turns(threading.Thread):
    def __init__(self, reader):
        super().__init__(daemon=True)
        self.reader, self.stopping, self.error = reader, threading.Event(), None

    def run(self):
        try:
            while not self.stopping.is_set():
                self.reader._turn()
        except Exception as error:
            self.error = error


async def test_offsets_are_marked_once_all_before_them_is_stored(loop):
    house = House(*(Message(offset, partition) for offset in (5, 6) for partition in (0, 1)))
    house.may_store.clear()
    await house.turns(lambda: house.reader._storing is not None)
    assert not house.consumer.marked
    house.may_store.set()
    await house.turns(lambda: house.consumer.marked)
    assert sorted(house.consumer.marked) == [(0, 7), (1, 7)]
    assert house.stored == [(0, 5), (1, 5), (0, 6), (1, 6)]


async def test_while_the_store_is_away_all_partitions_are_paused_and_the_batch_kept(loop):
    house = House(Message(5))
    house.failures = [AWAY, AWAY]
    await house.turns(lambda: house.state.paused and house.consumer.paused)
    assert house.state.report()["error"] != "" and not house.consumer.marked
    house.reader._retry_at = 0.0
    await house.turns(lambda: house.consumer.marked)
    assert house.stored == [(0, 5)] and house.consumer.marked == [(0, 6)]
    assert sorted(house.consumer.resumed) == sorted(set(house.consumer.paused)) and not house.state.paused


async def test_any_other_failure_ends_the_reader(loop):
    house = House(Message(5))
    house.failures = [RuntimeError("a defect")]
    with pytest.raises(RuntimeError, match="a defect"):
        await house.turns(lambda: False)
    assert not house.consumer.marked


async def test_a_partition_given_away_is_neither_marked_nor_stored_nor_resumed(loop):
    house = House(Message(5, 0), Message(8, 1))
    house.failures = [AWAY]
    await house.turns(lambda: house.state.paused and house.consumer.paused)
    house.reader._on_lost(house.consumer, PLACES[:1])
    assert house.state.partitions == 1
    house.consumer.messages.append(Message(6, 0))  # fetched before it went
    house.reader._retry_at = 0.0
    await house.turns(lambda: house.consumer.marked and not house.consumer.messages)
    assert house.stored == [(1, 8)] and house.consumer.marked == [(1, 9)] and house.consumer.resumed == [1]


async def test_what_is_stored_in_time_is_marked_before_its_partition_goes(loop):
    house = House(Message(5))
    house.may_store.clear()
    await house.turns(lambda: house.reader._storing is not None)
    house.may_store.set()
    await asyncio.to_thread(house.reader._on_revoke, house.consumer, PLACES)
    assert house.consumer.marked == [(0, 6)] and house.state.partitions == 0


async def test_the_lag_counts_from_what_is_stored_or_committed(loop):
    house = House()
    house.reader._measure()
    assert house.state.lag == 2 * 60 and house.consumer.cached == [True, True]
    house.reader._next["orders", 0] = 90
    house.state.paused, house.reader._measure_at = "away", 0.0  # nothing is fetched: the broker must be asked
    house.reader._measure()
    assert house.state.lag == 10 + 60 and house.consumer.cached[2:] == [False, False]
    house.consumer.away, house.reader._measure_at = True, 0.0
    house.reader._measure()
    assert house.state.lag == 70


async def test_the_lag_of_a_topic_that_was_cut_counts_what_is_left(loop):
    house = House()
    house.consumer.watermarks = (95, 100)
    house.reader._measure()
    assert house.state.lag == 2 * 5
    house.consumer.watermarks, house.reader._measure_at = (-1001, -1001), 0.0
    house.reader._measure()
    assert house.state.lag == 0


async def test_an_error_in_place_of_a_message_is_told_until_something_is_stored(loop):
    unknown = KafkaError(KafkaError.UNKNOWN_TOPIC_OR_PART)
    house = House(Message(0, error=unknown))
    house.state.running = True
    await house.turns(lambda: house.state.trouble)
    assert house.state.report()["error"] == unknown.str()
    house.consumer.messages.append(Message(5))
    await house.turns(lambda: house.consumer.marked)
    assert house.state.report()["status"] == "ok"


class Fatal:
    def fatal(self):
        return True

    def name(self):
        return "_FATAL"

    def str(self):
        return "fenced"


async def test_a_fatal_error_ends_the_reader(loop):
    house = House()
    house.reader._on_error(Fatal())
    with pytest.raises(NotifierError, match="Kafka: fenced"):
        await house.turns(lambda: False)
