"""The program on a real Redis Cluster: three masters, three replicas (contract §5, §11)."""

import asyncio
from functools import partial
from urllib.parse import urlencode

import msgspec
import pytest

from notifier.config import load
from notifier.domain.access import KeyRequest, Scope
from notifier.domain.times import format_time
from notifier.domain.users import User
from notifier.pod.app import App
from notifier.serving.process import Server, bind
from notifier.store.redis import client as redis_client
from notifier.store.redis import open as store
from notifier.store.redis.cluster import ClusterRedis
from tests.support import ALICE, Inbox, eventually, notify

PATIENCE = 20.0  # seconds


@pytest.fixture
def client(loop, cluster, sanic_client, monkeypatch):
    """A pod that waits longer for a reply than pods do: six servers on a busy machine may have none of it for a second.
    How soon silence is noticed is for test_link.py."""
    monkeypatch.setattr(store, "ClusterRedis", partial(ClusterRedis, reply_timeout=PATIENCE))
    monkeypatch.setattr(redis_client, "RETRY_FOR", PATIENCE)
    settings = load(
        {"server_addr": "127.0.0.1:0", "redis_addr": cluster.address, "pod_id": "pod-a", "janitor_interval": "1h"}
        | {"simulator_success_rate": "1", "simulator_latency": "0"},
        {},
    )

    async def begin():
        for port in cluster.masters:
            await cluster.ask(port, "FLUSHALL")
        app = App(settings)
        client = await sanic_client(Server(app, bind(settings.host, settings.port)).web)
        client.pod = app
        return client

    return loop.run_until_complete(begin())


async def look(client, path):
    answer = await client.get(path, timeout=PATIENCE)
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.slow
async def test_the_inbox_works_across_slots(client):
    users = [{"id": i, "login": f"u{i}"} for i in range(1, 31)]
    inboxes = [await Inbox.open(client, user["id"], user["login"]) for user in users[:5]]
    ids = await notify(client, "all", targets=users)
    for inbox, nid in zip(inboxes, ids, strict=False):
        push = await inbox.receive("notification.push")
        assert push["notification_id"] == nid
        await inbox.read(push)
        assert (await inbox.receive("notification.read.ack"))["notification_id"] == nid
    body = await look(client, "/api/v1/admin/pending?limit=1000")
    assert (body["total_pending"], body["users_with_pending"]) == (25, 25)
    assert len(body["pending_notifications"]) == 25
    found, cursor = [], ""
    while cursor is not None:
        page = await look(client, "/api/v1/admin/users?" + urlencode({"limit": 7, "cursor": cursor}))
        assert page["total"] == 30
        found += [row["login"] for row in page["users"]]
        cursor = page["next_cursor"]
    assert sorted(found) == sorted(user["login"] for user in users)
    named = await look(client, "/api/v1/admin/users?q=u1")
    assert named["total"] == len(named["users"]) == 11


async def test_deliveries_share_a_slot(client, cluster):
    items = [{"channel": "sms", "recipient": f"+9055512345{n:02d}", "content": "hi"} for n in range(20)]
    items.append({"channel": "push", "user_id": "nobody", "content": "later", "scheduled_at": "2100-01-01T00:00:00Z"})
    answer = await client.post("/api/v1/notifications/batch", json={"notifications": items})
    assert (answer.status_code, answer.json()["accepted"]) == (201, 21)
    batch = answer.json()["batch_id"]

    async def ended():
        statuses = (await client.get(f"/api/v1/batches/{batch}")).json()["statuses"]
        return statuses == {"sent": 20, "scheduled": 1}

    await eventually(ended, "the end of the batch")
    page = (await client.get("/api/v1/notifications?status=sent&channel=sms&recipient=%2B905551234500")).json()
    assert page["total"] == 1
    later = answer.json()["notifications"][20]["id"]
    assert (await client.delete(f"/api/v1/notifications/{later}")).status_code == 204
    assert (await client.delete(f"/api/v1/notifications/{later}")).status_code == 409


async def test_a_device_leaves_one_user_for_another(client):
    for user in ("a", "b", "c"):
        body = {"user_id": user, "platform": "ios", "device_token": "d"}

        async def registered(body=body):
            return (await client.post("/api/v1/sessions", json=body)).status_code == 201

        await eventually(registered, "the registration")
    counts = [len((await look(client, f"/api/v1/sessions/{user}"))["sessions"]) for user in ("a", "b", "c")]
    assert counts == [0, 0, 1]


async def test_keys_of_a_user_share_a_slot(client, cluster):
    (nid,) = await notify(client)
    await Inbox.open(client)
    for name in ("stream:user:{1-alice}", f"notification:{{1-alice}}:{nid}", "notif:lock:consumer:{1-alice}"):
        assert await client.pod.redis.call("EXISTS", name) == 1


async def test_idempotency(client):
    async def post(message):
        body = {"target": [ALICE, {"id": 2, "login": "bob"}], "message": message}
        return await client.post("/api/v1/notify", json=body, headers={"idempotency-key": "k"})

    first, again, other = await post("m"), await post("m"), await post("other")
    assert first.status_code == again.status_code == 202 and first.content == again.content
    assert again.headers["idempotent-replayed"] == "true" and other.status_code == 422
    assert await client.pod.redis.call("XLEN", "stream:user:{1-alice}") == 1


