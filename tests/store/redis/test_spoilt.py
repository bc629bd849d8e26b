"""Values of another program in Redis spoil only themselves: set aside, removed or left out, counted, and named once."""

import asyncio

import pytest

from notifier.store.redis.spoilt import MOST_NAMED, Spoilt, integer, kind_of
from tests.support import ALICE, Inbox, eventually, notify

BOB = {"id": 2, "login": "bob"}
LIFE = ("PEXPIRE", 600_000)
WRITE = {
    "string": lambda key: ("SET", key, "another program's"),
    "list": lambda key: ("RPUSH", key, "another program's"),
    "set": lambda key: ("SADD", key, "another program's"),
    "zset": lambda key: ("ZADD", key, 1, "another program's"),
    "hash": lambda key: ("HSET", key, "another", "program's"),
    "stream": lambda key: ("XADD", key, "*", "another", "program's"),
}
USER_KEYS = {
    "stream:user:1-alice": "stream",
    "notification_state:1-alice": "hash",
    "notif:lock:consumer:1-alice": "string",
    "notif:route:1-alice": "hash",
    "notif:retention:1-alice": "string",
    "notif:cleared:1-alice": "list",
    "notif:limit:notify:1-alice": "string",
}
INDEXES = {
    "notif:users": "zset",
    "notif:logins": "zset",
    "notif:pending": "zset",
    "notif:expiry": "zset",
    "notif:overfull": "set",
    "notif:retained": "set",
    "notif:totals": "hash",
}


async def overwrite(redis, key, kind):
    """Puts another program's value in a key's place."""
    await redis.call("DEL", key)
    await redis.call(*WRITE[kind](key))
    await redis.call("PEXPIRE", key, 600_000)


async def push_of(inbox, text):
    """The push with that message; reads past all else."""
    while True:
        message = await inbox.receive()
        if message["type"] == "notification.push" and message["data"]["message"] == text:
            return message["data"]


async def answer_to(inbox, kind, answer, **data):
    """The data of the next message of type `answer` after a command."""
    await inbox.say(kind, **data)
    while (message := await inbox.receive())["type"] != answer:
        assert message["type"] != "error", message
    return message["data"]


async def get(client, path):
    response = await client.get(path)
    assert response.status_code == 200, (path, response.text)
    return response.json()


async def check_all_goes_on(client, live, text):
    """Everything that alice, bob and an operator do works; `live` is a connection of alice's from before."""
    pod = client.pod
    failures = dict(pod.metrics.duty_failures)
    await notify(client, text, targets=[ALICE, BOB])
    push = await push_of(live, text)
    fresh, bob = await Inbox.open(client), await Inbox.open(client, 2, "bob")
    assert text in [row["message"] for row in fresh.greeting]
    assert text in [row["message"] for row in bob.greeting]
    assert text in [row["message"] for row in await answer_to(live, "sync.request", "sync.response")]
    ids = {name: push[name] for name in ("notification_id", "stream_id")}
    assert await answer_to(live, "notification.read", "notification.read.ack", **ids) == ids
    await notify(client, f"{text}, then")
    later = await push_of(live, f"{text}, then")
    await answer_to(live, "notification.read_all", "notification.read.ack", up_to=later["stream_id"])
    assert await answer_to(live, "retention.set", "retention.ack", days=3) == {"days": 3}
    await check_operators(client)
    for duty in (pod.janitor.sweep, pod.trimmer.round, pod.groups.round, pod.heartbeat.round):
        await duty()
        await redis_is_free_of(client, "notif:sweep:groups")
    pod.router.recover()
    assert pod.metrics.duty_failures == failures
    await notify(client, f"{text}, at last")
    for inbox in (live, fresh):
        await push_of(inbox, f"{text}, at last")
    await fresh.socket.close()
    await bob.socket.close()
    await eventually(lambda: len(pod.hub) == 1)


async def redis_is_free_of(client, key):
    """Removes the key that keeps the next sweep from beginning at once."""
    await client.pod.redis.call("DEL", key)


async def check_operators(client):
    users = {row["login"] for row in (await get(client, "/api/v1/admin/users"))["users"]}
    assert {"alice", "bob"} <= users
    pending = (await get(client, "/api/v1/admin/pending"))["pending_notifications"]
    assert "2-bob" in pending
    assert (await get(client, "/api/v1/admin/history?user_id=1&login=alice"))["notifications"]
    for path in ("clients", "users/1-alice", "users?q=al", "pods"):
        await get(client, f"/api/v1/admin/{path}")
    await get(client, "/api/v1/metrics")


def spoilt_keys(caplog):
    return [record.key for record in caplog.records if record.message == "store.spoilt"]


