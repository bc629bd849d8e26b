"""The endpoints of deliveries over real HTTP."""

import asyncio
import json
import uuid

import pytest

from tests.delivery.consistency import check_consistent
from tests.support import eventually

SMS = {"channel": "sms", "recipient": "+905551234567", "content": "hi"}
LATER = "2099-01-01T00:00:00.000Z"


@pytest.fixture
def client(loop, redis, start_pod):
    """A pod that accepts and sends nothing, so that what it stored stands still."""
    yield loop.run_until_complete(start_pod(roles="http"))
    loop.run_until_complete(check_consistent(redis))


async def post(client, path, body, status, **headers):
    answer = await client.post(path, json=body, headers={name.replace("_", "-"): v for name, v in headers.items()})
    assert answer.status_code == status, answer.text
    return answer


async def create(client, **fields):
    return (await post(client, "/api/v1/notifications", {**SMS, **fields}, 201)).json()


async def get(client, path, status=200):
    answer = await client.get(path)
    assert answer.status_code == status, answer.text
    return answer.json()


async def test_the_answer(client):
    found = await create(client, priority=0, user_id="7", title="T", data={"a": [1]}, expires_at=LATER, max_retries=0)
    assert uuid.UUID(found["id"])
    assert {name: found[name] for name in found if name not in ("id", "created_at", "updated_at")} == {
        "channel": "sms",
        "recipient": "+905551234567",
        "content": "hi",
        "priority": "low",
        "status": "queued",
        "retry_count": 0,
        "max_retries": 0,
        "user_id": "7",
        "subject": "T",
        "data": {"a": [1]},
        "expires_at": LATER,
        "waiting_for": "in_queue",
        "since": found["updated_at"],
    }
    assert await get(client, f"/api/v1/notifications/{found['id']}") == found


@pytest.mark.parametrize("paused", [False, True])
@pytest.mark.parametrize(("more", "waits"), [({}, "in_queue"), ({"scheduled_at": LATER}, "not_due")])
async def test_the_answer_says_what_it_waits_for_and_so_does_that_of_a_repeat(client, more, waits, paused):
    if paused:
        await post(client, "/api/v1/admin/channels/sms/pause", {}, 200)
        waits = "channel_paused" if waits == "in_queue" else waits
    found = await create(client, idempotency_key="k", **more)
    assert (found["waiting_for"], found["since"]) == (waits, found["updated_at"])
    assert await get(client, f"/api/v1/notifications/{found['id']}") == found
    assert (await get(client, "/api/v1/notifications"))["notifications"] == [found]
    assert await create(client, idempotency_key="k", **more) == found
    email = await post(client, "/api/v1/notifications", {**SMS, "channel": "email", "recipient": "a@b.example"}, 201)
    assert email.json()["waiting_for"] == "in_queue", "another channel is not paused"


@pytest.mark.parametrize(
    ("body", "paths"),
    [
        ([], {""}),
        ({}, {"channel", "content", "recipient"}),
        ({**SMS, "channel": "fax", "colour": 1}, {"channel", "colour"}),
        ({**SMS, "recipient": "12"}, {"recipient"}),
        ({"channel": "email", "recipient": "x", "content": ""}, {"content", "recipient"}),
        ({"channel": "email", "recipient": "no mailbox", "content": "x"}, {"recipient"}),
        ({"channel": "webhook", "recipient": "ftp://x", "content": "x"}, {"recipient"}),
        ({"channel": "webhook", "user_id": "7", "content": "x"}, {"recipient"}),
        ({"channel": "inapp", "recipient": "alice", "content": "x"}, {"recipient"}),
        ({"channel": "inapp", "user_id": "alice", "content": "x"}, {"user_id"}),
        ({"channel": "sms", "content": "x"}, {"recipient"}),
        ({**SMS, "priority": 4, "max_retries": 11, "data": 1}, {"priority", "max_retries", "data"}),
        ({**SMS, "priority": True, "max_retries": True}, {"priority", "max_retries"}),
        ({**SMS, "subject": "a", "title": "b"}, {"title"}),
        ({**SMS, "scheduled_at": "tomorrow", "expires_at": 7}, {"scheduled_at", "expires_at"}),
        ({**SMS, "scheduled_at": LATER, "expires_at": LATER}, {"expires_at"}),
        ({**SMS, "idempotency_key": "ä", "user_id": "a\x01"}, {"idempotency_key", "user_id"}),
        ({**SMS, "content": "x" * 8193, "subject": "x" * 257}, {"content", "subject"}),
        ({**SMS, "data": {"x": "y" * 5000}}, {"data"}),
    ],
)
async def test_every_bad_field_is_named(client, body, paths):
    answer = await post(client, "/api/v1/notifications", body, 422)
    assert {error["path"] for error in answer.json()["errors"]} == paths


