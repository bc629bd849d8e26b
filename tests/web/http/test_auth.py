"""Access to every route by token and scope (contract §10), over real connections."""

import asyncio
import json
import logging
import re
import time

import jwt
import pytest
import websockets

from notifier.domain.access import KeyRequest, Scope
from notifier.domain.users import User
from notifier.service.access import REMEMBER
from tests.support import ALICE, LONG, Inbox, eventually, notify

ADMIN = "the-operators-own-token"
SECRET = "0123456789abcdef0123456789abcdef"
SETTINGS = {"auth_mode": "token", "admin_token": ADMIN, "jwt_secret": SECRET}
WS = "/ws?user_id=1&login=alice"

CALLERS = ("nobody", "notify", "read", "observe", "admin", "ADMIN_TOKEN", "user", "device")
OPEN = ["in", "in", "in", "in", "in", "in", "in", "in"]
TO_SEND = ["401", "in", "403", "403", "in", "in", "403", "401"]
TO_LOOK = ["401", "403", "in", "in", "in", "in", "403", "401"]
TO_OBSERVE = ["401", "403", "403", "in", "in", "in", "403", "401"]
TO_OPERATE = ["401", "403", "403", "403", "in", "in", "403", "401"]
TO_FOLLOW = ["401", "403", "403", "403", "in", "in", "in", "in"]

TO_OWN = ["401", "in", "403", "403", "in", "in", "in", "401"]
KNOWN = ["401", "in", "in", "in", "in", "in", "in", "401"]

ROUTES = {
    ("PATCH", "/api/v1/notify/<notification_id:str>"): TO_SEND,
    ("DELETE", "/api/v1/notify/<notification_id:str>"): TO_SEND,
    ("DELETE", "/api/v1/notify"): TO_SEND,
    ("GET", "/api/v1/inbox"): TO_OWN,
    ("GET", "/api/v1/inbox/counts"): TO_OWN,
    ("POST", "/api/v1/inbox/mark"): TO_OWN,
    ("POST", "/api/v1/inbox/tokens"): TO_OWN,
    ("GET", "/api/v1/inbox/tokens"): TO_OWN,
    ("DELETE", "/api/v1/inbox/tokens/<token_id:str>"): TO_OWN,
    ("GET", "/api/v1/inbox/<notification_id:str>"): TO_OWN,
    ("POST", "/api/v1/inbox/<notification_id:str>/<action:str>"): TO_OWN,
    ("PUT", "/api/v1/inbox/<notification_id:str>/snooze"): TO_OWN,
    ("DELETE", "/api/v1/inbox/<notification_id:str>/snooze"): TO_OWN,
    ("GET", "/api/v1/push/vapid-key"): KNOWN,
    ("GET", "/"): OPEN,
    ("GET", "/health"): OPEN,
    ("GET", "/health/live"): OPEN,
    ("GET", "/health/ready"): OPEN,
    ("GET", "/metrics"): TO_LOOK,
    ("GET", "/api/v1/metrics"): TO_LOOK,
    ("POST", "/api/v1/notify"): TO_SEND,
    ("GET", "/api/v1/admin/clients"): TO_OBSERVE,
    ("DELETE", "/api/v1/admin/clients/<connection_id:str>"): TO_OPERATE,
    ("GET", "/api/v1/admin/users"): TO_OBSERVE,
    ("GET", "/api/v1/admin/users/<key:str>"): TO_OBSERVE,
    ("DELETE", "/api/v1/admin/users/<key:str>/pending"): TO_OPERATE,
    ("GET", "/api/v1/admin/pending"): TO_OBSERVE,
    ("GET", "/api/v1/admin/history"): TO_OBSERVE,
    ("GET", "/api/v1/admin/pods"): TO_OBSERVE,
    ("DELETE", "/api/v1/admin/pods/<pod_id:str>"): TO_OPERATE,
    ("GET", "/api/v1/admin/events"): TO_OBSERVE,
    ("POST", "/api/v1/admin/broadcast"): TO_OPERATE,
    ("POST", "/api/v1/admin/keys"): TO_OPERATE,
    ("GET", "/api/v1/admin/keys"): TO_OBSERVE,
    ("DELETE", "/api/v1/admin/keys/<key_id:str>"): TO_OPERATE,
    ("GET", "/openapi.json"): OPEN,
    ("GET", "/asyncapi.json"): OPEN,
    ("GET", "/docs"): OPEN,
    ("GET", "/docs/<path:path>"): OPEN,
    ("GET", "/ws"): TO_FOLLOW,
    ("POST", "/api/v1/notifications"): TO_SEND,
    ("GET", "/api/v1/notifications"): TO_LOOK,
    ("POST", "/api/v1/notifications/batch"): TO_SEND,
    ("GET", "/api/v1/notifications/<delivery_id:str>"): TO_LOOK,
    ("DELETE", "/api/v1/notifications/<delivery_id:str>"): TO_SEND,
    ("GET", "/api/v1/notifications/<delivery_id:str>/status"): TO_LOOK,
    ("GET", "/api/v1/batches/<batch_id:str>"): TO_LOOK,
    ("POST", "/send"): TO_SEND,
    ("GET", "/ratelimit/<user_id:str>"): TO_LOOK,
    ("POST", "/api/v1/sessions"): TO_OWN,  # the user's own, which "{}" does not name
    ("GET", "/api/v1/sessions/<user_id:str>"): TO_LOOK,
    ("DELETE", "/api/v1/sessions/<user_id:str>"): TO_SEND,
    ("GET", "/api/v1/admin/dlq"): TO_OBSERVE,
    ("DELETE", "/api/v1/admin/dlq/<delivery_id:str>"): TO_OPERATE,
    ("POST", "/api/v1/admin/dlq/<delivery_id:str>/requeue"): TO_OPERATE,
    ("POST", "/api/v1/admin/dlq/requeue"): TO_OPERATE,
    ("POST", "/api/v1/admin/dlq/drop"): TO_OPERATE,
    ("POST", "/api/v1/admin/notifications/<delivery_id:str>/retry"): TO_OPERATE,
    ("POST", "/api/v1/admin/channels/<channel:str>/pause"): TO_OPERATE,
    ("POST", "/api/v1/admin/channels/<channel:str>/resume"): TO_OPERATE,
    ("GET", "/api/v1/admin/providers"): TO_OBSERVE,
    ("GET", "/api/v1/admin/queues"): TO_OBSERVE,
    ("GET", "/api/v1/admin/channels"): TO_OBSERVE,
    ("GET", "/api/v1/admin/problems"): TO_OBSERVE,
    ("GET", "/api/v1/admin/find"): TO_OBSERVE,
    ("GET", "/api/v1/admin/history/metrics"): TO_OBSERVE,
    ("GET", "/api/v1/admin/talkers"): TO_OBSERVE,
    ("GET", "/api/v1/admin/doors"): TO_OBSERVE,
}