async def begin(start_pod, **changes):
    """A pod, with alice connected and something in both inboxes."""
    client = await start_pod(notify_rate_limit="1000/1m", **changes)
    live = await Inbox.open(client)
    await notify(client, "before", targets=[ALICE, BOB])
    await push_of(live, "before")
    return client, live


@pytest.mark.parametrize("key", [*USER_KEYS, *INDEXES])
async def test_a_key_of_another_type_is_set_aside(start_pod, redis, caplog, key):
    wanted = {**USER_KEYS, **INDEXES}[key]
    client, live = await begin(start_pod)
    wrong = [kind for kind in WRITE if kind != wanted]
    for kind in wrong[:: 2 if key in USER_KEYS else 4]:
        await overwrite(redis, key, kind)
        await check_all_goes_on(client, live, f"after a {kind}")
    assert spoilt_keys(caplog) == [key], "named once, however often"
    assert client.pod.metrics.labelled["spoilt_values"]
    assert 0 < await redis.call("PTTL", f"notif:spoilt:{key}") <= 15 * 86_400_000


BROKEN = {
    "no JSON": b"{broken",
    "nothing": b"",
    "no object": b"[1, 2]",
    "a number": b"5",
    "another shape": b'{"message": 5}',
    "foreign fields": b'{"foo": {"bar": []}}',
    "no UTF-8": b'{"message": "\xff\xfe"}',
    "our beginning alone": b'{"notification_id":"00000000-0000-4000-8000-000000000000","message":"m","target":{"id":1',
    "our form, broken within": b'{"notification_id":"00000000-0000-4000-8000-000000000000",oops,"target":{"id":1,"login":"a"}}',
    "huge": b'{"message": "' + b"x" * 3_000_000 + b'"}',
    "deep": b'{"message": "m", "data": {"a": ' + b"[" * 5_000 + b"]" * 5_000 + b"}}",
}


@pytest.mark.parametrize("payload", BROKEN.values(), ids=BROKEN)
async def test_a_payload_that_cannot_be_read_counts_as_expired(start_pod, redis, caplog, payload):
    client, live = await begin(start_pod)
    (nid,) = await notify(client, "to be broken")
    await push_of(live, "to be broken")
    await redis.call("SET", f"notification:{nid}", payload)
    await redis.call("PEXPIRE", f"notification:{nid}", 600_000)
    fresh = await Inbox.open(client)
    assert [row["message"] for row in fresh.greeting] == ["before"]
    await eventually(lambda: no_longer_there(redis, f"notification:{nid}"), "removal")
    await client.pod.janitor.sweep()
    told = await live.receive("notification.push")
    assert (told["notification_id"], told["status"]) == (nid, "auto_cleared")
    await fresh.socket.close()
    await eventually(lambda: len(client.pod.hub) == 1)
    await check_all_goes_on(client, live, "after that")
    assert spoilt_keys(caplog) == [f"notification:{nid}"]


async def no_longer_there(redis, key):
    return not await redis.call("EXISTS", key)


@pytest.mark.parametrize("path", ["history?user_id=1&login=alice", "pending"])
async def test_operators_see_a_payload_that_cannot_be_read_as_expired(start_pod, redis, path):
    client, _ = await begin(start_pod)
    (nid,) = await notify(client, "to be broken")
    await redis.call("SET", f"notification:{nid}", b"{broken", "PX", 600_000)
    answer = await get(client, f"/api/v1/admin/{path}")
    rows = answer.get("notifications") or answer["pending_notifications"]["1-alice"]
    assert sorted(row["payload"] is None for row in rows) == [False, True]


@pytest.mark.parametrize("fields", [("foo", "bar"), ("nid", ""), ("nid", 'a"b'), ("nid", "x" * 300), ("nid", b"\xff")])
async def test_an_entry_without_a_notification_id_is_removed(start_pod, redis, caplog, fields):
    client, live = await begin(start_pod)
    await redis.call("XADD", "stream:user:1-alice", "*", *fields)
    await check_all_goes_on(client, live, "after that")
    entries = await redis.call("XRANGE", "stream:user:1-alice", "-", "+")
    assert [len(values[1]) for _, values in entries] == [36] * len(entries)
    assert spoilt_keys(caplog) == ["stream:user:1-alice"]


async def test_a_stream_that_another_program_began_without_the_group(start_pod, redis):
    client = await start_pod(notify_rate_limit="1000/1m")
    await redis.call("XADD", "stream:user:1-alice", "*", "foo", "bar")
    live = await Inbox.open(client)
    await notify(client, "first", targets=[ALICE, BOB])
    await push_of(live, "first")
    await check_all_goes_on(client, live, "after that")