async def test_the_same_key_again(client):
    first = await post(client, "/api/v1/notifications", SMS, 201, Idempotency_Key="k")
    again = await post(client, "/api/v1/notifications", SMS, 201, Idempotency_Key="k")
    assert again.content == first.content
    assert again.headers["idempotent-replayed"] == "true"
    assert "idempotent-replayed" not in first.headers
    await post(client, "/api/v1/notifications", {**SMS, "content": "other"}, 422, Idempotency_Key="k")
    in_body = await post(client, "/api/v1/notifications", {**SMS, "idempotency_key": "b"}, 201)
    assert (
        await post(client, "/api/v1/notifications", {**SMS, "idempotency_key": "b"}, 201)
    ).content == in_body.content
    await post(client, "/api/v1/notifications", {**SMS, "idempotency_key": "b"}, 422, Idempotency_Key="c")
    assert (await get(client, "/api/v1/notifications"))["total"] == 2


async def test_many_at_once_under_one_key(client):
    answers = await asyncio.gather(
        *(post(client, "/api/v1/notifications", SMS, 201, Idempotency_Key="k") for _ in range(20))
    )
    assert len({answer.content for answer in answers}) == 1
    assert (await get(client, "/api/v1/notifications"))["total"] == 1


async def test_a_batch(client):
    items = [SMS, {"channel": "fax"}, {**SMS, "idempotency_key": "k"}, {**SMS, "idempotency_key": "k"}]
    items += [{**SMS, "content": "other", "idempotency_key": "k"}, {**SMS, "scheduled_at": LATER}]
    found = (await post(client, "/api/v1/notifications/batch", {"notifications": items}, 201)).json()
    assert (found["total"], found["accepted"], found["rejected"]) == (6, 4, 2)
    rows = found["notifications"]
    assert [row["index"] for row in rows] == list(range(6))
    assert rows[2]["id"] == rows[3]["id"]
    assert [error["path"] for error in rows[1]["errors"]] == ["channel", "content", "recipient"]
    assert rows[4]["errors"][0]["path"] == "idempotency_key"
    batch = await get(client, f"/api/v1/batches/{found['batch_id']}?limit=2")
    assert (batch["total"], batch["statuses"]) == (3, {"queued": 2, "scheduled": 1})
    assert [row["id"] for row in batch["notifications"]] == [rows[0]["id"], rows[2]["id"]]
    again = await get(client, f"/api/v1/batches/{found['batch_id']}?limit=2&page=2")
    assert [row["id"] for row in again["notifications"]] == [rows[5]["id"]]
    assert again["notifications"][0]["batch_id"] == found["batch_id"]


async def test_a_batch_again(client):
    body = {"notifications": [SMS] * 3}
    first = await post(client, "/api/v1/notifications/batch", body, 201, Idempotency_Key="b")
    again = await post(client, "/api/v1/notifications/batch", body, 201, Idempotency_Key="b")
    assert (again.content, again.headers["idempotent-replayed"]) == (first.content, "true")
    await post(client, "/api/v1/notifications/batch", {"notifications": [SMS]}, 422, Idempotency_Key="b")
    assert (await get(client, "/api/v1/notifications"))["total"] == 3


