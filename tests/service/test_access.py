"""Owners of tokens: the operator, an API key, a user."""

import pytest

from notifier.domain.access import ADMIN_TOKEN, KeyRequest, Scope
from notifier.domain.users import User
from notifier.errors import ErrorCode, NotifierError
from notifier.service.access import Access
from notifier.store.api_keys import ApiKeys
from tests.service.tokens import SECRET, Clock, signed, users


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def access(store, clock):
    return Access("the-operator's", ApiKeys(store), users(secret=SECRET), clock)


async def who(access, token):
    try:
        return (await access.authenticate(token)).name
    except NotifierError as error:
        assert token == "" or token not in error.message
        return error.code


async def test_each_kind_of_token(access):
    assert await access.authenticate("the-operator's") is ADMIN_TOKEN
    _, text = await access.create_key(KeyRequest("shop", (Scope.NOTIFY,)))
    caller = await access.authenticate(text)
    assert caller.name == "key:shop" and caller.may(Scope.NOTIFY) and not caller.may(Scope.READ)
    assert not caller.may_follow(User(1, "alice"))
    assert await who(access, signed("HS256", key=SECRET)) == "user:1-alice"
    for wrong in ("", "the-operator", "the-operator's ", "\ud800", text[:-1], "ntf_" + "0" * 32 + "_" + "A" * 43):
        assert await who(access, wrong) is ErrorCode.UNAUTHENTICATED


async def test_without_an_operators_token(store):
    assert await who(Access("", ApiKeys(store), users()), "") is ErrorCode.UNAUTHENTICATED


async def test_a_key_is_remembered_for_two_seconds(access, clock, redis):
    made, text = await access.create_key(KeyRequest("shop", (Scope.READ,)))
    assert await who(access, text) == "key:shop"
    await redis.call("HDEL", "notif:api_keys", made.id)  # as another pod revokes it
    clock.now += 1.9
    assert await who(access, text) == "key:shop"
    clock.now += 0.2
    assert await who(access, text) is ErrorCode.UNAUTHENTICATED


async def test_revoked_here_is_revoked_at_once(access):
    made, text = await access.create_key(KeyRequest("shop", (Scope.READ,)))
    assert await who(access, text) == "key:shop"
    await access.revoke_key(made.id)
    assert await who(access, text) is ErrorCode.UNAUTHENTICATED
    with pytest.raises(NotifierError) as raised:
        await access.revoke_key(made.id)
    assert raised.value.code is ErrorCode.NOT_FOUND


async def test_a_key_while_the_store_is_away(access, store, clock):
    _, text = await access.create_key(KeyRequest("shop", (Scope.READ,)))
    await who(access, text)
    await store.stop()
    assert await who(access, text) == "key:shop"
    clock.now += 6
    assert await who(access, text) is ErrorCode.UNAVAILABLE
    assert await who(access, "the-operator's") == "admin-token"
    await store.start()
    assert await store.wait_up(5)
