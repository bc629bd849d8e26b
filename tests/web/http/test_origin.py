"""The guard against pages of other origins, and against names that lead here (contract §10), over real connections."""

import asyncio
import json

import pytest

from tests.support import ALICE

BODY = json.dumps({"target": [ALICE], "message": "hello"})
JSON = {"Content-Type": "application/json"}
UPGRADE = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13"}
UPGRADE |= {"Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA=="}
APP = "https://app.example"
EVIL = "https://evil.example"

# What changes something, or takes what others then lack; a body as a client would send it.
ACTIONS = [
    ("POST", "/api/v1/notify", BODY),
    ("POST", "/send", "{}"),
    ("POST", "/api/v1/notifications", "{}"),
    ("POST", "/api/v1/notifications/batch", "{}"),
    ("DELETE", "/api/v1/notifications/x", ""),
    ("POST", "/api/v1/sessions", "{}"),
    ("DELETE", "/api/v1/sessions/1", ""),
    ("POST", "/api/v1/admin/broadcast", "{}"),
    ("POST", "/api/v1/admin/keys", "{}"),
    ("DELETE", "/api/v1/admin/keys/x", ""),
    ("DELETE", "/api/v1/admin/clients/x", ""),
    ("DELETE", "/api/v1/admin/users/1-alice/pending", ""),
    ("POST", "/api/v1/admin/channels/sms/pause", ""),
    ("POST", "/api/v1/admin/channels/sms/resume", ""),
    ("POST", "/api/v1/admin/dlq/x/requeue", ""),
    ("POST", "/api/v1/admin/dlq/requeue", "{}"),
    ("POST", "/api/v1/admin/dlq/drop", "{}"),
    ("DELETE", "/api/v1/admin/dlq/x", ""),
    ("DELETE", "/api/v1/admin/pods/x", ""),
    ("POST", "/api/v1/admin/notifications/x/retry", ""),
    ("GET", "/api/v1/admin/events", ""),
    ("GET", "/ws?user_id=1&login=alice", ""),
    ("POST", "/api/v1/nowhere", ""),
    ("PUT", "/api/v1/notify", BODY),
    ("DELETE", "/api/v1/notify?key=k&user_id=1&login=alice", ""),
    ("PATCH", "/api/v1/notify/x", "{}"),
    ("DELETE", "/api/v1/notify/x", ""),
    ("POST", "/api/v1/inbox/mark", "{}"),
    ("POST", "/api/v1/inbox/tokens", "{}"),
    ("DELETE", "/api/v1/inbox/tokens/x", ""),
    ("POST", "/api/v1/inbox/x/x", ""),
    ("PUT", "/api/v1/inbox/x/snooze", "{}"),
    ("DELETE", "/api/v1/inbox/x/snooze", ""),
]
LOOKS = ["/", "/health", "/health/live", "/metrics", "/api/v1/metrics", "/docs", "/openapi.json", "/asyncapi.json"]
LOOKS += ["/api/v1/notifications", "/api/v1/sessions/1", "/ratelimit/1", "/api/v1/admin/clients", "/api/v1/nowhere"]
LOOKS += ["/api/v1/admin/history?user_id=1&login=alice", "/docs/security"]


async def ask(client, method, path, headers=(), body="", host=None):
    """Status, headers and body of the answer to exactly these header lines; of a stream, its beginning."""
    reader, writer = await asyncio.open_connection("127.0.0.1", client.port)
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host if host is not None else f'127.0.0.1:{client.port}'}"]
    lines += [f"{name}: {value}" for name, value in (headers.items() if isinstance(headers, dict) else headers)]
    content = body if isinstance(body, bytes) else body.encode()
    lines += [f"Content-Length: {len(content)}"] if content else []
    writer.write("\r\n".join([*lines, "", ""]).encode() + content)
    status, *fields = (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)).decode().split("\r\n")
    said = {n.lower(): v for n, _, v in (f.partition(": ") for f in fields if f)}
    length = int(said.get("content-length", 0)) if method != "HEAD" else 0
    content = await asyncio.wait_for(reader.readexactly(length), 5)
    writer.close()
    return int(status.split()[1]), said, content


def headers_for(path, body, **more):
    return (UPGRADE if path.startswith("/ws") else {}) | (JSON if body else {}) | more


def test_the_table_has_every_action(client):
    named = {(method, path.partition("?")[0]) for method, path, _ in ACTIONS}
    for route in client.app.router.routes:
        if hasattr(route.ctx, "door"):  # tests/web/doors/test_mount
            continue
        path = f"/{route.path}"
        for name, value in (("user_id", "1"), ("key", "1-alice"), ("channel", "sms")):
            path = path.replace(f"<{name}:str>", value)
        path = "/".join("x" if part.startswith("<") else part for part in path.split("/"))
        for method in route.methods - {"GET", "HEAD"}:
            assert (method, path.replace("sms/resume", "sms/resume")) in named


