"""The rate limit at `/notify` (NOTIFY_RATE_LIMIT): per target user, over all pods, all or nothing."""

import asyncio
import re

import pytest

from tests.support import ALICE, Inbox, notify

BOB, EVE = {"id": 2, "login": "bob"}, {"id": 3, "login": "eve"}


@pytest.fixture
def limited(loop, start_pod):
    """A pod that lets three notifications an hour through to each user."""
    return loop.run_until_complete(start_pod(notify_rate_limit="3/1h"))


async def post(client, *targets, **headers):
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return await client.post("/api/v1/notify", json={"target": list(targets), "message": "hi"}, headers=names)


def quota(response):
    """Name, places left and seconds, as the headers tell them."""
    return re.fullmatch(r'"(\w+)";r=(\d+);t=(\d+)', response.headers["ratelimit"]).groups()


async def test_over_it_nothing_is_stored_and_the_users_are_named(limited, redis):
    await notify(limited, targets=[ALICE, BOB])
    await notify(limited, targets=[ALICE])
    await notify(limited, targets=[ALICE])
    response = await post(limited, EVE, BOB, ALICE)
    assert response.status_code == 429 and response.headers["content-type"] == "application/problem+json"
    (error,) = response.json()["errors"]
    assert error["path"] == "target[2]" and error["message"].startswith("1-alice ")
    assert await redis.call("XLEN", "stream:user:1-alice") == 3
    assert await redis.call("XLEN", "stream:user:2-bob") == 1
    assert await redis.call("EXISTS", "stream:user:3-eve") == 0
    assert (await post(limited, EVE, BOB)).status_code == 202


async def test_a_refusal_takes_nobodys_place(limited):
    for _ in range(3):
        await notify(limited, targets=[ALICE])
    for _ in range(5):
        assert (await post(limited, ALICE, BOB)).status_code == 429
    for left in ("2", "1", "0"):
        assert quota(await post(limited, BOB))[1] == left


async def test_what_the_headers_say(limited):
    first = await post(limited, ALICE)
    assert first.headers["ratelimit-policy"] == '"notify";q=3;w=3600'
    assert quota(first) == ("notify", "2", "1200")
    assert quota(await post(limited, ALICE, BOB)) == ("notify", "1", "2400")
    await post(limited, ALICE)
    refused = await post(limited, ALICE)
    assert refused.status_code == 429 and quota(refused)[1] == "0"
    assert 1190 <= int(refused.headers["retry-after"]) <= 1200
    assert refused.headers["ratelimit-policy"] == '"notify";q=3;w=3600'


async def test_both_ways_through_the_door_say_the_same(limited):
    """With a header that the express lane does not know, Sanic takes the request."""
    for headers in ({}, {"Origin": f"http://127.0.0.1:{limited.port}"}, {}, {"X_Other": "1"}):
        response = await post(limited, ALICE, **headers)
    assert response.status_code == 429 and quota(response)[1] == "0" and "retry-after" in response.headers


async def test_the_path_is_that_of_the_request(limited):
    decomposed, composed = {"id": 7, "login": "e\u0301"}, {"id": 7, "login": "é"}
    for _ in range(3):
        await notify(limited, targets=[decomposed])
    response = await post(limited, BOB, BOB, decomposed, composed)
    assert [error["path"] for error in response.json()["errors"]] == ["target[2]"]


async def test_a_user_twice_in_one_request_is_one(limited):
    await post(limited, ALICE, ALICE, ALICE)
    assert quota(await post(limited, ALICE))[1] == "1"


async def test_places_come_back(start_pod):
    client = await start_pod(notify_rate_limit="2/200ms")
    codes = []
    async with asyncio.timeout(5):
        while codes.count(202) < 6:
            codes.append((await post(client, ALICE)).status_code)
    assert set(codes) == {202, 429} and codes[:2] == [202, 202]


async def test_counted_over_all_pods(start_pod):
    first, second = await start_pod(notify_rate_limit="3/1h"), await start_pod("pod-b", notify_rate_limit="3/1h")
    answers = await asyncio.gather(*(post(client, ALICE) for client in (first, second) for _ in range(10)))
    assert sorted(answer.status_code for answer in answers) == [202] * 3 + [429] * 17


async def test_a_repeat_is_no_new_notification(limited):
    first = await post(limited, ALICE, Idempotency_Key="k")
    for _ in range(5):
        again = await post(limited, ALICE, Idempotency_Key="k")
        assert again.status_code == 202 and again.content == first.content
    assert quota(await post(limited, ALICE))[1] == "1"
    await post(limited, ALICE)
    refused = await post(limited, ALICE, Idempotency_Key="l")
    assert refused.status_code == 429
    assert (await post(limited, ALICE, Idempotency_Key="k")).content == first.content


async def test_a_thousand_users(limited):
    everybody = [{"id": number, "login": "u"} for number in range(1, 1001)]
    for _ in range(3):
        await notify(limited, targets=everybody)
    response = await post(limited, *everybody)
    assert response.status_code == 429 and len(response.json()["errors"]) == 1000


async def test_broadcasts_are_not_limited(limited):
    inbox = await Inbox.open(limited)
    for _ in range(5):
        assert (await limited.post("/api/v1/admin/broadcast", json={"message": "all"})).status_code == 202
        await inbox.receive("notification.push")


async def test_it_is_off_by_default(client, redis):
    for _ in range(5):
        response = await post(client, ALICE)
        assert response.status_code == 202 and "ratelimit" not in response.headers
    assert await redis.call("KEYS", "notif:limit:*") == []


async def test_it_can_be_set_while_running(client, settings, caplog):
    caplog.set_level("INFO")  # the log's level is set too; this gives other tests theirs back
    client.pod.reconfigure(settings(notify_rate_limit="1/1h"))
    assert [(await post(client, ALICE)).status_code for _ in range(2)] == [202, 429]
    client.pod.reconfigure(settings())
    assert (await post(client, ALICE)).status_code == 202


async def test_503_while_the_store_is_away(limited):
    await limited.pod.redis.stop()
    assert (await asyncio.wait_for(post(limited, ALICE), 2)).status_code == 503
