"""Doors' use cases: the users that a token reaches, and what is stored for them."""

import json

import pytest

from notifier.domain.access import Caller, KeyRequest, Scope
from notifier.domain.doors import DOORS, DoorTerms, new_token
from notifier.domain.limits import OverLimit
from notifier.domain.users import User
from notifier.errors import ErrorCode, NotifierError
from notifier.pod.web import build_doors
from tests.web.http.test_auth import ADMIN, SETTINGS, token_of

ALICE, BOB = User(1, "alice"), User(2, "bob")


@pytest.fixture
def doors(loop, start_pod):
    client = loop.run_until_complete(start_pod(**SETTINGS))
    return build_doors(client.pod.settings, client.pod), client.pod


@pytest.fixture
def open_doors(loop, start_pod):
    client = loop.run_until_complete(start_pod(door_default_target="2:bob"))
    return build_doors(client.pod.settings, client.pod), client.pod


async def key(pod, door="gotify", to=(ALICE,), **terms):
    expires_at = terms.pop("expires_at", None)
    request = KeyRequest("kuma", (), expires_at, DoorTerms(door, to, **terms))
    return (await pod.access.create_key(request))[1]


async def refusal(work):
    with pytest.raises(NotifierError) as raised:
        await work
    return raised.value.code


async def stored(redis, user):
    entries = await redis.call("XRANGE", f"stream:user:{user}", "-", "+")
    return [json.loads(await redis.call("GET", f"notification:{fields[1].decode()}")) for _, fields in entries]


async def test_a_key_reaches_its_own_users_by_its_own_door(doors, redis):
    service, pod = doors
    visitor = await service.enter("gotify", await key(pod, to=(ALICE, BOB), category="monitoring"))
    assert visitor.name == "kuma" and service.targets_of(visitor) == (ALICE, BOB)
    assert service.targets_of(visitor, BOB) == (BOB,)
    with pytest.raises(NotifierError):
        service.targets_of(visitor, User(3, "carol"))
    rows = await service.publish(visitor, service.targets_of(visitor), {"message": "down", "priority": "high"})
    assert [(row.user, row.kept) for row in rows] == [(ALICE, False), (BOB, False)]
    (said,) = await stored(redis, "1-alice")
    assert (said["source"], said["category"], said["priority"]) == ("kuma", "monitoring", "high")
    assert await refusal(service.enter("ntfy", new_token("ntfy"))) is ErrorCode.UNAUTHENTICATED
    assert await refusal(service.enter("gotify", new_token("gotify"))) is ErrorCode.UNAUTHENTICATED
    assert await refusal(service.enter("ntfy", await key(pod))) is ErrorCode.UNAUTHENTICATED


async def test_a_doors_key_opens_nothing_else(doors):
    _, pod = doors
    for door in ("gotify", "ntfy", "apprise", "hooks"):
        assert await refusal(pod.access.authenticate(await key(pod, door))) is ErrorCode.UNAUTHENTICATED


async def test_an_api_key_that_may_send_names_whom_it_likes(doors):
    service, pod = doors
    _, token = await pod.access.create_key(KeyRequest("shop", (Scope.NOTIFY,)))
    visitor = await service.enter("ntfy", token)
    assert (visitor.name, service.targets_of(visitor, BOB)) == ("shop", (BOB,))
    with pytest.raises(NotifierError) as raised:
        service.targets_of(visitor)
    assert raised.value.code is ErrorCode.FORBIDDEN
    _, looker = await pod.access.create_key(KeyRequest("board", (Scope.READ,)))
    assert await refusal(service.enter("ntfy", looker)) is ErrorCode.FORBIDDEN
    assert await refusal(service.enter("ntfy", "")) is ErrorCode.UNAUTHENTICATED


async def test_a_key_at_its_end_and_a_revoked_one_open_nothing(doors):
    service, pod = doors
    now = pod.redis.clock.now()
    assert await refusal(service.enter("gotify", await key(pod, expires_at=now - 1))) is ErrorCode.UNAUTHENTICATED
    token = await key(pod, expires_at=now + 60)
    visitor = await service.enter("gotify", token)
    await pod.access.revoke_key(visitor.caller.key_id)
    assert await refusal(service.enter("gotify", token)) is ErrorCode.UNAUTHENTICATED


