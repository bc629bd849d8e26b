"""The program on a real Sentinel deployment: a master, two replicas, three sentinels (contract §2, §11)."""

import asyncio

import pytest

from notifier.config import load
from notifier.pod.app import App
from notifier.serving.process import Server, bind
from tests.e2e.redis_servers import RedisServers, start_sentinel
from tests.support import Inbox, notify


@pytest.fixture
def deployment(tmp_path):
    servers = RedisServers(tmp_path)
    try:
        servers.address, servers.master = asyncio.run(start_sentinel(servers))
        yield servers
    finally:
        servers.stop()


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
