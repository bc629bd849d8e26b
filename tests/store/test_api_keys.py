"""API keys in the store."""

import json

import pytest

from notifier.domain.access import KeyRequest, Scope
from notifier.errors import ErrorCode, NotifierError
from notifier.store import api_keys
from notifier.store.api_keys import ApiKeys, is_api_key
from tests.store.redis.test_spoilt import WRITE, overwrite

SHOP = KeyRequest("shop", (Scope.NOTIFY, Scope.READ))


@pytest.fixture
def keys(store):
    return ApiKeys(store)


async def test_a_key_is_found_by_itself_only(keys):
    made, text = await keys.add(SHOP)
    assert is_api_key(text) and await keys.find(text) == made
    assert (made.name, made.scopes) == ("shop", (Scope.NOTIFY, Scope.READ)) and made.created_at.endswith("Z")
    _, other = await keys.add(SHOP)
    wrong = [text[:-1], text + "x", text[:-1] + ("A" if text[-1] != "A" else "B"), text.upper(), "", "ntf__", "\0"]
    wrong += [text[:37] + other[37:], made.id, text.removeprefix("ntf_"), "é" + text]
    for attempt in wrong:
        assert await keys.find(attempt) is None, attempt


async def test_only_a_hash_is_kept(keys, redis):
    _, text = await keys.add(SHOP)
    (record,) = await redis.call("HVALS", "notif:api_keys")
    assert text[37:].encode() not in record
    assert json.loads(record).keys() == {"name", "scopes", "created_at", "sha256"}


async def test_a_revoked_key_is_gone(keys):
    made, text = await keys.add(SHOP)
    kept, _ = await keys.add(SHOP)
    assert await keys.remove(made.id)
    assert await keys.find(text) is None and await keys.all() == [kept]
    assert not await keys.remove(made.id)


async def test_oldest_first(keys):
    made = [(await keys.add(KeyRequest(f"k{i}", (Scope.READ,))))[0] for i in range(5)]
    assert {key.id for key in await keys.all()} == {key.id for key in made}
    times = [key.created_at for key in await keys.all()]
    assert times == sorted(times)


async def test_no_more_than_there_may_be(keys, monkeypatch, redis):
    monkeypatch.setattr(api_keys, "MAX_KEYS", 2)
    await keys.add(SHOP)
    await keys.add(SHOP)
    with pytest.raises(NotifierError) as raised:
        await keys.add(SHOP)
    assert raised.value.code is ErrorCode.CONFLICT and await redis.call("HLEN", "notif:api_keys") == 2


NOT_KEYS = [b"{broken", b"", b"[]", b'{"name": "x"}', b"\xff", b'{"name":1,"scopes":[],"created_at":"","sha256":""}']
NOT_KEYS += [b'{"name":"x","scopes":["notify"],"created_at":"yesterday","sha256":"\xc3\xa9"}']


@pytest.mark.parametrize("record", NOT_KEYS)
async def test_a_damaged_record_is_left_out_and_opens_nothing(keys, redis, record, caplog):
    made, text = await keys.add(SHOP)
    kept, _ = await keys.add(SHOP)
    await redis.call("HSET", "notif:api_keys", made.id, record)
    assert await keys.find(text) is None
    assert await keys.all() == [kept]
    assert [line.key for line in caplog.records if line.message == "store.spoilt"] == [f"notif:api_keys {made.id}"]
    assert await keys.remove(made.id) and await keys.all() == [kept]


@pytest.mark.parametrize("name", ["", b"\xff", "no id", "00000000-0000-4000-8000-00000000000G"])
async def test_a_record_under_another_name_than_an_id_is_left_out(keys, redis, name):
    kept, _ = await keys.add(SHOP)
    (record,) = await redis.call("HVALS", "notif:api_keys")
    await redis.call("HSET", "notif:api_keys", name, record)
    assert await keys.all() == [kept]


@pytest.mark.parametrize("kind", sorted(WRITE.keys() - {"hash"}))
async def test_a_hash_of_another_type_is_set_aside(keys, redis, kind):
    made, text = await keys.add(SHOP)
    for reads in (lambda: keys.find(text), keys.all, lambda: keys.revoked([made.id]), lambda: keys.remove(made.id)):
        await overwrite(redis, "notif:api_keys", kind)
        assert not await reads() or await keys.revoked([made.id]) == [made.id]
    await overwrite(redis, "notif:api_keys", kind)
    again, text = await keys.add(SHOP)
    assert await keys.find(text) == again
