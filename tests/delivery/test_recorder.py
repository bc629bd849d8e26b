"""The recorder: results of one turn in one script, until the store has them."""

import asyncio

import pytest

from notifier.delivery import recorder as module
from notifier.delivery.recorder import Recorder
from notifier.domain.status import Event, Status
from notifier.errors import ErrorCode, NotifierError
from notifier.store.delivery_records import Finished


class Store:
    """Takes results, after as many failures as it is told."""

    def __init__(self, failures=0):
        self.failures = failures
        self.batches = []

    async def finish(self, results):
        self.batches.append([one.id for one in results])
        if self.failures:
            self.failures -= 1
            raise NotifierError(ErrorCode.UNAVAILABLE, "away")
        return [None if one.owner == "late" else Status.SENT for one in results]


def results(number, owner="pod-a"):
    return [Finished(f"d{one}", owner, "1-0", Event.SENT) for one in range(number)]


async def test_all_of_one_turn_are_one_script():
    store = Store()
    recorder = Recorder(store)
    assert await asyncio.gather(*map(recorder.finish, results(5))) == [Status.SENT] * 5
    assert store.batches == [["d0", "d1", "d2", "d3", "d4"]]


async def test_a_script_is_bounded(monkeypatch):
    monkeypatch.setattr(module, "MOST", 2)
    store = Store()
    recorder = Recorder(store)
    await asyncio.gather(*map(recorder.finish, results(5)))
    assert sorted(store.batches) == [["d0", "d1"], ["d2", "d3"], ["d4"]]


async def test_a_lease_that_was_lost_is_none():
    recorder = Recorder(Store())
    (late,) = results(1, "late")
    assert await asyncio.gather(recorder.finish(late), *map(recorder.finish, results(1))) == [None, Status.SENT]


async def test_it_goes_on_until_the_store_has_them(monkeypatch, caplog):
    monkeypatch.setattr(module, "BACKOFF", (0.0, 0.001))
    store = Store(failures=4)
    (result,) = results(1)
    assert await Recorder(store).finish(result) is Status.SENT
    assert store.batches == [["d0"]] * 5
    assert [one.getMessage() for one in caplog.records] == ["record.delayed"]


async def test_a_stop_gives_up_what_is_not_stored():
    recorder = Recorder(Store(failures=1_000))
    future = recorder.finish(*results(1))
    await asyncio.sleep(0)
    await asyncio.wait_for(recorder.stop(), 1)
    assert not future.done()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(asyncio.shield(future), 0)
