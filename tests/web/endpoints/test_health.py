"""`/health` while Redis answers and refuses every write."""

import asyncio

import pytest

from notifier.store.redis.address import Address
from notifier.store.redis.link import open_link
from tests.cli.runner import run
from tests.e2e.redis_servers import RedisServers
from tests.e2e.server import free_port
from tests.support import ALICE, eventually


@pytest.fixture
def store(loop, tmp_path):
    """A server of its own, which cannot save to its disk when it is told to."""
    servers, port = RedisServers(tmp_path), free_port()
    servers.start(port, "--save", "86400 1", "--appendonly", "yes")

    async def begin():
        await servers.ask(port, "PING")
        (tmp_path / str(port) / "dump.rdb").mkdir()  # a folder cannot be replaced by a file
        # One connection for all: a server that cannot save refuses even the PING of a new one.
        return await open_link(Address("127.0.0.1", port), 5.0, 1.0, lambda link: None)

    link = loop.run_until_complete(begin())
    link.port = port
    yield link
    link.close()
    servers.stop()


async def fail_to_save(store):
    await store.call("BGSAVE")

    async def failed():
        return b"rdb_last_bgsave_status:err" in await store.call("INFO", "persistence")

    await eventually(failed, "the failure to save")


FAULTS = {
    "OOM": (("CONFIG", "SET", "maxmemory", "1"), ("CONFIG", "SET", "maxmemory", "0")),
    "MISCONF": (None, ("CONFIG", "SET", "stop-writes-on-bgsave-error", "no")),
    "READONLY": (("REPLICAOF", "127.0.0.1", "1"), ("REPLICAOF", "NO", "ONE")),
    "NOREPLICAS": (("CONFIG", "SET", "min-replicas-to-write", "1"), ("CONFIG", "SET", "min-replicas-to-write", "0")),
}


async def health(client):
    answer = await client.get("/health")
    assert answer.status_code == 200
    return answer.json()


@pytest.mark.parametrize("word", FAULTS)
async def test_a_store_that_refuses_writes_is_seen(start_pod, store, word):
    client = await start_pod(redis_addr=f"127.0.0.1:{store.port}")
    assert (await health(client))["status"] == "ok"
    begin, end = FAULTS[word]
    await (store.call(*begin) if begin else fail_to_save(store))
    client.pod.heartbeat.hurry()

    async def refused():
        found = await health(client)
        return found if found["status"] == "degraded" else None

    found = await eventually(refused, "the refusal")
    assert (found["health"], found["database"]) == ("green", "green")  # it is there
    redis = found["components"]["redis"]
    assert redis["status"] == "degraded" and redis["error"].startswith(f"refuses writes ({word}): ")
    assert (await client.get("/health/ready")).status_code == 200  # what only reads is served
    code, _, line = await run("healthcheck", "--url", f"http://127.0.0.1:{client.port}")
    assert code == 1 and "not healthy: redis" in line
    await store.call(*end)

    async def accepted():
        client.pod.heartbeat.hurry()
        return (await health(client))["status"] == "ok"

    await eventually(accepted, "the end of the refusal")


async def test_a_write_that_is_refused_shows_at_once(start_pod, store):
    client = await start_pod(redis_addr=f"127.0.0.1:{store.port}")
    await client.pod.heartbeat.stop()
    await store.call("CONFIG", "SET", "maxmemory", "1")
    answer = await client.post("/api/v1/notify", json={"target": [ALICE], "message": "hi"})
    assert answer.status_code == 503
    assert "OOM" in (await health(client))["components"]["redis"]["error"]
    await asyncio.gather(*(client.get("/health") for _ in range(3)))
    await store.call("CONFIG", "SET", "maxmemory", "0")
