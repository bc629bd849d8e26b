"""The lean path takes what is usual, leaves the rest, and nobody can tell which way a notification went."""

import asyncio
import json
import logging

import pytest

from notifier.errors import ErrorCode, NotifierError
from notifier.web.http.slow import SLOW
from tests.support import ALICE, Inbox, eventually, notify, post_at_once

BOB = {"id": 2, "login": "bob"}
STREAM = "stream:user:1-alice"

pytestmark = pytest.mark.parametrize("lean_path", ["on"], indirect=True)


@pytest.fixture
def taken(client, monkeypatch):
    """For each request and mark offered to the lean path: whether it was taken."""
    seen, lean = [], client.pod.lean

    def offered(name, whole):
        def offer(*args):
            seen.append((name, whole(*args)))
            return seen[-1][1]

        return offer

    for name in ("take", "receive"):
        monkeypatch.setattr(lean, name, offered(name, getattr(lean, name)))
    monkeypatch.setattr("notifier.store.lean.upkeep.BOOK_AFTER", 3600.0)  # while a script does that, marks wait for it
    return seen


async def post(client, body):
    return await post_at_once(client, json.dumps(body).encode(), {"content-type": "application/json"})


async def test_a_notification_goes_all_the_way(client, redis, taken):
    tabs = [await Inbox.open(client), await Inbox.open(client)]
    (nid,) = await notify(client, "ё \U0001f600", source="shop", created_at="2024-01-01T13:00:00+01:00")
    pushes = [await tab.receive("notification.push") for tab in tabs]
    assert pushes[0] == pushes[1] and pushes[0].pop("stream_id")
    assert pushes[0] == {
        "notification_id": nid,
        "message": "ё \U0001f600",
        "created_at": "2024-01-01T12:00:00.000Z",
        "source": "shop",
        "status": "unread",
        "read": False,
    }
    await tabs[1].read(pushes[1])
    for tab in tabs:
        assert (await tab.receive("notification.read.ack"))["notification_id"] == nid
    assert taken == [("take", True), ("receive", True)]
    metrics = client.pod.metrics
    assert (metrics.sent, metrics.pushed, metrics.acked) == (1, 2, 1)
    assert sum(metrics.latency.counts) == 2 and sum(metrics.requests["/api/v1/notify", "POST", "202"].counts) == 1
    payload = json.loads(await redis.call("GET", f"notification:{nid}"))
    assert list(payload) == ["notification_id", "message", "created_at", "source", "target"]
    assert payload["target"] == ALICE


@pytest.mark.parametrize(
    "request_",
    [
        {"target": [ALICE], "message": "x", "title": "a title"},
        {"target": [ALICE], "message": "x", "ttl": "1h"},
        {"target": [ALICE, BOB], "message": "x"},  # who is not connected
        {"target": [ALICE, ALICE], "message": "x"},
        {"target": [], "message": "x"},
        {"target": [ALICE], "message": ""},
    ],
    ids=["title", "ttl", "offline", "twice", "nobody", "empty"],
)
async def test_what_is_left_is_done_all_the_same(client, taken, request_):
    inbox = await Inbox.open(client)
    response = await post(client, request_)
    valid = request_["target"] and request_["message"]
    assert response.status_code == (202 if valid else 422)
    assert taken == [("take", False)]
    if valid:
        assert (await inbox.receive("notification.push"))["message"] == "x"
    assert await inbox.is_quiet()


async def test_a_key_is_the_scripts_business(client, taken):
    inbox = await Inbox.open(client)
    first = await notify(client, headers={"Idempotency-Key": "k"})
    assert await notify(client, headers={"Idempotency-Key": "k"}) == first
    await inbox.receive("notification.push")
    assert await inbox.is_quiet()
    assert [entry for entry in taken if entry[0] == "take"] == []


