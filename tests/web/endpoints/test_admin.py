"""The operators' API (contract §6)."""

import asyncio
import logging

import pytest

from tests.support import ALICE, Inbox, eventually, notify

ADMIN = "/api/v1/admin"


async def get(client, path, **params):
    response = await client.get(f"{ADMIN}/{path}", params=params)
    assert response.status_code == 200, response.text
    return response.json()


async def pages(client, path, key, limit):
    """All pages of a list, each at most `limit` long."""
    found, cursor = [], ""
    while cursor is not None:
        body = await get(client, path, limit=limit, cursor=cursor)
        assert len(body[key]) <= limit
        found += body[key]
        cursor = body["next_cursor"]
    return found, body["total"]


async def test_clients(client):
    inbox = await Inbox.open(client)
    await notify(client)
    await inbox.read(await inbox.receive("notification.push"))
    await inbox.receive("notification.read.ack")
    body = await get(client, "clients")
    (row,) = body["clients"]
    assert body["total"] == 1 and body["next_cursor"] is None
    assert (row["user_id"], row["login"], row["pod_id"], row["remote"]) == (1, "alice", "pod-a", "127.0.0.1")
    assert (row["sent"], row["acked"], row["buffered"]) == (1, 1, 0)
    assert row["connected_at"].endswith("Z") and row["last_seen"] >= row["connected_at"][:19]


async def test_clients_by_the_page(client):
    for i in range(1, 8):
        await Inbox.open(client, i, "u")
    rows, total = await pages(client, "clients", "clients", 3)
    assert total == 7 and sorted(row["user_id"] for row in rows) == list(range(1, 8))


async def test_disconnect(client):
    inbox = await Inbox.open(client)
    (row,) = (await get(client, "clients"))["clients"]
    assert (await client.delete(f"{ADMIN}/clients/{row['connection_id']}")).status_code == 204
    assert await inbox.closed() == 1000
    await eventually(lambda: len(client.pod.hub) == 0)
    assert (await client.delete(f"{ADMIN}/clients/{row['connection_id']}")).status_code == 404


async def test_users_by_key_and_by_login(client):
    names = [(1, "alice"), (10, "albert"), (2, "bob"), (11, "böb")]
    await notify(client, targets=[{"id": i, "login": login} for i, login in names])
    await notify(client)
    await Inbox.open(client, 2, "bob")
    rows, total = await pages(client, "users", "users", 3)
    assert total == 4
    assert {(row["user_id"], row["login"]): (row["connections"], row["pending"]) for row in rows} == {
        (1, "alice"): (0, 2),
        (10, "albert"): (0, 1),
        (2, "bob"): (1, 1),
        (11, "böb"): (0, 1),
    }

    async def found(prefix):
        body = await get(client, "users", q=prefix)
        assert body["total"] == len(body["users"])
        return [row["login"] for row in body["users"]]

    assert await found("al") == ["albert", "alice"]
    assert await found("1") == ["alice", "albert", "böb"]
    assert await found("1-") == ["alice"]
    assert await found("bö") == ["böb"]
    assert await found("zz") == []


async def test_pending_by_the_page(client):
    for i in range(1, 6):
        for n in range(4):
            await notify(client, str(n), targets=[{"id": i, "login": "u"}])
    found, cursor, sizes = {}, "", []
    while cursor is not None:
        body = await get(client, "pending", limit=7, cursor=cursor)
        assert (body["total_pending"], body["users_with_pending"]) == (20, 5)
        sizes.append(sum(map(len, body["pending_notifications"].values())))
        for key, rows in body["pending_notifications"].items():
            found.setdefault(key, []).extend(rows)
        cursor = body["next_cursor"]
    assert sizes[:2] == [7, 7] and sum(sizes) == 20
    assert {key: [row["payload"]["message"] for row in rows] for key, rows in found.items()} == {
        f"{i}-u": ["0", "1", "2", "3"] for i in range(1, 6)
    }
    assert all(row["read"] is False and "-" in row["id"] for rows in found.values() for row in rows)