@pytest.mark.parametrize(
    "body", [{}, {"notifications": []}, {"notifications": [SMS] * 1001}, {"notifications": [], "x": 1}]
)
async def test_batches_that_are_none(client, body):
    await post(client, "/api/v1/notifications/batch", body, 422)


async def test_lists(client):
    ids = [(await create(client, content=str(n), user_id=f"u{n % 2}"))["id"] for n in range(5)]
    found = await get(client, "/api/v1/notifications?limit=2&page=2")
    assert ([row["id"] for row in found["notifications"]], found["total"]) == ([ids[2], ids[1]], 5)
    assert (await get(client, "/api/v1/notifications?user_id=u1&status=queued&channel=sms"))["total"] == 2
    assert (await get(client, "/api/v1/notifications?recipient=%2B905551234567&from=2020-01-01T00:00:00Z"))[
        "total"
    ] == 5
    assert (await get(client, "/api/v1/notifications?to=2020-01-01T00:00:00Z"))["total"] == 0
    for query in ("status=new", "channel=fax", "limit=101", "limit=0", "page=0", "page=x", "from=x", "colour=red"):
        name = query.partition("=")[0]
        assert [e["path"] for e in (await get(client, f"/api/v1/notifications?{query}", 422))["errors"]] == [name]


async def test_cancel(client):
    identity = (await create(client))["id"]
    assert (await client.delete(f"/api/v1/notifications/{identity}")).status_code == 204
    assert (await client.delete(f"/api/v1/notifications/{identity}")).status_code == 409
    assert (await get(client, f"/api/v1/notifications/{identity}/status"))["status"] == "cancelled"
    for unknown in (uuid.uuid4(), "x"):
        assert (await client.delete(f"/api/v1/notifications/{unknown}")).status_code == 404
        await get(client, f"/api/v1/notifications/{unknown}", 404)
        await get(client, f"/api/v1/notifications/{unknown}/status", 404)
        await get(client, f"/api/v1/batches/{unknown}", 404)


async def test_send(client):
    answer = (await post(client, "/send", {"user_id": "7", "title": "T", "body": "hi", "priority": 3}, 202)).json()
    assert answer.keys() == {"id", "status"}
    found = await get(client, f"/api/v1/notifications/{answer['id']}")
    assert [found[name] for name in ("channel", "user_id", "subject", "content", "priority")] == [
        "push",
        "7",
        "T",
        "hi",
        "high",
    ]
    errors = (await post(client, "/send", {"colour": 1, "title": 7}, 422)).json()["errors"]
    assert {error["path"] for error in errors} == {"colour", "title", "user_id", "body"}


async def test_the_limit_at_each_endpoint(start_pod):
    client = await start_pod(roles="http", api_rate_limit="2/1m")
    first = await post(client, "/api/v1/notifications", {**SMS, "user_id": "7"}, 201, Idempotency_Key="k")
    assert first.headers["ratelimit"].startswith('"api";r=1;')
    await create(client, user_id="7")
    answer = await post(client, "/api/v1/notifications", {**SMS, "user_id": "7"}, 429)
    assert int(answer.headers["retry-after"]) > 0
    replay = await post(client, "/api/v1/notifications", {**SMS, "user_id": "7"}, 201, Idempotency_Key="k")
    assert replay.content == first.content
    batch = {"notifications": [{**SMS, "user_id": "8"}] * 3}
    found = (await post(client, "/api/v1/notifications/batch", batch, 201)).json()
    assert (found["accepted"], found["rejected"]) == (2, 1)