@pytest.mark.parametrize("notify_rate_limit", ["2/1m"])
async def test_a_limit_is_kept(start_pod, redis, notify_rate_limit):
    client = await start_pod(notify_rate_limit=notify_rate_limit)
    await Inbox.open(client)
    answers = [await post(client, {"target": [ALICE], "message": "x"}) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [202, 202, 429]
    assert not client.pod.lean.allowed


async def test_events_are_those_of_the_general_way(client, taken):
    events = client.pod.events.listen(frozenset())
    inbox = await Inbox.open(client)
    (nid,) = await notify(client, "said", source="shop")
    push = await inbox.receive("notification.push")
    await inbox.read(push)
    await inbox.receive("notification.read.ack")
    assert taken[0] == ("take", True)
    told = [json.loads(data) for kind, data in await events.take(5) if kind != "log"]
    client.pod.events.leave(events)
    assert [event["type"] for event in told] == [
        "client.connected",
        "notification.pushed",
        "notification.stored",
        "notification.read",
    ]
    for event in told[1:]:
        facts = (event["notification_id"], event["stream_id"], event["user_id"], event["login"])
        assert facts == (nid, push["stream_id"], 1, "alice")
    assert (told[2]["source"], told[2]["message"]) == ("shop", "said")
    assert (client.pod.metrics.sent, client.pod.metrics.pushed, client.pod.metrics.acked) == (1, 1, 1)


async def test_a_tab_that_says_too_much(client, taken, monkeypatch):
    inbox = await Inbox.open(client)
    await notify(client)
    push = await inbox.receive("notification.push")
    (connection,) = client.pod.hub
    await inbox.say("nonsense")
    assert (await inbox.receive("error"))["code"] == "unknown_type"
    monkeypatch.setattr("notifier.domain.limits.MESSAGES_PER_SECOND", 0.0)
    connection.budget._tokens = 0.0
    await inbox.read(push)
    assert (await inbox.receive("error"))["code"] == "rate_limited"
    assert client.pod.metrics.acked == 0


async def test_a_frame_that_is_left_costs_one_token(client, taken, monkeypatch):
    inbox = await Inbox.open(client)
    await notify(client)
    await inbox.receive("notification.push")
    (connection,) = client.pod.hub
    await inbox.sync(limit=1)
    monkeypatch.setattr("notifier.domain.limits.MESSAGES_PER_SECOND", 0.0)
    before = connection.budget._tokens
    await inbox.sync(limit=1)
    assert ("receive", False) in taken
    assert connection.budget._tokens == before - 1


async def test_a_mark_of_another_pair(client, taken):
    inbox = await Inbox.open(client)
    await notify(client)
    push = await inbox.receive("notification.push")
    await inbox.read(push | {"stream_id": "1-1"})
    assert (await inbox.receive("error"))["code"] == "not_found"
    await inbox.read(push)
    await inbox.receive("notification.read.ack")
    assert taken[1:] == [("receive", False), ("receive", True)]


async def test_a_store_that_is_gone(client, redis, monkeypatch):
    inbox = await Inbox.open(client)
    monkeypatch.setattr("notifier.service.publish.ANSWER_WITHIN", 0.0)

    def refuse(*_):
        raise NotifierError(ErrorCode.UNAVAILABLE, "the store is not available: a test", retry_after=1.0)

    with monkeypatch.context() as patch:
        patch.setattr(client.pod.redis, "send_block", refuse)
        response = await post(client, {"target": [ALICE], "message": "x"})
    assert response.status_code == 503 and response.headers["retry-after"] == "1"
    await notify(client, "after")
    assert (await inbox.receive("notification.push"))["message"] == "after"


async def test_a_mark_that_the_store_refuses_can_be_made_again(client, redis, monkeypatch):
    inbox = await Inbox.open(client)
    await notify(client)
    push = await inbox.receive("notification.push")

    def refuse(*_):
        raise NotifierError(ErrorCode.UNAVAILABLE, "the store is not available: a test", retry_after=1.0)

    with monkeypatch.context() as patch:
        patch.setattr(client.pod.redis, "send_block", refuse)
        await inbox.read(push)
        assert (await inbox.receive("error"))["code"] == "unavailable"
    await inbox.read(push)
    assert (await inbox.receive("notification.read.ack"))["notification_id"] == push["notification_id"]
    assert client.pod.metrics.acked == 1


async def test_a_slow_request_has_its_line(client, monkeypatch, caplog):
    await Inbox.open(client)
    clock = iter([0.0, SLOW + 1])
    monkeypatch.setattr("notifier.web.endpoints.express.time.perf_counter", lambda: next(clock))
    with caplog.at_level(logging.WARNING, "notifier.web"):
        await notify(client, headers={"X-Request-ID": "mine"})
    (record,) = [record for record in caplog.records if record.msg == "request.slow"]
    assert (record.request_id, record.status, record.seconds) == ("mine", 202, SLOW + 1)


async def test_a_user_that_is_behind_is_caught_up_with(client, redis):
    inbox = await Inbox.open(client)
    member = client.pod.hub.member("1-alice")
    member.cursor.fall_behind()
    (nid,) = await notify(client)
    assert (await inbox.receive("notification.push"))["notification_id"] == nid
    assert await inbox.is_quiet()


async def test_one_tab_that_fails_fails_alone(client, monkeypatch, caplog):
    inboxes = [await Inbox.open(client), await Inbox.open(client, 2, "bob")]
    hub, push = client.pod.hub, client.pod.lean.push

    def fail(sole, *rest):
        if sole.key == "1-alice":
            raise RuntimeError("a defect")
        return push(sole, *rest)

    monkeypatch.setattr(client.pod.lean, "push", fail)
    first = asyncio.ensure_future(post(client, {"target": [ALICE], "message": "x"}))
    (nid,) = await notify(client, targets=(BOB,))
    assert (await inboxes[1].receive("notification.push"))["notification_id"] == nid
    first.cancel()
    await eventually(lambda: "redis.reply_handler_failed" in caplog.text)
    assert len(hub) == 2


async def test_what_is_changed_while_running_counts_from_the_next_request(client, redis, settings):
    inbox = await Inbox.open(client)
    client.pod.reconfigure(settings(notification_ttl="1h"))
    (nid,) = await notify(client)
    await inbox.receive("notification.push")
    assert 3_000_000 < await redis.call("PTTL", f"notification:{nid}") <= 3_600_000
    client.pod.reconfigure(settings(notify_rate_limit="1/1m"))
    assert not client.pod.lean.allowed
