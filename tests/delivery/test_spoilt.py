"""Values of another program in the keys of one delivery spoil that one alone (`store/scripts/delivery/lib.lua`)."""

import pytest

from notifier.store.delivery_records import NewDelivery, digest
from tests.delivery.conftest import Scripted, wire
from tests.store.redis.test_spoilt import WRITE, get, overwrite, spoilt_keys
from tests.support import eventually

P = "notif:{delivery}:"
KEYS = {
    "record:ID": "hash",
    "queue:sms:high": "stream",
    "queue:sms:normal": "stream",
    "schedule": "zset",
    "index:all": "zset",
    "index:channel:sms": "zset",
    "index:status:sent": "zset",
    "done": "zset",
    "dlq": "zset",
    "dlq:reasons": "hash",
    "rate:sms": "string",
    "paused": "set",
    "turns": "hash",
    "circuit:scripted": "hash",
    "circuit_hosts": "zset",
    "index:user:USER": "zset",
    "index:recipient:RECIPIENT": "zset",
    "user_rate:USER": "string",
}
FIELDS = {
    "status": ["gone", "", "\xff"],
    "channel": ["fax", ""],
    "priority": ["urgent", ""],
    "created": ["abc", "nan", ""],
    "updated": ["abc", "9" * 40],
    "retries": ["abc", "1e999"],
    "max_retries": ["abc"],
    "expires": ["abc", "nan"],
    "scheduled": ["abc"],
    "next": ["abc"],
    "document": ["{broken", "[]", "5", ""],
    "attempts": ["{broken", "]"],
    "entry": ["abc", "0-0"],
    "takeovers": ["abc"],
    "batch": ["none"],
    "user": ["x"],
}


@pytest.fixture
async def client(start_pod):
    started = await start_pod(rate_limit_per_user="1000", retry_backoff_1="20ms", delivery_lease="1s")
    started.provider = Scripted()
    wire(started.pod, {"*": started.provider})
    return started


async def create(client, **more):
    body = {"channel": "sms", "recipient": "+905551234567", "content": "x", "user_id": "u1", **more}
    response = await client.post("/api/v1/notifications", json=body)
    assert response.status_code == 201, response.text
    return response.json()["id"]


async def status_of(client, delivery_id):
    return (await get(client, f"/api/v1/notifications/{delivery_id}"))["status"]


async def check_all_goes_on(client):
    """Others are sent, lists and figures answer, and every duty goes its round."""
    pod = client.pod
    failures = dict(pod.metrics.duty_failures)
    ids = [await create(client, priority=priority) for priority in ("high", "normal", "low")]

    async def all_sent():
        return [await status_of(client, one) for one in ids] == ["sent"] * 3

    await eventually(all_sent, "sent")
    for query in (
        "",
        "?status=sent",
        "?channel=sms",
        "?status=sent&user_id=u1",
        "?recipient=%2B905551234567",
        "?user_id=u1",
    ):
        await get(client, f"/api/v1/notifications{query}")
    for path in ("dlq", "queues", "providers"):
        await get(client, f"/api/v1/admin/{path}")
    await get(client, "/api/v1/metrics")
    for duty in pod.pipeline.duties:
        await duty.round()
    await pod.pipeline._forgetter.sweep()
    assert pod.metrics.duty_failures == failures


async def settled(client, delivery_id):
    """Waits until nobody works on it."""
    await eventually(lambda: client.pod.pipeline.engine.leased == 0)


@pytest.mark.parametrize("key", KEYS)
async def test_a_key_of_another_type_is_set_aside(client, redis, caplog, key):
    mine = await create(client)
    await eventually(lambda: len(client.provider.taken) == 1)
    await settled(client, mine)
    name = P + key.replace("ID", mine).replace("USER", digest("u1")).replace("RECIPIENT", digest("+905551234567"))
    for kind in [kind for kind in WRITE if kind != KEYS[key]][::2]:
        await overwrite(redis, name, kind)
        await check_all_goes_on(client)
    if key == "record:ID":
        assert (await client.get(f"/api/v1/notifications/{mine}")).status_code == 404
    assert spoilt_keys(caplog) == [name]
    assert await redis.call("PTTL", f"notif:spoilt:{name}") > 0