@pytest.fixture
def guarded(loop, start_pod):
    """A pod with AUTH_MODE=token."""
    return loop.run_until_complete(start_pod(**SETTINGS))


def token_of(user_id=1, login="alice", ttl=60, secret=SECRET, **claims):
    return jwt.encode({"sub": str(user_id), "login": login, "exp": time.time() + ttl, **claims}, secret, "HS256")


async def tokens(client):
    """A token of every kind of caller."""
    keys = {
        scope.value: (await client.pod.access.create_key(KeyRequest(f"for-{scope}", (scope,))))[1] for scope in Scope
    }
    _, device = await client.pod.devices.create(User(1, "alice"), "phone", None)
    return {"nobody": "", "ADMIN_TOKEN": ADMIN, "user": token_of(), "device": device} | keys


def bearer(token):
    return {"Authorization": f"Bearer {token}"} if token else {}


def routes_of(client):
    found = set()
    for route in client.app.router.routes:
        if not route.name.startswith(("notifier.file_", "notifier.door_")):  # doors: tests/web/doors
            found |= {(method, f"/{route.path}") for method in route.methods}
    return found


async def ask(client, method, path, headers):
    """Status and headers of the answer; of a stream, without its end."""
    reader, writer = await asyncio.open_connection("127.0.0.1", client.port)
    own = {"Host": f"127.0.0.1:{client.port}", "Content-Length": "2"} if method == "POST" else {"Host": "x"}
    own |= {"Content-Type": "application/json"} if method == "POST" else {}
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in {**own, **headers}.items())]
    writer.write("\r\n".join([*lines, "", "{}" if method == "POST" else ""]).encode())
    status, *fields = (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), LONG)).decode().split("\r\n")
    writer.close()
    return int(status.split()[1]), {n.lower(): v for n, _, v in (f.partition(": ") for f in fields if f)}


# -- every route for everybody


