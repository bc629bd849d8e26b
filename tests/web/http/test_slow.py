"""Slow requests in the log: with the request's id, without its query, and not more often than once a second."""

import asyncio

from notifier.store.redis import link
from notifier.web.endpoints import express
from notifier.web.http import slow
from tests.support import notify


def named(caplog, event):
    return [record for record in caplog.records if record.getMessage() == event]


async def test_a_slow_request_is_told_once(client, caplog, monkeypatch):
    monkeypatch.setattr(slow, "SLOW", -1.0)
    path = "/api/v1/admin/users?q=secret"
    await asyncio.gather(*(client.get(path, headers={"X-Request-ID": "seen"}) for _ in range(5)))
    (line,) = named(caplog, "request.slow")
    assert (line.route, line.method, line.status, line.request_id) == ("/api/v1/admin/users", "GET", 200, "seen")
    assert "secret" not in str(line.__dict__)


async def test_a_slow_notification_is_told_too(client, caplog, monkeypatch):
    for module in (slow, express):
        monkeypatch.setattr(module, "SLOW", -1.0)
    await notify(client, "secret", headers={"X-Request-ID": "seen"})
    (line,) = named(caplog, "request.slow")
    assert (line.route, line.status, line.request_id) == ("/api/v1/notify", 202, "seen")
    assert "secret" not in str(line.__dict__)


async def test_a_quick_request_is_not(client, caplog):
    await client.get("/health")
    assert not named(caplog, "request.slow")


async def test_a_slow_redis_is_told_once(client, redis, caplog, monkeypatch):
    monkeypatch.setattr(link, "SLOW", -1.0)
    caplog.clear()
    await client.pod.redis.call_many([("GET", "secret")] * 5)
    lines = named(caplog, "redis.slow")
    assert len(lines) == 1 and lines[0].seconds >= 0
    assert "secret" not in str(lines[0].__dict__)