async def again(client, path, body, key):
    """The answer to a request under an idempotency key, whichever time it is sent."""
    response = await client.post(path, json=body, headers={"Idempotency-Key": key})
    assert response.status_code in (200, 201, 202), (path, response.text)
    return response.json()


REPEATED = {
    "/api/v1/notify": {"target": [{"id": 1, "login": "alice"}], "message": "m"},
    "/send": {"channel": "sms", "recipient": "+905551234567", "user_id": "u1", "body": "x"},
    "/api/v1/notifications": {"channel": "sms", "recipient": "+905551234567", "content": "x"},
    "/api/v1/notifications/batch": {
        "notifications": [{"channel": "sms", "recipient": "+905551234567", "content": "x"}]
    },
}


@pytest.mark.parametrize("path", REPEATED)
async def test_the_record_of_an_idempotency_key_of_another_type_is_set_aside(client, redis, caplog, path):
    await again(client, path, REPEATED[path], "k")
    (name,) = [key.decode() for key in await redis.call("KEYS", "notif:*") if b"idem:" in key or b"}:key:" in key]
    wanted = (await redis.call("TYPE", name)).decode()
    for kind in sorted(WRITE.keys() - {wanted}):
        await overwrite(redis, name, kind)
        first = await again(client, path, REPEATED[path], "k")
        assert await again(client, path, REPEATED[path], "k") == first
    await check_all_goes_on(client)
    assert spoilt_keys(caplog) == [name]


async def test_a_delivery_under_a_key_of_another_type_is_taken_in_within_the_limit(client, redis):
    """The look at the first answer, when the user's limit is used up, is a command and no script."""
    key = f"{P}key:{digest('anonymous' + chr(10) + 'k')}"
    for kind in sorted(WRITE.keys() - {"string"}):
        await overwrite(redis, key, kind)
        new = NewDelivery("x", b"{}", "sms", "high", None, None, 0, 0, 3, "", "", "", key=key.rpartition(":")[2])
        assert await client.pod.pipeline.deliveries.known(new) is None


@pytest.mark.parametrize(("key", "kept"), [("batch:ID", False), ("batch:ID:list", True)])
async def test_a_batch_of_another_type_is_not_there_or_lists_nothing(client, redis, caplog, key, kept):
    batch = (await again(client, "/api/v1/notifications/batch", REPEATED["/api/v1/notifications/batch"], "k"))[
        "batch_id"
    ]
    name = P + key.replace("ID", batch)
    await eventually(lambda: len(client.provider.taken) == 1)
    await settled(client, batch)
    for kind in sorted(WRITE.keys() - {(await redis.call("TYPE", name)).decode()}):
        await overwrite(redis, name, kind)
        response = await client.get(f"/api/v1/batches/{batch}")
        if kept:
            assert response.status_code == 200 and response.json()["notifications"] == [], response.text
        else:
            assert response.status_code == 404, response.text
    await check_all_goes_on(client)
    assert spoilt_keys(caplog) == [name]


async def test_a_batch_of_another_type_does_not_hold_up_its_deliveries(client, redis):
    await client.post("/api/v1/admin/channels/sms/pause")
    body = REPEATED["/api/v1/notifications/batch"]
    made = await again(client, "/api/v1/notifications/batch", body, "k")
    for name in (f"{P}batch:{made['batch_id']}", f"{P}batch:{made['batch_id']}:list"):
        await overwrite(redis, name, "string")
    await client.post("/api/v1/admin/channels/sms/resume")
    await eventually(lambda: len(client.provider.taken) == 1)
    await check_all_goes_on(client)


