"""Redis' clock judges: an instance whose own is wrong does what the others do (`store/redis/clock.py`)."""

import ast
import time
from pathlib import Path

import pytest

from notifier.domain.times import format_time, parse_time
from notifier.providers.base import ProviderError
from tests.delivery.conftest import Scripted, wire
from tests.service.tokens import SECRET
from tests.support import Inbox, eventually, notify

SOURCE = Path(__file__).parent.parent / "notifier"
WALL = {"time.time", "time.time_ns", "datetime.now", "datetime.utcnow", "datetime.today", "date.today"}
# Who may look at this machine's clock, and why.
ALLOWED = {
    "pod/parts.py": "when the process began",
    "pod/log_events.py": "how long ago another process of this machine wrote a line",
    "pod/identity.py": "for how long it has run",
    "client/load.py": "a number that an earlier run has not had",
    "cli/keys.py": "the end of a key, some days from now",
    "cli/token.py": "a token made where there is no store",
    "doctor/store.py": "compares the two clocks",
    "providers/tools.py": "what the check of the settings builds sends nothing",
    "store/embedded/aof.py": "names of copies, made while there is no Redis",
    "store/redis/clock.py": "before the first connect",
}
real_time = time.time


def test_who_looks_at_this_machines_clock():
    found = set()
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Attribute) and ast.unparse(node) in WALL:
                found.add(str(path.relative_to(SOURCE)))
    assert found == ALLOWED.keys()


@pytest.fixture(params=[-7200.0, -90.0, 90.0, 7200.0])
async def skewed(request, monkeypatch, start_pod):
    """Starts a pod on a machine whose clock is wrong by so many seconds."""
    monkeypatch.setattr(time, "time", lambda: real_time() + request.param)

    async def start(**changes):
        client = await start_pod(**changes)
        client.provider = Scripted()
        wire(client.pod, {"*": client.provider})
        return client

    return start


def is_now(text):
    return abs(parse_time(text) - real_time()) < 5.0


async def create(client, **more):
    body = {"channel": "sms", "recipient": "+905551234567", "content": "x", **more}
    response = await client.post("/api/v1/notifications", json=body)
    assert response.status_code == 201, response.text
    return response.json()


async def reaches(client, delivery_id, status):
    async def there():
        shown = (await client.get(f"/api/v1/notifications/{delivery_id}")).json()
        return shown if shown["status"] == status else None

    return await eventually(there, status)


async def test_a_scheduled_delivery_waits_for_redis_clock(skewed):
    client = await skewed()
    later = await create(client, scheduled_at=format_time(real_time() + 45))
    assert later["status"] == "scheduled"
    soon = await create(client, scheduled_at=format_time(real_time() + 0.3))
    over = await create(client, scheduled_at=format_time(real_time() - 1))
    assert over["status"] == "queued"
    assert is_now(over["created_at"]) and is_now(over["updated_at"])
    await reaches(client, over["id"], "sent")
    shown = await reaches(client, soon["id"], "sent")
    assert parse_time(shown["sent_at"]) >= parse_time(soon["scheduled_at"]) - 0.06
    assert shown["created_at"] <= shown["sent_at"] == shown["updated_at"]
    (attempt,) = (await client.get(f"/api/v1/notifications/{soon['id']}/status")).json()["attempts"]
    # The attempt's time is this process' estimate of Redis' clock, the others are Redis' own.
    assert parse_time(soon["created_at"]) < parse_time(attempt["at"]) <= parse_time(shown["sent_at"]) + 0.01
    await reaches(client, later["id"], "scheduled")


async def test_a_delivery_expires_by_redis_clock(skewed):
    client = await skewed()
    alive = await create(client, expires_at=format_time(real_time() + 45))
    over = await create(client, expires_at=format_time(real_time() - 1))
    await reaches(client, over["id"], "expired")
    await reaches(client, alive["id"], "sent")
    (message,) = client.provider.taken
    assert message.expires_at > real_time()


async def test_an_open_circuit_and_a_retry_keep_their_time(skewed):
    client = await skewed(breaker_failures="1", breaker_reset="45s", retry_backoff_1="45s")
    client.provider.script.append(ProviderError("server_error", "no"))
    made = await create(client)
    shown = await reaches(client, made["id"], "retrying")
    assert 30 < parse_time(shown["next_retry_at"]) - real_time() < 60
    await eventually(lambda: client.pod.pipeline.breakers.state("scripted") == "open")
    assert 30 < await client.pod.pipeline.breakers.wait_of("scripted") <= 45


async def test_what_inboxes_and_operators_see(skewed, redis):
    client = await skewed()
    await notify(client, "hello", ttl="30s")
    inbox = await Inbox.open(client)
    (push,) = inbox.greeting
    assert is_now(push["created_at"])
    await notify(client, "expired")
    await inbox.receive("notification.push")
    ((_, fields),) = await redis.call("XREVRANGE", "stream:user:1-alice", "+", "-", "COUNT", 1)
    await redis.call("DEL", f"notification:{fields[1].decode()}")
    await redis.call("ZADD", "notif:expiry", int(real_time() * 1000) - 1, "1-alice")
    assert await client.pod.janitor.sweep() == 1
    assert (await inbox.receive("notification.push"))["status"] == "auto_cleared"
    assert await client.pod.janitor.sweep() == 0, "what lives on is let alone"
    beat = await eventually(lambda: redis.call("HGET", "notif:pods:hb", "pod-a"), "a heartbeat")
    assert abs(int(beat) - real_time()) < 5
    (pod,) = (await client.get("/api/v1/admin/pods")).json()["pods"]
    assert pod["heartbeat_age_s"] < 5
    (connection,) = (await client.get("/api/v1/admin/clients")).json()["clients"]
    assert is_now(connection["connected_at"]) and is_now(connection["last_seen"])
    latency = client.pod.metrics.latency
    assert latency.sum < 5.0 and sum(latency.counts) >= 1


async def test_where_a_user_stands_and_what_waits(skewed):
    client = await skewed(sms_workers="1")
    reset_at = (await client.get("/ratelimit/u1")).json()["reset_at"]
    assert 50 < parse_time(reset_at) - real_time() <= 61
    await client.post("/api/v1/admin/channels/sms/pause")
    await create(client)
    (row,) = [row for row in (await client.get("/api/v1/admin/queues")).json()["queues"] if row["channel"] == "sms"]
    assert row["oldest_age_s"] < 5


async def test_tokens_end_by_redis_clock(skewed):
    import jwt

    client = await skewed(auth_mode="token", jwt_secret=SECRET, admin_token="a" * 32)

    async def status(ends):
        claims = {"sub": "1", "login": "alice", "exp": int(real_time() + ends)}
        headers = {"Authorization": "Bearer " + jwt.encode(claims, SECRET, "HS256")}
        return (await client.get("/ws?user_id=1&login=alice", headers=headers)).status_code

    assert await status(45) != 401
    assert await status(-45) == 401
