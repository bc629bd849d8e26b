"""Problems of now, in one list: `GET /api/v1/admin/problems` (contract §6), and `/health` beside it."""

import asyncio
import time

import pytest

from tests.support import eventually, notify

ADMIN = "/api/v1/admin"


async def problems(client, *, notices=False):
    """The problems by their kinds and subjects, as they stand now."""
    response = await client.get(f"{ADMIN}/problems")
    assert response.status_code == 200, response.text
    rows = response.json()["problems"]
    return {
        (row["kind"], row["subject"]): row
        for row in rows
        if notices == (row["severity"] == "notice") or notices is None
    }


async def seen(client, kind, subject=""):
    """The problem, once it is told."""

    async def look():
        return (await problems(client)).get((kind, subject))

    return await eventually(look, f"{kind} {subject}")


async def gone(client, kind, subject=""):
    async def look():
        return (kind, subject) not in await problems(client)

    await eventually(look, f"the end of {kind} {subject}")


async def test_a_fresh_server_is_calm(client):
    await notify(client)
    assert await problems(client) == {}
    notices = await problems(client, notices=True)
    assert {subject for _, subject in notices} == {"sms", "email", "push:ios", "push:android", "push:web"}
    assert notices["simulated", "sms"]["text"] == "sms is simulated: no provider is set"


async def test_a_paused_channel(client):
    await client.post(f"{ADMIN}/channels/sms/pause")
    row = await seen(client, "channel_paused", "sms")
    assert row["open"] == {"view": "channels", "id": "sms"} and row["severity"] == "warning"
    assert (
        row["text"].startswith("sms paused")
        and row["since"] <= (await client.get(f"{ADMIN}/problems")).json()["checked_at"]
    )
    await client.post(f"{ADMIN}/channels/sms/resume")
    await gone(client, "channel_paused", "sms")


async def test_health_reads_the_same_list(client):
    await client.post(f"{ADMIN}/channels/push/pause")
    await seen(client, "channel_paused", "push")
    told = [row["kind"] for row in (await client.get("/health")).json()["problems"]]
    assert told == [row["kind"] for row in (await client.get(f"{ADMIN}/problems")).json()["problems"]]
    assert told[0] == "channel_paused"


async def test_a_store_that_is_away_is_answered_at_once_from_memory(client):
    await client.post(f"{ADMIN}/channels/sms/pause")
    await seen(client, "channel_paused", "sms")
    await client.pod.redis.stop()
    await eventually(lambda: not client.pod.redis.up)
    began = time.monotonic()
    rows = (await client.get(f"{ADMIN}/problems")).json()["problems"]
    assert time.monotonic() - began < 0.5
    assert [row["kind"] for row in rows][:2] == ["store_away", "channel_paused"]
    assert rows[0]["severity"] == "critical" and rows[0]["text"].startswith("Redis away")


@pytest.mark.parametrize("query", ["minutes=2", "minutes=x"])
async def test_talkers_over_one_or_fifteen_minutes_alone(client, query):
    assert (await client.get(f"{ADMIN}/talkers?{query}")).status_code in (400, 422)


async def test_talkers(client):
    for _ in range(3):
        await notify(client, source="shop")
    await notify(client, targets=[{"id": i, "login": "u"} for i in range(2, 5)], source="bank")

    async def look():
        found = (await client.get(f"{ADMIN}/talkers", params={"minutes": 15})).json()
        return found if found["source"] else None

    found = await eventually(look)
    assert found["source"] == [{"name": "bank", "count": 3}, {"name": "shop", "count": 3}]
    assert found["user"][0] == {"name": "1-alice", "count": 3}
    assert found["caller"] == [{"name": "anybody", "count": 4}]
    assert found["address"] == [{"name": "127.0.0.1", "count": 4}]


async def test_history(client):
    await notify(client)
    await client.pod.cockpit.duties[1].round()
    body = (await client.get(f"{ADMIN}/history/metrics?minutes=3")).json()
    assert body["step_seconds"] == 60
    assert body["series"]["accepted"][-1] == 1 and body["series"]["accepted"][0] is None
    assert {len(values) for values in body["series"].values()} == {3}
    await client.pod.cockpit.duties[2].round()
    marks = (await client.get(f"{ADMIN}/history/metrics?minutes=60")).json()["marks"]
    assert [(mark["kind"], mark["text"]) for mark in marks] == [("restart", "pod-a")]


