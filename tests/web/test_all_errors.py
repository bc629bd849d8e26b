"""A request is told of all its errors at once: each endpoint, with every field broken together."""

import pytest

from notifier.domain.channels import CHANNELS

NOTIFY = "/api/v1/notify"
CREATE = "/api/v1/notifications"
BATCH = "/api/v1/notifications/batch"
SESSIONS = "/api/v1/sessions"
ADMIN = "/api/v1/admin"

SHARED = {"data": [], "priority": "urgent", "max_retries": 11, "idempotency_key": "☃", "x": 1}
TIMES = {"scheduled_at": "now", "expires_at": "then"}
CONTENT = {"message": "", "created_at": 1, "source": 2, "title": [], "url": "javascript:x", "category": {}}
CONTENT |= {"priority": "urgent", "data": [], "ttl": "0s", "x": 1}
GOOD = {"channel": "sms", "recipient": "+905551234567", "content": "hi"}
KEYS = {"p256dh": "", "auth": 1, "more": 2}

BODIES = [
    (NOTIFY, {}, {"target", "message"}),
    (NOTIFY, {**CONTENT, "target": "all"}, {*CONTENT, "target"}),
    (
        NOTIFY,
        {**CONTENT, "target": [{"id": 0, "login": "", "y": 1}, 7, {}]},
        {*CONTENT, "target[0].id", "target[0].login", "target[0].y", "target[1]", "target[2].id", "target[2].login"},
    ),
    (CREATE, {}, {"channel", "content", "recipient"}),
    (CREATE, {"channel": "sms"}, {"content", "recipient"}),
    (CREATE, {"channel": "pigeon"}, {"channel", "content", "recipient"}),
    (CREATE, {"channel": []}, {"channel", "content", "recipient"}),
    (CREATE, {"content": ""}, {"channel", "content", "recipient"}),
    (CREATE, {"channel": "webhook"}, {"content", "recipient"}),
    (CREATE, {"channel": "webhook", "user_id": ""}, {"content", "recipient", "user_id"}),
    (CREATE, {"channel": "inapp", "user_id": "nobody", "content": ""}, {"content", "user_id"}),
    (CREATE, {"channel": "sms", "recipient": "no number"}, {"content", "recipient"}),
    (CREATE, {"channel": "pigeon", "recipient": ""}, {"channel", "content", "recipient"}),
    (
        CREATE,
        {
            **SHARED,
            **TIMES,
            "channel": "pigeon",
            "content": "",
            "recipient": [],
            "user_id": "",
            "subject": 1,
            "title": 2,
        },
        {*SHARED, *TIMES, "channel", "content", "recipient", "user_id", "subject", "title"},
    ),
    (CREATE, {**SHARED, **TIMES, "channel": "sms"}, {*SHARED, *TIMES, "content", "recipient"}),
    (
        CREATE,
        {"channel": "email", "recipient": "nobody", "title": "a", "subject": "b", "priority": 9}
        | {"scheduled_at": "2030-01-02T00:00:00Z", "expires_at": "2030-01-01T00:00:00Z"},
        {"content", "recipient", "title", "priority", "expires_at"},
    ),
    ("/send", {}, {"user_id", "body"}),
    ("/send", {"channel": "webhook"}, {"user_id", "body", "recipient"}),
    ("/send", {"channel": "sms", "recipient": "no number", "title": 1}, {"user_id", "body", "recipient", "title"}),
    ("/send", {"channel": "inapp", "user_id": "nobody"}, {"user_id", "body"}),
    (
        "/send",
        {"user_id": "", "title": [], "body": "", "priority": 9, "data": 1, "channel": "x", "recipient": "", "x": 1},
        {"user_id", "title", "body", "priority", "data", "channel", "recipient", "x"},
    ),
    (BATCH, {}, {"notifications"}),
    (BATCH, {"x": 1, "notifications": []}, {"x", "notifications"}),
    (
        BATCH,
        {"x": 1, "notifications": [GOOD, {}, 7]},
        {"x", "notifications[1].channel", "notifications[1].content", "notifications[1].recipient", "notifications[2]"},
    ),
    (SESSIONS, {}, {"user_id", "platform", "device_token"}),
    (SESSIONS, {"x": 1, "user_id": "", "device_token": ""}, {"x", "user_id", "platform", "device_token"}),
    (SESSIONS, {"platform": "ios", "subscription": {}}, {"user_id", "device_token", "subscription"}),
    (SESSIONS, {"platform": "email", "device_token": "nobody"}, {"user_id", "device_token"}),
    (SESSIONS, {"platform": "web"}, {"user_id", "subscription"}),
    (
        SESSIONS,
        {"platform": "web", "device_token": "t", "subscription": {}},
        {"user_id", "device_token", "subscription.endpoint", "subscription.keys"},
    ),
    (
        SESSIONS,
        {"platform": [], "subscription": {"endpoint": "x", "keys": KEYS}},
        {"user_id", "platform", "subscription.endpoint", *(f"subscription.keys.{name}" for name in KEYS)},
    ),
    (f"{ADMIN}/broadcast", CONTENT, set(CONTENT)),
    (f"{ADMIN}/broadcast", {"x": 1}, {"message", "x"}),
    (f"{ADMIN}/keys", {"x\n": 1}, {"x?", "name", "scopes"}),
    (f"{ADMIN}/keys", {"name": ":", "scopes": [[]], "y": 1}, {"name", "scopes", "y"}),
    (f"{ADMIN}/dlq/requeue", {"filter": 1, "dry_run": 2, "x": 3}, {"filter", "dry_run", "x"}),
    (
        f"{ADMIN}/dlq/drop",
        {"filter": {"channel": "fax"}, "ids": [1], "before": "noon", "expected": "x", "dry_run": 2, "x": 3},
        {"filter.channel", "ids[0]", "before", "expected", "dry_run", "x"},
    ),
    (
        f"{ADMIN}/dlq/requeue",
        {"filter": {"reason": 1, "channel": 2, "y": 3}, "dry_run": 2, "x": 3},
        {"filter.reason", "filter.channel", "filter.y", "dry_run", "x"},
    ),
]
KEYED = {NOTIFY, CREATE, BATCH, "/send"}