@pytest.mark.parametrize("foreign", [EVIL, "null", "http://[", "", f"{APP}.evil.example", "http://127.0.0.1", "x\xffy"])
async def test_a_foreign_page_does_nothing(start_pod, redis, foreign):
    client = await start_pod(allowed_origins=APP)
    for method, path, body in ACTIONS:
        status, said, content = await ask(client, method, path, headers_for(path, body, Origin=foreign), body)
        assert (status, said["content-type"]) == (403, "application/problem+json"), (method, path)
        assert json.loads(content)["request_id"] == said["x-request-id"]
        assert "access-control-allow-origin" not in said
    assert await redis.call("KEYS", "stream:*") == []
    assert client.pod.events.listeners == 0 and len(client.pod.hub) == 0


async def test_what_a_browser_says_of_the_site(start_pod):
    client = await start_pod(allowed_origins=APP)
    own = f"http://127.0.0.1:{client.port}"
    for method, path, body in ACTIONS:
        for site, origin, passes in (
            ("cross-site", None, False),
            ("cross-site", EVIL, False),
            ("cross-site", own, False),  # the browser knows the scheme: behind a proxy this may be http on https
            ("same-site", EVIL, False),
            ("cross-site", APP, True),
            ("same-site", APP, True),
            ("same-origin", own, True),
            ("none", None, True),
        ):
            more = {"Sec-Fetch-Site": site} | ({"Origin": origin} if origin else {})
            status, _, _ = await ask(client, method, path, headers_for(path, body, **more), body)
            assert (status != 403) == passes, (method, path, site, origin, status)


async def test_links_from_other_sites_are_followed(client):
    for path in LOOKS:
        status, _, _ = await ask(client, "GET", path, {"Sec-Fetch-Site": "cross-site"})
        assert status in (200, 404), path


@pytest.mark.parametrize(
    ("host", "origin", "passes"),
    [
        ("app.example", "https://app.example", True),
        ("app.example", "http://app.example", True),
        ("app.example:443", "https://app.example", True),
        ("app.example:80", "http://app.example", True),
        ("app.example", "https://app.example:443", True),
        ("APP.Example", "https://app.example", True),
        ("app.example.", "https://app.example", True),
        ("xn--bcher-kva.example", "https://bücher.example", True),
        ("[2001:DB8::1]:8080", "http://[2001:db8:0::1]:8080", True),
        ("app.example:8080", "http://app.example:8080", True),
        ("app.example:443", "http://app.example", False),
        ("app.example:80", "https://app.example", False),
        ("app.example", "https://app.example:8443", False),
        ("app.example:8080", "http://app.example", False),
        ("app.example", "https://evil.example", False),
        ("app.example", "https://app.example.evil", False),
        ("localhost", "capacitor://localhost", False),
    ],
)
async def test_the_own_host(start_pod, host, origin, passes):
    client = await start_pod(auth_mode="token", admin_token="an-admin-token-for-tests")
    for lane in ({}, {"X-Other": "1"}):
        headers = JSON | lane | {"Origin": origin, "Authorization": "Bearer an-admin-token-for-tests"}
        status, said, _ = await ask(client, "POST", "/api/v1/notify", headers, BODY, host)
        assert status == (202 if passes else 403)
        assert (said.get("access-control-allow-origin") is not None) == passes


async def test_several_origins_are_none(start_pod):
    client = await start_pod(allowed_origins=APP)
    for lines in ([("Origin", APP), ("Origin", APP)], [("Origin", f"{APP} {APP}")], [("Origin", f"{APP}, {APP}")]):
        status, said, _ = await ask(client, "POST", "/api/v1/notify", [*JSON.items(), *lines], BODY)
        assert status == 403 and "access-control-allow-origin" not in said


async def test_any_origin(start_pod):
    client = await start_pod(allowed_origins="*")
    for origin in (EVIL, "null", APP):
        headers = JSON | {"Origin": origin, "Sec-Fetch-Site": "cross-site"}
        status, said, _ = await ask(client, "POST", "/api/v1/notify", headers, BODY, "any.example")
        assert (status, said["access-control-allow-origin"]) == (202, origin)


# -- CORS


async def test_preflights(start_pod):
    client = await start_pod(allowed_origins=f"{APP}:443/, capacitor://localhost")
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}
    for origin in (APP, "capacitor://localhost", f"http://127.0.0.1:{client.port}"):
        status, said, _ = await ask(client, "OPTIONS", "/api/v1/notify", asked | {"Origin": origin})
        assert (status, said["access-control-allow-origin"]) == (204, origin)
        assert "POST" in said["access-control-allow-methods"] and "Content-Type" in said["access-control-allow-headers"]
    for origin in (EVIL, "null", "http://["):
        status, said, _ = await ask(client, "OPTIONS", "/api/v1/notify", asked | {"Origin": origin})
        assert status == 204 and not [name for name in said if name.startswith("access-control")]


async def test_every_answer_says_that_it_varies(client):
    for method, path, body in ACTIONS:
        if path.startswith("/ws"):
            continue
        for more in ({}, {"Origin": EVIL}):
            _, said, _ = await ask(client, method, path, headers_for(path, body, **more), body)
            assert "Origin" in said["vary"].split(", "), (method, path)
    for path in LOOKS:
        for method, headers in (("GET", {}), ("HEAD", {}), ("OPTIONS", {}), ("GET", {"Origin": APP})):
            _, said, _ = await ask(client, method, path, headers)
            assert "Origin" in said["vary"].split(", "), (method, path)
    for host in ("evil.example", None):
        _, said, _ = await ask(client, "POST", "/api/v1/notify", {**JSON, "Content-Type": "text/plain"}, BODY, host)
        assert said["vary"] == "Origin"


