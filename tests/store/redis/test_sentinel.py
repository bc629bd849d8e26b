"""The program on a real Sentinel deployment: a master, two replicas, three sentinels (contract §2, §11)."""

import asyncio

import pytest

from notifier.config import load
from notifier.pod.app import App
from notifier.serving.process import Server, bind
from notifier.store.redis.address import parse_deployment
from notifier.store.redis.sentinel import find_master
from tests.e2e.redis_servers import RedisServers, start_sentinel
from tests.e2e.server import free_port
from tests.support import Inbox, eventually, notify


@pytest.fixture
def deployment(tmp_path):
    servers = RedisServers(tmp_path)
    try:
        servers.address, servers.master = asyncio.run(start_sentinel(servers))
        yield servers
    finally:
        servers.stop()


@pytest.fixture
def watched(loop, tmp_path):
    """A master with one sentinel: the processes, the master's port, and the sentinel's."""
    servers, master, sentinel = RedisServers(tmp_path), free_port(), free_port()
    servers.start(master, "--save", "")
    loop.run_until_complete(servers.ask(master, "PING"))
    lines = (f"sentinel monitor main 127.0.0.1 {master} 1", "sentinel down-after-milliseconds main 200")
    servers.start(sentinel, sentinel="\n".join(lines) + "\n")
    loop.run_until_complete(servers.ask(sentinel, "PING"))
    yield servers, master, sentinel
    servers.stop()


async def test_the_master_is_found_by_the_first_sentinel_that_knows_it(watched):
    servers, master, sentinel = watched
    silent, closed = free_port(), free_port()
    servers.start(silent, "--save", "")  # no sentinel at all, and wants a password
    await servers.ask(silent, "CONFIG", "SET", "requirepass", "another")
    text = f"redis+sentinel://user:secret@127.0.0.1:{closed},127.0.0.1:{silent},127.0.0.1:{sentinel}/main"
    found = await find_master(parse_deployment(text))
    assert (found.host, found.port) == ("127.0.0.1", master)
    assert (found.username, found.password) == ("user", "secret"), "which are the servers', not the sentinels'"


async def test_no_sentinel_that_knows_it_is_an_error_of_the_connection(watched):
    _, master, sentinel = watched
    for address in (f"127.0.0.1:{sentinel}/other", f"127.0.0.1:{master}/main", f"127.0.0.1:{free_port()}/main"):
        with pytest.raises(ConnectionError, match="no sentinel of"):
            await find_master(parse_deployment(f"redis+sentinel://{address}"))


async def test_a_master_that_is_down_is_none(watched):
    servers, master, sentinel = watched
    servers.kill(master)

    async def is_given_up():
        try:
            await find_master(parse_deployment(f"redis+sentinel://127.0.0.1:{sentinel}/main"))
        except ConnectionError:
            return True
        return False

    await eventually(is_given_up, "the sentinel's judgement")


@pytest.mark.slow
async def test_a_failover_under_load(deployment, loop, sanic_client):
    settings = load({"server_addr": "127.0.0.1:0", "redis_addr": deployment.address, "pod_id": "pod-a"}, {})
    app = App(settings)
    client = await sanic_client(Server(app, bind(settings.host, settings.port)).web)
    client.pod = app
    inbox = await Inbox.open(client)
    (before,) = await notify(client, "before")
    assert (await inbox.receive("notification.push"))["notification_id"] == before
    assert await deployment.ask(deployment.master, "WAIT", 1, 5000) >= 1
    deployment.kill(deployment.master)
    body = {"target": [{"id": 1, "login": "alice"}], "message": "after"}
    deadline = asyncio.get_running_loop().time() + 25
    while (response := await client.post("/api/v1/notify", json=body)).status_code != 202:
        assert response.status_code == 503 and asyncio.get_running_loop().time() < deadline
        assert (await client.get("/health/live")).status_code == 200
    (after,) = [result["notification_id"] for result in response.json()["results"]]
    seen = set()
    while after not in seen:
        seen.add((await inbox.receive("notification.push"))["notification_id"])
    history = (await client.get("/api/v1/admin/history?user_id=1&login=alice")).json()
    assert {before, after} <= {row["notification_id"] for row in history["notifications"]}
