"""Calls of one turn of the loop leave as one command, and nobody pays for another's keys."""

import asyncio

import pytest

from notifier.domain.users import User
from notifier.errors import ErrorCode
from notifier.store.inbox_values import Item
from notifier.store.redis.address import parse_deployment
from notifier.store.redis.gather import CALLS_MAX, Gatherer
from notifier.store.redis.open import open_store
from tests.support import Inbox, notify

pytestmark = [  # it is the scripts that are gathered here
    pytest.mark.usefixtures("lean_path"),
    pytest.mark.parametrize("lean_path", ["off"], indirect=True),
]
USERS = [User(number, "gathered") for number in range(1, 6)]


def submit(pod, user, outcomes, remembered=None):
    """Submits a notification as the endpoint does; its outcome is appended."""
    item = Item(user, f"{user.id:08d}-0000-4000-8000-000000000000", None, b"{}")
    pod.inbox.acceptance.submit(pod.holder, [item], remembered, lambda outcome: outcomes.append((user, outcome)))


async def settled(outcomes, count):
    """The outcomes once all have come."""
    async with asyncio.timeout(5):
        while len(outcomes) < count:
            await asyncio.sleep(0.001)
    return dict(outcomes)


async def test_accepts_of_one_turn_leave_as_one_script(client, scripts):
    outcomes = []
    for user in USERS:
        submit(client.pod, user, outcomes)
    found = await settled(outcomes, len(USERS))
    assert [user for user, _ in outcomes] == USERS
    assert all(accepted.stream_ids[0] for accepted in found.values())
    assert scripts.count("inbox/accept") == 1


async def test_reads_of_one_turn_leave_as_one_script(client, scripts):
    users = [{"id": user.id, "login": user.login} for user in USERS]
    inboxes = [await Inbox.open(client, user_id=user.id, login=user.login) for user in USERS]
    await notify(client, targets=users)
    pushes = [await inbox.receive("notification.push") for inbox in inboxes]
    marked = []
    for user, push in zip(USERS, pushes, strict=True):
        pair = (push["stream_id"], push["notification_id"])
        client.pod.inbox.read(client.pod.holder, user.key, [pair], lambda codes, others: marked.append(codes))
    async with asyncio.timeout(5):
        while len(marked) < len(USERS):
            await asyncio.sleep(0.001)
    assert marked == [[1]] * len(USERS)
    assert scripts.count("inbox/read") == 1


async def test_keys_that_another_program_overwrote_harm_their_user_alone(client, redis):
    await redis.call("SET", f"stream:user:{USERS[1].key}", "not a stream", "PX", 60000)
    outcomes = []
    for user in USERS:
        submit(client.pod, user, outcomes)
    found = await settled(outcomes, len(USERS))
    assert all(found[user].stream_ids[0] for user in USERS)
    assert await redis.call("HGET", "notif:totals", "pending") == b"5"
    assert await redis.call("GET", f"notif:spoilt:stream:user:{USERS[1].key}") == b"not a stream"


@pytest.mark.parametrize("bad", [0, 4])
async def test_a_read_of_overwritten_keys_harms_its_user_alone(client, redis, bad):
    targets = [{"id": user.id, "login": user.login} for user in USERS]
    ids = await notify(client, targets=targets)
    await redis.call("SET", f"notification_state:{USERS[bad].key}", "not a hash", "PX", 60000)
    outcomes = []
    for user, notification_id in zip(USERS, ids, strict=True):
        (entry, _), *_ = await redis.call("XRANGE", f"stream:user:{user.key}", "-", "+")
        client.pod.inbox.read(
            client.pod.holder,
            user.key,
            [(entry.decode(), notification_id)],
            lambda codes, others, user=user: outcomes.append((user, codes)),
        )
    found = await settled(outcomes, len(USERS))
    assert [found[user] for user in USERS] == [[1]] * 5
    assert await redis.call("GET", f"notif:spoilt:notification_state:{USERS[bad].key}") == b"not a hash"


async def test_a_refusal_of_the_store_is_everybodys(client, redis):
    await redis.call("CONFIG", "SET", "maxmemory", "1")
    try:
        outcomes = []
        for user in USERS:
            submit(client.pod, user, outcomes)
        found = await settled(outcomes, len(USERS))
    finally:
        await redis.call("CONFIG", "SET", "maxmemory", "0")
    assert {outcome.code for outcome in found.values()} == {ErrorCode.UNAVAILABLE}


async def test_what_was_gathered_when_the_connection_broke_is_told_so(client, redis):
    outcomes = []
    for user in USERS:
        submit(client.pod, user, outcomes)
    client.pod.redis._link.close()
    found = await settled(outcomes, len(USERS))
    assert {outcome.code for outcome in found.values()} == {ErrorCode.UNAVAILABLE}


async def test_one_who_fails_to_take_its_outcome_keeps_nobody_from_theirs(client, redis, caplog):
    outcomes = []
    item = Item(USERS[0], "00000000-0000-4000-8000-000000000000", None, b"{}")
    client.pod.inbox.acceptance.submit(client.pod.holder, [item], None, lambda outcome: 1 / 0)
    submit(client.pod, USERS[1], outcomes)
    await settled(outcomes, 1)
    assert "redis.reply_handler_failed" in caplog.text


async def test_many_calls_leave_in_pieces_and_before_the_turn_ends(client, scripts):
    outcomes = []
    users = [User(number, "many") for number in range(1, 3 * CALLS_MAX)]
    link = client.pod.redis._link
    waiting = link.waiting
    for user in users:
        submit(client.pod, user, outcomes)
    assert scripts.count("inbox/accept") == 2
    assert (link.waiting, link._outgoing) == (waiting + 2, [])  # with Redis already: it works while this turn goes on
    found = await settled(outcomes, len(users))
    assert all(accepted.stream_ids[0] for accepted in found.values())
    assert [user for user, _ in outcomes] == users
    assert scripts.count("inbox/accept") == 3


@pytest.mark.parametrize("address", ["redis+cluster://127.0.0.1:1", "127.0.0.1:1"])
async def test_without_a_server_each_of_many_calls_is_told_once(loop, address):
    redis = open_store(parse_deployment(address))
    gatherer = Gatherer(redis, redis.script("inbox/read"))
    outcomes = []
    for _ in range(CALLS_MAX):
        gatherer.add("1-alice", ("pod",), ["1-alice", 0], outcomes.append)
    assert [outcome.code for outcome in outcomes] == [ErrorCode.UNAVAILABLE] * CALLS_MAX


async def test_a_call_with_much_in_it_does_not_wait_for_others(client, scripts):
    items = [
        Item(User(number, "many"), f"{number:08d}-0000-4000-8000-000000000000", None, b"{}") for number in range(300)
    ]
    outcomes = []
    client.pod.inbox.acceptance.submit(client.pod.holder, items, None, outcomes.append)
    assert scripts == ["inbox/accept"]
    async with asyncio.timeout(5):
        while not outcomes:
            await asyncio.sleep(0.001)
    assert all(outcomes[0].stream_ids)
