"""The board of problems: memory of beginnings, what other instances tell, and a store that does not answer."""

import asyncio
import time

import msgspec
import pytest

from notifier.domain.problems import Kind, Problem, Signs, Thresholds
from notifier.errors import ErrorCode, NotifierError
from notifier.pod.problems import LINGER, SETTLE, ProblemBoard
from notifier.service.operate import PodReport
from notifier.store.delivery_records import Queue, Queues

LIMITS = Thresholds(0.5, 0.1, 0.1, 2.0, 1.0, 1000, 10, 10_000, 100)
WELL = Signs(True, None, False, False, (), None, 0.0, None, 0.0, None, (), {})


class House:
    """An instance named a, with a clock of its own."""

    def __init__(self):
        self.signs, self.now, self.lag, self.rates = WELL, 1000.0, 0, {}
        self.board = ProblemBoard(
            "a",
            lambda: self.signs,
            lambda: self.lag,
            lambda: self.rates,
            lambda: self.now,
            LIMITS,
            clock=lambda: self.now,
        )
        self.board.measure()
        self.now += SETTLE

    def kinds(self):
        self.board.measure()
        return [(one.kind, one.subject) for one in self.board.current()]


@pytest.fixture
def house():
    return House()


def pod(name, alive=True, problems=(), **more):
    raw = [msgspec.Raw(msgspec.json.encode(one)) for one in problems]
    return PodReport(pod_id=name, alive=alive, heartbeat_age_s=2.0, bus_lag=0, problems=raw, **more)


def queues(**changes):
    row = {"channel": "sms", "paused": False, "scheduled": 0, "retrying": 0, "held": {}, "waiting": {}, "leased": 0}
    return Queues([Queue(**{**row, "oldest": None, **changes})], 0, 0, 0)


def test_since_is_when_it_began_and_it_begins_anew(house):
    house.signs = WELL._replace(clock_skew=9.0)
    house.board.measure()
    begun, house.now = house.now, house.now + 60
    house.board.measure()
    assert [one.since for one in house.board.current()] == [begun]
    house.signs = WELL
    assert house.kinds() == []
    house.signs = WELL._replace(clock_skew=9.0)
    house.board.measure()
    assert [one.since for one in house.board.current()] == [house.now]


def test_what_was_measured_is_told_a_moment_longer(house):
    house.signs = WELL._replace(loop_lag=0.4, clock_skew=9.0)
    assert house.kinds() == [(Kind.LOOP_LAG, "a"), (Kind.CLOCK_SKEW, "a")]
    house.signs = WELL
    house.now += LINGER - 0.1
    assert house.kinds() == [(Kind.LOOP_LAG, "a")]
    house.now += 0.2
    assert house.kinds() == []


def test_others_are_told_at_once_of_what_begins_and_ends(house):
    told = []
    house.board.on_change = lambda: told.append(house.board.told().problems)
    house.board.measure()
    house.signs = WELL._replace(clock_skew=9.0)
    house.board.measure()
    house.signs = WELL._replace(clock_skew=8.0)
    house.board.measure()
    house.signs = WELL
    house.board.measure()
    assert [[one.kind for one in problems] for problems in told] == [[Kind.CLOCK_SKEW], []]


def test_kafka_and_duties_are_told_when_they_last(house):
    house.signs = WELL._replace(kafka="no broker can be reached", failing={"janitor": "x"})
    assert house.kinds() == []
    house.now += 3
    assert house.kinds() == [(Kind.KAFKA_AWAY, "")]
    house.now += 2
    assert house.kinds() == [(Kind.KAFKA_AWAY, ""), (Kind.DUTY_FAILING, "a janitor")]


def test_what_other_instances_tell_of_themselves(house):
    circuit = Problem(kind=Kind.CIRCUIT_OPEN, subject="sms", channel="sms", since=900.0)
    house.board.note_queues(queues(held={"circuit_open": 7}))
    house.board.note_pods([pod("a", problems=[circuit]), pod("b", problems=[circuit], kafka_lag=6000)])
    house.lag = 5000
    assert house.kinds() == [(Kind.CIRCUIT_OPEN, "sms"), (Kind.KAFKA_LAG, "")]
    assert house.board.current()[0].value == 7
    house.board.note_pods([pod("a"), pod("b")])
    assert house.kinds() == [(Kind.DELIVERIES_HELD, "sms")]


def test_kinds_of_a_later_version_are_left_out(house):
    report = pod("b")
    report.problems.append(msgspec.Raw(b'{"kind":"moon_full"}'))
    house.board.note_pods([report])
    assert house.kinds() == []


def test_sources_are_summed_over_the_instances(house):
    house.rates = {"loop": 60.0}
    house.board.note_pods([pod("b", sources={"loop": 50.0})])
    assert house.kinds() == [(Kind.FLOOD, "loop")]


def test_who_was_seen_alive_is_gone_since_then(house):
    told = []
    house.board.on_gone = told.append
    house.board.note_pods([pod("b"), pod("c", alive=False)])
    house.now += 4
    house.board.note_pods([pod("b", alive=False), pod("c", alive=False)])
    since = {one.subject: one.since for one in house.board.current()}
    assert since == {"b": house.now, "c": house.now - 4 - 2.0} and told == ["c", "b"]
    house.board.note_pods([pod("c", alive=False)])  # it left in order, or was forgotten
    assert house.kinds() == [(Kind.INSTANCE_GONE, "c")]


def test_nobody_is_gone_while_they_come_back_with_the_store(house):
    house.signs = WELL._replace(store_up=False)
    house.board.measure()
    house.signs = WELL
    house.board.measure()
    house.board.note_pods([pod("b", alive=False)])
    assert house.kinds() == []
    house.now += SETTLE
    house.board.note_pods([pod("b", alive=False)])
    assert house.kinds() == [(Kind.INSTANCE_GONE, "b")]


async def test_an_answer_reads_the_store_and_does_not_wait_for_one_that_hangs(house):
    house.board.read_store = fresh = Store(queues(paused=True))
    assert [one.kind for one in await house.board.look()] == [Kind.CHANNEL_PAUSED]
    house.board.read_store = hanging = Store(None)
    house.now += 2
    begun = time.monotonic()
    assert [one.kind for one in await house.board.look()] == [Kind.CHANNEL_PAUSED]
    await house.board.look()
    assert 0.4 < time.monotonic() - begun < 1.5
    assert (fresh.asked, hanging.asked) == (1, 1)  # the one question that is under way is enough
    hanging.answer.set_exception(NotifierError(ErrorCode.UNAVAILABLE, "away"))
    house.signs = WELL._replace(store_up=False)
    assert [one.kind for one in await house.board.look()] == [Kind.STORE_AWAY, Kind.CHANNEL_PAUSED]
    assert hanging.asked == 1


class Store:
    """Queues that are answered at once, or never."""

    def __init__(self, found):
        self.found, self.asked = found, 0
        self.answer = asyncio.get_running_loop().create_future()

    async def __call__(self):
        self.asked += 1
        return (self.found, []) if self.found is not None else await self.answer