async def test_a_keys_rate(doors):
    service, pod = doors
    visitor = await service.enter("gotify", await key(pod, rate=(2, 60.0)))
    for _ in range(2):
        await service.publish(visitor, (ALICE,), {"message": "m"})
    with pytest.raises(OverLimit):
        await service.publish(visitor, (ALICE,), {"message": "m"})
    other = await service.enter("gotify", await key(pod, rate=(2, 60.0)))
    assert await service.publish(other, (ALICE,), {"message": "m"})


async def test_what_its_sender_names_once_is_stored_once(doors, redis):
    service, pod = doors
    visitor = await service.enter("gotify", await key(pod))
    rows = [await service.publish(visitor, (ALICE,), {"message": "m"}, once="delivery-1") for _ in range(2)]
    (first,), (repeated,) = rows
    assert first._replace(stream_id="") == repeated and len(await stored(redis, "1-alice")) == 1


async def test_the_stream_entries_are_known_from_the_stores_reply(doors, redis):
    service, pod = doors
    visitor = await service.enter("gotify", await key(pod))
    rows = await service.publish(visitor, (ALICE, User(2, "bob")), {"message": "m"})
    for row in rows:
        ((stream_id, fields),) = await redis.call("XRANGE", f"stream:user:{row.user.key}", "-", "+")
        assert row.stream_id == stream_id.decode() and fields[1].decode() == row.notification_id


async def test_who_reads_is_the_person_alone(doors):
    service, pod = doors
    for token in ("", "x", new_token("gotify"), new_token("ntfy")):
        assert await refusal(service.reader(token)) is ErrorCode.UNAUTHENTICATED
    for token in (await key(pod), SETTINGS["admin_token"]):
        assert await refusal(service.reader(token)) is ErrorCode.FORBIDDEN
    caller, user = await service.reader(token_of())
    assert caller.name == "user:1-alice" and user == ALICE


async def test_without_tokens_the_default_targets_inbox_is_read(open_doors):
    service, _ = open_doors
    assert (await service.reader("anything"))[1] == BOB


async def test_a_key_of_the_senders_own_is_updated_and_taken_back(doors, redis):
    service, pod = doors
    visitor = await service.enter("gotify", await key(pod))
    for text in ("firing", "resolved"):
        await service.publish(visitor, (ALICE,), {"message": text, "key": "fp"})
    assert [said["message"] for said in await stored(redis, "1-alice")] == ["resolved"]
    stranger = visitor._replace(caller=Caller("key:other", key_id="x"))
    assert await service.retract(stranger, ALICE, "fp") == "gone"
    assert await service.retract(visitor, ALICE, "fp") == "unread"


async def test_every_bad_field_is_named(doors):
    service, pod = doors
    visitor = await service.enter("gotify", await key(pod))
    with pytest.raises(NotifierError) as raised:
        await service.publish(visitor, (ALICE,), {"message": "", "url": "javascript:alert(1)"})
    assert [error.path for error in raised.value.errors] == ["message", "url"]


async def test_without_tokens_anybody_reaches_anybody(open_doors):
    service, pod = open_doors
    for token in ("", "whatever", new_token("gotify")):
        visitor = await service.enter("gotify", token)
        assert service.targets_of(visitor) == (BOB,) and service.targets_of(visitor, ALICE) == (ALICE,)
        assert visitor.name == "gotify"
    visitor = await service.enter("gotify", await key(pod, to=(ALICE,)))
    assert service.targets_of(visitor) == (ALICE,) and visitor.name == "kuma"


async def test_a_devices_token_reads_and_sends_nothing(doors, open_doors):
    for service, pod in (doors, open_doors):
        device, token = await pod.devices.create(ALICE, "phone", None)
        caller, user = await service.reader(token, BOB)
        assert user == caller.user == ALICE and caller.key_id
        for door in DOORS:
            assert await refusal(service.enter(door, token)) is ErrorCode.FORBIDDEN
        await pod.devices.revoke(ALICE, device.id)
    service, pod = doors
    assert await refusal(service.reader(token)) is ErrorCode.UNAUTHENTICATED
    for door in DOORS:
        assert await refusal(service.enter(door, token)) is ErrorCode.UNAUTHENTICATED


async def test_who_is_named_is_read_by_operators_and_where_nobody_is_asked(doors, open_doors):
    service, _ = doors
    assert (await service.reader(ADMIN, BOB))[1] == BOB
    assert await refusal(service.reader(ADMIN)) is ErrorCode.FORBIDDEN
    assert (await open_doors[0].reader("", ALICE))[1] == ALICE and (await open_doors[0].reader(""))[1] == BOB
