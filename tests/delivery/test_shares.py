"""Shares of slots, without a network."""

import asyncio

import pytest

from notifier.delivery import shares
from notifier.delivery.shares import Keys, Share, Shares


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


def share(slots, room=lambda: None):
    return Share(slots, room, Clock())


async def admitted(one, *names, host=""):
    """The number of tries of these recipients that get a sending slot at once; the others wait."""
    tasks = [
        asyncio.ensure_future(one.enter(f"d{number}", Keys(name, host and f"{host}:443")))
        for number, name in enumerate(names)
    ]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    done = sum(task.done() and task.result() for task in tasks)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return done


@pytest.mark.parametrize(("slots", "most"), [(1, 1), (2, 1), (3, 2), (5, 3), (10, 5), (100, 50)])
async def test_one_recipient_has_half_of_the_slots(slots, most):
    assert await admitted(share(slots), *["bad"] * (slots + 5)) == most


@pytest.mark.parametrize(("slots", "most"), [(1, 1), (2, 2), (5, 4), (10, 7)])
async def test_one_host_has_two_thirds(slots, most):
    assert await admitted(share(slots), *(f"u{number}" for number in range(slots + 5)), host="h") == most


async def test_different_recipients_have_all():
    assert await admitted(share(5), *(f"u{number}" for number in range(9))) == 5


async def test_two_that_hang_leave_slots():
    assert await admitted(share(10), *["a"] * 10, *["b"] * 10, "c") == 9  # 5, 3 and the one of the third


async def test_two_tries_of_one_delivery_count_once():
    one = share(2)
    assert await one.enter("d", Keys("a", ""))
    assert await one.enter("d", Keys("a", ""))
    one.leave("d", Keys("a", ""), 0.1)
    assert await admitted(one, "a") == 0  # the other one is under way


async def test_one_that_waits_holds_no_hand_and_comes_in_its_turn():
    rooms = []
    one = share(2, lambda: rooms.append(1))
    assert await one.enter("first", Keys("a", ""))
    turns = [asyncio.ensure_future(one.enter(name, Keys("a", ""))) for name in ("second", "third")]
    await asyncio.sleep(0)
    assert (one.parked, len(rooms)) == (2, 2)
    one.leave("first", Keys("a", ""), 0.1)
    assert await turns[0]
    assert not turns[1].done()
    one.leave("second", Keys("a", ""), 0.1)
    assert await turns[1]
    assert one.parked == 0


async def test_patience_ends(monkeypatch):
    monkeypatch.setattr(shares, "PATIENCE", 0.01)
    one = share(1)
    assert await one.enter("first", Keys("a", ""))
    assert not await one.enter("second", Keys("a", ""))
    assert one.parked == 0


async def test_few_wait():
    one = share(2)
    assert await one.enter("first", Keys("a", ""))
    tasks = [asyncio.ensure_future(one.enter(f"d{n}", Keys("a", ""))) for n in range(4)]
    await asyncio.sleep(0)
    assert not await one.enter("late", Keys("a", ""))
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    one.leave("first", Keys("a", ""), 0.1)
    assert (one.parked, one._tries, one._held) == (0, {}, {})


async def test_a_cancelled_turn_gives_its_hand_back():
    one = share(1)
    assert await one.enter("first", Keys("a", ""))
    turn = asyncio.ensure_future(one.enter("second", Keys("b", "")))
    await asyncio.sleep(0)
    one.leave("first", Keys("a", ""), 0.1)
    turn.cancel()
    await asyncio.gather(turn, return_exceptions=True)
    assert (one._tries, one._held) == ({}, {})


async def test_what_is_put_aside_comes_back_one_after_the_other():
    one = share(10)
    waits = [one.later("a", 30.0) for _ in range(1000)]
    assert waits == sorted(waits)
    assert (waits[0], round(waits[-1], 3)) == (30.0, 49.98)
    await one.enter("d", Keys("a", ""))
    one.leave("d", Keys("a", ""), 10.0)  # it hangs
    waits = [one.later("a", 1.0) for _ in range(1000)]
    assert waits[-1] == 1.0 + shares.SPREAD
    assert one.later("b", 0.2) == pytest.approx(0.2)


async def test_what_is_known_of_recipients_is_bounded():
    one = share(10)
    for number in range(shares.KEYS_MOST + 50):
        one.later(f"u{number}", 1.0)
    assert len(one._paces) == shares.KEYS_MOST


def test_each_channel_has_its_own():
    found = Shares({"sms": 5, "email": 5})
    assert found.of("sms") is not found.of("email")
