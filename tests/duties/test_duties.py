"""Background duties (contract §9)."""

import asyncio
import json
from collections import Counter
from pathlib import Path

import pytest

from notifier.duties.duty import Duty
from notifier.errors import ErrorCode, NotifierError
from notifier.store.bus import Bus
from notifier.store.events import EventLog
from tests.support import ALICE, Inbox, eventually, expire_payloads, notify

ROOT = Path(__file__).parents[2]


async def test_trimmer_keeps_the_newest(start_pod, redis):
    client = await start_pod(stream_maxlen="3")
    inbox = await Inbox.open(client)
    for i in range(3):
        await notify(client, str(i))
    await inbox.read(await inbox.receive("notification.push"))
    await inbox.receive("notification.push")
    await inbox.receive("notification.push")
    await inbox.receive("notification.read.ack")
    for i in range(3, 6):
        await notify(client, str(i))
    await client.pod.trimmer.round()
    assert [p["message"] for p in await eventually(lambda: inbox_messages(inbox))] == ["3", "4", "5"]
    assert client.pod.metrics.trimmed == 2, "the read one is no loss"
    assert await redis.call("XLEN", "stream:user:1-alice") == 3
    assert len(await redis.call("KEYS", "notification:*")) == 3
    assert not await redis.call("EXISTS", "notification_state:1-alice", "notif:overfull")
    await eventually(lambda: booked(redis, 3))  # the lean path books what stays unread within 100 ms
    assert await redis.call("HGET", "notif:totals", "pending") == b"3"


async def booked(redis, count):
    return (await redis.call("XPENDING", "stream:user:1-alice", "notifications"))[0] == count


async def inbox_messages(inbox):
    await inbox.say("sync.request")
    while (message := await inbox.receive())["type"] != "sync.response":
        pass
    return message["data"]


async def test_retention_is_applied_to_what_is_there(client, redis):
    (own,) = await notify(client)
    (named,) = await notify(client, ttl="1h", data={"ttl": "x"})
    (tricky,) = await notify(client, '","target":{"id":1,"login":"a"},"ttl":"', data={"ttl": 5})
    inbox = await Inbox.open(client)
    await inbox.say("retention.set", days=3)
    await inbox.receive("retention.ack")
    await client.pod.trimmer.round()

    async def days(nid):
        return await redis.call("PTTL", f"notification:{nid}") / 86_400_000

    assert 2.99 < await days(own) <= 3 and 2.99 < await days(tricky) <= 3
    assert await days(named) < 0.05
    await inbox.say("retention.set", days=1)
    await inbox.receive("retention.ack")
    await client.pod.trimmer.round()
    assert 0.99 < await days(own) <= 1
    assert not await redis.call("EXISTS", "notif:retained")


async def test_janitor_leaves_nothing_behind(client, redis):
    inbox = await Inbox.open(client)
    await notify(client, targets=[ALICE, {"id": 2, "login": "bob"}])
    await notify(client)
    await inbox.read(await inbox.receive("notification.push"))
    await inbox.receive("notification.push")
    await inbox.receive("notification.read.ack")
    await inbox.socket.close()
    await eventually(lambda: len(client.pod.hub) == 0)
    await expire_payloads(redis)
    client.pod.janitor._now = lambda: 4e9
    assert await client.pod.janitor.sweep() == 3
    assert client.pod.metrics.auto_cleared == 2
    names = {name.decode() for name in await redis.call("KEYS", "*")}
    assert names - {"notif:fence", "notif:epoch", "notif:totals"} <= {
        "notif:cleared:1-alice",
        "notif:cleared:2-bob",
        "notif:trial",
        "notif:pods:hb",
        "notif:pod:pod-a",
        "notif:bus:pod-a",
    }
    assert await redis.call("HGET", "notif:totals", "pending") == b"0"


async def test_janitor_keeps_what_has_not_expired(client, redis):
    await notify(client, ttl="1h")
    assert await client.pod.janitor.sweep() == 0
    client.pod.janitor._now = lambda: 4e9
    assert await client.pod.janitor.sweep() == 0
    assert await redis.call("XLEN", "stream:user:1-alice") == 1
    assert float(await redis.call("ZSCORE", "notif:expiry", "1-alice")) > 1e12


