"""Addresses of deliveries: the sessions that are used, renewed and dropped, and the platform of a bare token."""

import asyncio
import time

import pytest

from notifier.delivery.addresses import platform_of
from notifier.errors import ErrorCode, NotifierError
from notifier.providers.base import ProviderError
from tests.delivery.client import create, ended, session
from tests.support import eventually

GONE = {"permanent": True, "unregistered": True}
TOKEN = "a" * 64


async def left(client, user="7"):
    return [one["device_token"] for one in (await client.get(f"/api/v1/sessions/{user}")).json()["sessions"]]


@pytest.mark.parametrize(("since", "stays"), [(-60.0, ["d"]), (60.0, []), (None, []), (-1e9, ["d"]), (1e15, [])])
async def test_a_device_is_dropped_that_was_registered_before_it_was_gone(pod, scripted, since, stays):
    client = await pod()
    await session(client, "ios", "d")
    scripted.script = [ProviderError("unregistered", gone_at=since and time.time() + since, **GONE)]
    assert (await ended(client, await create(client, "push", "", user_id="7")))["status"] == "failed"
    assert await left(client) == stays


@pytest.mark.parametrize("since", [None, 60.0])
async def test_what_is_registered_again_meanwhile_stays(pod, scripted, since):
    client = await pod()
    await session(client, "ios", "d")
    scripted.gate.clear()
    scripted.script = [ProviderError("unregistered", gone_at=since and time.time() + since, **GONE)]
    identity = await create(client, "push", "", user_id="7")
    await eventually(lambda: scripted.taken, "the send")
    await session(client, "ios", "d")
    scripted.gate.set()
    await ended(client, identity)
    assert await left(client) == ["d"]


async def test_a_device_that_went_to_another_user_meanwhile_stays_there(pod, scripted):
    client = await pod()
    await session(client, "ios", "d")
    scripted.gate.clear()
    scripted.script = [ProviderError("unregistered", **GONE)]
    identity = await create(client, "push", "", user_id="7")
    await eventually(lambda: scripted.taken, "the send")
    await session(client, "ios", "d", "8")
    scripted.gate.set()
    await ended(client, identity)
    assert (await left(client), await left(client, "8")) == ([], ["d"])


@pytest.mark.parametrize(("again", "stays"), [(False, []), (True, [TOKEN])])
async def test_an_address_that_the_request_named(pod, scripted, again, stays):
    client = await pod()
    await session(client, "ios", TOKEN)
    scripted.gate.clear()
    scripted.script = [ProviderError("unregistered", **GONE)]
    identity = await create(client, "push", TOKEN, user_id="7")
    await eventually(lambda: scripted.taken, "the send")
    if again:
        await session(client, "ios", TOKEN)
    scripted.gate.set()
    await ended(client, identity)
    assert await left(client) == stays


async def test_a_refusal_for_good_drops_nothing(pod, scripted):
    client = await pod()
    await session(client, "ios", "d")
    scripted.script = [ProviderError("rejected", "404", permanent=True)]
    await ended(client, await create(client, "push", "", user_id="7"))
    assert await left(client) == ["d"]


async def test_a_result_is_recorded_though_the_sessions_cannot_be_reached(pod, scripted, monkeypatch):
    client = await pod()
    await session(client, "ios", "d")
    await session(client, "ios", "e")

    async def drop(registrations):
        raise NotifierError(ErrorCode.UNAVAILABLE, "away")

    monkeypatch.setattr(client.pod.pipeline.sessions, "drop", drop)
    scripted.script = [ProviderError("unregistered", **GONE)]
    found = await ended(client, await create(client, "push", "", user_id="7"))
    assert (found["status"], len(scripted.taken)) == ("sent", 2)


async def test_only_what_a_channel_sends_to_is_renewed(pod, scripted, redis):
    client = await pod()
    await session(client, "ios", "d")
    await session(client, "email", "ada@example.com")
    name = (await redis.call("KEYS", "*session_ends*"))[0]

    async def ends():
        rows = await redis.call("ZRANGE", name, 0, -1, "WITHSCORES")
        return {rows[i].partition(b":")[0]: float(rows[i + 1]) for i in range(0, len(rows), 2)}

    for member in await redis.call("ZRANGE", name, 0, -1):
        await redis.call("ZINCRBY", name, -3_600_000, member)
    before = await ends()
    await ended(client, await create(client, "push", "", user_id="7"))
    after = await ends()
    assert after[b"ios"] > before[b"ios"]
    assert after[b"email"] == before[b"email"]


async def test_what_has_ended_is_not_sent_to(pod, scripted, redis):
    client = await pod()
    await session(client, "ios", "d")
    await session(client, "ios", "e")
    name = (await redis.call("KEYS", "*session_ends*"))[0]
    (first, _) = await redis.call("ZRANGE", name, 0, 1)
    await redis.call("ZADD", name, 1, first)
    await ended(client, await create(client, "push", "", user_id="7"))
    assert [message.to for message in scripted.taken] == await left(client)
    assert len(scripted.taken) == 1


async def test_a_device_of_two_users_is_the_last_ones(pod, scripted):
    client = await pod()
    await asyncio.gather(*(session(client, "android", "d", user) for user in ("7", "8")))
    ids = [await create(client, "push", "", user_id=user) for user in ("7", "8")]
    assert sorted([(await ended(client, one))["status"] for one in ids]) == ["failed", "sent"]
    assert [message.to for message in scripted.taken] == ["d"]


async def test_no_address(pod, scripted):
    client = await pod()
    found = await ended(client, await create(client, "push", "", user_id="nobody"))
    assert (found["status"], found["error"]) == ("failed", "no_address")
    assert scripted.taken == []


async def test_the_simulator_takes_users_without_an_address(start_pod):
    client = await start_pod(simulator_success_rate="1", simulator_latency="0")
    assert (await ended(client, await create(client, "push", "", user_id="nobody")))["status"] == "sent"


@pytest.mark.parametrize(
    ("token", "platform"),
    [
        ("https://push.example/x", "web"),
        ("http://push.example/x", "web"),
        ("a" * 64, "ios"),
        ("0123456789abcdefABCDEF" + "0" * 42, "ios"),
        ("a" * 63, "android"),
        ("a" * 65, "android"),
        ("g" * 64, "android"),
        ("https:" + "a" * 58, "android"),
        ("", "android"),
    ],
)
def test_the_platform_of_a_token_without_a_session(token, platform):
    assert platform_of(token) == platform