# -- Host


HOSTS = ["evil.example", "evil.example:8080", "localhost.evil.example", "127.0.0.1.evil.example", "10.0.0.1", "127.1"]
HOSTS += ["[::2]", "192.168.0.7:8080", "0.0.0.0"]


@pytest.mark.parametrize("host", HOSTS)
async def test_a_name_that_was_rebound_reads_nothing(client, redis, host):
    for method, path, body in [*ACTIONS, *(("GET", path, "") for path in LOOKS), ("OPTIONS", "/api/v1/notify", "")]:
        status, said, content = await ask(client, method, path, headers_for(path, body), body, host)
        assert (status, said["content-type"]) == (421, "application/problem+json"), (method, path)
        assert "ALLOWED_ORIGINS" in json.loads(content)["detail"] and "AUTH_MODE" in json.loads(content)["detail"]
    assert await redis.call("KEYS", "stream:*") == []


@pytest.mark.parametrize("host", ["", "localhost:x", "u@localhost", "[::1", "localhost, evil.example"])
async def test_what_is_no_host(client, host):
    assert (await ask(client, "GET", "/", host=host))[0] == 400
    assert (await ask(client, "POST", "/api/v1/notify", JSON, BODY, host))[0] == 400


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:9", "app.localhost:8080", "127.8.9.1:80", "[::1]:8080"])
async def test_names_of_this_machine(client, host):
    assert (await ask(client, "GET", "/", host=host))[0] == 200
    assert (await ask(client, "POST", "/api/v1/notify", JSON, BODY, host))[0] == 202
    assert (await ask(client, "POST", "/api/v1/notify", JSON | {"X-Other": "1"}, BODY, host))[0] == 202


async def test_the_hosts_of_allowed_origins(start_pod):
    client = await start_pod(allowed_origins=f"{APP}, http://bücher.example:8080")
    for host in ("app.example", "App.Example:443", "app.example.:9", "xn--bcher-kva.example"):
        assert (await ask(client, "POST", "/api/v1/notify", JSON, BODY, host))[0] == 202
    status, _, content = await ask(client, "GET", "/health", host="other.example:8080")
    assert status == 421 and "https://other.example" in json.loads(content)["detail"]


async def test_the_host_in_the_target_counts(client):
    status, _, _ = await ask(client, "GET", "http://evil.example/health")
    assert status == 421
    assert (await ask(client, "GET", f"http://localhost:{client.port}/health"))[0] == 200
    assert (await ask(client, "GET", f"http://[::1]:{client.port}/health"))[0] == 200


async def test_the_status_line_has_its_phrase(client):
    reader, writer = await asyncio.open_connection("127.0.0.1", client.port)
    writer.write(b"GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n")
    assert await asyncio.wait_for(reader.readline(), 5) == b"HTTP/1.1 421 Misdirected Request\r\n"
    writer.close()


async def test_who_opens_it_is_not_checked(start_pod):
    opened = await start_pod(server_addr="0.0.0.0:0")
    guarded = await start_pod("pod-b", auth_mode="token", admin_token="an-admin-token-for-tests")
    for client in (opened, guarded):
        assert (await ask(client, "GET", "/health", host="any.example"))[0] == 200


async def test_http_1_0_without_a_host(client):
    reader, writer = await asyncio.open_connection("127.0.0.1", client.port)
    writer.write(b"GET /health HTTP/1.0\r\n\r\n")
    assert b" 200 " in await asyncio.wait_for(reader.readline(), 5)
    writer.close()


# -- a body needs its type


@pytest.mark.parametrize(
    "kind", [None, "", "text/plain", "text/plain;charset=UTF-8", "multipart/form-data; boundary=x"]
)
async def test_a_body_of_another_type(client, redis, kind):
    typed = {} if kind is None else {"Content-Type": kind}
    for method, path, body in ACTIONS:
        if method not in ("POST", "DELETE") or path == "/api/v1/nowhere":
            continue
        status, said, _ = await ask(client, method, path, typed, body or "{}")
        assert (status, said["content-type"]) == (415, "application/problem+json"), (method, path)
    assert await redis.call("KEYS", "stream:*") == []
    assert await redis.call("SMEMBERS", "notif:{delivery}:paused") == []


async def test_no_body_needs_no_type(client):
    assert (await ask(client, "POST", "/api/v1/admin/channels/sms/pause"))[0] == 200
    assert (await ask(client, "POST", "/api/v1/admin/channels/sms/resume", {"Content-Type": "text/plain"}))[0] == 200
    assert (await ask(client, "POST", "/api/v1/admin/channels/sms/pause", JSON, "{}"))[0] == 200
    assert (await ask(client, "POST", "/api/v1/notify", {"Content-Length": "0"}))[0] == 400
