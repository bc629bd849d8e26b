"""One attempt: retries, refusals, several devices, defects; what is recorded of each."""

import time

import pytest

from notifier.providers.base import ProviderError
from tests.delivery.client import attempts, create, ended, look, session
from tests.delivery.conftest import Scripted, wire


async def test_retries_and_every_attempt(pod, scripted):
    client = await pod()
    scripted.script = [ProviderError("connect"), ProviderError("server_error", "503 busy")]
    identity = await create(client)
    found = await ended(client, identity)
    assert (found["status"], found["retry_count"]) == ("sent", 2)
    assert "error" not in found
    assert [(one["outcome"], one["error"]) for one in await attempts(client, identity)] == [
        ("retry", "connect"),
        ("retry", "server_error: 503 busy"),
        ("sent", ""),
    ]


@pytest.mark.parametrize(("most", "tries"), [(0, 1), (2, 3)])
async def test_after_the_last_retry_it_is_a_dead_letter(pod, scripted, most, tries):
    client = await pod(breaker_failures="100")
    scripted.script = [ProviderError("server_error")] * 10
    identity = await create(client, max_retries=most)
    found = await ended(client, identity)
    assert (found["status"], found["error"], len(scripted.taken)) == ("failed", "server_error", tries)
    (entry,) = (await client.get("/api/v1/admin/dlq")).json()["entries"]
    assert (entry["id"], entry["reason"], entry["attempts"]) == (identity, "server_error", tries)


async def test_what_is_refused_for_good_is_not_tried_again(pod, scripted):
    client = await pod()
    scripted.script = [ProviderError("rejected", "400", permanent=True)]
    assert (await ended(client, await create(client)))["status"] == "failed"
    assert len(scripted.taken) == 1


async def test_a_provider_says_when(pod, scripted):
    client = await pod()
    scripted.script = [ProviderError("throttled", retry_after=3600.0)]
    found = await ended(client, await create(client), "retrying")
    assert found["next_retry_at"] > found["updated_at"]
    assert found["next_retry_at"][:10] >= time.strftime("%Y-%m-%d", time.gmtime())
    waits = (await look(client, found["id"]))["next_retry_at"]
    assert waits > time.strftime("%Y-%m-%dT%H:%M", time.gmtime(time.time() + 3000))


async def test_every_device_of_a_user(pod, scripted):
    client = await pod()
    android = Scripted("android")
    wire(client.pod, {"*": scripted, "push:android": android})
    await session(client, "ios", "i1")
    await session(client, "android", "a1")
    await session(client, "email", "ada@example.com")
    android.script = [ProviderError("unregistered", permanent=True, unregistered=True)]
    identity = await create(client, "push", "", user_id="7")
    found = await ended(client, identity)
    assert (found["status"], found["provider"]) == ("sent", "scripted")
    assert [(one.to, one.platform) for one in (*scripted.taken, *android.taken)] == [("i1", "ios"), ("a1", "android")]
    assert {one.key for one in (*scripted.taken, *android.taken)} == {identity, f"{identity}/2"}
    left = (await client.get("/api/v1/sessions/7")).json()["sessions"]
    assert [one["platform"] for one in left] == ["ios", "email"]


async def test_a_defect_of_a_provider_is_a_failed_try(pod, scripted, caplog):
    client = await pod()

    async def broken(message):
        scripted.taken.append(message)
        if len(scripted.taken) == 1:
            raise KeyError("a defect")
        return "ok"

    scripted.send = broken
    found = await ended(client, await create(client))
    assert (found["status"], found["retry_count"]) == ("sent", 1)
    assert "provider.defect" in caplog.text
