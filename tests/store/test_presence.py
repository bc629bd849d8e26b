"""Instances in the store: heartbeat, presence, fencing numbers, totals."""

import pytest

from notifier.store.presence import FORGET_AFTER, Presence


@pytest.fixture
async def presence(store):
    await store.measure_clock()
    return Presence(store, 60.0)


async def test_every_enrolment_has_a_greater_number(presence):
    numbers = [await presence.enrol() for _ in range(3)]
    assert numbers == sorted(set(numbers)) and numbers[0] > 0


async def test_a_number_of_another_program_is_replaced_by_a_greater_one(presence, redis):
    before = await presence.enrol()
    await redis.call("SET", "notif:fence", "another program's")
    assert await presence.enrol() > before


async def test_an_instance_is_alive_while_it_renews(presence, redis):
    await presence.beat("pod-a")
    assert [record.document for record in await presence.pods()] == [None] and not await presence.alive("pod-a")
    await presence.renew("pod-a", b"{}")
    (record,) = await presence.pods()
    assert (record.pod, record.document, record.bus_length) == ("pod-a", b"{}", 0) and record.heartbeat_age < 5
    assert 0 < await redis.call("PTTL", "notif:pod:pod-a") <= 60_000


async def test_a_lapse_is_told_to_the_one_who_renews(presence, redis):
    await redis.call("XADD", "notif:bus:pod-a", "*", "m", "x")
    assert await presence.renew("pod-a", b"{}")
    await redis.call("DEL", "notif:pod:pod-a")
    assert not await presence.renew("pod-a", b"{}")


async def test_who_leaves_is_forgotten_and_who_is_silent_for_a_day(presence, redis):
    for pod in ("gone", "silent", "here"):
        await presence.beat(pod)
    await presence.renew("here", b"{}")
    await presence.leave("gone")
    here, silent = await presence.pods()
    await presence.forget_the_gone([silent._replace(heartbeat_age=FORGET_AFTER + 1), here])
    assert [record.pod for record in await presence.pods()] == ["here"]


async def test_totals_add_up(presence):
    await presence.add_totals({"a": 2, "b": 0})
    await presence.add_totals({"a": 3})
    assert (await presence.totals())["a"] == 5