async def test_a_sweep_is_done_by_one_pod(start_pod, redis):
    one, two = await start_pod("pod-a"), await start_pod("pod-b")
    await notify(one)
    await expire_payloads(redis)
    for pod in (one.pod, two.pod):
        pod.janitor._now = lambda: 4e9
    await asyncio.gather(one.pod.janitor.round(), two.pod.janitor.round())
    assert one.pod.metrics.auto_cleared + two.pod.metrics.auto_cleared == 1
    assert await redis.call("EXISTS", "notif:sweep:janitor") == 1


async def test_four_pods_do_the_work_of_a_minute_once(start_pod, redis, monkeypatch):
    """Every user is visited by one pod in an interval, whichever comes first; the next interval is anybody's."""
    clients = [await start_pod(f"pod-{n}", stream_maxlen="3") for n in range(4)]
    pods = [client.pod for client in clients]
    users = [{"id": n, "login": "u"} for n in range(1, 11)]
    visits = Counter()

    def counted(pod, duty):
        original = getattr(pod.inbox.upkeep, duty)

        async def visit(user, *args):
            visits[duty, user] += 1
            return await original(user, *args)

        monkeypatch.setattr(pod.inbox.upkeep, duty, visit)

    for pod in pods:
        for duty in ("expire", "trim", "repair"):
            counted(pod, duty)
        pod.janitor._now = lambda: 4e9
    for minute in (1, 2):
        for n in range(4):
            await notify(clients[n], str(n), targets=users)
        for pod in pods:
            await pod.trimmer.round()
        await asyncio.gather(*(pod.janitor.round() for pod in pods), *(pod.groups.round() for pod in pods))
        assert len(visits) == 30 and set(visits.values()) == {minute}
        assert 0 < await redis.call("PTTL", "notif:sweep:janitor") <= 3_600_000
        await redis.call("DEL", "notif:sweep:janitor", "notif:sweep:groups")  # half an interval later


async def test_maintenance_mends_group_and_state(client, redis):
    await notify(client)
    await notify(client)
    inbox = await Inbox.open(client)
    (entry, _), _ = await redis.call("XRANGE", "stream:user:1-alice", "-", "+")
    await redis.call("XDEL", "stream:user:1-alice", entry)
    await redis.call("HSET", "notification_state:1-alice", "no-such-notification", "read")
    await client.pod.groups.round()
    assert (await redis.call("XPENDING", "stream:user:1-alice", "notifications"))[0] == 1
    assert await redis.call("HGETALL", "notification_state:1-alice") == []
    await redis.call("XGROUP", "DESTROY", "stream:user:1-alice", "notifications")
    await redis.call("DEL", "notif:sweep:groups")
    await client.pod.groups.round()
    await notify(client, "after")
    assert "after" in [(await inbox.receive("notification.push"))["message"]]


async def test_state_never_outgrows_the_stream(client, redis):
    inbox = await Inbox.open(client)
    for _ in range(5):
        await notify(client)
        await inbox.read(await inbox.receive("notification.push"))
        await inbox.receive("notification.read.ack")
    await inbox.read({"notification_id": "00000000-0000-4000-8000-000000000000", "stream_id": "1-1"})
    await inbox.receive("error")
    assert (
        await redis.call("HLEN", "notification_state:1-alice") == await redis.call("XLEN", "stream:user:1-alice") == 5
    )


async def test_heartbeat_as_the_contract_has_it(client, redis):
    await eventually(lambda: redis.call("HGET", "notif:pods:hb", "pod-a"))
    document = json.loads(await redis.call("GET", "notif:pod:pod-a"))
    assert document["version"] and document["connections"] == 0
    assert 0 < await redis.call("PTTL", "notif:pod:pod-a") <= 6000


class Flaky(Duty):
    name = "flaky"
    interval = 0.0
    at_once = True

    def __init__(self):
        super().__init__()
        self.errors = [RuntimeError("first"), NotifierError(ErrorCode.UNAVAILABLE, "second")]

    async def round(self):
        if self.errors:
            raise self.errors.pop(0)


