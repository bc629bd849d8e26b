"""An inbox of a thousand notifications, kept for a year: every view of it, and how long each script holds Redis up."""

import re
from contextlib import asynccontextmanager

import pytest

from tests.store.test_inbox_in_parts import fill
from tests.support import Inbox, eventually, notify
from tests.web.endpoints.test_own_inbox import INBOX, PAIR, listed, numbers, snooze, wake_now

pytestmark = pytest.mark.slow
MANY = 1_000
YEAR_MS = 365 * 86_400_000
LONGEST = 40.0  # ms that one call may hold Redis up; on a machine at rest none takes 4
STREAM = "stream:user:1-alice"


@pytest.fixture
def client(loop, start_pod):
    return loop.run_until_complete(start_pod(stream_maxlen="1000", notification_ttl="365d"))


@pytest.fixture
def ids(loop, client):
    """Of all thousand, oldest first. Each hundred of them is in another state."""

    async def begin():
        found = await fill(client, MANY, ttl_ms=YEAR_MS)
        for number, mark in enumerate(("seen", "read", "archived", "acted")):
            await mark_ids(client, mark, found[number * 100 :][:100])
        for nid in found[400:410]:
            await snooze(client, nid, **{"for": "30d"})
        return found

    return loop.run_until_complete(begin())


async def mark_ids(client, mark, ids):
    answer = await client.post(f"{INBOX}/mark?{PAIR}", json={"as": mark, "ids": ids})
    assert answer.json()["changed"] == len(ids)


async def pages(client, query=""):
    """All that the list gives, page by page, newest first."""
    found, before = [], ""
    while before is not None:
        page = await listed(client, f"&limit=100{query}{before and '&before='}{before}")
        found += [item["notification_id"] for item in page["items"]]
        before = page["next_before"]
    return found


async def test_a_person_lists_all_of_it(client, ids):
    main = [nid for number, nid in enumerate(ids) if not (200 <= number < 300 or 400 <= number < 410)]
    assert await pages(client) == main[::-1]
    assert await pages(client, "&archived=only") == ids[200:300][::-1]
    assert await pages(client, "&snoozed=only") == ids[400:410][::-1]
    assert await pages(client, "&archived=include&status=read") == ids[100:400][::-1]
    assert await pages(client, "&q=nothing") == []
    assert numbers(await listed(client)) == (690, 590, 890)
    oldest = (await client.get(f"{INBOX}/{ids[0]}?{PAIR}")).json()
    assert oldest["seen_at"] and oldest["revision"] == 1


async def test_a_device_asks_for_all_of_it(client, ids):
    inbox = await Inbox.open(client)
    assert len(inbox.greeting) == 100 and inbox.synced == {"pending": 690, "total": 990}
    found = [push["notification_id"] for push in inbox.greeting]
    before = inbox.greeting[0]["stream_id"]
    while rows := await inbox.sync(limit=100, before=before):
        found = [row["notification_id"] for row in rows] + found
        before = rows[0]["stream_id"]
    assert found == [nid for nid in ids if nid not in ids[400:410]]


async def test_all_of_it_is_marked(client, ids, redis):
    newest = (await listed(client, "&limit=1"))["items"][0]["stream_id"]
    answer = (await client.post(f"{INBOX}/mark?{PAIR}", json={"as": "read", "up_to": newest})).json()
    assert (answer["changed"], numbers(answer)) == (690, (0, 0, 890))
    answer = (await client.post(f"{INBOX}/mark?{PAIR}", json={"as": "archived", "filter": {}})).json()
    assert (answer["changed"], numbers(answer)) == (890, (0, 0, 0))
    assert len(await pages(client, "&archived=only")) == 990
    assert await redis.call("HLEN", "notif:marks:1-alice") == MANY


async def test_it_is_kept_for_a_year_and_beside_what_is_snoozed_no_more_than_a_thousand(client, ids, redis):
    lives = [await redis.call("PTTL", f"notification:{nid}") for nid in ids]
    assert min(lives) > YEAR_MS - 3_600_000
    assert min(lives[400:410]) > YEAR_MS + 29 * 86_400_000, "what is snoozed lives on from its return"
    assert await client.pod.janitor.sweep() == 0
    for number in range(20):
        await notify(client, f"one more {number}", ttl="365d")
    await client.pod.inbox.upkeep.trim("1-alice")
    assert await redis.call("XLEN", STREAM) == MANY + 10
    assert (await client.get(f"{INBOX}/{ids[0]}?{PAIR}")).status_code == 404
    for key in ("notif:marks:1-alice", "notification_state:1-alice"):
        assert await redis.call("HLEN", key) <= MANY + 10
    await wake_now(client, redis, ids[400])
    assert (await listed(client, "&limit=1"))["items"][0]["notification_id"] == ids[400]