async def test_pending_goes_when_read(client):
    inbox = await Inbox.open(client)
    await notify(client)
    await inbox.read(await inbox.receive("notification.push"))
    await inbox.receive("notification.read.ack")
    body = await get(client, "pending")
    assert body == {"pending_notifications": {}, "total_pending": 0, "users_with_pending": 0, "next_cursor": None}


async def test_history(client, redis):
    ids = [(await notify(client, str(i)))[0] for i in range(3)]
    inbox = await Inbox.open(client)
    await inbox.read(inbox.greeting[1])
    await inbox.receive("notification.read.ack")
    await redis.call("DEL", f"notification:{ids[0]}")
    body = await get(client, "history", user_id=1, login="alice")
    assert body["user"] == {"user_id": 1, "login": "alice"} and body["total"] == 3
    assert [row["status"] for row in body["notifications"]] == ["unread", "read", "auto_cleared"]
    assert [row["read"] for row in body["notifications"]] == [False, True, False]
    assert body["notifications"][0]["payload"]["message"] == "2" and body["notifications"][2]["payload"] is None
    assert len((await get(client, "history", user_id=1, login="alice", limit=2))["notifications"]) == 2
    assert (await get(client, "history", user_id=5, login="nobody"))["notifications"] == []


@pytest.mark.parametrize(
    "query", ["", "?user_id=1", "?user_id=x&login=a", "?user_id=1&login=a&limit=0", "?user_id=1&login=a&limit=1001"]
)
async def test_history_of_nobody(client, query):
    assert (await client.get(f"{ADMIN}/history{query}")).status_code == 422


async def test_one_user(client):
    inbox = await Inbox.open(client)
    await inbox.say("retention.set", days=4)
    await inbox.receive("retention.ack")
    await notify(client)
    body = await get(client, "users/1-alice")
    assert body["user"] == {"user_id": 1, "login": "alice"}
    assert (body["pending"], body["stored"], body["lock_owner"], body["retention_days"]) == (1, 1, "pod-a", 4)
    assert len(body["connections"]) == 1
    assert (await client.get(f"{ADMIN}/users/2-bob")).status_code == 404
    assert (await client.get(f"{ADMIN}/users/nonsense")).status_code == 404


async def test_clear(client, redis):
    inbox = await Inbox.open(client)
    ids = [(await notify(client, str(i)))[0] for i in range(3)]
    pushes = [await inbox.receive("notification.push") for _ in range(3)]
    await inbox.read(pushes[0])
    await inbox.receive("notification.read.ack")
    response = await client.delete(f"{ADMIN}/users/1-alice/pending")
    assert response.json() == {"cleared": 2}
    told = [await inbox.receive("notification.push") for _ in range(2)]
    assert [(p["notification_id"], p["status"]) for p in told] == [(i, "auto_cleared") for i in ids[1:]]
    assert [p["notification_id"] for p in await inbox.sync()] == ids[:1]


async def test_pods(client):
    await Inbox.open(client)
    await client.pod.heartbeat.round()
    (pod,) = (await get(client, "pods"))["pods"]
    assert (pod["pod_id"], pod["connections"], pod["locks"], pod["bus_lag"]) == ("pod-a", 1, 1, 0)
    assert pod["version"] and pod["started_at"].endswith("Z") and 0 <= pod["heartbeat_age_s"] < 5


async def test_broadcast(client):
    inboxes = [await Inbox.open(client, i, "u") for i in range(1, 4)]
    await Inbox.open(client, 1, "u")
    response = await client.post(f"{ADMIN}/broadcast", json={"message": "all", "source": "ops"})
    assert response.status_code == 202 and response.json() == {"accepted": 3}
    for inbox in inboxes:
        assert (await inbox.receive("notification.push"))["message"] == "all"
    assert (await client.post(f"{ADMIN}/broadcast", json={"message": ""})).status_code == 422