@pytest.mark.parametrize("scheduled", [True, False], ids=["scheduled", "queued"])
@pytest.mark.parametrize("field", FIELDS)
async def test_a_field_with_an_odd_value(client, redis, field, scheduled):
    await client.post("/api/v1/admin/channels/sms/pause")
    for value in FIELDS[field]:
        more = {"scheduled_at": "2099-01-01T00:00:00Z"} if scheduled else {}
        mine = await create(client, **more)
        await redis.call("HSET", f"{P}record:{mine}", field, value)
        if scheduled:
            await redis.call("ZADD", P + "schedule", 1, mine)
        await client.get(f"/api/v1/notifications/{mine}")
        await client.get(f"/api/v1/notifications/{mine}/status")
    await client.post("/api/v1/admin/channels/sms/resume")
    await check_all_goes_on(client)
    await eventually(lambda: nothing_waits(redis))


async def nothing_waits(redis):
    """Nothing of it stands in the way for ever."""
    waiting = [await redis.call("XLEN", f"{P}queue:sms:{priority}") for priority in ("high", "normal", "low")]
    return sum(waiting) + await redis.call("ZCARD", P + "schedule") == 0


async def test_what_stood_in_a_queue_or_the_schedule_is_put_back(client, redis):
    await client.post("/api/v1/admin/channels/sms/pause")
    queued = [await create(client) for _ in range(3)]
    scheduled = await create(client, scheduled_at="2099-01-01T00:00:00Z")
    for name in ("queue:sms:normal", "schedule"):
        await overwrite(redis, P + name, "string")
    await get(client, "/api/v1/admin/queues")
    reclaimer = next(duty for duty in client.pod.pipeline.duties if duty.name == "reclaimer")
    for _ in range(2):
        await reclaimer.round()
    await client.post("/api/v1/admin/channels/sms/resume")

    async def sent():
        return [await status_of(client, one) for one in queued] == ["sent"] * 3

    await eventually(sent, "sent")
    assert float(await redis.call("ZSCORE", P + "schedule", scheduled)) > 4e12


ODD = {
    "an entry that is none": [("XADD", P + "queue:sms:high", "*", "foo", "bar", "more", "fields")],
    "ids of nothing": [("ZADD", P + name, 1, b"\xff\xfe") for name in ("schedule", "done", "dlq", "index:all")],
    "rate": [("SET", P + "rate:sms", value, "PX", 60_000) for value in ("abc", "1e300", "nan", "inf", "")],
    "circuit": [("HSET", P + "circuit:scripted", name, "abc") for name in ("failures", "open_until", "probe")],
    "reasons": [("HSET", P + "dlq:reasons", "x sms", "abc", b"\xff", "1")],
    "turns": [("HSET", P + "turns", "sms", "abc")],
    "hosts": [("ZADD", P + "circuit_hosts", 9e15, b"\xff\xfe")],
    "a batch": [("HSET", P + "batch:b", b"\xff", "abc"), ("ZADD", P + "batch:b:list", 1, b"\xff")],
    "indexes of one": [("ZADD", f"{P}index:user:{digest('u1')}", 9e12, b"\xff\xfe")],
    "a recipient's": [("ZADD", f"{P}index:recipient:{digest('+905551234567')}", 9e12, b"\xff\xfe")],
    "paused": [("SADD", P + "paused", "fax", b"\xff")],
}


@pytest.mark.parametrize("name", ODD)
async def test_odd_values_are_survived(client, redis, name):
    for command in ODD[name]:
        await redis.call(*command)
        await check_all_goes_on(client)


@pytest.mark.parametrize("value", ["abc", "1000000", "-5"])
async def test_a_user_rate_of_another_program(client, redis, value):
    key = f"{P}user_rate:{digest('u1')}"
    await redis.call("SET", key, value)
    await redis.call("PEXPIRE", key, 300)
    await check_all_goes_on(client)
    await get(client, "/ratelimit/u1")


async def test_a_group_of_a_queue_that_is_gone(client, redis):
    await check_all_goes_on(client)
    for priority in ("high", "normal", "low"):
        await redis.call("XGROUP", "DESTROY", f"{P}queue:sms:{priority}", "workers")
    await check_all_goes_on(client)