async def test_an_operator_sees_all_of_it(client, ids):
    history = (await client.get("/api/v1/admin/history?user_id=1&login=alice&limit=1000")).json()
    assert [row["notification_id"] for row in history["notifications"]] == ids[::-1] and history["total"] == MANY
    assert sum(row["archived_at"] is not None for row in history["notifications"]) == 100
    pending = (await client.get("/api/v1/admin/pending?limit=1000")).json()
    assert pending["total_pending"] == len(pending["pending_notifications"]["1-alice"]) == 690
    known = (await client.get("/api/v1/admin/users/1-alice")).json()
    assert (known["pending"], known["stored"]) == (690, MANY)


# -- how long each script holds Redis up


@asynccontextmanager
async def timed(client, redis):
    """The shortest of the times of each script, in ms, by its name: of a busy machine the others tell nothing."""
    names, took = {script.sha: script.name for script in client.pod.redis._scripts.values()}, {}
    await redis.call("CONFIG", "SET", "slowlog-log-slower-than", 0)
    await redis.call("CONFIG", "SET", "slowlog-max-len", 20_000)
    await redis.call("SLOWLOG", "RESET")
    yield took
    for _, _, micros, command, *_ in await redis.call("SLOWLOG", "GET", -1):
        if command[0] == b"EVALSHA":
            name = names[command[1].decode()]
            took[name] = min(took.get(name, LONGEST * 100), micros / 1000)
    await redis.call("CONFIG", "SET", "slowlog-log-slower-than", 10_000)


async def use_everything(client, redis, ids, turn):
    """One call at least of each script that goes through an inbox, on its oldest entries."""
    inbox = await Inbox.open(client, login="alice&events=states,counts")
    await listed(client, "&limit=100&q=nothing")
    await client.get(f"{INBOX}/{ids[0]}?{PAIR}")
    await mark_ids(client, "read", ids[30:90])
    await mark_ids(client, "unread", ids[30:90])
    await snooze(client, ids[turn], **{"for": "1h"})
    await wake_now(client, redis, ids[turn])
    await client.patch(f"/api/v1/notify/{ids[10 + turn]}", json={"message": "x"})
    await client.delete(f"/api/v1/notify/{ids[20 + turn]}")
    for on_same in ("bump", "replace"):
        await notify(client, "keyed", key="k", on_same=on_same)
    await client.get("/api/v1/admin/history?user_id=1&login=alice&limit=1000")
    await client.get("/api/v1/admin/pending?limit=1000")
    (nid,) = await notify(client, "last")
    await inbox.say("notification.read_all", up_to=(await listed(client, "&limit=1"))["items"][0]["stream_id"])
    while (message := await inbox.receive())["type"] != "notification.read.ack" or acked(message) != nid:
        pass
    await client.pod.janitor._expire("1-alice")
    await client.pod.inbox.upkeep.repair("1-alice")
    await client.pod.inbox.upkeep.trim("1-alice")
    await client.post(f"{INBOX}/mark?{PAIR}", json={"as": "unread", "filter": {}})
    inbox.socket.transport.abort()
    await eventually(lambda: not len(client.pod.hub), "the end of the connection")


def acked(message):
    return message["data"]["notification_id"]


async def test_no_script_holds_redis_up(client, ids, redis):
    """Each runs in parts; what goes through all marks of an inbox is the count."""
    async with timed(client, redis) as took:
        for turn in range(6):
            await use_everything(client, redis, ids, turn)
    assert set(took) >= {
        *(f"states/{name}" for name in ("attach", "find", "list", "look", "mark", "put", "retract", "snooze", "swap")),
        *(f"inbox/{name}" for name in ("expire", "read_all", "repair", "unread")),
        "states/wake",
    }
    assert {name: ms for name, ms in took.items() if ms > LONGEST} == {}


async def test_the_first_connect_takes_all_of_it_in_parts(client, ids, redis):
    """A whole inbox is new to the group then: a few commands ask for hundreds of states and payloads each."""
    await redis.call("CONFIG", "RESETSTAT")
    await Inbox.open(client)
    stats = (await redis.call("INFO", "commandstats")).decode()
    calls = {row[1]: int(row[2]) for row in re.finditer(r"cmdstat_(\w+):calls=(\d+)", stats)}
    assert sum(calls.values()) < 60, calls
    assert (await redis.call("XPENDING", STREAM, "notifications"))[0] == 690
