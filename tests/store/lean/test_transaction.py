"""A transaction that is refused: nothing is stored, and scripts do it where they can."""

import logging

import pytest

from tests.store.lean.support import STREAM
from tests.support import ALICE, Inbox, notify

pytestmark = pytest.mark.parametrize("lean_path", ["on"], indirect=True)


async def test_full_memory_refuses_and_stores_nothing(client, redis):
    inbox = await Inbox.open(client)
    await redis.call("CONFIG", "SET", "maxmemory", "1")
    try:
        response = await client.post("/api/v1/notify", json={"target": [ALICE], "message": "x"})
    finally:
        await redis.call("CONFIG", "SET", "maxmemory", "0")
    assert response.status_code == 503 and "out of memory" in client.pod.redis.refusal
    assert await redis.call("XLEN", STREAM) == 0 and not await redis.call("KEYS", "notification:*")
    await notify(client, "after")
    assert (await inbox.receive("notification.push"))["message"] == "after"


async def test_a_server_that_allows_no_transactions(client, redis, caplog):
    inbox = await Inbox.open(client)
    await redis.call("ACL", "SETUSER", "default", "-multi")
    try:
        with caplog.at_level(logging.WARNING, "notifier.store"):
            (nid,) = await notify(client)
    finally:
        await redis.call("ACL", "SETUSER", "default", "+multi")
    assert (await inbox.receive("notification.push"))["notification_id"] == nid
    assert await redis.call("XLEN", STREAM) == 1
    assert "express.refused" in caplog.text
    await notify(client, "by script")
    assert (await inbox.receive("notification.push"))["message"] == "by script"
