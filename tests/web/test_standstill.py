"""A batch under an idempotency key while Redis stands still: 503 in time, and a repeat is not held up (contract §3)."""

import time

import pytest

from tests.e2e.redis_servers import RedisServers
from tests.e2e.server import free_port
from tests.support import eventually

ITEMS = {"notifications": [{"channel": "sms", "recipient": f"+90555123456{n}", "content": "hi"} for n in range(3)]}
KEY = {"Idempotency-Key": "k"}


@pytest.fixture
def store(loop, tmp_path):
    """A server of its own, which can be made to stand still."""
    servers = RedisServers(tmp_path)
    servers.port = free_port()
    servers.start(servers.port, "--save", "")
    loop.run_until_complete(servers.ask(servers.port, "PING"))
    yield servers
    servers.stop()


@pytest.mark.slow
@pytest.mark.parametrize("moment", ["before it begins", "before it stores", "before it ends"])
async def test_a_repeat_is_not_told_that_the_first_still_runs(start_pod, store, monkeypatch, moment):
    client = await start_pod(redis_addr=f"127.0.0.1:{store.port}", roles="http")
    accept, idempotency = client.pod.pipeline.accept, client.pod.idempotency
    where = {
        "before it begins": (idempotency, "begin"),
        "before it stores": (accept, "_store_batch"),
        "before it ends": (idempotency, "finish"),
    }[moment]
    step = getattr(*where)

    async def stand_still(*args):
        monkeypatch.setattr(*where, step)
        store.pause(store.port)
        return await step(*args)

    monkeypatch.setattr(*where, stand_still)
    began = time.monotonic()
    first = await client.post("/api/v1/notifications/batch", json=ITEMS, headers=KEY)
    assert first.status_code == 503 and int(first.headers["retry-after"]) >= 1
    assert time.monotonic() - began < 2  # promised is one second; the machine may be busy
    again = await client.post("/api/v1/notifications/batch", json=ITEMS, headers=KEY)
    assert again.status_code == 503  # it still stands still
    store.resume(store.port)

    async def answered():
        answer = await client.post("/api/v1/notifications/batch", json=ITEMS, headers=KEY)
        return answer if answer.status_code != 503 else None

    answer = await eventually(answered, "the store is back")
    assert answer.status_code == 201, answer.text
    assert (await client.get("/api/v1/notifications")).json()["total"] == 3
    assert (await answered()).content == answer.content