def test_the_table_has_every_route(guarded):
    assert routes_of(guarded) == ROUTES.keys() - {("GET", "/")}


async def test_every_route_for_everybody(guarded):
    callers = await tokens(guarded)
    seen = {}
    upgrade = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13"}
    upgrade |= {"Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA=="}
    for method, route in ROUTES:
        path = WS if route == "/ws" else route.replace("<key:str>", "1-alice").replace("<path:path>", "api")
        path = re.sub("<[a-z_]+:str>", "nonsense", path)
        answers = []
        for caller in CALLERS:
            headers = bearer(callers[caller]) | (upgrade if route == "/ws" else {})
            status, _ = await ask(guarded, method, path, headers)
            answers.append(str(status) if status in (401, 403) else "in")
            assert status < 500
        seen[method, route] = answers
    assert seen == ROUTES


async def test_the_pages_own_files_are_open(guarded):
    for route in guarded.app.router.routes:
        if route.name.startswith("notifier.page."):
            assert (await guarded.get(f"/{route.path}")).status_code == 200


async def test_what_is_not_there_is_not_there_for_everybody(guarded):
    assert (await guarded.get("/api/v1/nothing")).status_code == 404
    assert (await guarded.get("/api/v1/notify")).status_code == 405


async def test_a_preflight_needs_no_token(guarded):
    status, _ = await ask(guarded, "OPTIONS", "/api/v1/notify", {"Origin": "http://x", "Host": "x"})
    assert status == 204


async def test_nobody_is_asked_with_auth_mode_none(client):
    for method, route in ROUTES:
        if "<" not in route and route != "/ws":
            assert (await ask(client, method, route, {}))[0] not in (401, 403)


# -- what is answered


async def test_challenges(guarded):
    callers = await tokens(guarded)
    for token, challenge in (
        ("", "Bearer"),
        ("wrong", 'Bearer error="invalid_token"'),
        (callers["notify"], 'Bearer error="insufficient_scope", scope="observe"'),
    ):
        response = await guarded.get("/api/v1/admin/clients", headers=bearer(token))
        assert response.status_code == (403 if token == callers["notify"] else 401)
        assert response.headers["www-authenticate"] == challenge
        assert response.headers["content-type"] == "application/problem+json" and response.headers["x-request-id"]
        assert response.json()["status"] == response.status_code and (not token or token not in response.text)


async def test_keys_while_the_store_is_away(guarded):
    callers = await tokens(guarded)
    await guarded.pod.redis.stop()
    response = await asyncio.wait_for(guarded.get("/metrics", headers=bearer(callers["read"])), 2)
    assert response.status_code == 503 and response.headers["retry-after"]
    assert (await guarded.get("/metrics", headers=bearer(ADMIN))).status_code == 200


async def test_a_key_of_before_may_watch_while_the_store_is_away(guarded):
    """It may see that the store is away, and nothing more; a key that nobody has seen may not."""
    callers, path = await tokens(guarded), "/api/v1/admin/problems"
    assert (await guarded.get(path, headers=bearer(callers["observe"]))).status_code == 200
    clock = guarded.pod.access._clock
    guarded.pod.access._clock = lambda: clock() + 60
    await guarded.pod.redis.stop()
    response = await guarded.get(path, headers=bearer(callers["observe"]))
    assert [row["kind"] for row in response.json()["problems"]][:1] == ["store_away"]
    assert (await guarded.get("/api/v1/admin/pods", headers=bearer(callers["observe"]))).status_code == 503
    assert (await guarded.get("/api/v1/admin/channels", headers=bearer(callers["observe"]))).status_code == 503
    assert (await guarded.get(path, headers=bearer(callers["admin"]))).status_code == 503
    guarded.pod.access._clock = lambda: clock() + 700
    assert (await guarded.get(path, headers=bearer(callers["observe"]))).status_code == 503


@pytest.mark.parametrize(
    "given",
    ["Bearer", "Bearer x y", f"Basic {ADMIN}", ADMIN, f"Bearer {ADMIN}x", f"Bearer {ADMIN[:-1]}", "Bearer \xff"],
)
async def test_headers_that_do_not_do(guarded, given):
    response = await guarded.get("/metrics", headers={"authorization": given.encode("latin-1")})
    assert response.status_code == 401


