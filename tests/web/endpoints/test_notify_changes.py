"""Notifications with a key, or for later; changed and taken back by their sender."""

import pytest

from notifier.domain.times import format_time
from tests.support import ALICE, OVER_BOTH_PATHS, Inbox, notify
from tests.web.endpoints.test_own_inbox import INBOX, PAIR, act, listed, numbers, snooze, until, wake_now, watch
from tests.web.http.test_auth import ADMIN, SECRET, bearer

pytestmark = OVER_BOTH_PATHS
BOB = {"id": 2, "login": "bob"}


async def post(client, message, key="build-42", headers=None, targets=(ALICE,), **options):
    body = {"target": list(targets), "message": message, "key": key, **options}
    response = await client.post("/api/v1/notify", json=body, headers=headers or {})
    assert response.status_code == 202, response.text
    return response.json()["results"]


async def test_a_bump_is_one_line_that_changed(client, redis):
    inbox = await Inbox.open(client)
    (first,) = await post(client, "red")
    await inbox.read(await inbox.receive("notification.push"))
    await inbox.receive("notification.read.ack")
    await notify(client, "between")
    await inbox.receive("notification.push")
    (second,) = await post(client, "green")
    push = await inbox.receive("notification.push")
    assert second == first and push["notification_id"] == first["notification_id"]
    assert (push["message"], push["revision"], push["status"]) == ("green", 2, "unread")
    page = await listed(client)
    assert [(item["message"], item["revision"], item["read"]) for item in page["items"]] == [
        ("green", 2, False),
        ("between", 1, False),
    ]
    assert page["items"][0]["key"] == "build-42" and numbers(page) == (2, 2, 2)
    assert await redis.call("XLEN", "stream:user:1-alice") == 2
    assert (await redis.call("XPENDING", "stream:user:1-alice", "notifications"))[0] == 2
    assert await redis.call("HGET", "notif:totals", "pending") == b"2"


async def test_a_replacement_keeps_place_and_states(client):
    plain, inbox = await Inbox.open(client), await watch(client)
    (first,) = await post(client, "50 %")
    nid = first["notification_id"]
    await notify(client, "between")
    await act(client, nid, "read")
    await post(client, "100 %", on_same="replace", title="Done")
    update = await until(inbox, "notification.update")
    assert (update["message"], update["title"], update["revision"], update["read"]) == ("100 %", "Done", 2, True)
    items = (await listed(client))["items"]
    assert [(item["message"], item["read"]) for item in items] == [("between", False), ("100 %", True)]
    kinds = [(await plain.receive())["type"] for _ in range(3)]
    assert kinds == ["notification.push", "notification.push", "notification.read.ack"] and await plain.is_quiet()


async def test_the_first_is_kept(client):
    (first,) = await post(client, "first")
    (second,) = await post(client, "second", on_same="keep")
    assert second == first | {"kept": True}
    (item,) = (await listed(client))["items"]
    assert (item["message"], item["revision"]) == ("first", 1)


async def test_each_target_has_its_own(client):
    await post(client, "one")
    alice, bob = await post(client, "two", targets=[ALICE, BOB])
    assert alice["notification_id"] != bob["notification_id"]
    page = (await client.get(f"{INBOX}?user_id=2&login=bob")).json()
    assert [(item["message"], item["revision"]) for item in page["items"]] == [("two", 1)]


async def test_what_has_gone_leaves_its_key(client, redis):
    (first,) = await post(client, "one")
    await redis.call("DEL", f"notification:{first['notification_id']}")
    (second,) = await post(client, "two")
    assert second["notification_id"] != first["notification_id"]
    await client.pod.inbox.upkeep.expire("1-alice", 60)
    assert [item["message"] for item in (await listed(client))["items"]] == ["two"]
    assert await redis.call("HLEN", "notif:keys:1-alice") == 1
    await client.delete("/api/v1/admin/users/1-alice/pending")
    assert await redis.call("EXISTS", "notif:keys:1-alice") == 0


async def test_a_bump_wakes_what_is_snoozed(client, redis):
    (first,) = await post(client, "one")
    await snooze(client, first["notification_id"], **{"for": "1h"})
    await post(client, "two")
    assert numbers(await listed(client)) == (1, 1, 1)
    assert await redis.call("ZCARD", "notif:snoozed") == 0


