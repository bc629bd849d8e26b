"""Tokens of devices: whom they are, for how long that is known, and their end."""

import pytest

from notifier.domain.users import User
from notifier.errors import ErrorCode
from notifier.service.access import REMEMBER
from notifier.service.devices import DeviceService
from notifier.store.device_tokens import DeviceTokens, digest_of
from tests.service.tokens import Clock
from tests.support import code_of

ALICE = User(1, "alice")


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def ended():
    return []


@pytest.fixture
def devices(store, clock, ended):
    return DeviceService(DeviceTokens(store), clock, ended.append)


async def test_a_token_is_its_owner(devices):
    made, token = await devices.create(ALICE, "phone", 60)
    caller = await devices.open(token)
    assert (caller.name, caller.user, caller.expires_at) == ("user:1-alice", ALICE, made.expires_at)
    assert caller.key_id == f"device:{digest_of(token)}" and not caller.scopes
    for wrong in ("", token[:-1], token[:-1] + ("a" if token[-1] != "a" else "b"), token.upper(), "\ud800"):
        assert await code_of(devices.open(wrong)) is ErrorCode.UNAUTHENTICATED


async def test_it_is_remembered_for_two_seconds(devices, clock, redis):
    _, token = await devices.create(ALICE, "phone", None)
    await devices.open(token)
    await redis.call("DEL", f"notif:device:{digest_of(token)}")  # as another pod revokes it
    clock.now += REMEMBER - 0.1
    await devices.open(token)
    clock.now += 0.2
    assert await code_of(devices.open(token)) is ErrorCode.UNAUTHENTICATED


async def test_revoked_here_is_revoked_at_once(devices, ended):
    made, token = await devices.create(ALICE, "phone", None)
    key_id = (await devices.open(token)).key_id
    await devices.revoke(ALICE, made.id)
    assert ended == [key_id] and await code_of(devices.open(token)) is ErrorCode.UNAUTHENTICATED
    assert await code_of(devices.revoke(ALICE, made.id)) is ErrorCode.NOT_FOUND


async def test_others_ask_for_their_own_ids_alone(devices, redis):
    made, token = await devices.create(ALICE, "phone", None)
    key_id = (await devices.open(token)).key_id
    others = ["6d95bee8-b6f8-4d74-bf00-a40b4d96e561"]
    assert await devices.revoked([key_id, *others]) == [] == await devices.revoked(others)
    await devices.revoke(ALICE, made.id)
    assert await devices.revoked([key_id, *others]) == [key_id]
