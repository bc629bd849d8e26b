"""`POST /api/v1/notify` (contract §3)."""

import asyncio
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.web.endpoints.express import read_head
from notifier.web.http.lane import HELD_MAX
from tests.support import ALICE, Inbox, eventually, notify, post_at_once

BODY = {"target": [ALICE, {"id": 2, "login": "bob"}], "message": "hi"}


@pytest.fixture(params=["sanic", "express"], autouse=True)
def lane(request, client):
    """Every test of the route runs over both ways in (see `notifier/web/endpoints/express.py`)."""
    client.lane = request.param


async def post(client, body=None, content=None, **headers):
    names = {"content-type": "application/json"} | {name.replace("_", "-"): value for name, value in headers.items()}
    content = json.dumps(body).encode() if content is None else content
    if getattr(client, "lane", "sanic") == "sanic":
        return await client.post("/api/v1/notify", content=content, headers=names | {"x-not-plain": "1"})
    return await post_at_once(client, content, names)


async def test_accepted_is_stored(client, redis):
    response = await post(client, BODY)
    assert response.status_code == 202
    results = response.json()["results"]
    assert [result["target"] for result in results] == BODY["target"]
    for result in results:
        payload = json.loads(await redis.call("GET", f"notification:{result['notification_id']}"))
        assert payload["notification_id"] == result["notification_id"]
        assert payload["message"] == "hi" and payload["target"] == result["target"]
        key = f"stream:user:{result['target']['id']}-{result['target']['login']}"
        (_, fields), *rest = await redis.call("XRANGE", key, "-", "+")
        assert fields == [b"nid", result["notification_id"].encode()] and not rest


async def test_errors_are_problem_json_and_name_all_fields(client):
    response = await post(client, {"target": [ALICE, {"id": 0, "login": ""}], "message": "", "extra": 1})
    assert response.status_code == 422
    assert response.headers["content-type"] == "application/problem+json"
    problem = response.json()
    assert problem["status"] == 422 and problem["type"] and problem["title"] and problem["detail"]
    assert problem["request_id"] == response.headers["x-request-id"]
    assert {e["path"] for e in problem["errors"]} == {"target[1].id", "target[1].login", "message", "extra"}


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b'{"message":"\xff"}', 400),
        (b'{"message":NaN}', 400),
        (b"[]", 422),
        (b'{"target":[{"id":1,"login":"alice"}],"message":"\\ud800"}', 422),
        (b'{"target":[{"id":1,"login":"alice"}],"message":"a\\u0000"}', 422),
    ],
)
async def test_bad_bodies(client, content, status):
    assert (await post(client, content=content)).status_code == status


async def test_content_type(client):
    assert (await post(client, BODY, content_type="text/plain")).status_code == 415
    assert (await post(client, BODY, content_type="application/json; charset=utf-8")).status_code == 202


async def test_too_large(client):
    response = await post(client, content=b" " * (1024 * 1024 + 1))
    assert response.status_code == 413
    assert response.headers["content-type"] == "application/problem+json"


async def test_wrong_method_says_which(client):
    response = await client.get("/api/v1/notify")
    assert response.status_code == 405 and "POST" in response.headers["allow"]


async def test_wrong_method_says_which_where_the_path_has_parameters(client):
    for path, allowed in (
        ("notifications/x", "GET, HEAD, DELETE"),
        ("sessions/x", "GET, HEAD, DELETE"),
        ("admin/keys/x", "DELETE"),
    ):
        response = await client.patch(f"/api/v1/{path}")
        assert (response.status_code, response.headers["allow"]) == (405, allowed)


async def test_unknown_path(client):
    response = await client.get("/api/v1/nothing")
    assert response.status_code == 404 and response.json()["status"] == 404


@pytest.mark.parametrize(("given", "kept"), [("abc-1", True), ("a" * 129, False), ("a b", False), ("<script>", False)])
async def test_request_id(client, given, kept):
    response = await post(client, BODY, X_Request_ID=given)
    assert (response.headers["x-request-id"] == given) is kept


async def test_two_equal_targets_are_one(client):
    assert len(await notify(client, targets=[ALICE, ALICE])) == 1


