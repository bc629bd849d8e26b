"""A person's own inbox over HTTP and WebSocket: lists, counts, marks, snoozing, and who may."""

import json

import pytest

from notifier.domain.times import format_time
from tests.support import OVER_BOTH_PATHS, Inbox, notify
from tests.web.http.test_auth import ADMIN, SECRET, bearer, token_of

pytestmark = OVER_BOTH_PATHS
PAIR = "user_id=1&login=alice"
INBOX = "/api/v1/inbox"
STATES = "alice&events=states,counts"


async def listed(client, query=""):
    response = await client.get(f"{INBOX}?{PAIR}{query}")
    assert response.status_code == 200, response.text
    return response.json()


async def texts(client, query=""):
    return [item["message"] for item in (await listed(client, query))["items"]]


async def act(client, nid, action, query=PAIR):
    return await client.post(f"{INBOX}/{nid}/{action}?{query}")


def numbers(answer):
    return tuple(answer["counts"].values())


async def watch(client):
    """A connection that asked for states and counts."""
    return await Inbox.open(client, login=STATES)


async def until(inbox, kind):
    """The data of the next message of a kind."""
    while (message := await inbox.receive())["type"] != kind:
        pass
    return message["data"]


async def test_an_inbox_is_listed_newest_first_with_its_states(client):
    ids = [await notify(client, f"m{n}", title="T", data={"n": n}) for n in range(3)]
    page = await listed(client)
    assert [item["notification_id"] for item in page["items"]] == [nid for (nid,) in reversed(ids)]
    item = page["items"][0]
    assert (item["title"], item["data"], item["status"], item["read"]) == ("T", {"n": 2}, "unread", False)
    names = ("seen_at", "read_at", "archived_at", "snoozed_until", "acted_at")
    assert [item[name] for name in names] == [None] * 5 and item["revision"] == 1 and "key" not in item
    assert page["counts"] == {"unread": 3, "unseen": 3, "total": 3} and page["next_before"] is None


async def test_pages_lead_to_the_end(client):
    for n in range(7):
        await notify(client, str(n))
    page, found = await listed(client, "&limit=3"), []
    while page["next_before"]:
        found += page["items"]
        page = await listed(client, f"&limit=3&before={page['next_before']}")
    found += page["items"]
    assert [item["message"] for item in found] == ["6", "5", "4", "3", "2", "1", "0"]
    after = found[4]["stream_id"]
    assert await texts(client, f"&after={after}&limit=2") == ["4", "3"], "those just after, newest first"
    assert await texts(client, f"&after={after}&before={found[0]['stream_id']}") == ["5", "4", "3"]


async def test_filters_combine(client):
    await notify(client, "Invoice 7", category="billing", source="shop")
    (read,) = await notify(client, "other", category="billing")
    await notify(client, "hello", title="INVOICE", source="mail")
    await act(client, read, "read")
    assert await texts(client, "&category=billing") == ["other", "Invoice 7"]
    assert await texts(client, "&category=billing&status=unread") == ["Invoice 7"]
    assert await texts(client, "&q=invoice") == ["hello", "Invoice 7"]
    assert await texts(client, "&source=mail&status=read") == []
    assert await texts(client, "&seen=true") == ["other"]
    asked = json.dumps([{"category": "billing"}, {"q": "invoice", "status": "unread"}, {"archived": "only"}])
    response = await client.get(f"{INBOX}/counts?{PAIR}&filters={asked}")
    assert [tuple(row.values()) for row in response.json()["counts"]] == [(1, 1, 2), (2, 2, 2), (0, 0, 0)]
    (main,) = (await client.get(f"{INBOX}/counts?{PAIR}")).json()["counts"]
    assert main == {"unread": 2, "unseen": 2, "total": 3}