async def test_keys_belong_to_their_senders(start_pod):
    client = await start_pod("pod-a", auth_mode="token", admin_token=ADMIN, jwt_secret=SECRET)
    senders = []
    for name in ("ci", "shop"):
        body = {"name": name, "scopes": ["notify"]}
        key = (await client.post("/api/v1/admin/keys", json=body, headers=bearer(ADMIN))).json()["key"]
        senders.append(bearer(key))
    ids = {(await post(client, "m", headers=one))[0]["notification_id"] for one in senders}
    assert len(ids) == 2
    gone = await client.delete(f"/api/v1/notify?key=build-42&{PAIR}", headers=bearer(ADMIN))
    assert gone.json() == {"was": "gone"}, "it has none under this key"
    assert (await client.delete(f"/api/v1/notify?key=build-42&{PAIR}", headers=senders[0])).json() == {"was": "unread"}


async def test_the_same_request_again_is_answered_alike(client):
    headers = {"Idempotency-Key": "k"}
    first = await post(client, "one", headers=headers)
    assert await post(client, "one", headers=headers) == first
    assert (await listed(client))["items"][0]["revision"] == 1


@pytest.mark.parametrize(
    ("options", "path"),
    [
        ({"key": ""}, "key"),
        ({"key": "x" * 129}, "key"),
        ({"key": "a\nb"}, "key"),
        ({"key": 7}, "key"),
        ({"key": "k", "on_same": "merge"}, "on_same"),
        ({"key": "k", "on_same": []}, "on_same"),
        ({"on_same": "bump"}, "on_same"),
        ({"deliver_at": "tomorrow"}, "deliver_at"),
        ({"deliver_at": "2999-01-01T00:00:00Z"}, "deliver_at"),
        ({"critical": True}, "critical"),
        ({"route": []}, "route"),
    ],
)
async def test_terms_that_are_none(client, options, path):
    body = {"target": [ALICE], "message": "m", **options}
    response = await client.post("/api/v1/notify", json=body)
    assert response.status_code == 422 and [error["path"] for error in response.json()["errors"]] == [path]


# -- for later


async def test_what_is_to_come_later_is_nowhere_until_then(client, redis):
    inbox = await Inbox.open(client)
    due = format_time(client.pod.redis.clock.now() + 3600)
    (nid,) = await notify(client, "reminder", deliver_at=due, ttl="1m")
    assert numbers(await listed(client)) == (0, 0, 0) and (await listed(client, "&snoozed=only"))["items"] == []
    assert await inbox.is_quiet() and await redis.call("XLEN", "stream:user:1-alice") == 0
    assert 3_600_000 < await redis.call("PTTL", f"notification:{nid}") <= 3_660_000
    await wake_now(client, redis, nid)
    push = await inbox.receive("notification.push")
    assert (push["notification_id"], push["message"], push["status"]) == (nid, "reminder", "unread")
    assert numbers(await listed(client)) == (1, 1, 1)


async def test_the_waker_takes_what_is_due_and_nothing_else(client):
    now = client.pod.redis.clock.now()
    await notify(client, "due", deliver_at=format_time(now + 0.05))
    await notify(client, "later", deliver_at=format_time(now + 3600))
    inbox = await Inbox.open(client)
    while not (await listed(client))["items"]:
        await client.pod.person.waker.round()
    assert (await inbox.receive("notification.push"))["message"] == "due" and await inbox.is_quiet()
    assert client.pod.person.waker.waiting == 1
    assert "inbox_snoozed 1.0" in (await client.get("/metrics")).text


async def test_the_past_is_now(client):
    inbox = await Inbox.open(client)
    await notify(client, "late", deliver_at="2024-01-01T00:00:00Z")
    assert (await inbox.receive("notification.push"))["message"] == "late"


async def test_a_hundred_newer_ones_do_not_push_it_out(client, redis):
    (nid,) = await notify(client, "reminder", deliver_at=format_time(client.pod.redis.clock.now() + 3600))
    for _ in range(5):
        await notify(client)
    client.pod.inbox.upkeep.reconfigure(client.pod.inbox.policy._replace(maxlen=2))
    await client.pod.inbox.upkeep.trim("1-alice")
    await wake_now(client, redis, nid)
    assert "reminder" in [item["message"] for item in (await listed(client))["items"]]


# -- changes


def whose(client):
    """Nothing, or the user whose notification it is, without whom none is found on Redis Cluster."""
    return f"?{PAIR}" if client.pod.redis.keys.cluster else ""