async def test_repeat_under_a_key_gets_the_first_answer(client, redis):
    first = await post(client, BODY, Idempotency_Key="k")
    again = await post(client, {"message": "hi", "target": BODY["target"]}, X_Idempotency_Key="k")
    assert again.status_code == 202 and again.content == first.content
    assert again.headers["idempotent-replayed"] == "true" and "idempotent-replayed" not in first.headers
    assert await redis.call("XLEN", "stream:user:1-alice") == 1


async def test_a_key_belongs_to_one_request(client, redis):
    await post(client, BODY, Idempotency_Key="k")
    other = await post(client, {**BODY, "message": "other"}, Idempotency_Key="k")
    assert other.status_code == 422
    assert await redis.call("XLEN", "stream:user:1-alice") == 1


async def test_refused_requests_are_not_remembered(client):
    assert (await post(client, {"target": []}, Idempotency_Key="k")).status_code == 422
    assert (await post(client, BODY, Idempotency_Key="k")).status_code == 202


@pytest.mark.parametrize("key", ["", "x" * 256, "a\tb", "é"])
async def test_no_key(client, key):
    assert (await post(client, BODY, Idempotency_Key=key.encode("latin-1"))).status_code == 422


async def test_a_race_under_one_key_creates_one(client, redis):
    answers = await asyncio.gather(*(post(client, BODY, Idempotency_Key="k") for _ in range(20)))
    assert {answer.status_code for answer in answers} <= {202, 409}
    assert len({answer.content for answer in answers if answer.status_code == 202}) == 1
    assert await redis.call("XLEN", "stream:user:1-alice") == 1


async def test_key_is_forgotten_after_its_time(start_pod, redis):
    client = await start_pod("pod-b", idempotency_ttl="1h")
    await post(client, BODY, Idempotency_Key="k")
    (key,) = await redis.call("KEYS", "notif:idem:*")
    assert 3_500_000 < await redis.call("PTTL", key) <= 3_600_000
    await redis.call("DEL", key)
    again = await post(client, BODY, Idempotency_Key="k")
    assert "idempotent-replayed" not in again.headers and await redis.call("XLEN", "stream:user:1-alice") == 2


async def test_life_of_a_payload(client, redis):
    async def life(**options):
        (nid,) = await notify(client, **options)
        return await redis.call("PTTL", f"notification:{nid}") / 1000

    assert 890 < await life() <= 900
    assert 50 < await life(ttl="1m") <= 60
    inbox = await Inbox.open(client)
    await inbox.say("retention.set", days=2)
    await inbox.receive("retention.ack")
    assert 2 * 86400 - 10 < await life() <= 2 * 86400
    assert 50 < await life(ttl=60) <= 60


async def test_a_thousand_targets_are_stored(client, redis):
    ids = await notify(client, targets=[{"id": i, "login": f"u{i}"} for i in range(1, 1001)])
    assert len(set(ids)) == 1000
    assert await redis.call("ZCARD", "notif:pending") == 1000


async def test_never_above_the_cap(start_pod, redis):
    client = await start_pod("pod-b", stream_maxlen="2")
    await redis.call_many([("XADD", "stream:user:1-alice", "*", "nid", f"n{n}") for n in range(990)])
    for _ in range(25):
        await notify(client)
        assert await redis.call("XLEN", "stream:user:1-alice") <= 1000
    assert client.pod.metrics.trimmed > 0


async def test_503_while_the_store_is_away(client):
    await client.pod.redis.stop()
    response = await asyncio.wait_for(post(client, BODY), 2)
    assert response.status_code == 503 and int(response.headers["retry-after"]) >= 1
    health = await client.get("/health")
    assert health.status_code == 503 and health.json()["status"] == "unavailable"
    assert (health.json()["health"], health.json()["database"]) == ("red", "red")
    assert (await client.get("/health/live")).status_code == 200
    assert (await client.get("/health/ready")).status_code == 503


async def test_a_retry_after_a_lost_reply_stores_nothing_twice(client, redis):
    link = client.pod.redis._link
    received = link.data_received
    link.data_received = lambda data: None  # the script runs, its reply is lost, and the connection breaks
    transport, link._transport = link._transport, link._transport

    async def break_it():
        while not await redis.call("EXISTS", "stream:user:1-alice"):
            await asyncio.sleep(0)
        transport.abort()

    response, _ = await asyncio.gather(post(client, {"target": [ALICE], "message": "once"}), break_it())
    assert received and response.status_code == 202
    assert await redis.call("XLEN", "stream:user:1-alice") == 1


