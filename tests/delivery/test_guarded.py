"""A provider behind its circuit: tries that are let through, timed, noted and told to the circuit."""

import asyncio
import uuid

import pytest

from notifier.delivery import guarded as module
from notifier.delivery.guarded import ATTEMPTS, Guarded, NotTried
from notifier.errors import ErrorCode, NotifierError
from notifier.providers.base import Message, ProviderError
from tests.providers.contract import ProviderContract


class Circuit:
    """A circuit of which nothing is known, or that is open for `wait` seconds; remembers what it is told."""

    def __init__(self):
        self.wait = None
        self.clear = False
        self.told = []
        self.away = False
        self.time = 1_800_000_000.0

    def now(self):
        return self.time

    def is_clear(self, name):
        return self.clear

    async def wait_of(self, name, recipient):
        return self.wait

    async def _tell(self, *facts):
        self.told.append(facts)
        if self.away:
            raise NotifierError(ErrorCode.UNAVAILABLE, "away")

    async def succeeded(self, name, recipient):
        await self._tell("succeeded", name, recipient)

    async def answered(self, name, recipient):
        await self._tell("answered", name, recipient)

    async def failed(self, name, recipient):
        await self._tell("failed", name, recipient)


@pytest.fixture
def circuit():
    return Circuit()


@pytest.fixture
def tried():
    ATTEMPTS.set(found := [])
    return found


@pytest.fixture
def message():
    identity = str(uuid.uuid4())
    return lambda: Message(identity, identity, "sms", "+1", "", "hi", {}, "high")


@pytest.fixture
def guard(circuit, scripted):
    scripted.seconds = []
    return Guarded(scripted, circuit, lambda channel, name, seconds: scripted.seconds.append((channel, name, seconds)))


class TestContract(ProviderContract):
    @pytest.fixture
    def make(self, guard, tried):
        async def once(message):
            ATTEMPTS.set(tried)
            return await Guarded.send(guard, message)

        guard.send = once
        return lambda: guard


async def send(guard, message, tried):
    ATTEMPTS.set(tried)
    return await guard.send(message)


ERRORS = [
    (None, "sent", "succeeded"),
    (ProviderError("connect"), "retry", "failed"),
    (ProviderError("rejected", permanent=True), "failed", "answered"),
    (ProviderError("recipient_refused", about_recipient=True), "retry", "answered"),
]


@pytest.mark.parametrize(("error", "outcome", "told"), ERRORS)
async def test_a_try_is_noted_and_told(guard, scripted, circuit, message, error, outcome, told):
    tried, scripted.script = [], [error]
    if error is None:
        await send(guard, message(), tried)
    else:
        with pytest.raises(ProviderError, match=error.reason):
            await send(guard, message(), tried)
    assert [(one.provider, one.outcome, one.error) for one in tried] == [("scripted", outcome, str(error or ""))]
    assert circuit.told == [(told, "scripted", "+1")]
    assert [facts[:2] for facts in scripted.seconds] == [("sms", "scripted")]
    assert (guard.figures.sent, guard.figures.failed) == (int(error is None), int(error is not None))


async def test_a_clear_circuit_is_told_of_failures_alone(guard, scripted, circuit, message):
    circuit.clear, scripted.script = True, [error for error, _, _ in ERRORS]
    for _ in ERRORS:
        await asyncio.gather(send(guard, message(), []), return_exceptions=True)
    assert circuit.told == [("failed", "scripted", "+1")]


async def test_an_open_circuit_lets_nothing_through(guard, scripted, circuit, message):
    tried, circuit.wait = [], 9.0
    with pytest.raises(NotTried) as raised:
        await send(guard, message(), tried)
    assert (raised.value.reason, raised.value.part, raised.value.retry_after) == ("circuit_open", "scripted", 9.0)
    assert (tried, scripted.taken, circuit.told) == ([], [], [])


async def test_a_host_of_its_own_has_a_circuit_of_its_own(guard, scripted, circuit, message):
    scripted.host = lambda message: "example.com:443"
    await send(guard, message(), [])
    assert circuit.told == [("succeeded", "scripted example.com:443", "+1")]


async def test_what_hangs_is_cut(guard, scripted, circuit, message, monkeypatch):
    monkeypatch.setattr(module, "SEND_TIMEOUT", 0.01)
    tried = []
    scripted.gate.clear()
    with pytest.raises(ProviderError, match="timeout: no answer within"):
        await send(guard, message(), tried)
    assert ([one.outcome for one in tried], circuit.told[0][0]) == (["retry"], "failed")


async def test_a_defect_is_a_failure_and_a_line_of_the_log(guard, scripted, circuit, message, caplog):
    async def broken(message):
        raise KeyError("a secret")

    scripted.send = broken
    with pytest.raises(ProviderError) as raised:
        await send(guard, message(), [])
    assert (str(raised.value), raised.value.permanent) == ("defect: KeyError", False)
    assert [one.getMessage() for one in caplog.records] == ["provider.defect"]


@pytest.mark.parametrize("error", [None, ProviderError("connect")])
async def test_a_store_that_is_away_changes_no_result(guard, scripted, circuit, message, caplog, error):
    circuit.away, scripted.script = True, [error]
    found = await asyncio.gather(send(guard, message(), []), return_exceptions=True)
    assert found == [error or f"sent-{message().key}"]
    assert [one.getMessage() for one in caplog.records] == ["breaker.not_told"]


async def test_its_rate_is_that_of_the_last_minute(guard, circuit, message):
    for _ in range(30):
        await send(guard, message(), [])
        circuit.time += 1.0
    assert guard.figures.rate == 0.5
    circuit.time += 60.0
    assert guard.figures.rate == 0.0
    assert len(guard.figures.latencies) == guard.figures.sent == 30


async def test_the_latest_tries_are_judged_and_those_under_way_with_them(guard, scripted, message, monkeypatch):
    clock = Clock()
    monkeypatch.setattr(module.time, "perf_counter", clock)
    assert guard.recent_p95() is None

    async def take(seconds):
        scripted.during = lambda: clock.pass_by(seconds)
        await send(guard, message(), [])

    scripted_send = scripted.send

    async def slow(message):
        scripted.during()
        return await scripted_send(message)

    scripted.send = slow
    await take(3.0)
    assert guard.recent_p95() is None  # one alone says nothing
    await take(0.1)
    assert guard.recent_p95() == pytest.approx(3.0)
    clock.pass_by(2.0)  # the slow one began more than five seconds ago
    await take(0.1)
    assert guard.recent_p95() == pytest.approx(0.1)
    held = asyncio.Event()

    async def hang(message):
        await held.wait()
        return ""

    scripted.send = hang
    tasks = [asyncio.ensure_future(send(guard, message(), [])) for _ in range(2)]
    await asyncio.sleep(0)
    clock.pass_by(9.0)
    assert guard.recent_p95() == pytest.approx(9.0)
    held.set()
    await asyncio.gather(*tasks)
    assert guard.recent_p95() is None


class Clock:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now

    def pass_by(self, seconds):
        self.now += seconds
