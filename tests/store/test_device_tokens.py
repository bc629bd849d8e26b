"""Tokens of devices in the store."""

import json

import pytest

from notifier.domain.users import User
from notifier.errors import ErrorCode
from notifier.store import device_tokens
from notifier.store.device_tokens import UNUSED, USED_EVERY, YOUNG, DeviceTokens, digest_of
from tests.support import code_of

ALICE, BOB = User(1, "alice"), User(2, "bob")
LIST = "notif:devices:1-alice"


@pytest.fixture
def tokens(store):
    return DeviceTokens(store)


def later(store, monkeypatch, seconds):
    """Moves the store's clock on, for this process."""
    now = store.clock.now
    monkeypatch.setattr(store.clock, "now", lambda: now() + seconds)


async def test_a_token_is_found_by_its_hash_only(tokens):
    made, token = await tokens.add(ALICE, "phone", None)
    found = await tokens.find(digest_of(token))
    assert found == made._replace(last_used=found.last_used) and found.last_used >= made.created_at
    assert (made.user, made.name, made.expires_at, made.last_used) == (ALICE, "phone", None, None)
    assert await tokens.find(digest_of(token[:-1])) is None and await tokens.find(token) is None


async def test_nothing_that_is_kept_is_a_token(tokens, redis):
    _, token = await tokens.add(ALICE, "phone", 60)
    for key in await redis.call("KEYS", "*device*"):
        whole = key + (await redis.call("DUMP", key))
        assert token.encode() not in whole and token[3:].encode() not in whole
    assert 0 < await redis.call("PTTL", f"notif:device:{digest_of(token)}") <= 60_000
    assert await redis.call("PTTL", LIST) > UNUSED * 1000


async def test_a_use_is_noted_once_a_minute_and_renews_its_life(tokens, store, redis, monkeypatch):
    _, token = await tokens.add(ALICE, "phone", None)
    key, digest = f"notif:device:{digest_of(token)}", digest_of(token)
    first = (await tokens.find(digest)).last_used
    await redis.call("PEXPIRE", key, 5_000)
    assert (await tokens.find(digest)).last_used == first and await redis.call("PTTL", key) <= 5_000
    later(store, monkeypatch, USED_EVERY + 1)
    assert (await tokens.find(digest)).last_used > first + USED_EVERY
    assert await redis.call("PTTL", key) > 1_000_000
    assert json.loads(await redis.call("GET", key))["last_used"] > first + USED_EVERY


async def test_a_token_ends_at_its_end(tokens, store, redis, monkeypatch):
    _, token = await tokens.add(ALICE, "phone", 90)
    later(store, monkeypatch, 61)
    assert await tokens.find(digest_of(token)) is not None
    assert await redis.call("PTTL", f"notif:device:{digest_of(token)}") <= 30_000
    later(store, monkeypatch, 30)
    assert await tokens.find(digest_of(token)) is None


async def test_each_user_has_their_own_oldest_first(tokens):
    made = [(await tokens.add(ALICE, f"d{number}", None))[0] for number in range(3)]
    other, _ = await tokens.add(BOB, "tablet", None)
    assert await tokens.of(ALICE) == made and await tokens.of(BOB) == [other]
    assert await tokens.remove(BOB, made[0].id) is None and await tokens.of(ALICE) == made


async def test_a_revoked_one_is_gone(tokens, redis):
    made, token = await tokens.add(ALICE, "phone", None)
    assert await tokens.revoked([digest_of(token)]) == []
    assert await tokens.remove(ALICE, made.id) == digest_of(token)
    assert await tokens.find(digest_of(token)) is None and await tokens.of(ALICE) == []
    assert await tokens.revoked([digest_of(token)]) == [digest_of(token)]
    assert await tokens.remove(ALICE, made.id) is None
    assert await redis.call("KEYS", "notif:device*") == []


async def test_a_use_does_not_bring_back_a_revoked_one(tokens, store, redis, monkeypatch):
    made, token = await tokens.add(ALICE, "phone", None)
    call = store.call

    async def revoke_after_it_was_read(*command):
        reply = await call(*command)
        if command[0] == "GET":
            monkeypatch.setattr(store, "call", call)
            await tokens.remove(ALICE, made.id)
        return reply

    monkeypatch.setattr(store, "call", revoke_after_it_was_read)
    await tokens.find(digest_of(token))
    assert await redis.call("KEYS", "notif:device*") == []


async def test_no_more_than_there_may_be(tokens, redis, monkeypatch):
    monkeypatch.setattr(device_tokens, "MAX_DEVICES", 2)
    made, _ = await tokens.add(ALICE, "a", None)
    await tokens.add(ALICE, "b", None)
    assert await code_of(tokens.add(ALICE, "c", None)) is ErrorCode.CONFLICT
    assert await redis.call("HLEN", LIST) == 2 and len(await redis.call("KEYS", "notif:device:*")) == 2
    await tokens.remove(ALICE, made.id)
    await tokens.add(ALICE, "c", None)
    await tokens.add(BOB, "a", None)


async def test_what_a_crash_left_half_done_opens_nothing_and_goes(tokens, store, redis, monkeypatch):
    """The list is written before the token, and after it when it is revoked."""
    _, token = await tokens.add(ALICE, "phone", None)
    await redis.call("DEL", f"notif:device:{digest_of(token)}")
    assert await tokens.find(digest_of(token)) is None and await tokens.of(ALICE) == []
    assert await redis.call("HLEN", LIST) == 1  # it may be about to get its token
    later(store, monkeypatch, YOUNG + 1)
    assert await tokens.of(ALICE) == [] and await redis.call("HLEN", LIST) == 0


async def test_damaged_values_open_nothing(tokens, store, redis, monkeypatch):
    _, token = await tokens.add(ALICE, "phone", None)
    kept, _ = await tokens.add(ALICE, "kept", None)
    key = f"notif:device:{digest_of(token)}"
    for text in ("no JSON", "[]", json.dumps({"id": "i", "user": "nobody", "name": "n", "created_at": 1})):
        await redis.call("SET", key, text, "KEEPTTL")
        assert await tokens.find(digest_of(token)) is None and await tokens.of(ALICE) == [kept]
        assert await tokens.revoked([digest_of(token)]) == [digest_of(token)]
    assert store.spoilt.counts["device"] >= 3
    await redis.call("HSET", LIST, "odd", "x")
    later(store, monkeypatch, YOUNG + 1)
    assert await tokens.of(ALICE) == [kept] and await redis.call("HLEN", LIST) == 1


async def test_keys_of_another_type_are_set_aside(tokens, redis):
    _, token = await tokens.add(ALICE, "phone", None)
    for key in (f"notif:device:{digest_of(token)}", LIST):
        await redis.call("DEL", key)
        await redis.call("XADD", key, "*", "a", "b")
    assert await tokens.find(digest_of(token)) is None
    assert await tokens.of(ALICE) == []