async def test_marks_imply_each_other_and_the_first_time_stays(client):
    (nid,) = await notify(client)
    seen = (await act(client, nid, "seen")).json()
    assert (seen["changed"], numbers(seen)) == (1, (1, 0, 1))
    first = (await client.get(f"{INBOX}/{nid}?{PAIR}")).json()["seen_at"]
    again = (await act(client, nid, "seen")).json()
    assert (again["changed"], again["rev"]) == (0, seen["rev"])
    acted = (await act(client, nid, "act")).json()
    assert (acted["changed"], numbers(acted)) == (1, (0, 0, 1)) and acted["rev"] > seen["rev"]
    item = (await client.get(f"{INBOX}/{nid}?{PAIR}")).json()
    assert item["seen_at"] == first and item["read_at"] == item["acted_at"] and item["status"] == "read"
    refused = (await act(client, nid, "unread")).json()
    assert (refused["changed"], refused["errors"]) == (0, [{"id": nid, "error": "acted"}])


async def test_unread_clears_read_and_what_was_seen_stays_seen(client, redis):
    (nid,) = await notify(client)
    await act(client, nid, "read")
    assert await redis.call("HGET", "notification_state:1-alice", nid) == b"read"
    answer = (await act(client, nid, "unread")).json()
    assert numbers(answer) == (1, 0, 1)
    assert await redis.call("EXISTS", "notification_state:1-alice") == 0
    assert await redis.call("HGET", "notif:totals", "pending") == b"1"
    assert await redis.call("ZCARD", "notif:pending") == 1


async def test_the_archive_is_another_list(client):
    (nid,) = await notify(client, "old")
    await notify(client, "new")
    answer = (await act(client, nid, "archive")).json()
    assert numbers(answer) == (1, 1, 1)
    assert await texts(client) == ["new"] and await texts(client, "&archived=only") == ["old"]
    assert await texts(client, "&archived=include") == ["new", "old"]
    assert (await act(client, nid, "unread")).json()["errors"] == [{"id": nid, "error": "archived"}]
    assert numbers((await act(client, nid, "unarchive")).json()) == (1, 1, 2)
    item = (await client.get(f"{INBOX}/{nid}?{PAIR}")).json()
    assert item["archived_at"] is None and item["read"]


async def test_many_are_marked_at_once(client):
    ids = [(await notify(client, str(n), category="a" if n % 2 else "b"))[0] for n in range(6)]
    foreign = (await notify(client, targets=[{"id": 2, "login": "bob"}]))[0]
    body = {"as": "read", "ids": [ids[0], foreign, "x", ids[0]]}
    answer = (await client.post(f"{INBOX}/mark?{PAIR}", json=body)).json()
    assert answer["changed"] == 1 and numbers(answer) == (5, 5, 6)
    assert answer["errors"] == [{"id": foreign, "error": "not_found"}, {"id": "x", "error": "not_found"}]
    body = {"as": "archived", "filter": {"category": "a"}}
    answer = (await client.post(f"{INBOX}/mark?{PAIR}", json=body)).json()
    assert (answer["changed"], numbers(answer)) == (3, (2, 2, 3))
    last = (await listed(client))["items"][-1]["stream_id"]
    answer = (await client.post(f"{INBOX}/mark?{PAIR}", json={"as": "unread", "up_to": last})).json()
    assert (answer["changed"], numbers(answer)) == (1, (3, 2, 3))
    empty = await client.post(f"{INBOX}/mark?user_id=9&login=nobody", json={"as": "read", "filter": {}})
    assert empty.json()["changed"] == 0


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"as": "opened", "ids": ["x"]}, "as"),
        ({"as": "read"}, ""),
        ({"as": "read", "ids": ["x"], "up_to": "1-1"}, ""),
        ({"as": "read", "ids": []}, "ids"),
        ({"as": "read", "ids": ["x"] * 101}, "ids"),
        ({"as": "read", "up_to": "now"}, "up_to"),
        ({"as": "read", "filter": {"topic": "t"}}, "filter.topic"),
    ],
)
async def test_marks_that_are_none(client, body, path):
    response = await client.post(f"{INBOX}/mark?{PAIR}", json=body)
    assert response.status_code == 422
    assert [error["path"] for error in response.json()["errors"]] == [path]