async def test_where_a_token_may_stand(guarded):
    assert (await guarded.get("/metrics", headers={"authorization": f"bearer   {ADMIN}"})).status_code == 200
    assert (await guarded.get(f"/api/v1/admin/clients?limit=1&token={ADMIN}")).status_code == 200
    status, _ = await ask(guarded, "GET", f"/api/v1/admin/events?token={ADMIN}", {})
    assert status == 200
    many = "&".join(f"a{number}=1" for number in range(60))
    assert (await guarded.get(f"/api/v1/admin/clients?token={ADMIN}&{many}")).status_code == 401


# -- the socket


async def refusal(client, path=WS, **options):
    with pytest.raises(websockets.exceptions.InvalidStatus) as raised:
        await client.ws_connect(path, **options)
    return raised.value.response.status_code


async def test_a_user_opens_his_own_inbox_only(guarded):
    headers = bearer(token_of())
    await Inbox.open(guarded, additional_headers=headers)
    for path in ("/ws?user_id=2&login=alice", "/ws?user_id=1&login=bob", "/ws?user_id=1&login=Alice"):
        assert await refusal(guarded, path, additional_headers=headers) == 403
    for wrong in ("", "x", token_of(ttl=-1), token_of(secret="f" * 32), jwt.encode({"sub": "1"}, SECRET, "HS256")):
        assert await refusal(guarded, additional_headers=bearer(wrong)) == 401


async def test_logins_are_compared_as_they_are_stored(guarded):
    token = token_of(1, "e\u0301")
    await Inbox.open(guarded, 1, "é", additional_headers=bearer(token))
    await Inbox.open(guarded, 1, "e\u0301", additional_headers=bearer(token))


async def test_tokens_of_browsers(guarded):
    protocols = ["notifier.v1", f"bearer.{token_of()}"]
    socket = await guarded.ws_connect(WS, subprotocols=protocols)
    assert socket.subprotocol == "notifier.v1"
    await guarded.ws_connect(f"{WS}&token={token_of()}")
    assert await refusal(guarded, subprotocols=["notifier.v1", "bearer.x"]) == 401
    assert await refusal(guarded, f"{WS}&token=x") == 401


async def test_an_expired_token_closes_the_socket(guarded):
    short, endless = token_of(ttl=60), token_of(2, "bob", ttl=3600)
    inbox = await Inbox.open(guarded, additional_headers=bearer(short))
    other = await Inbox.open(guarded, 2, "bob", additional_headers=bearer(endless))
    operator = await Inbox.open(guarded, 2, "bob", additional_headers=bearer(ADMIN))
    (connection,) = guarded.pod.hub.member("1-alice").connections
    assert 58 < connection.expires_at - time.monotonic() < 61
    connection.expires_at = time.monotonic()
    assert await inbox.closed() == 4401
    await eventually(lambda: len(guarded.pod.hub) == 2)
    await notify_as(guarded, ADMIN, {"id": 2, "login": "bob"})
    assert (await other.receive("notification.push"))["message"] == (await operator.receive("notification.push"))[
        "message"
    ]


async def test_a_short_token_lives_until_its_end(guarded):
    inbox = await Inbox.open(guarded, additional_headers=bearer(token_of(ttl=1)))
    assert await inbox.closed() == 4401
    assert await refusal(guarded, additional_headers=bearer(token_of(ttl=0))) == 401


async def notify_as(client, token, *targets, **headers):
    body = {"target": list(targets), "message": "hello"}
    return await client.post("/api/v1/notify", json=body, headers=bearer(token) | headers)


# -- keys


async def test_the_life_of_a_key(guarded):
    admin = bearer(ADMIN)
    path = "/api/v1/admin/keys"
    made = await guarded.post(path, json={"name": "shop", "scopes": ["read", "notify"]}, headers=admin)
    assert made.status_code == 201 and made.headers["cache-control"] == "no-store"
    body = made.json()
    key = body.pop("key")
    assert body["name"] == "shop" and body["scopes"] == ["notify", "read"] and body["created_at"].endswith("Z")
    listed = (await guarded.get(path, headers=admin)).json()
    assert listed == {"keys": [body], "total": 1, "next_cursor": None} and key not in json.dumps(listed)
    assert (await notify_as(guarded, key, ALICE)).status_code == 202
    assert (await guarded.delete(f"{path}/{body['id']}", headers=admin)).status_code == 204
    assert (await notify_as(guarded, key, ALICE)).status_code == 401
    assert (await guarded.delete(f"{path}/{body['id']}", headers=admin)).status_code == 404