@pytest.mark.parametrize("query", ["limit=0", "limit=1001", "limit=x", "limit=-1", "nonsense=1", "limit=٣"])
async def test_bad_queries(client, query):
    response = await client.get(f"{ADMIN}/users?{query}")
    assert response.status_code == 422 and response.json()["errors"]


class Events:
    """A follower of the stream of events."""

    def __init__(self, reader, writer):
        self.reader, self.writer = reader, writer

    @classmethod
    async def open(cls, client, query=""):
        reader, writer = await asyncio.open_connection("127.0.0.1", client.port)
        writer.write(f"GET {ADMIN}/events{query} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
        assert b"200 OK" in head and b"text/event-stream" in head
        await asyncio.wait_for(reader.readuntil(b": following\n\n"), 5)
        return cls(reader, writer)

    async def next(self):
        import json

        while True:
            line = (await asyncio.wait_for(self.reader.readline(), 5)).decode().strip()
            if line.startswith("event: "):
                kind = line.removeprefix("event: ")
            elif line.startswith("data: "):
                data = json.loads(line.removeprefix("data: "))
                assert data["type"] == kind and data["pod_id"] and data["time"].endswith("Z")
                return data


async def test_events_tell_the_life_of_a_notification(client, redis):
    events = await Events.open(client)
    inbox = await Inbox.open(client)
    assert (await events.next())["type"] == "client.connected"
    (nid,) = await notify(client, source="shop")
    pushed, stored = sorted([await events.next(), await events.next()], key=lambda e: e["type"])
    assert pushed["type"] == "notification.pushed" and pushed["notification_id"] == nid
    assert stored["type"] == "notification.stored" and (stored["source"], stored["message"]) == ("shop", "hello")
    assert (stored["user_id"], stored["login"], stored["stream_id"]) == (1, "alice", pushed["stream_id"])
    await inbox.read(await inbox.receive("notification.push"))
    assert (await events.next())["type"] == "notification.read"
    await inbox.socket.close()
    gone = await events.next()
    assert gone["type"] == "client.disconnected" and gone["login"] == "alice" and gone["remote"] == "127.0.0.1"
    events.writer.close()
    await eventually(lambda: client.pod.events.listeners == 0 or notify(client))


async def test_events_with_a_past(client):
    """Notable events of before are told first, those that were not stored yet among them, each once."""
    await client.post(f"{ADMIN}/channels/sms/pause")
    await eventually(lambda: not client.pod.events.notable, "the events to be kept")
    await client.post(f"{ADMIN}/channels/sms/resume")
    types = "types=channel.paused,channel.resumed,log"
    events = await Events.open(client, f"?since=2020-01-01T00:00:00Z&{types}")
    first, second = await events.next(), await events.next()
    assert [first["type"], second["type"]] == ["channel.paused", "channel.resumed"]
    logging.getLogger("notifier.test").error("a.fault", extra={"where": "here"})
    said = await events.next()
    facts = {"type": "log", "level": "error", "event": "a.fault", "instance": "pod-a", "text": "where=here"}
    assert facts.items() <= said.items()
    later = await Events.open(client, f"?since={first['time']}&{types}")
    assert (await later.next()) == second
    errors = await Events.open(client, f"?since={second['time']}&types=log&level=error")
    logging.getLogger("notifier.test").warning("a.doubt")
    logging.getLogger("notifier.test").error("an.end")
    assert [(await errors.next())["event"] for _ in range(2)] == ["a.fault", "an.end"]
    assert (await client.get(f"{ADMIN}/events?since=noon")).status_code == 422


async def test_events_that_another_instance_kept_only_after_a_follower_came(client, start_pod, monkeypatch):
    """They are neither kept when the past is read nor told on the bus; each still comes, and once."""
    monkeypatch.setattr("notifier.web.endpoints.events.AGAIN_AFTER", 0.2)
    other = (await start_pod("pod-b")).pod
    keeper = next(duty for duty in other.duties if duty.name == "event keeper")
    await keeper.stop()
    other.events.note("channel.paused", {"channel": "sms"})
    events = await Events.open(client, "?since=2020-01-01T00:00:00Z&types=channel.paused,channel.resumed")
    await keeper.round()
    assert (await events.next())["channel"] == "sms"
    await client.post(f"{ADMIN}/channels/sms/resume")
    assert (await events.next())["type"] == "channel.resumed"


async def test_events_of_before_while_the_store_is_away(client):
    """Those that this instance still holds are told, and a comment says what is left out."""
    await client.pod.redis.stop()
    client.pod.events.note("channel.paused", {"channel": "sms"})
    events = await Events.open(client, "?since=2020-01-01T00:00:00Z&types=channel.paused")
    assert (await events.next())["channel"] == "sms"


async def test_events_of_the_types_wanted(client):
    events = await Events.open(client, "?types=notification.read,client.connected")
    inbox = await Inbox.open(client)
    await notify(client)
    await inbox.read(await inbox.receive("notification.push"))
    assert [(await events.next())["type"] for _ in range(2)] == ["client.connected", "notification.read"]


async def test_a_slow_listener_is_told_what_it_missed(client):
    listener = client.pod.events.listen(frozenset())
    for _ in range(1100):
        client.pod.events.emit("pod.joined", {"pod": "x"})
    assert len(await listener.take(0)) == 1000 and listener.missed == 100
    client.pod.events.leave(listener)


async def test_metrics(client):
    inbox = await Inbox.open(client)
    await notify(client, targets=[ALICE, {"id": 2, "login": "bob"}])
    await inbox.receive("notification.push")
    text = (await client.get("/metrics")).text
    lines = dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
    assert lines["notifications_sent_total"] == "2.0" and lines["notifications_pushed_total"] == "1.0"
    assert lines["websocket_connections"] == "1.0"
    assert (
        lines['delivery_latency_ms_bucket{le="+Inf"}'] == lines['delivery_latency_seconds_bucket{le="+Inf"}'] == "1.0"
    )
    assert any(
        line.startswith('http_request_seconds_bucket{le="0.0005",method="POST",route="/api/v1/notify"')
        for line in lines
    )
    for name in ("notifications_acked_total", "notifications_auto_cleared_total", "notifications_trimmed_total"):
        assert lines[name] == "0.0"
    assert {"redis_command_seconds_count", "event_loop_lag_seconds_count", "process_resident_memory_bytes"} <= set(
        lines
    )
    assert "alice" not in text
    openmetrics = await client.get("/metrics", headers={"accept": "application/openmetrics-text; version=1.0.0"})
    assert openmetrics.headers["content-type"].startswith("application/openmetrics-text")
    assert openmetrics.text.endswith("# EOF\n")


async def test_json_metrics(client):
    inbox = await Inbox.open(client)
    await notify(client, targets=[ALICE, {"id": 2, "login": "bob"}])
    await inbox.receive("notification.push")
    body = (await client.get("/api/v1/metrics")).json()
    assert (body["sent"], body["pushed"], body["acked"], body["auto_cleared"]) == (2, 1, 0, 0)
    assert (body["connections"], body["pending"], body["users"]) == (1, 2, 2)
    assert body["latency_ms"].keys() == {"p50", "p95", "p99"} and body["latency_ms"]["p99"] > 0
    assert (await client.get("/metrics", headers={"accept": "application/json"})).json()["sent"] == 2


async def test_counts_survive_a_restart(start_pod, redis):
    first = await start_pod()
    await notify(first)
    await first.server.close()
    second = await start_pod()
    assert (await second.get("/api/v1/metrics")).json()["sent"] == 1


async def test_a_follower_does_not_hold_up_the_stop(client):
    events = await Events.open(client)
    await asyncio.wait_for(client.server.close(), 3)
    assert await asyncio.wait_for(events.reader.read(), 1) is not None and events.reader.at_eof()
