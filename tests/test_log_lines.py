"""Lines of the log carry the ids of what they are about, under one word each: `request_id`, `connection_id`, `user_id`
(a user key), `delivery_id`."""

import ast
import logging
import zlib
from pathlib import Path

import pytest
import websockets

from notifier.domain import protocol
from tests.support import Inbox, eventually, notify

SOURCE = Path(__file__).parent.parent / "notifier"
LEVELS = {"debug", "info", "warning", "error", "exception", "critical", "log"}
CONNECTION = {"connection_id", "user_id"}
CARRIERS = {"log_facts": CONNECTION, "who": {"request_id"}}  # what `**x.log_facts` and `**who` bring along

# Every line about one request, connection, user or delivery, and the ids that it must carry.
ABOUT = {
    "request.failed": {"request_id"},
    "request.slow": {"request_id"},
    "admin.action": {"request_id"},
    "websocket.begin_failed": {"request_id"} | CONNECTION,
    "websocket.handler_failed": CONNECTION,
    "socket.failed": CONNECTION,
    "router.failed": {"user_id"},
    "router.store_failed": {"user_id"},
    "group.repaired": {"user_id"},
    "catch_up.failed": {"user_id"},
    "waker.failed": {"user_id"},
    "stream.began_anew": {"user_id"},
    "idempotency.not_ended": {"record"},  # the request is long answered; its record's key is a digest
    "delivery.lease_lost": {"delivery_id"},
    "delivery.delayed": {"delivery_id"},
    "delivery.defect": {"delivery_id"},
    "delivery.session_kept": {"delivery_id"},
    "provider.defect": {"delivery_id"},
}
# Lines about the program, its parts, or many at once: their first words.
AT_LARGE = {
    "auth",
    "breaker",
    "bus",
    "child",
    "cluster",
    "jwks",
    "kafka",
    "lease",
    "leases",
    "news",
    "provider.circuit",
}
AT_LARGE |= {"connections", "disk", "files", "inbox.kept", "states"}
AT_LARGE |= {"express", "record", "redis", "server", "service_manager", "settings", "stop", "store", "duty"}