async def test_entries_beyond_all_ids_make_room(start_pod, redis):
    """XADD can give no id after the greatest one."""
    client, live = await begin(start_pod)
    await redis.call("XADD", "stream:user:1-alice", f"{2**64 - 1}-{2**64 - 1}", "foo", "bar")
    fresh = await Inbox.open(client)
    await notify(client, "after that")
    for inbox in (live, fresh):
        await push_of(inbox, "after that")
    assert (await redis.call("XLEN", "stream:user:1-alice")) == 1


async def test_a_group_destroyed_under_a_connected_user_is_made_again(start_pod, redis, caplog):
    client, live = await begin(start_pod)
    for number in range(3):
        await redis.call("XGROUP", "DESTROY", "stream:user:1-alice", "notifications")
        await notify(client, str(number))
        assert (await live.receive("notification.push"))["message"] == str(number), "and nothing twice"
    await check_all_goes_on(client, live, "after that")
    assert spoilt_keys(caplog) == ["stream:user:1-alice"]


async def test_a_group_made_again_does_not_hand_out_what_was_read(start_pod, redis):
    client, live = await begin(start_pod)
    await notify(client, "second")
    push = await push_of(live, "second")
    await answer_to(
        live, "notification.read", "notification.read.ack", **{k: push[k] for k in ("notification_id", "stream_id")}
    )
    await redis.call("XGROUP", "DESTROY", "stream:user:1-alice", "notifications")
    await notify(client, "third")
    await push_of(live, "third")
    await eventually(lambda: has_group(redis))  # plain commands push without it, and a script makes it soon after
    pending = await redis.call("XPENDING", "stream:user:1-alice", "notifications", "-", "+", 10)
    assert push["stream_id"].encode() not in [row[0] for row in pending]
    assert len(pending) == 2


async def has_group(redis):
    return bool(await redis.call("XINFO", "GROUPS", "stream:user:1-alice"))


async def test_foreign_consumers_of_the_group_are_relieved(start_pod, redis):
    client, live = await begin(start_pod)
    await redis.call("XGROUP", "CREATECONSUMER", "stream:user:1-alice", "notifications", "idle")
    (entry, _), *_ = await redis.call("XRANGE", "stream:user:1-alice", "-", "+")
    await redis.call("XCLAIM", "stream:user:1-alice", "notifications", "thief", 0, entry)
    await check_all_goes_on(client, live, "after that")
    rows = await redis.call("XINFO", "CONSUMERS", "stream:user:1-alice", "notifications")
    assert [row[1] for row in rows] == [b"user:1"]


ODD_VALUES = {
    "retention": [("SET", "notif:retention:1-alice", value) for value in ("abc", "0", "-1", "1e99", "nan", "5.5", "")],
    "state": [("HSET", "notification_state:1-alice", "another", "program's", "", "", "\xff", "x" * 100_000)],
    "route": [("HSET", "notif:route:1-alice", "#fence", "abc", "nobody", "1", b"\xff", "1")],
    "cleared": [
        ("RPUSH", "notif:cleared:1-alice", *values)
        for values in (["odd"], ["a", "b"], ["1-1", 'a"b'], ["x", "1-1", "00000000-0000-4000-8000-000000000000"])
    ],
    "lock": [("SET", "notif:lock:consumer:1-alice", value) for value in ("nobody", "", b"\xff\xfe")],
    "limit": [("SET", "notif:limit:notify:1-alice", value) for value in ("abc", "1e300", "inf", "nan", "-5")],
    "totals": [("HSET", "notif:totals", "pending", value) for value in ("abc", "9" * 30, "")],
    "users": [("ZADD", "notif:users", 0, value) for value in ("nobody", "", b"\xff", "0-", "x-y")],
    "logins": [("ZADD", "notif:logins", 0, value) for value in ("nobody", b"al\xff", "al x")],
    "pending": [("ZADD", "notif:pending", 0, value) for value in ("nobody", b"\xff", "0-")],
    "expiry": [("ZADD", "notif:expiry", 1, value) for value in ("nobody", b"\xff", "0-")],
    "overfull": [("SADD", "notif:overfull", value) for value in ("nobody", b"\xff", "0-")],
    "retained": [("SADD", "notif:retained", value) for value in ("nobody", b"\xff", "0-")],
    "heartbeats": [("HSET", "notif:pods:hb", *pair) for pair in (("pod-x", "abc"), ("pod-y", "nan"), (b"\xff", "1"))],
    "pod": [
        ("SET", "notif:pod:pod-z", value, "PX", 600_000) for value in ("{broken", "[]", "5", '{"connections":"x"}')
    ],
}