@pytest.mark.parametrize(
    "query",
    ["status=new", "seen=maybe", "archived=no", "snoozed=include", "topic=t", "limit=0", "limit=101", "before=x", "q="],
)
async def test_queries_that_are_none(client, query):
    response = await client.get(f"{INBOX}?{PAIR}&{query}")
    assert response.status_code == 422 and [e["path"] for e in response.json()["errors"]] == [query.partition("=")[0]]


@pytest.mark.parametrize("filters", ["x", "{}", "[]", json.dumps([{}] * 11), '[{"status":"new"}]'])
async def test_filters_that_are_none(client, filters):
    assert (await client.get(f"{INBOX}/counts?{PAIR}&filters={filters}")).status_code == 422


# -- snoozing


async def snooze(client, nid, **body):
    return await client.put(f"{INBOX}/{nid}/snooze?{PAIR}", json=body)


async def wake_now(client, redis, nid):
    """Makes the time of one come."""
    await redis.call("ZADD", "notif:snoozed", 1, f"1-alice\x1f{nid}")
    await redis.call("DEL", "notif:sweep:waker")  # on Redis Cluster instances take turns
    await client.pod.person.waker.round()


async def test_what_is_snoozed_is_nowhere_until_it_wakes(client, redis):
    (nid,) = await notify(client, "later", ttl="1h")
    await notify(client, "now")
    plain = await Inbox.open(client)
    answer = (await snooze(client, nid, **{"for": "2h"})).json()
    assert (answer["changed"], numbers(answer)) == (1, (1, 1, 1))
    assert await texts(client) == ["now"] and await texts(client, "&snoozed=only") == ["later"]
    assert [row["message"] for row in await plain.sync()] == ["now"]
    fresh = await Inbox.open(client)
    assert [push["message"] for push in fresh.greeting] == ["now"] and fresh.synced == {"pending": 1, "total": 1}
    assert 2.9 < await redis.call("PTTL", f"notification:{nid}") / 3_600_000 <= 3, "until, and what it had left"
    await wake_now(client, redis, nid)
    push = await fresh.receive("notification.push")
    assert (push["notification_id"], push["status"]) == (nid, "unread")
    assert (await plain.receive("notification.push"))["stream_id"] == push["stream_id"]
    page = await listed(client)
    assert [item["message"] for item in page["items"]] == ["later", "now"] and numbers(page) == (2, 2, 2)
    assert page["items"][0]["snoozed_until"] is None
    assert await redis.call("ZCARD", "notif:snoozed") == 0


async def test_woken_by_hand_it_is_as_it_was(client, redis):
    ids = [(await notify(client, str(n)))[0] for n in range(2)]
    await act(client, ids[0], "read")
    for nid in ids:
        await snooze(client, nid, **{"for": 3600})
    assert numbers(await listed(client)) == (0, 0, 0)
    before = (await client.get(f"{INBOX}/{ids[0]}?{PAIR}")).json()
    assert before["read"] and before["snoozed_until"]
    for nid in ids:
        assert (await client.delete(f"{INBOX}/{nid}/snooze?{PAIR}")).json()["changed"] == 1
    page = await listed(client)
    assert [(item["message"], item["read"]) for item in page["items"]] == [("1", False), ("0", True)]
    assert await redis.call("HGET", "notif:totals", "pending") == b"1"
    assert 14 < await redis.call("PTTL", f"notification:{ids[0]}") / 60_000 <= 15
    assert (await client.delete(f"{INBOX}/{ids[0]}/snooze?{PAIR}")).json()["changed"] == 0


async def test_a_snooze_survives_a_restart(start_pod, redis):
    first = await start_pod("pod-a")
    (nid,) = await notify(first)
    await snooze(first, nid, **{"for": "1h"})
    await first.pod.stop(1)
    second = await start_pod("pod-b")
    inbox = await Inbox.open(second)
    assert inbox.greeting == []
    await wake_now(second, redis, nid)
    assert (await inbox.receive("notification.push"))["notification_id"] == nid