async def test_keys_by_the_page(guarded):
    for number in range(5):
        await guarded.pod.access.create_key(KeyRequest(f"k{number}", (Scope.READ,)))
    found, cursor = [], ""
    while cursor is not None:
        params = {"limit": 2, "cursor": cursor}
        page = (await guarded.get("/api/v1/admin/keys", params=params, headers=bearer(ADMIN))).json()
        assert page["total"] == 5 and len(page["keys"]) <= 2
        found += [row["name"] for row in page["keys"]]
        cursor = page["next_cursor"]
    assert sorted(found) == [f"k{number}" for number in range(5)]


@pytest.mark.parametrize(
    ("body", "paths"),
    [
        ([], {""}),
        ({}, {"name", "scopes"}),
        ({"name": "", "scopes": []}, {"name", "scopes"}),
        ({"name": "x" * 65, "scopes": ["notify"]}, {"name"}),
        ({"name": "a:b", "scopes": ["notify"]}, {"name"}),
        ({"name": " a", "scopes": ["notify"]}, {"name"}),
        ({"name": "{1-alice}", "scopes": ["notify"]}, {"name"}),
        ({"name": 5, "scopes": "notify"}, {"name", "scopes"}),
        ({"name": "a", "scopes": ["notify", "root"]}, {"scopes"}),
        ({"name": "a", "scopes": [["notify"]]}, {"scopes"}),
        ({"name": "a", "scopes": ["read"], "ttl": 5}, {"ttl"}),
    ],
)
async def test_bad_requests_for_keys(guarded, body, paths):
    response = await guarded.post("/api/v1/admin/keys", json=body, headers=bearer(ADMIN))
    assert response.status_code == 422 and {error["path"] for error in response.json()["errors"]} == paths


async def test_callers_have_idempotency_keys_of_their_own(guarded, redis):
    callers = await tokens(guarded)
    answers = [
        (await notify_as(guarded, callers[name], ALICE, **{"Idempotency-Key": "k"})).content
        for name in ("notify", "admin", "ADMIN_TOKEN", "notify")
    ]
    assert len(set(answers)) == 3 and answers[0] == answers[3]
    assert await redis.call("XLEN", "stream:user:1-alice") == 3


async def test_two_keys_of_one_name_are_two_callers(guarded, caplog):
    caplog.set_level(logging.INFO)
    made = [await guarded.pod.access.create_key(KeyRequest("shop", (Scope.ADMIN,))) for _ in range(2)]
    sms = {"channel": "sms", "recipient": "+905551234567", "content": "x", "scheduled_at": "2099-01-01T00:00:00Z"}
    for path, body in (
        ("/api/v1/notify", {"target": [ALICE], "message": "x"}),
        ("/api/v1/notifications", sms),
        ("/api/v1/notifications", {**sms, "idempotency_key": "in-the-body"}),
        ("/api/v1/notifications/batch", {"notifications": [sms]}),
        ("/send", {"user_id": "1-alice", "title": "t", "body": "b", "channel": "inapp"}),
    ):
        key = {} if "idempotency_key" in body else {"Idempotency-Key": "k"}
        answers = []
        for _, token in (*made, made[0]):
            answer = await guarded.post(path, json=body, headers=bearer(token) | key)
            assert answer.status_code in (201, 202)
            answers.append(answer.content)
        assert answers[0] == answers[2] != answers[1], path
    for _, token in made:
        await guarded.post("/api/v1/admin/broadcast", json={"message": "x"}, headers=bearer(token))
    ids = [record.key_id for record in caplog.records if record.name == "notifier.audit"]
    assert ids == [key.id for key, _ in made]


# -- what is open when a key is revoked


async def follow(client, token):
    """A stream of events, once it has begun."""
    reader, writer = await asyncio.open_connection("127.0.0.1", client.port)
    head = f"GET /api/v1/admin/events HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\r\n"
    writer.write(head.encode())
    await asyncio.wait_for(reader.readuntil(b"following\n\n"), 5)
    return reader, writer


async def open_with(client, token):
    """A socket and a stream that a key opens."""
    inbox = await Inbox.open(client, additional_headers=bearer(token))
    return inbox, await follow(client, token)


async def ended(stream):
    """True where a stream has come to its proper end."""
    return await asyncio.wait_for(stream[0].readuntil(b"\r\n0\r\n\r\n"), 5)