async def patch(client, nid, query=None, **fields):
    query = whose(client) if query is None else query
    return await client.patch(f"/api/v1/notify/{nid}{query}", json=fields)


async def take_back(client, nid):
    return await client.delete(f"/api/v1/notify/{nid}{whose(client)}")


async def test_a_sender_changes_what_it_says(client):
    inbox = await watch(client)
    (nid,) = await notify(client, "old", title="T", ttl="1h", data={"a": 1})
    await act(client, nid, "seen")
    assert (await patch(client, nid, message="new", url="/x")).json() == {"revision": 2}
    update = await until(inbox, "notification.update")
    assert (update["message"], update["title"], update["url"], update["revision"]) == ("new", "T", "/x", 2)
    assert (await patch(client, nid, data={"b": 2})).json() == {"revision": 3}
    (item,) = (await listed(client))["items"]
    assert (item["message"], item["data"], item["revision"]) == ("new", {"b": 2}, 3) and item["seen_at"]
    other = await Inbox.open(client)
    assert (other.greeting[0]["message"], other.greeting[0]["revision"]) == ("new", 3)


async def test_a_changed_one_keeps_its_key(client):
    (first,) = await post(client, "one", ttl="1h")
    await patch(client, first["notification_id"], message="two")
    (second,) = await post(client, "three")
    assert second["notification_id"] == first["notification_id"]
    assert (await listed(client))["items"][0]["revision"] == 3


@pytest.mark.parametrize(
    "fields", [{}, {"message": ""}, {"target": []}, {"message": None}, {"key": "k"}, {"priority": "x"}, {"ttl": "1h"}]
)
async def test_changes_that_are_none(client, fields):
    (nid,) = await notify(client)
    assert (await patch(client, nid, **fields)).status_code == 422


async def test_what_is_not_there_cannot_change(client):
    (nid,) = await notify(client)
    for wrong in ("x", "00000000-0000-4000-8000-000000000000"):
        assert (await patch(client, wrong, message="m")).status_code == 404
    assert (await patch(client, nid, "?user_id=2&login=bob", message="m")).status_code == 404
    assert (await patch(client, nid, "?user_id=1", message="m")).status_code == 422
    assert (await patch(client, nid, f"?{PAIR}", message="m")).status_code == 200


# -- taking back


async def test_a_retracted_one_is_gone_everywhere(client, redis):
    plain, inbox = await Inbox.open(client), await watch(client)
    (nid,) = await notify(client)
    await plain.receive("notification.push")
    await until(inbox, "inbox.counts")
    assert (await take_back(client, nid)).json() == {"was": "unread"}
    assert await until(inbox, "notification.removed") == {"notification_id": nid, "reason": "retracted"}
    assert (await until(inbox, "inbox.counts"))["total"] == 0
    assert (await plain.receive("notification.push"))["status"] == "auto_cleared"
    assert (await take_back(client, nid)).json() == {"was": "gone"}
    assert (await listed(client))["items"] == [] and not await redis.call("EXISTS", f"notification:{nid}")
    assert await redis.call("HGET", "notif:totals", "pending") == b"0"


async def test_what_was_read_or_is_to_come_is_taken_back_too(client, redis):
    (read,) = await notify(client)
    await act(client, read, "archive")
    assert (await take_back(client, read)).json() == {"was": "read"}
    (later,) = await notify(client, deliver_at=format_time(client.pod.redis.clock.now() + 3600))
    assert (await take_back(client, later)).json() == {"was": "unread"}
    assert await redis.call("ZCARD", "notif:snoozed") == 0


async def test_by_key(client):
    await post(client, "one")
    assert (await client.delete(f"/api/v1/notify?key=build-42&{PAIR}")).json() == {"was": "unread"}
    assert (await client.delete(f"/api/v1/notify?key=build-42&{PAIR}")).json() == {"was": "gone"}
    assert (await client.delete("/api/v1/notify?key=build-42")).status_code == 422


async def test_marks_and_updates_are_counted(client):
    (first,) = await post(client, "one")
    await post(client, "two")
    await act(client, first["notification_id"], "archive")
    await patch(client, first["notification_id"], message="three")
    await take_back(client, first["notification_id"])
    text = (await client.get("/metrics")).text
    for line in (
        'inbox_marks_total{as="archived"} 1.0',
        'inbox_updates_total{kind="bump"} 1.0',
        'inbox_updates_total{kind="patch"} 1.0',
        'inbox_updates_total{kind="retract"} 1.0',
    ):
        assert line in text, text