async def test_newer_ones_do_not_push_it_out(client, redis):
    ids = [(await notify(client, str(n)))[0] for n in range(7)]
    await snooze(client, ids[0], **{"for": "1h"})
    client.pod.inbox.upkeep.reconfigure(client.pod.inbox.policy._replace(maxlen=3))
    assert (await client.pod.inbox.upkeep.trim("1-alice"))[0] == 3
    assert await texts(client) == ["6", "5", "4"] and await texts(client, "&snoozed=only") == ["0"]
    await wake_now(client, redis, ids[0])
    assert await texts(client) == ["0", "6", "5", "4"]


async def test_a_lost_index_is_made_again(client, redis):
    (nid,) = await notify(client)
    await snooze(client, nid, **{"for": "1h"})
    await redis.call("DEL", "notif:snoozed")
    await client.pod.inbox.upkeep.repair("1-alice")
    assert await redis.call("ZCARD", "notif:snoozed") == 1


@pytest.mark.parametrize("span", [{"for": "59s"}, {"for": "31d"}, {"for": "x"}, {}, {"for": "1h", "until": "x"}])
async def test_snoozes_that_are_none(client, span):
    (nid,) = await notify(client)
    assert (await snooze(client, nid, **span)).status_code == 422


@pytest.mark.parametrize("seconds", [-60, 30, 31 * 86400])
async def test_times_out_of_bounds(client, seconds):
    (nid,) = await notify(client)
    until = format_time(client.pod.redis.clock.now() + seconds)
    assert (await snooze(client, nid, until=until)).status_code == 422


async def test_nothing_of_what_is_not_there(client):
    nid = "00000000-0000-4000-8000-000000000000"
    assert (await client.get(f"{INBOX}/{nid}?{PAIR}")).status_code == 404
    assert (await act(client, nid, "read")).status_code == 404
    assert (await act(client, "x", "read")).status_code == 404
    assert (await act(client, nid, "open")).status_code == 404
    assert (await snooze(client, nid, **{"for": "1h"})).status_code == 404
    response = await client.post(f"{INBOX}/{nid}/snooze?{PAIR}")
    assert response.status_code == 405 and "PUT" in response.headers["allow"]


# -- who may


@pytest.fixture
def guarded(loop, start_pod):
    allowed = "https://app.example"
    return loop.run_until_complete(
        start_pod("pod-a", auth_mode="token", admin_token=ADMIN, jwt_secret=SECRET, allowed_origins=allowed)
    )


async def key_of(guarded, *scopes):
    body = {"name": "k", "scopes": list(scopes)}
    return (await guarded.post("/api/v1/admin/keys", json=body, headers=bearer(ADMIN))).json()["key"]


async def test_a_user_has_their_own_inbox_alone(guarded):
    await notify(guarded, headers=bearer(ADMIN))
    own = await guarded.get(INBOX, headers=bearer(token_of()))
    assert own.status_code == 200 and len(own.json()["items"]) == 1
    assert (await guarded.get(f"{INBOX}?{PAIR}", headers=bearer(token_of()))).status_code == 200
    other = await guarded.get(f"{INBOX}?user_id=2&login=bob", headers=bearer(token_of()))
    assert other.status_code == 403
    assert (await guarded.get(INBOX)).status_code == 401
    assert (await guarded.get(f"{INBOX}?user_id=1", headers=bearer(token_of()))).status_code == 422


async def test_a_key_of_scope_notify_acts_for_anybody(guarded):
    (nid,) = await notify(guarded, headers=bearer(ADMIN))
    key = bearer(await key_of(guarded, "notify"))
    assert (await guarded.get(f"{INBOX}?{PAIR}", headers=key)).status_code == 200
    assert (await guarded.post(f"{INBOX}/{nid}/read?{PAIR}", headers=key)).json()["changed"] == 1
    lacking = await guarded.get(INBOX, headers=key)
    assert [error["path"] for error in lacking.json()["errors"]] == ["user_id", "login"]
    reader = bearer(await key_of(guarded, "read"))
    assert (await guarded.get(f"{INBOX}?{PAIR}", headers=reader)).status_code == 403


