"""The usage scenarios of the README, against the program as a process of its own."""

import asyncio
import json

import aiohttp
import pytest

from notifier.client import Client
from tests.e2e.server import ServerProcess
from tests.support import PATIENCE


@pytest.fixture
def server(loop, data_dir):
    """The program, with its own Redis and a short life for notifications."""
    process = ServerProcess(data_dir / "data", NOTIFICATION_TTL="1s", JANITOR_INTERVAL="200ms", LOCK_TTL="3s")
    process.data_dir.mkdir()
    loop.run_until_complete(process.start())
    yield process
    loop.run_until_complete(process.stop())


class Follower:
    """A user's pushes as they come, through `notifier.client`."""

    def __init__(self, client, user_id, login):
        self.pushes = asyncio.Queue()
        self.listener = client.listen(user_id, login)
        self._task = asyncio.create_task(self._follow())

    async def _follow(self):
        async for message in self.listener:
            if message.type in ("notification.push", "sync.complete"):
                self.pushes.put_nowait(message)

    async def next(self, kind="notification.push"):
        message = await asyncio.wait_for(self.pushes.get(), PATIENCE)
        assert message.type == kind
        return message.data

    def leave(self):
        self._task.cancel()


async def test_online_offline_several_and_expiry(server):
    async with Client(server.url) as client:
        alice = Follower(client, 1, "alice")
        await alice.next("sync.complete")
        (sent,) = await client.send([(1, "alice")], "you are online", ttl="1h")
        assert (await alice.next())["notification_id"] == sent["notification_id"]

        await client.send([(2, "bob")], "you were offline", ttl="1h")
        bob = Follower(client, 2, "bob")
        assert (await bob.next())["message"] == "you were offline"
        await bob.next("sync.complete")

        await client.send([(1, "alice"), (2, "bob")], "to both", ttl="1h")
        assert (await alice.next())["message"] == (await bob.next())["message"] == "to both"

        (short,) = await client.send([(1, "alice")], "gone in a second")
        assert (await alice.next())["status"] == "unread"
        cleared = await alice.next()
        assert (cleared["notification_id"], cleared["status"]) == (short["notification_id"], "auto_cleared")

        (away,) = await client.send([(3, "carol")], "gone before carol comes")
        while server.get("/api/v1/metrics")["auto_cleared"] < 2:
            await asyncio.sleep(0.02)
        carol = Follower(client, 3, "carol")
        cleared = await carol.next()
        assert (cleared["notification_id"], cleared["status"]) == (away["notification_id"], "auto_cleared")
        for follower in (alice, bob, carol):
            follower.leave()


async def test_history_survives_kill_9(server):
    async with Client(server.url) as client:
        (sent,) = await client.send([(1, "alice")], "durable", ttl="1h")
        alice = Follower(client, 1, "alice")
        push = await alice.next()
        await alice.listener.ack(push["notification_id"], push["stream_id"])
        while server.get("/api/v1/metrics")["pending"]:
            await asyncio.sleep(0.02)
        alice.leave()
    redis = server.redis_pid
    server.kill()
    await server.wait()
    await server.start()
    (row,) = server.get("/api/v1/admin/history?user_id=1&login=alice")["notifications"]
    assert (row["notification_id"], row["status"]) == (sent["notification_id"], "read")
    assert redis != server.redis_pid


async def test_a_thousand_targets_reach_a_thousand_sockets(server):
    users = list(range(1, 1001))
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

        async def connect(user):
            socket = await session.ws_connect(f"{server.url}/ws?user_id={user}&login=u")
            assert (await socket.receive_json())["type"] == "sync.complete"
            return socket

        sockets = await asyncio.gather(*map(connect, users))
        body = {"target": [{"id": user, "login": "u"} for user in users], "message": "all", "ttl": "1h"}
        async with session.post(f"{server.url}/api/v1/notify", json=body) as answer:
            assert answer.status == 202
            results = (await answer.json())["results"]
        pushes = await asyncio.gather(*(socket.receive_json(timeout=20) for socket in sockets))
        assert [push["data"]["notification_id"] for push in pushes] == [r["notification_id"] for r in results]
        await asyncio.gather(*(socket.close() for socket in sockets))


async def test_a_kill_of_the_server_leaves_no_redis(server):
    redis = server.redis_pid
    server.kill()
    await server.wait()

    def is_gone():
        try:
            with open(f"/proc/{redis}/stat") as stat:
                return stat.read().rsplit(")", 1)[1].split()[0] == "Z"
        except FileNotFoundError:
            return True

    while not is_gone():
        await asyncio.sleep(0.01)
    await server.start()


async def test_a_dead_redis_is_restarted_and_reported(server):
    assert server.kill_redis()
    while server.get_health()["components"]["redis"].get("restarts") != 1:
        await asyncio.sleep(0.02)
    while server.get_health()["status"] != "ok":
        await asyncio.sleep(0.02)
    async with Client(server.url) as client:
        assert await client.send([(1, "alice")], "after")
    log = (server.data_dir.parent / "server.log").read_text()
    events = [json.loads(line)["event"] for line in log.splitlines() if line.startswith("{")]
    assert "redis.died" in events and "redis.restarted" in events