async def test_sessions(client):
    phone = {"user_id": "7", "platform": "android", "device_token": "d1"}
    keys = {"p256dh": "x", "auth": "y"}
    browser = {"user_id": "7", "platform": "web", "subscription": {"endpoint": "https://p.example/1", "keys": keys}}
    for body in (phone, phone, browser):
        await post(client, "/api/v1/sessions", body, 201)
    found = (await get(client, "/api/v1/sessions/7"))["sessions"]
    assert [(one["platform"], one.get("device_token"), one.get("subscription")) for one in found] == [
        ("android", "d1", None),
        ("web", None, browser["subscription"]),
    ]
    assert (await client.delete("/api/v1/sessions/7")).status_code == 204
    assert (await get(client, "/api/v1/sessions/7")) == {"sessions": []}
    bad = {"user_id": "", "platform": "email", "device_token": "no mailbox", "x": 1}
    errors = (await post(client, "/api/v1/sessions", bad, 422)).json()["errors"]
    assert {error["path"] for error in errors} == {"user_id", "device_token", "x"}
    for number in range(50):
        await post(client, "/api/v1/sessions", {**phone, "device_token": f"t{number}"}, 201)
    await post(client, "/api/v1/sessions", {**phone, "device_token": "one more"}, 422)
    await post(client, "/api/v1/sessions", {**phone, "device_token": "one-more"}, 201)
    found = (await get(client, "/api/v1/sessions/7"))["sessions"]
    assert [one["device_token"] for one in found] == [*(f"t{number}" for number in range(1, 50)), "one-more"]


async def test_rate_of_a_user(client):
    found = await get(client, "/ratelimit/7")
    assert (found["user_id"], found["limit"], found["remaining"], found["window_s"]) == ("7", 10, 10, 60)


# -- operators


async def fail(client, redis, number=1, channel="sms", reason="rejected"):
    """Deliveries that ended in the dead-letter queue."""
    from notifier.domain.status import Event
    from notifier.store.delivery_records import Finished
    from tests.store.leases import TERMS

    store = client.pod.pipeline.deliveries
    recipient = {"sms": "+905551234567", "email": "a@b.example"}[channel]
    ids = [(await create(client, channel=channel, recipient=recipient))["id"] for _ in range(number)]
    leased = (await store.lease(channel, number, "p", TERMS)).leased
    error = f"{reason}: no"
    await store.finish([Finished(one.id, "p", one.lease, Event.FAIL, reason=reason, error=error) for one in leased])
    return ids


async def test_dead_letters(client, redis):
    sms = await fail(client, redis, 5)
    email = await fail(client, redis, 2, "email", "recipient_refused")
    found = await get(client, "/api/v1/admin/dlq?limit=4")
    rest = await get(client, f"/api/v1/admin/dlq?limit=4&cursor={found['next_cursor']}")
    assert {row["id"] for row in found["entries"] + rest["entries"]} == {*sms, *email}
    assert (found["total"], rest["next_cursor"]) == (7, None)
    assert found["reasons"][0] == {"reason": "rejected", "channel": "sms", "count": 5}
    only = await get(client, "/api/v1/admin/dlq?channel=email&reason=recipient_refused")
    assert ([row["id"] for row in only["entries"]].sort(), only["total"]) == (email.sort(), 2)
    await get(client, "/api/v1/admin/dlq?cursor=x", 422)

    async def requeue(**body):
        return (await post(client, "/api/v1/admin/dlq/requeue", body, 202)).json()["requeued"]

    assert await requeue(filter={"channel": "sms"}, dry_run=True) == 5
    await post(client, f"/api/v1/admin/dlq/{sms[0]}/requeue", {}, 202)
    await get(client, "/api/v1/admin/dlq?channel=fax", 422)
    await post(client, "/api/v1/admin/dlq/requeue", {"filter": {"channel": "sms"}, "expected": 5}, 409)
    counted = (await post(client, "/api/v1/admin/dlq/drop", {"ids": [email[0].upper()], "dry_run": True}, 200)).json()
    assert (counted["dropped"], counted["dry_run"]) == (1, True)
    assert await requeue(filter={"channel": "sms"}, before=counted["before"], expected=4) == 4
    assert await requeue(filter={"reason": "nothing"}) == 0
    assert (await client.delete(f"/api/v1/admin/dlq/{email[0]}")).status_code == 204
    assert (await client.delete(f"/api/v1/admin/dlq/{email[0]}")).status_code == 404
    await post(client, f"/api/v1/admin/notifications/{email[1]}/retry", {}, 202)
    assert (await get(client, "/api/v1/admin/dlq"))["entries"] == []
    assert (await get(client, f"/api/v1/notifications/{sms[0]}"))["status"] == "queued"
    for body in ({"filter": 1}, {"filter": {"x": 1}}, {"dry_run": 1}, {"x": 1}, {"filter": {"channel": "fax"}}):
        await post(client, "/api/v1/admin/dlq/requeue", body, 422)
    for body in (
        {"ids": 1},
        {"ids": [""]},
        {"ids": ["x" * 36]},
        {"before": "noon"},
        {"before": {}},
        {"before": None},
        {"expected": -1},
    ):
        await post(client, "/api/v1/admin/dlq/requeue", body, 422)
        await post(client, "/api/v1/admin/dlq/drop", body, 422)