async def test_without_tokens_the_pair_is_needed(client):
    response = await client.get(INBOX)
    assert response.status_code == 422
    assert [error["path"] for error in response.json()["errors"]] == ["user_id", "login"]


async def test_a_page_of_another_origin_lists_marks_and_subscribes(guarded):
    (nid,) = await notify(guarded, headers=bearer(ADMIN))
    headers = bearer(token_of()) | {"Origin": "https://app.example"}
    asked = await guarded.options(f"{INBOX}/{nid}/snooze", headers={"Origin": "https://app.example"})
    assert "PUT" in asked.headers["access-control-allow-methods"]
    page = await guarded.get(INBOX, headers=headers)
    assert page.headers["access-control-allow-origin"] == "https://app.example"
    assert (await guarded.post(f"{INBOX}/{nid}/read", headers=headers)).json()["changed"] == 1
    assert (await guarded.put(f"{INBOX}/{nid}/snooze", json={"for": "1h"}, headers=headers)).status_code == 200
    subscription = {"endpoint": "https://push.example/x", "keys": {"p256dh": "p", "auth": "a"}}
    body = {"user_id": "1-alice", "platform": "web", "subscription": subscription}
    assert (await guarded.post("/api/v1/sessions", json=body, headers=headers)).status_code == 201
    found = (await guarded.get("/api/v1/sessions/1-alice", headers=headers)).json()["sessions"]
    assert [one["platform"] for one in found] == ["web"]
    other = body | {"user_id": "2-bob"}
    assert (await guarded.post("/api/v1/sessions", json=other, headers=headers)).status_code == 403
    assert (await guarded.get("/api/v1/sessions/2-bob", headers=headers)).status_code == 403
    assert (await guarded.delete("/api/v1/sessions/2-bob", headers=headers)).status_code == 403
    assert (await guarded.delete("/api/v1/sessions/1-alice", headers=headers)).status_code == 204
    assert (
        await guarded.post(f"{INBOX}/{nid}/read", headers=headers | {"Origin": "https://x.example"})
    ).status_code == 403


# -- over WebSocket


async def test_a_plain_connection_gets_what_it_always_got(client):
    plain = await Inbox.open(client)
    assert plain.synced == {"pending": 0, "total": 0}
    (nid,) = await notify(client)
    await plain.receive("notification.push")
    await act(client, nid, "seen")
    await act(client, nid, "archive")
    ack = await plain.receive("notification.read.ack")
    assert set(ack) == {"notification_id", "stream_id"}
    await act(client, nid, "unarchive")
    assert await plain.is_quiet()


async def test_states_and_counts_follow_each_change(client):
    inbox = await watch(client)
    assert inbox.synced["counts"] == {"unread": 0, "unseen": 0, "total": 0} and inbox.synced["rev"] > 0
    (nid,) = await notify(client)
    await inbox.receive("notification.push")
    first = await inbox.receive("inbox.counts")
    assert (first["unread"], first["unseen"], first["total"]) == (1, 1, 1) and first["rev"] > inbox.synced["rev"]
    await inbox.say("notification.mark", ids=[nid], **{"as": "seen"})
    state = await inbox.receive("notification.state")
    assert (state["seen"], state["read"], state["archived"], state["acted"]) == (True, False, False, False)
    second = await inbox.receive("inbox.counts")
    assert (second["unread"], second["unseen"]) == (1, 0) and second["rev"] == state["rev"] > first["rev"]


async def test_a_plain_mark_of_reading_is_told_to_those_who_asked(client):
    plain, inbox = await Inbox.open(client), await watch(client)
    await notify(client)
    await plain.read(await plain.receive("notification.push"))
    await until(inbox, "notification.read.ack")
    state = await until(inbox, "notification.state")
    assert state["read"] and state["seen"] and not state["archived"]
    assert (await until(inbox, "inbox.counts"))["unread"] == 0
    assert (await listed(client))["items"][0]["read_at"], "it is known when"


