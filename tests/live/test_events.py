"""Notable events: told to those who follow, and kept until the store has taken them."""

import json

from notifier.live.events import REMEMBERED_MAX, EventFeed


def feed():
    async def publish(events):
        raise AssertionError("nobody else follows")

    return EventFeed("pod-a", publish, lambda: 1_800_000_000.0)


def test_a_notable_event_waits_to_be_kept_whether_or_not_anybody_follows():
    events = feed()
    events.note("channel.paused", {"channel": "sms"})
    (kept,) = events.take_notable()
    told = {"type": "channel.paused", "time": "2027-01-15T08:00:00.000Z", "pod_id": "pod-a", "channel": "sms"}
    assert json.loads(kept) == told and events.take_notable() == []
    events.emit("pod.joined", {"pod": "x"})  # not a notable one
    assert list(events.notable) == []


async def test_it_is_told_as_any_other():
    events = feed()
    listener = events.listen(frozenset({"log"}))
    events.note("log", {"level": "error"})
    events.note("channel.paused", {})
    assert [kind for kind, _ in await listener.take(1.0)] == ["log"]


def test_what_could_not_be_kept_waits_again_and_the_newest_stay():
    events = feed()
    for number in range(REMEMBERED_MAX):
        events.note("log", {"n": number})
    taken = events.take_notable()
    for number in range(5):
        events.note("log", {"n": 1000 + number})
    events.put_back(taken)
    numbers = [json.loads(data)["n"] for data in events.take_notable()]
    assert numbers == [*range(5, REMEMBERED_MAX), *range(1000, 1005)]
    for number in range(REMEMBERED_MAX):
        events.note("log", {"n": 5000 + number})
    before = list(events.notable)
    events.put_back(taken)  # there is no room for any
    assert events.take_notable() == before
