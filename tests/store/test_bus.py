"""The bus: messages of a turn together, nothing for who is gone, and word of what was lost."""

import asyncio

import msgspec
import pytest

from notifier.errors import NotifierError
from notifier.store import bus as bus_module
from notifier.store.bus import Behind, Bus, Cleared, Forward, News, Orphan
from tests.support import eventually

KEY = "notif:bus:pod-b"


@pytest.fixture
def buses(store):
    return Bus(store, "pod-a"), Bus(store, "pod-b")


async def start_reading(bus):
    """Reads until everything that is posted from now on is seen."""
    reader = bus.read()
    assert await anext(reader) == []
    return reader


async def test_messages_of_one_turn_are_one_entry_in_their_order(buses, redis):
    one, two = buses
    reader = await start_reading(two)
    sent = [News(["1-alice"]), Forward("1-alice", [("1-1", b"{}")], "0-5"), Orphan("2-bob")]
    for message in sent:
        one.post("pod-b", message)
    assert await anext(reader) == sent
    await reader.aclose()


async def test_what_was_read_is_removed_and_the_rest_has_a_life(buses, redis):
    one, two = buses
    reader = await start_reading(two)
    one.post("pod-b", News(["1-alice"]))
    await anext(reader)
    one.post("pod-b", News(["2-bob"]))
    await anext(reader)

    async def short():
        return await redis.call("XLEN", KEY) <= 1

    await eventually(short, "the removal")
    assert 0 < await redis.call("PTTL", KEY) <= bus_module.BUS_TTL * 1000
    await reader.aclose()


async def test_a_pod_that_is_gone_gets_no_bus(buses, store, redis):
    buses[0].post("pod-b", News(["1-alice"]))
    await asyncio.sleep(0)
    await store.call("PING")
    assert not await redis.call("EXISTS", KEY)


async def test_an_entry_of_another_version_is_passed_over(buses, redis, caplog):
    one, two = buses
    reader = await start_reading(two)
    await redis.call("XADD", KEY, "*", "m", msgspec.msgpack.encode([{"type": "of tomorrow"}]))
    one.post("pod-b", News(["1-alice"]))
    found = [*await anext(reader)]
    while not found:
        found += await anext(reader)
    assert found == [News(["1-alice"])]
    assert any(record.message == "bus.unreadable" for record in caplog.records)
    await reader.aclose()


async def test_who_missed_messages_is_told_about_whom(buses, store, monkeypatch):
    one, two = buses
    reader = await start_reading(two)
    send = store.send

    def refuse(command, on_reply):
        raise NotifierError("unavailable", "away")

    monkeypatch.setattr(store, "send", refuse)
    for message in (News(["1-alice", "2-bob"]), Forward("1-alice", []), Orphan("3-carol"), Cleared("4-dan")):
        one.post("pod-b", message)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    monkeypatch.setattr(store, "send", send)
    one.post_again()
    assert await anext(reader) == [Behind(["1-alice", "2-bob", "3-carol"]), Cleared("4-dan")]
    await reader.aclose()


def test_too_many_lost_users_are_all_users(monkeypatch):
    monkeypatch.setattr(bus_module, "LOST_MAX", 3)
    lost = bus_module._Lost()
    assert lost.empty
    lost.add(News(["1-a", "2-b", "3-c"]))
    assert lost.messages() == [Behind(["1-a", "2-b", "3-c"])]
    lost.add(News(["4-d"]))
    lost.add(News(["5-e"]))
    assert lost.messages() == [Behind([], everyone=True)] and not lost.empty


def test_a_loss_of_word_about_everyone_stays_one():
    lost = bus_module._Lost()
    lost.add(Behind(["1-a"], everyone=True))
    assert lost.messages() == [Behind([], everyone=True)]