async def revoke(client, key):
    path = f"/api/v1/admin/keys/{key.id}"
    assert (await client.delete(path, headers=bearer(ADMIN))).status_code == 204


async def test_revoking_a_key_ends_what_it_opened(guarded):
    made = [await guarded.pod.access.create_key(KeyRequest("ops", (Scope.ADMIN,))) for _ in range(2)]
    (gone, token), (_, other) = made
    inbox, stream = await open_with(guarded, token)
    kept, _ = await open_with(guarded, other)
    await revoke(guarded, gone)
    assert await inbox.closed() == 4401 and await ended(stream)
    await eventually(lambda: (len(guarded.pod.hub), guarded.pod.events.listeners) == (1, 1))
    assert await kept.is_quiet()


async def test_revoked_on_another_pod(guarded, start_pod):
    """Also what a pod opens in the seconds for which it still takes the key unasked."""
    other = await start_pod("pod-b", **SETTINGS)
    key, token = await guarded.pod.access.create_key(KeyRequest("ops", (Scope.ADMIN,)))
    inbox, stream = await open_with(other, token)
    await revoke(guarded, key)
    late = await Inbox.open(other, additional_headers=bearer(token))
    (watch,) = [duty for duty in other.pod.duties if duty.name == "key watch"]
    watch.hurry()
    assert await inbox.closed() == await late.closed() == 4401 and await ended(stream)
    assert watch.interval + REMEMBER < 5


async def test_a_client_that_does_not_read_its_events_goes_too(guarded):
    key, token = await guarded.pod.access.create_key(KeyRequest("ops", (Scope.ADMIN,)))
    _, writer = await follow(guarded, token)
    writer.transport.pause_reading()
    feed = guarded.pod.events
    (listener,) = feed._listeners

    def is_stuck():
        feed.emit("test", {"text": "x" * 60_000})
        return len(listener._events) > 300

    await eventually(is_stuck)
    await revoke(guarded, key)
    await eventually(lambda: feed.listeners == 0)


async def test_nothing_is_held_for_what_has_gone(guarded):
    _, token = await guarded.pod.access.create_key(KeyRequest("ops", (Scope.ADMIN,)))
    inbox, (_, writer) = await open_with(guarded, token)
    assert len(guarded.pod.opened.keys) == 1
    await inbox.socket.close()
    writer.transport.abort()

    def is_gone():
        guarded.pod.events.emit("test", {})
        return not guarded.pod.opened.keys

    await eventually(is_gone)


# -- what is written down


async def test_audit_lines_name_the_caller(guarded, caplog):
    caplog.set_level(logging.INFO)
    callers = await tokens(guarded)
    for token in (ADMIN, callers["admin"]):
        await guarded.post("/api/v1/admin/broadcast", json={"message": "x"}, headers=bearer(token))
        made = await guarded.post("/api/v1/admin/keys", json={"name": "n", "scopes": ["read"]}, headers=bearer(token))
        await guarded.delete(f"/api/v1/admin/keys/{made.json()['id']}", headers=bearer(token))
    lines = [(r.action, r.caller) for r in caplog.records if r.name == "notifier.audit"]
    actions = ["broadcast", "key.create", "key.revoke"]
    assert lines == [(a, "admin-token") for a in actions] + [(a, "key:for-admin") for a in actions]


async def test_a_defect_is_logged_without_its_query(guarded, caplog, monkeypatch):
    async def fail():
        raise RuntimeError("a defect")

    caplog.set_level(logging.WARNING, "httpx")  # the client in this test, which logs whole addresses at INFO
    monkeypatch.setattr(guarded.pod.operations, "pods", fail)
    assert (await guarded.get(f"/api/v1/admin/pods?token={ADMIN}")).status_code == 500
    assert "a defect" in caplog.text and "/api/v1/admin/pods" in str([vars(record) for record in caplog.records])
    assert ADMIN not in caplog.text and ADMIN not in str([vars(record) for record in caplog.records])


async def test_a_target_that_is_none(guarded):
    assert (await ask(guarded, "GET", "/\x01", {}))[0] == 400


async def test_one_audit_line_without_auth(client, caplog):
    caplog.set_level(logging.INFO)
    await notify(client)
    await client.delete("/api/v1/admin/users/1-alice/pending")
    (record,) = [record for record in caplog.records if record.name == "notifier.audit"]
    assert (record.caller, record.remote, record.target) == ("anybody", "127.0.0.1", "1-alice")
