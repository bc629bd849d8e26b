"""Acceptance: payload, entry and idempotency record in one step, once however often it is repeated."""

import asyncio

import pytest

from notifier.errors import ErrorCode, NotifierError
from notifier.store import inbox_values
from notifier.store.inbox_values import InboxPolicy, Remembered
from notifier.store.keys import ClusterKeys
from tests.store.inboxes import ALICE, BOB, OTHER, OWN, inbox_of, item

STREAM = "stream:user:1-alice"


@pytest.fixture
def inbox(store, redis):
    return inbox_of(store)


def remembered(nonce, fingerprint=b"f", answer=b"{}"):
    return Remembered("notif:idem:shop:key", fingerprint, nonce, answer, 60_000)


async def test_an_item_is_an_entry_and_a_payload_with_its_life(inbox, redis):
    short, usual = item(ttl_ms=5_000), item()
    accepted = await inbox.acceptance.accept(OWN, [short, usual], None)
    assert accepted.outcome == "stored" and accepted.trimmed == 0
    entries = await redis.call("XRANGE", STREAM, "-", "+")
    assert [entry_id for entry_id, _ in entries] == accepted.stream_ids
    for one, life in ((short, 5_000), (usual, 60_000)):
        key = f"notification:{one.notification_id}"
        assert await redis.call("GET", key) == one.payload
        assert life - 2_000 < await redis.call("PTTL", key) <= life


async def test_the_same_ids_again_store_nothing_twice(inbox, redis):
    items = [item(), item(BOB)]
    first = await inbox.acceptance.accept(OWN, items, None)
    again = await inbox.acceptance.accept(OWN, items, None)
    assert again.outcome == "stored" and all(first.stream_ids)
    assert [await redis.call("XLEN", f"stream:user:{one.user.key}") for one in items] == [1, 1]


async def test_a_request_under_a_key_is_replayed_or_refused(inbox, redis):
    first = await inbox.acceptance.accept(OWN, [item()], remembered(b"a", answer=b'{"first":1}'))
    again = await inbox.acceptance.accept(OWN, [item()], remembered(b"b", answer=b'{"second":2}'))
    other = await inbox.acceptance.accept(OWN, [item()], remembered(b"c", b"g"))
    assert [one.outcome for one in (first, again, other)] == ["stored", "replay", "mismatch"]
    assert again.replay == b'{"first":1}'
    assert await redis.call("XLEN", STREAM) == 1


async def test_only_the_lock_s_holder_is_handed_what_is_new(inbox, redis):
    await inbox.attach(OWN, "1-alice", 30.0, lambda snapshot: None)
    own = await inbox.acceptance.accept(OWN, [one := item()], None)
    assert own.arrivals[0].fresh == [own.stream_ids[0], one.notification_id.encode(), None]
    foreign = await inbox.acceptance.accept(OTHER, [item()], None)
    assert (foreign.arrivals[0].owner, foreign.arrivals[0].fresh) == (b"pod-a", [])


async def test_announcements_come_before_the_outcome(inbox):
    told = []
    await inbox.attach(OWN, "1-alice", 30.0, lambda snapshot: None)
    done = asyncio.get_running_loop().create_future()

    def on_accepted(outcome):
        told.append("outcome")
        done.set_result(outcome)

    inbox.acceptance.submit(OWN, [item()], None, on_accepted, lambda items, accepted: told.append("announced"))
    assert (await done).outcome == "stored" and told == ["announced", "outcome"]


@pytest.mark.parametrize(("maxlen", "cap"), [(2, 1_000), (100, 1_000), (250, 2_500), (1_000, 5_000)])
def test_ten_times_the_maximum_within_bounds(maxlen, cap):
    assert InboxPolicy(60_000, maxlen).cap == cap


async def test_a_stream_never_holds_more_than_its_cap(store, redis, monkeypatch):
    monkeypatch.setattr(inbox_values, "HARD_CAP_BOUNDS", (20, 20))
    inbox = inbox_of(store, InboxPolicy(60_000, 2))
    accepted = await inbox.acceptance.accept(OWN, [item() for _ in range(25)], None)
    assert await redis.call("XLEN", STREAM) <= inbox.policy.cap == 20 and accepted.trimmed >= 5


async def test_a_policy_in_place_of_the_old_one(inbox, redis):
    inbox.reconfigure(InboxPolicy(5_000, 2))
    await inbox.acceptance.accept(OWN, [one := item()], None)
    assert await redis.call("PTTL", f"notification:{one.notification_id}") <= 5_000
    assert inbox.policy == InboxPolicy(5_000, 2)


async def test_a_store_that_is_away_promises_nothing(inbox, store):
    await store.stop()
    with pytest.raises(NotifierError) as raised:
        await inbox.acceptance.accept(OWN, [item()], None)
    assert raised.value.code is ErrorCode.UNAVAILABLE
    outcomes = []
    inbox.acceptance.submit(OWN, [item()], None, outcomes.append)
    await asyncio.sleep(0)
    assert outcomes[0].code is ErrorCode.UNAVAILABLE
    await store.start()


def test_one_script_where_all_keys_are_in_one_slot(inbox):
    assert inbox.acceptance.is_one_script(1_000, True)
    inbox.acceptance._keys = ClusterKeys()
    found = [inbox.acceptance.is_one_script(users, key) for users, key in ((1, False), (1, True), (2, False))]
    assert found == [True, False, False]


async def test_users_of_several_slots_are_stored_by_a_script_each(inbox, monkeypatch):
    monkeypatch.setattr(inbox.acceptance._keys, "shards", ("1", "2"))
    monkeypatch.setattr(inbox.acceptance._keys, "shard_of", lambda user: user == BOB.key)
    items = [item(), item(BOB), item(ALICE)]
    accepted = await inbox.acceptance.accept(OWN, items, None)
    assert accepted.outcome == "stored" and len(accepted.arrivals) == 3
    rows = await inbox.page("1-alice", 10, None, None)
    assert [row.stream_id for row in rows] == [accepted.stream_ids[0], accepted.stream_ids[2]]