QUERIES = [
    (
        f"{CREATE}?status=x&channel=x&recipient=%00&user_id=%00&from=x&to=x&page=0&limit=0&y=1",
        {"status", "channel", "recipient", "user_id", "from", "to", "page", "limit", "y"},
    ),
    (f"{ADMIN}/clients?limit=0&cursor=%00&y=1", {"limit", "cursor", "y"}),
    (f"{ADMIN}/users?q=%00&limit=x&cursor=%00&y=1", {"q", "limit", "cursor", "y"}),
    (f"{ADMIN}/pending?limit=x&cursor=%00&y=1", {"limit", "cursor", "y"}),
    (f"{ADMIN}/history?user_id=x&limit=x&y=1", {"user_id", "login", "limit", "y"}),
    (f"{ADMIN}/keys?limit=x&cursor=%00&y=1", {"limit", "cursor", "y"}),
    (f"{ADMIN}/dlq?reason=%00&channel=%00&limit=x&cursor=%00&y=1", {"reason", "channel", "limit", "cursor", "y"}),
    (f"{ADMIN}/dlq?channel=%00&cursor=x", {"channel", "cursor"}),
    (f"{ADMIN}/dlq?cursor=-1", {"cursor"}),
    (f"{ADMIN}/dlq?cursor=1%0a", {"cursor"}),
    (f"{ADMIN}/dlq?cursor=0123456789", {"cursor"}),
    (f"{ADMIN}/dlq?cursor=%d9%a1", {"cursor"}),
    ("/api/v1/batches/x?page=x&limit=x&y=1", {"page", "limit", "y"}),
    (f"{ADMIN}/find?limit=101&y=1", {"q", "limit", "y"}),
    (f"{ADMIN}/find?q=%00&limit=0", {"q", "limit"}),
    (f"{ADMIN}/history/metrics?minutes=0&y=1", {"minutes", "y"}),
    (f"{ADMIN}/history/metrics?minutes=1441", {"minutes"}),
    (f"{ADMIN}/talkers?minutes=2&y=1", {"minutes", "y"}),
    (f"{ADMIN}/talkers?minutes=15.0", {"minutes"}),
    (f"{ADMIN}/events?types=%00&since=noon&level=debug&y=1", {"types", "since", "level", "y"}),
]


def paths(answer):
    assert answer.status_code == 422, answer.text
    return sorted(error["path"] for error in answer.json()["errors"])


@pytest.mark.parametrize(("path", "body", "wanted"), BODIES, ids=lambda value: value if type(value) is str else "")
async def test_every_field_of_a_body(client, path, body, wanted):
    assert paths(await client.post(path, json=body)) == sorted(wanted)
    if path in KEYED:
        answer = await client.post(path, json=body, headers={"Idempotency-Key": "k" * 256})
        assert paths(answer) == sorted({*wanted, "Idempotency-Key"})


@pytest.mark.parametrize(
    ("path", "wanted"), QUERIES, ids=lambda value: value.partition("?")[0] if type(value) is str else ""
)
async def test_every_parameter_of_a_query(client, path, wanted):
    assert paths(await client.get(path)) == sorted(wanted)


async def test_the_items_of_a_batch(client):
    items = [GOOD, {}, {"channel": "pigeon", "priority": 9}, {"channel": "webhook", "user_id": "7", "x": 1}]
    rows = (await client.post(BATCH, json={"notifications": items})).json()["notifications"]
    found = [sorted(error["path"] for error in row.get("errors", [])) for row in rows]
    assert found == [
        [],
        ["channel", "content", "recipient"],
        ["channel", "content", "priority", "recipient"],
        ["content", "recipient", "x"],
    ]


@pytest.mark.parametrize("path", [CREATE, "/send"])
async def test_two_keys_that_differ(client, path):
    answer = await client.post(path, json={"idempotency_key": "a", "x": 1}, headers={"Idempotency-Key": "b"})
    assert {"idempotency_key", "x"} < set(paths(answer))


@pytest.mark.parametrize("path", sorted(KEYED))
async def test_a_key_that_is_none_before_a_good_body(client, path):
    bodies = {NOTIFY: {"target": [{"id": 1, "login": "a"}], "message": "m"}, CREATE: GOOD}
    bodies |= {BATCH: {"notifications": [GOOD]}, "/send": {"user_id": "7", "body": "b"}}
    answer = await client.post(path, json=bodies[path], headers={"Idempotency-Key": ""})
    assert paths(answer) == ["Idempotency-Key"]


@pytest.mark.parametrize("channel", [*CHANNELS, "pigeon", None])
@pytest.mark.parametrize("user", [None, "", "7"])
async def test_no_error_is_told_twice(client, channel, user):
    body = {name: value for name, value in (("channel", channel), ("user_id", user)) if value is not None}
    for path in (CREATE, "/send"):
        found = paths(await client.post(path, json=body))
        assert len(found) == len(set(found)), found