async def test_health(client):
    body = (await client.get("/health")).json()
    assert body["status"] == "ok" and body["pod_id"] == "pod-a" and body["uptime_s"] >= 0 and body["version"]
    assert set(body["components"]) == {"redis", "workers", "kafka", "providers"}
    assert (body["health"], body["database"]) == ("green", "green")


async def test_the_express_lane_is_taken_by_plain_requests_only(client):
    taken = []
    take = client.app.ctx.express.take
    client.app.ctx.express.take = lambda lane, data: taken.append(take(lane, data)) or taken[-1]
    content = json.dumps(BODY).encode()
    names = {"content-type": "application/json"}
    assert (await post_at_once(client, content, names)).status_code == 202
    assert taken == [taken[0]] and taken[0] > len(content)
    for extra in (
        {"Transfer-Encoding": "identity"},
        {"Connection": "close"},
        {"Origin": "http://x"},
        {"Authorization": "x"},
    ):
        await post_at_once(client, content, names | extra)
        assert taken.pop() == 0


async def test_head_and_body_may_come_one_by_one(client, redis):
    """As http.client, urllib3 and httpx send them."""
    content = json.dumps({"target": [ALICE], "message": "in two writes"}).encode()
    reader, writer = await asyncio.open_connection("127.0.0.1", client.port)
    lane = client.app.ctx.express
    offered = []
    take = lane.take
    lane.take = lambda one, data: offered.append(take(one, data)) or offered[-1]
    for size in (len(content), len(content) + 1):
        body = content.ljust(size)
        head = f"POST /api/v1/notify HTTP/1.1\r\nHost: localhost\r\nContent-Length: {size}\r\n"
        writer.write(head.encode() + b"Content-Type: application/json\r\n\r\n")
        await eventually(lambda: offered and offered[-1] < 0, "the head")
        writer.write(body)
        answer = await asyncio.wait_for(reader.readuntil(b"]}"), 5)
        assert answer.startswith(b"HTTP/1.1 202 ") and offered[-1] == -offered[-2]
    writer.close()
    assert await redis.call("XLEN", "stream:user:1-alice") == 2
    too_long = f"POST /api/v1/notify HTTP/1.1\r\nHost: x\r\nContent-Length: {HELD_MAX + 1}\r\n\r\n".encode()
    assert take(None, too_long) == 0


async def test_pipelined_requests_are_answered_in_order(client):
    def request(number):
        body = json.dumps({"target": [ALICE], "message": str(number)}).encode()
        head = f"POST /api/v1/notify HTTP/1.1\r\nHost: localhost\r\nX-Request-ID: r{number}\r\nContent-Length: {len(body)}\r\n"
        return head.encode() + b"Content-Type: application/json\r\n\r\n" + body

    reader, writer = await asyncio.open_connection("127.0.0.1", client.port)
    other = b"GET /health/live HTTP/1.1\r\nHost: localhost\r\nX-Request-ID: r3\r\n\r\n"
    writer.write(request(0) + request(1) + request(2) + other + request(4))
    seen = []
    while len(seen) < 5:
        line = (await asyncio.wait_for(reader.readline(), 5)).decode().strip().lower()
        if "x-request-id: " in line:
            seen.append(line.split("x-request-id: ")[1])
    assert seen == ["r0", "r1", "r2", "r3", "r4"]
    writer.close()


@given(st.binary(max_size=300))
def test_any_bytes_are_a_plain_head_or_none(data):
    head = read_head(data)
    assert head is None or head.length >= 0


@pytest.mark.parametrize(
    "lines",
    [
        b"Content-Length: 5\r\nContent-Length: 5",
        b"Content-Length: +5",
        b"Content-Length : 5",
        b" Content-Length: 5",
        b"Content-Length: 5\r\n Host: x",
        b"Content-Length: 5\nHost: x",
        b"Content-Length: 5\r\nTransfer-Encoding: chunked",
        b"Content-Length: 5\r\nExpect: 100-continue",
        b"Content-Length: 5\r\nConnection: close",
        b"Content-Length: 5\r\nHost: \xff",
        b"Content-Length: \xd9\xa3",
        b"Host: x",
        b"",
    ],
)
def test_heads_that_are_not_plain(lines):
    assert read_head(lines) is None