@pytest.mark.slow
@pytest.mark.parametrize("name", ODD_VALUES)
async def test_odd_values_are_survived(start_pod, redis, name):
    client, live = await begin(start_pod)
    if name == "pod":
        await redis.call("HSET", "notif:pods:hb", "pod-z", 1)
    for number, command in enumerate(ODD_VALUES[name]):
        await redis.call(*command)
        if command[1].startswith(("notif:route:", "notif:cleared:", "notif:limit:", "notif:lock")):
            await redis.call("PEXPIRE", command[1], 600_000)
        if name == "lock":  # of a pod that never was: taken over as a dead pod's is
            await client.pod.router.renew()
            await client.pod.heartbeat.round()
        if name == "limit":
            await redis.call("DEL", "notif:spoilt:notif:limit:notify:1-alice")
        await check_all_goes_on(client, live, f"round {number}")


def test_each_key_is_named_once_and_few_are_remembered(caplog):
    spoilt, counted = Spoilt(), []
    spoilt.on_found = counted.append
    for number in [*range(MOST_NAMED + 10), MOST_NAMED + 9, 0]:
        spoilt.note("payload", f"notification:{number}")
    spoilt.note("what a user typed", "notification:0")
    assert spoilt_keys(caplog).count(f"notification:{MOST_NAMED + 9}") == 1
    assert len(spoilt._named) == MOST_NAMED
    assert set(counted) == {"payload", "other"}


def test_kinds_and_integers():
    assert kind_of("notif:{delivery}:record:1") == "record"
    assert kind_of("stream:user:{1-alice}") == "stream"
    assert kind_of("something") == "other"
    values = [b"5", b"-5", 5, None, b"abc", b"9" * 30, b"", b"1.5", ValueError()]
    assert [integer(value, -1) for value in values] == [5, -5, 5, -1, -1, -1, -1, -1, -1]


@pytest.mark.parametrize("name", ["sessions:", "session_ends:", "session_since:"])
async def test_sessions_of_a_user_in_keys_of_another_type(start_pod, redis, name):
    client = await start_pod()
    for user in ("u1", "u2"):
        body = {"user_id": user, "platform": "android", "device_token": f"token-of-{user}"}
        assert (await client.post("/api/v1/sessions", json=body)).status_code == 201
    keys = [key.decode() for key in await redis.call("KEYS", f"notif:{{delivery}}:{name}*")]
    assert len(keys) == 2
    for key in keys:
        await overwrite(redis, key, "string")
    for user in ("u1", "u2"):
        await get(client, f"/api/v1/sessions/{user}")
        body = {"user_id": user, "platform": "android", "device_token": f"token-of-{user}"}
        assert (await client.post("/api/v1/sessions", json=body)).status_code == 201
        assert len((await get(client, f"/api/v1/sessions/{user}"))["sessions"]) == 1


@pytest.mark.parametrize("command", [("SET", "abc"), ("SET", str(2**63 - 1)), ("RPUSH", "x"), ("SET", "")])
async def test_a_pod_starts_whatever_stands_in_the_fence(start_pod, redis, command):
    await redis.call(command[0], "notif:fence", command[1])
    client, live = await begin(start_pod)
    assert client.pod.holder.fence > 1_000_000_000_000
    await check_all_goes_on(client, live, "after that")


@pytest.mark.slow
async def test_events_of_another_program_are_left_out(start_pod, redis):
    client = await start_pod()
    follower = client.pod.event_log.follow()
    first = asyncio.ensure_future(anext(follower))
    await asyncio.sleep(0)
    await eventually(lambda: is_reading(redis))
    await redis.call("XADD", "notif:events", "*", "foo", "bar")
    await redis.call("PEXPIRE", "notif:events", 60_000)
    assert await first == []
    for body in (b"\xff", b"\x91\xc4\x01{"):
        await redis.call("XADD", "notif:events", "*", "pod", "x", "events", body)
        assert await anext(follower) == []
    await follower.aclose()


async def is_reading(redis):
    return b"cmd=xread" in (await redis.call("CLIENT", "LIST")).replace(b"|", b"") and b"flags=b" in await redis.call(
        "CLIENT", "LIST"
    )


async def test_a_bus_of_another_program_is_survived(start_pod, redis):
    client, live = await begin(start_pod)
    await redis.call("XADD", "notif:bus:pod-a", "*", "foo", "bar")
    await check_all_goes_on(client, live, "after that")
    client.pod.bus_reader.opened.clear()
    await overwrite(redis, "notif:bus:pod-a", "string")
    client.pod.bus_reader.restart()
    await eventually(client.pod.bus_reader.opened.is_set, "another bus")
    await check_all_goes_on(client, live, "after another type")