def log_calls():
    """Name of the line, the ids in its facts, and where it stands."""
    for path in sorted(SOURCE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
                continue
            if node.func.attr in LEVELS and ast.unparse(node.func.value) == "log":
                yield name_of(node), ids_of(node), f"{path.relative_to(SOURCE)}:{node.lineno}"


def name_of(call):
    names = [arg.value for arg in call.args if isinstance(arg, ast.Constant)]
    return names[0] if names else None  # passed on: the events of the store, which are about Redis


def ids_of(call):
    extra = next((keyword.value for keyword in call.keywords if keyword.arg == "extra"), None)
    if extra is None:
        return set()
    found = {node.value for node in ast.walk(extra) if isinstance(node, ast.Constant)}
    for node in ast.walk(extra):
        found |= CARRIERS.get(getattr(node, "attr", getattr(node, "id", "")), set())
    return found


def is_at_large(name):
    return name is None or name in AT_LARGE or name.partition(".")[0] in AT_LARGE


def test_every_line_is_known_and_carries_its_ids():
    calls = list(log_calls())
    assert len(calls) > 60
    assert {name for name, _, _ in calls} >= ABOUT.keys()
    unknown = [(name, where) for name, _, where in calls if name not in ABOUT and not is_at_large(name)]
    assert unknown == [], "say in ABOUT or AT_LARGE what these lines are about"
    lacking = [(name, where) for name, ids, where in calls if not ABOUT.get(name, set()) <= ids]
    assert lacking == []


# -- as they come


@pytest.fixture
def lines(caplog):
    """The lines of a name that have come so far."""
    caplog.set_level(logging.INFO, "notifier")
    return lambda name: [record for record in caplog.records if record.getMessage() == name]


def raising(*_):
    raise RuntimeError("a defect")


async def raising_later(*_):
    raise RuntimeError("a defect")


async def test_a_request_that_failed(client, lines, monkeypatch):
    monkeypatch.setattr(client.pod.operations, "pods", raising_later)
    response = await client.get("/api/v1/admin/pods", headers={"X-Request-ID": "seen"})
    assert response.json()["request_id"] == "seen"
    (line,) = lines("request.failed")
    assert (line.request_id, line.method, line.path) == ("seen", "GET", "/api/v1/admin/pods")
    assert line.exc_info[0] is RuntimeError


def break_script(pod, name):
    """Makes a script of the inbox fail with what no mending cures."""
    script = pod.inbox.acceptance._script if name == "accept" else pod.inbox._scripts[name]
    script._packed = zlib.compress(b"return redis.error_reply('ERR a defect in the store')")
    script.sha = "0" * 40


@pytest.mark.parametrize("headers", [{}, {"X-Elsewhere": "1"}], ids=["express", "sanic"])
@pytest.mark.parametrize("limited", [{}, {"notify_rate_limit": "10/1m"}], ids=["free", "limited"])
async def test_a_notification_that_failed(start_pod, redis, lines, headers, limited):
    client = await start_pod(**limited)
    break_script(client.pod, "accept")
    body = {"target": [{"id": 1, "login": "alice"}], "message": "x"}
    response = await client.post("/api/v1/notify", json=body, headers={"X-Request-ID": "seen", **headers})
    assert (response.status_code, response.json()["request_id"]) == (500, "seen")
    assert "in the store" not in response.text  # what the store says is for the log alone
    (line,) = lines("request.failed")
    assert (line.request_id, line.method, line.path) == ("seen", "POST", "/api/v1/notify")
    assert "in the store" in logging.Formatter().format(line)


@pytest.mark.parametrize("headers", [{}, {"X-Elsewhere": "1"}], ids=["express", "sanic"])
async def test_a_defect_while_a_notification_is_accepted(start_pod, lines, monkeypatch, headers):
    client = await start_pod(notify_rate_limit="10/1m")
    monkeypatch.setattr(client.pod.publisher._limit, "take", raising_later)
    body = {"target": [{"id": 1, "login": "alice"}], "message": "x"}
    response = await client.post("/api/v1/notify", json=body, headers={"X-Request-ID": "seen", **headers})
    assert (response.status_code, "defect" in response.text) == (500, False)
    (line,) = lines("request.failed")
    assert (line.request_id, line.exc_info[0]) == ("seen", RuntimeError)


async def test_actions_of_an_operator(client, lines):
    seen = {"X-Request-ID": "seen"}
    await notify(client)
    await client.delete("/api/v1/admin/users/1-alice/pending", headers=seen)
    inbox = await Inbox.open(client)
    (one,) = (await client.get("/api/v1/admin/clients")).json()["clients"]
    await client.delete(f"/api/v1/admin/clients/{one['connection_id']}", headers=seen)
    assert await inbox.closed() == 1000
    cleared, closed = lines("admin.action")
    assert (cleared.action, cleared.user_id, cleared.request_id) == ("clear", "1-alice", "seen")
    assert (closed.action, closed.connection_id, closed.request_id) == ("disconnect", one["connection_id"], "seen")


async def test_a_connection_that_failed(client, lines, monkeypatch):
    inbox = await Inbox.open(client)
    (connection,) = client.pod.hub
    monkeypatch.setattr(protocol, "read_message", raising)
    await inbox.say("sync.request")
    assert await inbox.closed() == 1011
    (line,) = lines("websocket.handler_failed")
    assert (line.connection_id, line.user_id, line.remote) == (connection.id, "1-alice", "127.0.0.1")


@pytest.mark.parametrize("kind", ["notification.read", "sync.request"])
async def test_a_command_at_which_the_store_fails(client, redis, lines, kind):
    await notify(client)
    inbox = await Inbox.open(client)
    push, *_ = inbox.greeting
    for script in ("read", "page"):
        break_script(client.pod, script)
    named = {"notification_id": push["notification_id"], "stream_id": push["stream_id"]}
    await inbox.say(kind, **(named if kind == "notification.read" else {}))
    error = await inbox.receive("error")
    assert (error["code"], "in the store" in error["message"]) == ("internal", False)
    (line,) = lines("socket.failed")
    assert (line.command, line.user_id) == (kind, "1-alice")
    assert "in the store" in logging.Formatter().format(line)


@pytest.mark.parametrize(
    ("fail", "name", "request_id"),
    [(raising, "websocket.begin_failed", "seen"), (raising_later, "socket.failed", None)],
)
async def test_a_connection_that_fails_to_begin(client, lines, monkeypatch, fail, name, request_id):
    monkeypatch.setattr(client.pod.router, "attach", fail)
    socket = await client.ws_connect("/ws?user_id=1&login=alice", additional_headers={"X-Request-ID": "seen"})
    with pytest.raises(websockets.exceptions.ConnectionClosed):
        await socket.recv()
    (line,) = lines(name)
    assert line.user_id == "1-alice"
    assert len(line.connection_id) == 36
    assert getattr(line, "request_id", None) == request_id


async def test_a_user_whose_lock_could_not_be_let_go(client, lines, monkeypatch):
    inbox = await Inbox.open(client)
    monkeypatch.setattr(client.pod.inbox, "detach", raising_later)
    await inbox.socket.close()
    (line,) = await eventually(lambda: lines("router.failed"), "the line")
    assert line.user_id == "1-alice"


async def test_a_group_that_was_repaired(client, redis, lines):
    await notify(client)
    await redis.call("XGROUP", "DESTROY", "stream:user:1-alice", "notifications")
    await client.pod.groups.round()
    (line,) = lines("group.repaired")
    assert (line.user_id, line.group_made) == ("1-alice", True)