async def test_channels(client):
    rows = (await client.get(f"{ADMIN}/channels")).json()["channels"]
    assert [row["channel"] for row in rows] == ["sms", "email", "push", "webhook", "inapp"]
    assert rows[0] == {
        "channel": "sms",
        "paused": False,
        "waiting": 0,
        "held": 0,
        "held_reason": None,
        "retrying": 0,
        "scheduled": 0,
        "processing": 0,
        "per_second_out": 0.0,
        "ok_ratio": None,
        "p95_ms": None,
        "dead_last_hour": 0,
        "circuit": "closed",
    }
    await asyncio.sleep(0)


async def find(client, text):
    response = await client.get(f"{ADMIN}/find", params={"q": text})
    assert response.status_code == 200, response.text
    return [(row["kind"], row["id"]) for row in response.json()["results"]]


async def test_find(client):
    (identity,) = await notify(client)
    made = (
        await client.post(
            "/api/v1/notifications", json={"channel": "sms", "recipient": "+905551234567", "content": "x"}
        )
    ).json()
    assert await find(client, identity) == [("notification", identity)]
    assert await find(client, made["id"]) == [("delivery", made["id"])]
    assert await find(client, "+905551234567") == [("address", "+905551234567")]
    assert await find(client, "al") == [("login", "1-alice")]
    assert await find(client, "1-a") == [("user", "1-alice")]
    assert await find(client, "pod") == [("instance", "pod-a")]
    assert await find(client, "sm") == [("channel", "sms")]
    assert await find(client, "nothing") == []
    device = {"user_id": "u-7", "platform": "ios", "device_token": "a" * 64}
    assert (await client.post("/api/v1/sessions", json=device)).status_code == 201
    (row,) = (await client.get(f"{ADMIN}/find", params={"q": "a" * 64})).json()["results"]
    assert (row["kind"], row["user_id"], row["label"]) == ("address", "u-7", "ios address of u-7")


async def test_what_a_circuit_holds(start_pod):
    """One wait from the first turn on, in the delivery, the table of channels and the words of the problem."""
    client = await start_pod(provider_sms="http://127.0.0.1:9/x", breaker_failures=1, breaker_reset="1h")
    ids = []
    for number in range(3):
        body = {"channel": "sms", "recipient": f"+90555123456{number}", "content": "x", "max_retries": 9}
        ids.append((await client.post("/api/v1/notifications", json=body)).json()["id"])

    async def waits():
        found = [(await client.get(f"/api/v1/notifications/{one}")).json() for one in ids]
        reasons = sorted(one.get("waiting_for", "") for one in found)
        return reasons if reasons[0] in ("backoff", "circuit_open") and reasons[-1] == "circuit_open" else None

    held = (await eventually(waits)).count("circuit_open")
    row = (await client.get(f"{ADMIN}/channels")).json()["channels"][0]
    assert (row["held"], row["held_reason"], row["circuit"]) == (held, "circuit_open", "open")
    assert (row["retrying"], row["scheduled"], row["ok_ratio"]) == (3 - held, 0, 0.0)

    async def told():
        rows = (await client.get(f"{ADMIN}/problems")).json()["problems"]
        return rows[0] if rows[0]["kind"] == "circuit_open" and rows[0]["value"] == held else None

    problem = await eventually(told)
    assert problem["subject"] == "sms" and problem["text"].endswith(f", {held} held")
    assert problem["open"] == {"view": "channels", "id": "sms"}
    listed = (await client.get("/api/v1/notifications", params={"channel": "sms"})).json()["notifications"]
    assert {one["waiting_for"] for one in listed} <= {"circuit_open", "backoff"} and all(one["since"] for one in listed)


async def test_an_instance_that_is_gone_is_told_until_it_is_forgotten(client, start_pod):
    """One that leaves is not gone; one whose presence ran out is, until it is back or an operator forgets it."""
    other = await start_pod("pod-b", presence_ttl="300ms")
    await eventually(lambda: client.pod.heartbeat.others == ["pod-b"] or client.pod.heartbeat.hurry())
    assert (await client.delete(f"{ADMIN}/pods/pod-b")).status_code == 409
    await other.pod.heartbeat.stop()
    client.pod.cockpit.problems._settled_at = 0.0  # as after five seconds
    row = await seen(client, "instance_gone", "pod-b")
    assert row["severity"] == "critical" and row["open"] == {"view": "instances", "id": "pod-b"}
    assert (await client.delete(f"{ADMIN}/pods/pod-b")).status_code == 204
    await gone(client, "instance_gone", "pod-b")
    assert (await client.delete(f"{ADMIN}/pods/pod-b")).status_code == 404