async def test_a_crash_between_storing_and_remembering_leaves_no_duplicate(client):
    idempotency = client.pod.idempotency
    finish, give_up = idempotency.finish, idempotency.give_up
    body = {"target": [ALICE], "message": "m"}

    async def crash(*args):
        raise RuntimeError("the process is gone")

    idempotency.finish, idempotency.give_up = crash, lambda *args: None
    assert (await client.post("/api/v1/notify", json=body, headers={"idempotency-key": "k"})).status_code == 500
    idempotency.finish, idempotency.give_up = finish, give_up
    running = await client.post("/api/v1/notify", json=body, headers={"idempotency-key": "k"})
    assert running.status_code == 409 and 0 < int(running.headers["retry-after"]) <= 5
    (record,) = [k async for k in records(client)]
    await client.pod.redis.call("HDEL", record, "until")  # five seconds later
    assert (await client.post("/api/v1/notify", json=body, headers={"idempotency-key": "k"})).status_code == 202
    assert await client.pod.redis.call("XLEN", "stream:user:{1-alice}") == 1


async def records(client):
    for node in client.pod.redis._nodes.values():
        for key in await node.call("KEYS", "notif:idem:*"):
            yield key


async def test_expiry(client):
    inbox = await Inbox.open(client)
    (nid,) = await notify(client)
    await inbox.receive("notification.push")
    await client.pod.redis.call("DEL", f"notification:{{1-alice}}:{nid}")
    client.pod.janitor._now = lambda: 4e9
    assert await client.pod.janitor.sweep() == 1
    assert (await inbox.receive("notification.push"))["status"] == "auto_cleared"


async def test_a_rate_limit_across_slots(client):
    users = [{"id": i, "login": f"u{i}"} for i in range(1, 31)]
    client.pod.reconfigure(msgspec.structs.replace(client.pod.settings, notify_rate_limit=(2, 3600.0)))
    for _ in range(2):
        await notify(client, targets=users)
    new = {"id": 31, "login": "u31"}
    response = await client.post("/api/v1/notify", json={"target": [new, *users], "message": "x"})
    assert response.status_code == 429
    assert [error["path"] for error in response.json()["errors"]] == [f"target[{i}]" for i in range(1, 31)]
    assert await client.pod.redis.call("XLEN", "stream:user:{31-u31}") == 0
    answer = await client.post("/api/v1/notify", json={"target": [new], "message": "x"})
    assert answer.status_code == 202 and answer.headers["ratelimit"].startswith('"notify";r=1;')


async def test_api_keys(client):
    access = client.pod.access
    made, text = await access.create_key(KeyRequest("shop", (Scope.READ,)))
    assert (await access.authenticate(text)).name == "key:shop"
    await access.revoke_key(made.id)
    assert (await access.list_keys("", 10))[1] == 0


async def test_tokens_of_devices(client):
    devices, users = client.pod.devices, [User(number, f"u{number}") for number in range(1, 6)]
    made = {user: await devices.create(user, "phone", None) for user in users}
    for user, (device, token) in made.items():
        caller = await devices.open(token)
        assert caller.user == user and [row.id for row in await devices.of(user)] == [device.id]
        await devices.revoke(user, device.id)
        assert await devices.of(user) == [] and await devices.revoked([caller.key_id]) == [caller.key_id]


async def test_what_is_to_come_of_a_user(client):
    due = format_time(client.pod.redis.clock.now() + 3600)
    for login in ("alice", "bob"):
        body = {"target": [{"id": 1, "login": login}], "message": f"later, {login}", "deliver_at": due}
        assert (await client.post("/api/v1/notify", json=body)).status_code == 202
    states = client.pod.person.states
    assert [item["message"] for item in await states.to_come("1-alice")] == ["later, alice"]
    assert await states.to_come("2-nobody") == []


async def test_each_master_is_watched(client, cluster):
    watch = client.pod.store_watch
    await watch.look()
    assert watch.reasons == []
    port = cluster.masters[1]
    await cluster.ask(port, "CONFIG", "SET", "maxmemory", "1gb", "maxmemory-policy", "allkeys-lru")
    await watch.look()
    assert len(watch.reasons) == 1
    assert watch.reasons[0].startswith(f"127.0.0.1:{port}: maxmemory-policy allkeys-lru")
    await cluster.ask(port, "CONFIG", "SET", "maxmemory", "0", "maxmemory-policy", "noeviction")


async def test_health_sees_each_master_that_refuses_writes(client, cluster):
    async def status():
        client.pod.heartbeat.hurry()
        return (await client.get("/health")).json()["components"]["redis"]["status"]

    async def is_degraded():
        return await status() == "degraded"

    async def is_well():
        return await status() == "ok"

    for port in cluster.masters:
        await eventually(is_well, "all masters take writes")
        await cluster.ask(port, "CONFIG", "SET", "maxmemory", "1")
        await eventually(is_degraded, "the master that is full")
        await cluster.ask(port, "CONFIG", "SET", "maxmemory", "0")
    await eventually(is_well, "all masters take writes")


@pytest.mark.slow
async def test_a_failover_loses_nothing_that_was_replicated(client, cluster):
    users = [{"id": i, "login": f"u{i}"} for i in range(1, 61)]
    ids = await notify(client, "before", targets=users)
    master = cluster.masters[0]
    assert await cluster.ask(master, "WAIT", 1, 5000) == 1
    cluster.kill(master)

    async def works():
        response = await client.post("/api/v1/notify", json={"target": users, "message": "after"})
        assert response.status_code in (202, 503)
        return response.status_code == 202

    deadline = asyncio.get_running_loop().time() + 20
    while not await works():
        assert asyncio.get_running_loop().time() < deadline
    await eventually(lambda: client.pod.redis.up)
    for user, nid in zip(users, ids, strict=True):
        history = (
            await client.get(
                "/api/v1/admin/history", params={"user_id": user["id"], "login": user["login"], "limit": 1000}
            )
        ).json()
        assert nid in [row["notification_id"] for row in history["notifications"]]