async def test_a_duty_goes_on_after_an_error(loop):
    duty, failures = Flaky(), []
    duty.on_failure = failures.append
    duty.start()
    await eventually(lambda: duty.last_error == "first")
    assert not duty.healthy
    await eventually(lambda: duty.rounds > 0)
    assert duty.healthy and failures == ["flaky", "flaky"]
    await duty.stop()
    assert not duty.healthy


@pytest.mark.slow
@pytest.mark.parametrize("duty", ["event-follower", "router"])
async def test_a_round_without_end_is_over_its_failure_once_it_works_again(start_pod, monkeypatch, duty):
    pod = (await start_pod()).pod
    await start_pod("pod-b")
    for place, name in ((EventLog, "follow"), (Bus, "read")):
        monkeypatch.setattr(place, name, failing_once(getattr(place, name)))
    watched = next(one for one in pod.duties if one.name == duty)
    listener = pod.events.listen(frozenset())
    pod.bus_reader.restart()
    await eventually(lambda: watched.last_error == "the store is away", "the failure")
    await eventually(lambda: watched.healthy, "the duty's health")
    pod.events.leave(listener)


def failing_once(read):
    failures = [NotifierError(ErrorCode.UNAVAILABLE, "the store is away")]

    async def first_fails(*args):
        if failures:
            raise failures.pop()
        async for part in read(*args):
            yield part

    return first_fails


async def test_the_return_of_the_store_ends_the_pauses_of_all_that_wait_for_it(client):
    pod = client.pod
    for _ in range(12):  # as after half a minute away
        pod.bus_reader._failures += 1
    await pod.trimmer.stop()
    pod.trimmer._failures = 12
    begun = pod.bus_reader.rounds
    pod.redis._link.close()
    assert await pod.redis.wait_up(5)
    assert pod.bus_reader._failures == 0 and pod.trimmer._hurry.is_set()
    await asyncio.wait_for(pod.trimmer._pause(60.0), 1)
    assert not pod.trimmer._hurry.is_set() and pod.bus_reader.rounds >= begun


async def test_a_pod_says_that_it_lives_soon_after_the_store_is_back(client):
    await client.pod.heartbeat.stop()
    await client.pod.redis.stop()
    for _ in range(12):
        assert await client.pod.heartbeat._supervised_round() <= client.pod.presence.ttl / 3
    assert not client.pod.heartbeat.healthy


async def test_health_shows_a_failing_duty(client):
    client.pod.trimmer.last_error = "it broke"
    workers = (await client.get("/health")).json()["components"]["workers"]
    assert workers["status"] == "degraded" and workers["failing"] == {"trimmer": "it broke"}


async def test_health_shows_a_store_that_takes_nothing(client, redis):
    await redis.call("CONFIG", "SET", "maxmemory", "1mb")
    try:
        with pytest.raises(NotifierError, match="OOM"):
            await client.pod.heartbeat.round()
        client.pod.heartbeat.hurry()
        await eventually(lambda: not client.pod.heartbeat.healthy)
    finally:
        await redis.call("CONFIG", "SET", "maxmemory", "0")
    report = (await client.get("/health")).json()
    assert "OOM" in report["components"]["workers"]["failing"]["heartbeat"]


async def test_a_stop_in_the_turn_of_a_hurry_ends_the_duty():
    """`asyncio.wait_for` swallows a cancellation that comes when what it waits for is there already (Python 3.11)."""

    class Idle(Duty):
        name, interval, at_once = "idle", 60.0, True

        async def round(self):
            pass

    duty = Idle()
    duty.start()
    await eventually(lambda: duty.rounds == 1, "the first round")
    await asyncio.sleep(0)
    duty.hurry()
    async with asyncio.timeout(5):
        await duty.stop()


def test_nothing_waits_by_what_swallows_a_cancellation():
    sources = [path for folder in ("notifier", "tui") for path in (ROOT / folder).rglob("*.py")]
    assert [path.name for path in sources if "asyncio.wait_for(" in path.read_text()] == []
