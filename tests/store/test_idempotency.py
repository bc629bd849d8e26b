"""The record of a request under an idempotency key."""

from notifier.store.idempotency import Idempotency

TTL = 60_000


async def test_a_try_that_asks_again_is_not_held_up_by_itself(store):
    idempotency = Idempotency(store)
    assert await idempotency.begin("notif:idem:1", b"f", "first", TTL) == ("go", b"first")
    assert await idempotency.begin("notif:idem:1", b"f", "first", TTL) == ("go", b"first")


async def test_another_try_waits_and_then_gets_the_first_ones_seed(store):
    idempotency = Idempotency(store)
    await idempotency.begin("notif:idem:1", b"f", "first", TTL)
    assert (await idempotency.begin("notif:idem:1", b"f", "second", TTL)).outcome == "running"
    idempotency.give_up("notif:idem:1", "second")  # which is not the one that runs
    assert (await idempotency.begin("notif:idem:1", b"f", "second", TTL)).outcome == "running"
    idempotency.give_up("notif:idem:1", "first")
    for _ in range(2):  # the second, which asks again, too
        assert await idempotency.begin("notif:idem:1", b"f", "second", TTL) == ("go", b"first")
    assert (await idempotency.begin("notif:idem:1", b"f", "first", TTL)).outcome == "running"
