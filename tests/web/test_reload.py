"""Settings that SIGHUP changes in a running pod; that it is read and told is in tests/e2e/test_workers.py."""

import logging

from notifier.config import compare
from tests.support import ALICE, notify


async def test_limits_and_lives_change_for_what_comes_next(client, redis, settings):
    (before,) = await notify(client)
    wanted = settings(notification_ttl="1h", notify_rate_limit="1/1m", stream_maxlen="7", idempotency_ttl="5s")
    change = compare(client.pod.settings, wanted)
    assert change.waiting == []
    client.pod.reconfigure(change.settings)
    (after,) = await notify(client, headers={"Idempotency-Key": "k"})
    assert 0 < await redis.call("PTTL", f"notification:{before}") <= 15 * 60_000
    assert 59 * 60_000 < await redis.call("PTTL", f"notification:{after}") <= 60 * 60_000
    refused = await client.post("/api/v1/notify", json={"target": [ALICE], "message": "one too many"})
    assert refused.status_code == 429
    (record,) = await redis.call("KEYS", "*idem*")
    assert 0 < await redis.call("PTTL", record) <= 5000


async def test_the_level_of_logs_changes(client, settings):
    before = logging.getLogger().level
    try:
        client.pod.reconfigure(compare(client.pod.settings, settings(log_level="warning")).settings)
        assert logging.getLogger().level == logging.WARNING
    finally:
        logging.getLogger().setLevel(before)


async def test_inboxes_become_shorter(client, redis, settings):
    for number in range(4):
        await notify(client, f"message {number}")
    client.pod.reconfigure(compare(client.pod.settings, settings(stream_maxlen="2")).settings)
    await notify(client, "one more")
    assert await redis.call("XLEN", "stream:user:1-alice") == 5
    await client.pod.trimmer.round()
    assert await redis.call("XLEN", "stream:user:1-alice") == 2
