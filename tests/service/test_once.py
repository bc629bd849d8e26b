"""Idempotency keys: one answer per key, whatever becomes of the first request."""

import asyncio

import pytest

from notifier.domain.faults import Faults
from notifier.errors import ErrorCode, NotifierError
from notifier.service.once import IdempotencyKey, Once, read_idempotency_key
from notifier.store.idempotency import Idempotency

KEY = IdempotencyKey("shop", "notify", "k")
BODY = {"message": "m"}


@pytest.fixture
def once(loop, store):
    idempotency = Idempotency(store)
    yield Once(idempotency, 60.0)
    loop.run_until_complete(idempotency.stop())


class Maker:
    """Counts what it made; `gate` holds it up, `failure` is raised instead of an answer."""

    def __init__(self, answer=b'{"id": 1}', failure=None):
        self.seeds, self.answer, self.failure = [], answer, failure
        self.begun, self.gate = asyncio.Event(), asyncio.Event()
        self.gate.set()

    async def __call__(self, seed):
        self.seeds.append(seed)
        self.begun.set()
        await self.gate.wait()
        if self.failure is not None:
            raise self.failure
        return self.answer


async def test_a_repeat_is_given_the_first_answer_and_makes_nothing(once):
    first, second, repeats = Maker(), Maker(b"another"), []
    assert await once.once(KEY, BODY, first, lambda: repeats.append(1)) == (b'{"id": 1}', False)
    assert not await once.has_answer(KEY._replace(key="other")) and await once.has_answer(KEY)
    assert await once.once(KEY, BODY, second, lambda: repeats.append(2)) == (b'{"id": 1}', True)
    assert (len(first.seeds), second.seeds, repeats) == (1, [], [2])


@pytest.mark.parametrize("other", [KEY._replace(key="K"), KEY._replace(caller="other"), KEY._replace(route="batch")])
async def test_every_caller_and_route_has_keys_of_its_own(once, other):
    assert await once.once(KEY, BODY, Maker(b"1")) == (b"1", False)
    assert await once.once(other, BODY, Maker(b"2")) == (b"2", False)


async def test_another_request_under_the_key_is_refused(once):
    await once.once(KEY, BODY, Maker())
    other = Maker()
    with pytest.raises(NotifierError) as raised:
        await once.once(KEY, {"message": "other"}, other)
    assert raised.value.code is ErrorCode.INVALID and other.seeds == []


async def test_a_repeat_of_what_still_runs_is_told_to_wait(once):
    first, repeats = Maker(), []
    first.gate.clear()
    running = asyncio.ensure_future(once.once(KEY, BODY, first))
    await first.begun.wait()
    with pytest.raises(NotifierError) as raised:
        await once.once(KEY, BODY, Maker(), lambda: repeats.append(1))
    assert raised.value.code is ErrorCode.CONFLICT and 0 < raised.value.retry_after <= 5 and repeats == [1]
    first.gate.set()
    assert not (await running).replayed


@pytest.mark.parametrize("failure", [RuntimeError("a defect"), NotifierError(ErrorCode.UNAVAILABLE, "away")])
async def test_after_a_failure_the_repeat_begins_at_once_with_the_same_seed(once, failure):
    first, second = Maker(failure=failure), Maker()
    with pytest.raises(type(failure)):
        await once.once(KEY, BODY, first)
    assert await once.once(KEY, BODY, second) == (b'{"id": 1}', False)
    assert first.seeds == second.seeds


async def test_a_cancelled_request_does_not_hold_up_its_repeat(once):
    first, second = Maker(), Maker()
    first.gate.clear()
    running = asyncio.ensure_future(once.once(KEY, BODY, first))
    await first.begun.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert await once.once(KEY, BODY, second) == (b'{"id": 1}', False)
    assert first.seeds == second.seeds


@pytest.mark.parametrize("text", ["", "x" * 256, "é", "a\nb", "\x7f"])
def test_what_is_no_key_is_a_fault(text):
    faults = Faults()
    assert read_idempotency_key("shop", "notify", text, faults) is None
    assert [fault.path for fault in faults.listed()] == ["Idempotency-Key"]


@pytest.mark.parametrize("text", ["k", "x" * 255, "with spaces and ~"])
def test_a_key_of_printable_ascii(text):
    faults = Faults()
    assert read_idempotency_key("shop", "notify", text, faults) == ("shop", "notify", text)
    assert read_idempotency_key("shop", "notify", None, faults) is None and not faults