async def test_counts_come_at_most_every_50_ms_and_the_last_wins(client):
    inbox = await watch(client)
    for n in range(30):
        await notify(client, str(n))
    told = []
    while not told or told[-1]["unread"] < 30:
        told.append(await until(inbox, "inbox.counts"))
    assert len(told) < 30 and [one["rev"] for one in told] == sorted({one["rev"] for one in told})


async def test_a_connect_tells_the_states_of_what_it_sends(client):
    (seen,), (archived,), (plain,) = [await notify(client, str(n)) for n in range(3)]
    await act(client, seen, "seen")
    await act(client, archived, "archive")
    await act(client, plain, "read")
    inbox = await watch(client)
    told = {one["notification_id"]: one for one in inbox.greeting if "seen" in one}
    assert set(told) == {seen, archived}
    assert told[archived]["archived"] and told[seen]["seen"] and not told[seen]["read"]
    assert inbox.synced["counts"] == {"unread": 1, "unseen": 0, "total": 2}


async def test_an_inbox_is_asked_for_over_the_socket(client):
    for n in range(3):
        await notify(client, str(n))
    inbox = await Inbox.open(client)
    await inbox.say("inbox.query", limit=2, ref="r1")
    result = await inbox.receive("inbox.result")
    page = await listed(client, "&limit=2")
    assert result == page | {"ref": "r1"}
    await inbox.say("inbox.query", status="new")
    assert (await inbox.receive("error"))["code"] == "invalid"


@pytest.mark.parametrize(
    "data", [{"ids": ["x"]}, {"as": "snoozed", "ids": ["x"]}, {"as": "read"}, {"as": "read", "up_to": "x"}]
)
async def test_marks_over_the_socket_that_are_none(client, data):
    inbox = await Inbox.open(client)
    await inbox.say("notification.mark", **data)
    error = await inbox.receive("error")
    assert (error["code"], error["in_reply_to"]) == ("invalid", "notification.mark")


async def test_what_is_not_there_is_told_one_by_one(client):
    (nid,) = await notify(client)
    inbox = await Inbox.open(client)
    await inbox.say("notification.mark", ids=["x", nid], **{"as": "read"})
    kinds = sorted([(await inbox.receive())["type"] for _ in range(2)])
    assert kinds == ["error", "notification.read.ack"]


async def test_devices_on_other_instances_are_told(start_pod):
    one, two = [await start_pod(f"pod-{n}") for n in "ab"]
    here, there = await watch(one), await watch(two)
    (nid,) = await notify(one)
    await until(here, "inbox.counts")
    await until(there, "notification.push")
    await act(two, nid, "read")
    for inbox in (here, there):
        assert (await until(inbox, "notification.state"))["read"]
    assert (await until(here, "inbox.counts"))["unread"] == 0
    while (await until(there, "inbox.counts"))["unread"]:
        pass


async def test_expiry_of_what_was_read_is_counted(client, redis):
    inbox = await watch(client)
    (nid,) = await notify(client)
    await act(client, nid, "read")
    while (counts := await until(inbox, "inbox.counts"))["unread"]:
        pass
    assert counts["total"] == 1
    await redis.call("DEL", f"notification:{nid}")
    await client.pod.janitor._expire("1-alice")
    while (await until(inbox, "inbox.counts"))["total"]:  # of the mark there may be one more
        pass


async def test_operators_see_the_states(client):
    ids = [(await notify(client, str(n)))[0] for n in range(2)]
    await act(client, ids[0], "archive")
    await snooze(client, ids[1], **{"for": "1h"})
    rows = (await client.get(f"/api/v1/admin/history?{PAIR}")).json()["notifications"]
    assert [row["notification_id"] for row in rows] == ids[::-1], "what is snoozed, too"
    assert rows[0]["snoozed_until"] and not rows[0]["read"] and rows[1]["archived_at"] and rows[1]["read"]
