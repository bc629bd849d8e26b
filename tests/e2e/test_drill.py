"""The drill of ten faults, and what operators are told on Sentinel and on Redis Cluster."""

import asyncio

import aiohttp
import pytest

from tests.e2e.drill import ADMIN, WITHIN, Watcher, run
from tests.e2e.redis_servers import RedisServers, start_cluster, start_sentinel
from tests.e2e.server import ServerProcess

pytestmark = pytest.mark.slow


async def test_each_of_ten_faults_is_named_and_cleared_within_ten_seconds(loop, tmp_path):
    assert await run(tmp_path, [])


async def ask(http, url, path):
    async with http.get(f"{url}{ADMIN}/{path}") as answer:
        assert answer.status == 200, await answer.text()
        return await answer.json()


async def tell_all(http, url):
    """Makes a notification and a delivery, and asks every route of operators that reads keys of its own."""
    body = {"target": [{"id": 1, "login": "alice"}], "message": "hello", "source": "shop"}
    async with http.post(f"{url}/api/v1/notify", json=body) as answer:
        assert answer.status == 202
    body = {"channel": "sms", "recipient": "+905551234567", "content": "x"}
    async with http.post(f"{url}/api/v1/notifications", json=body) as answer:
        identity = (await answer.json())["id"]
    found = (await ask(http, url, f"find?q={identity}"))["results"]
    assert [(row["kind"], row["id"]) for row in found] == [("delivery", identity)]
    assert (await ask(http, url, "find?q=al"))["results"][0]["login"] == "alice"
    assert len((await ask(http, url, "channels"))["channels"]) == 5

    async def is_kept():
        history = await ask(http, url, "history/metrics?minutes=2")
        return 1 in history["series"]["accepted"] and "restart" in [mark["kind"] for mark in history["marks"]]

    async with asyncio.timeout(WITHIN):
        while not (await is_kept() and (await ask(http, url, "talkers"))["source"]):
            await asyncio.sleep(0.1)


@pytest.mark.parametrize("start", [start_sentinel, start_cluster], ids=["sentinel", "cluster"])
async def test_what_operators_are_told_on_sentinel_and_cluster(loop, tmp_path, start):
    servers = RedisServers(tmp_path)
    address, _ = await start(servers)
    data = tmp_path / "pod" / "data"
    data.mkdir(parents=True)
    server = ServerProcess(data, REDIS_ADDR=address)
    try:
        await server.start()
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as http:
            await tell_all(http, server.url)
            watcher = Watcher(http, server.url)
            await watcher.until(lambda found: ("store_away", "") not in found, WITHIN)
            for port in list(servers.processes):
                servers.pause(port)
            await watcher.until(lambda found: ("store_away", "") in found, WITHIN)
            assert watcher.slowest < 1.0
            for port in list(servers.processes):
                servers.resume(port)
            await watcher.until(lambda found: ("store_away", "") not in found, 3 * WITHIN)
    finally:
        await server.stop()
        servers.stop()
