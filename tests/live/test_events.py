"""Events for followers: by type, bounded, to other pods while those ask, and nothing while nobody follows."""

import asyncio
import json

import pytest

from notifier.live import events as events_module
from notifier.live.events import LISTENER_BUFFER, REMEMBERED_MAX, EventFeed

EVERYTHING = frozenset()


@pytest.fixture
def published():
    return []


@pytest.fixture
def feed(loop, published, monkeypatch):
    monkeypatch.setattr(events_module, "FLUSH_AFTER", 0.0)

    async def publish(events):
        published.append(list(events))

    return EventFeed("pod-a", publish, lambda: 1_800_000_000.0)


async def taken(listener):
    return [json.loads(data) for _, data in await listener.take(0.0)]


async def test_an_event_says_when_and_where(feed):
    listener = feed.listen(EVERYTHING)
    feed.emit("notification.stored", {"count": 2})
    assert await taken(listener) == [
        {"type": "notification.stored", "time": "2027-01-15T08:00:00.000Z", "pod_id": "pod-a", "count": 2}
    ]
    assert await taken(listener) == []


async def test_of_a_user_s_notification(feed):
    listener = feed.listen(EVERYTHING)
    feed.emit_for("notification.read", "1-alice", b"nid", "5-0", by="pod-b")
    (event,) = await taken(listener)
    assert {name: event[name] for name in ("user_id", "login", "notification_id", "stream_id", "by")} == {
        "user_id": 1,
        "login": "alice",
        "notification_id": "nid",
        "stream_id": "5-0",
        "by": "pod-b",
    }


async def test_only_the_types_that_are_wanted(feed):
    some, everything = feed.listen(frozenset({"a"})), feed.listen(EVERYTHING)
    for kind in ("a", "b"):
        feed.emit(kind, {})
    assert [event["type"] for event in await taken(some)] == ["a"]
    assert [event["type"] for event in await taken(everything)] == ["a", "b"]


async def test_a_slow_follower_loses_the_oldest_and_knows_how_many(feed):
    listener = feed.listen(EVERYTHING)
    for number in range(LISTENER_BUFFER + 3):
        feed.emit("a", {"number": number})
    events = await taken(listener)
    assert (len(events), events[0]["number"], listener.missed) == (LISTENER_BUFFER, 3, 3)


async def test_while_nobody_follows_nothing_is_told(feed, published):
    assert not feed.wanted
    feed.emit("a", {})
    listener = feed.listen(EVERYTHING)
    assert feed.wanted and feed.listeners == 1 and await taken(listener) == []
    feed.leave(listener)
    assert not feed.wanted and not published


async def test_another_pod_that_asks_is_sent_them_together(feed, published):
    feed.want(60.0)
    for kind in ("a", "b"):
        feed.emit(kind, {})
    while not published:
        await asyncio.sleep(0)
    ((first, second),) = published
    assert [json.loads(data)["type"] for data in (first, second)] == ["a", "b"]


async def test_those_of_another_pod_are_told_here_and_not_sent_on(feed, published):
    feed.want(60.0)
    listener = feed.listen(frozenset({"a"}))
    feed.receive([b'{"type":"a","pod_id":"pod-b"}', b'{"type":"b"}'])
    assert await taken(listener) == [{"type": "a", "pod_id": "pod-b"}]
    await asyncio.sleep(0)
    assert not published


async def test_followers_are_sent_home(feed):
    listener = feed.listen(EVERYTHING)
    waiting = asyncio.ensure_future(listener.take(60.0))
    await asyncio.sleep(0)
    feed.end_all()
    assert await asyncio.wait_for(waiting, 1) == [] and listener.ended


async def test_notable_ones_wait_for_somebody_to_keep_them(feed):
    feed.note("channel.paused", {"channel": "sms"})
    assert len(feed.notable) == 1
    notable = feed.take_notable()
    assert feed.take_notable() == []
    feed.note("channel.resumed", {"channel": "sms"})
    feed.put_back(notable)
    assert [json.loads(data)["type"] for data in feed.notable] == ["channel.paused", "channel.resumed"]


async def test_a_notable_event_waits_to_be_kept_whether_or_not_anybody_follows(feed):
    feed.note("channel.paused", {"channel": "sms"})
    (kept,) = feed.take_notable()
    told = {"type": "channel.paused", "time": "2027-01-15T08:00:00.000Z", "pod_id": "pod-a", "channel": "sms"}
    assert json.loads(kept) == told and feed.take_notable() == []
    feed.emit("pod.joined", {"pod": "x"})  # not a notable one
    assert list(feed.notable) == []


async def test_a_notable_event_is_told_as_any_other(feed):
    listener = feed.listen(frozenset({"log"}))
    feed.note("log", {"level": "error"})
    feed.note("channel.paused", {})
    assert [kind for kind, _ in await listener.take(1.0)] == ["log"]


async def test_what_could_not_be_kept_waits_again_and_the_newest_stay(feed):
    for number in range(REMEMBERED_MAX):
        feed.note("log", {"n": number})
    unkept = feed.take_notable()
    for number in range(5):
        feed.note("log", {"n": 1000 + number})
    feed.put_back(unkept)
    numbers = [json.loads(data)["n"] for data in feed.take_notable()]
    assert numbers == [*range(5, REMEMBERED_MAX), *range(1000, 1005)]
    for number in range(REMEMBERED_MAX):
        feed.note("log", {"n": 5000 + number})
    before = list(feed.notable)
    feed.put_back(unkept)  # there is no room for any
    assert feed.take_notable() == before