async def test_retry_at_once(client):
    identity = (await create(client, scheduled_at=LATER))["id"]
    await post(client, f"/api/v1/admin/notifications/{identity}/retry", {}, 202)
    assert (await get(client, f"/api/v1/notifications/{identity}"))["status"] == "queued"
    await post(client, f"/api/v1/admin/notifications/{identity}/retry", {}, 409)
    await post(client, f"/api/v1/admin/notifications/{uuid.uuid4()}/retry", {}, 404)


async def test_pause_and_queues(client):
    await create(client, priority="high")
    assert (await post(client, "/api/v1/admin/channels/sms/pause", {}, 200)).json() == {
        "channel": "sms",
        "paused": True,
    }
    found = await get(client, "/api/v1/admin/queues")
    sms = found["queues"][0]
    assert (sms["channel"], sms["paused"], sms["high"], sms["processing"]) == ("sms", True, 1, 0)
    assert sms["oldest_age_s"] >= 0
    await post(client, "/api/v1/admin/channels/fax/pause", {}, 404)


async def test_events_metrics_and_health(start_pod):
    client = await start_pod(simulator_success_rate="1", simulator_latency="0")
    listener = client.pod.events.listen(frozenset())
    identity = (await create(client))["id"]

    async def sent():
        return (await get(client, f"/api/v1/notifications/{identity}"))["status"] == "sent"

    await eventually(sent)
    kinds = [kind for kind, data in await listener.take(1) if json.loads(data).get("id") == identity]
    assert kinds == ["delivery.queued", "delivery.processing", "delivery.sent"]
    text = (await client.get("/metrics")).text
    assert 'deliveries_total{channel="sms",status="sent"} 1.0' in text
    assert 'delivery_attempt_seconds_count{channel="sms",provider="simulator:sms"} 1.0' in text
    for name in ("queue_depth", "circuit_state", "dlq_size", "rate_limited_total"):
        assert f"\n# TYPE {name.removesuffix('_total')}" in text or f"\n# TYPE {name}" in text
    found = await get(client, "/api/v1/metrics")
    assert found["processed_messages"] == 1
    assert found["queues"]["sms"] == {"high": 0, "normal": 0, "low": 0}
    providers = (await get(client, "/health"))["components"]["providers"]
    assert (providers["status"], providers["channels"]["sms"]) == ("ok", {"simulator:sms": "closed"})
    (sms,) = [row for row in (await get(client, "/api/v1/admin/providers"))["providers"] if row["channel"] == "sms"]
    assert (sms["name"], sms["state"], sms["sent"], sms["failed"]) == ("simulator:sms", "closed", 1, 0)
