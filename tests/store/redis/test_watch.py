"""Writes that a Redis may lose, by its INFO: judged once, for health, log and doctor."""

import logging

import pytest

from notifier.store.keys import Keys
from notifier.store.redis.address import Address
from notifier.store.redis.single import SingleRedis
from notifier.store.redis.watch import StoreWatch, judge
from tests.cli.runner import run
from tests.e2e.redis_servers import RedisServers
from tests.e2e.server import free_port
from tests.support import eventually

WELL = {"maxmemory": "1000", "maxmemory_policy": "noeviction", "aof_enabled": "1", "aof_last_write_status": "ok"}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, []),
        ({"maxmemory_policy": "allkeys-lru"}, ["maxmemory-policy allkeys-lru"]),
        ({"maxmemory_policy": "volatile-ttl"}, ["maxmemory-policy volatile-ttl"]),
        ({"maxmemory_policy": "allkeys-lru", "maxmemory": "0"}, []),
        ({"aof_enabled": "0"}, ["appendonly no"]),
        ({"aof_last_write_status": "err"}, ["the last write to the append-only file failed"]),
        ({"evicted_keys": "7"}, ["2 keys were evicted"]),
        ({"evicted_keys": "5"}, []),
    ],
)
def test_one_judgement(changes, said):
    found = judge(WELL | changes, 5)
    assert len(found) == len(said)
    assert all(reason.startswith(start) for reason, start in zip(found, said, strict=True))


def test_what_info_does_not_tell_is_not_held_against_it():
    assert judge({}) == []
    assert judge(WELL | {"evicted_keys": "7"}) == []


@pytest.fixture
def servers(loop, tmp_path):
    started = RedisServers(tmp_path)
    yield started
    started.stop()


async def start(servers, *options):
    port = free_port()
    servers.start(port, "--save", "", "--appendonly", "yes", *options)
    await servers.ask(port, "PING")
    return port


async def redis_of(client):
    found = (await client.get("/health")).json()
    return found["status"], found["components"]["redis"].get("error", "")


async def test_eviction_shows_at_the_connect_and_its_end_at_the_next_look(servers, start_pod, caplog):
    port = await start(servers, "--maxmemory", "5mb", "--maxmemory-policy", "allkeys-lru")
    caplog.set_level(logging.INFO, "notifier.store")
    client = await start_pod(redis_addr=f"127.0.0.1:{port}", log_level="info")

    async def seen(*said):
        status, error = await redis_of(client)
        return status == ("degraded" if said else "ok") and all(part in error for part in said)

    await eventually(lambda: seen("maxmemory-policy allkeys-lru"), "the policy")
    watcher = next(duty for duty in client.pod.duties if duty.name == "store watch")
    for number in range(80):
        await servers.ask(port, "SET", f"filler{number}", b"x" * 100_000)
    watcher.hurry()
    await eventually(lambda: seen("keys were evicted", "maxmemory-policy allkeys-lru"), "the eviction")
    assert (await client.get("/health/ready")).status_code == 200
    code, out, _ = await run("healthcheck", "--url", f"http://127.0.0.1:{client.port}")
    assert code == 0 and "is healthy" in out
    assert "store_degraded 1.0" in (await client.get("/metrics")).text
    told = [record for record in caplog.records if record.message == "store.degraded"]
    assert any("maxmemory-policy allkeys-lru" in record.reasons[0] for record in told)
    await servers.ask(port, "CONFIG", "SET", "maxmemory-policy", "noeviction")
    await servers.ask(port, "CONFIG", "SET", "maxmemory", "0")
    watcher.hurry()
    await eventually(seen, "the end")
    assert caplog.messages.count("store.sound") == 1


async def test_a_server_that_comes_back_without_persistence_is_seen_at_the_connect(servers, start_pod):
    port = await start(servers)
    client = await start_pod(redis_addr=f"127.0.0.1:{port}")
    assert await redis_of(client) == ("ok", "")
    servers.kill(port)
    servers.start(port, "--save", "", "--appendonly", "no")

    async def seen():
        status, error = await redis_of(client)
        return status == "degraded" and "appendonly no" in error

    await eventually(seen, "the change")


async def test_config_may_be_forbidden_and_info_may_not(servers):
    port = await start(servers, "--maxmemory", "5mb", "--maxmemory-policy", "allkeys-lfu")
    await servers.ask(port, "ACL", "SETUSER", "hosted", "on", "nopass", "~*", "+@all", "-config")
    await servers.ask(port, "ACL", "SETUSER", "blind", "on", "nopass", "~*", "+@all", "-info")
    for user, said in (("hosted", "maxmemory-policy allkeys-lfu"), ("blind", "let this user call INFO")):
        redis = SingleRedis(Address("127.0.0.1", port, username=user), Keys())
        await redis.start()
        assert await redis.wait_up(5)
        watch = StoreWatch(redis)
        await watch.look()
        assert said in watch.reasons[0]
        await redis.stop()
