"""Pages of other origins in a real browser: none can do or read anything, the own page and an allowed one can."""

from __future__ import annotations

import json
import tempfile
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from .conftest import _free_port
from .program import Program

pytestmark = pytest.mark.slow

USER = {"id": 1, "login": "alice"}
NOTE = {"target": [USER], "message": "hello"}
SESSION = {"user_id": "1-alice", "platform": "android", "device_token": "d1"}
KEY = {"name": "mine", "scopes": ["admin"]}
DELIVERY = {"channel": "sms", "recipient": "+905551234567", "content": "x", "max_retries": 0}
LATER = {"scheduled_at": "2099-01-01T00:00:00Z"}

# As a page would: without asking by a preflight where that can be avoided.
BLOB = """async ([url, body]) => { await fetch(url, {method: 'POST', mode: 'no-cors', body: new Blob([body])}) }"""
BARE = """async ([url]) => { await fetch(url, {method: 'POST', mode: 'no-cors'}) }"""
FORM = """([url, body]) => {
  const frame = document.createElement('iframe');
  frame.name = 'hidden';
  document.body.append(frame);
  const form = document.body.appendChild(document.createElement('form'));
  Object.assign(form, {method: 'POST', action: url, enctype: 'text/plain', target: 'hidden'});
  const input = form.appendChild(document.createElement('input'));
  input.name = body.slice(0, -2) + ',"data":{"a';
  input.value = '":1}}';
  form.submit();
}"""
JSON = """async ([url, body, method]) => {
  const answer = await fetch(url, {method: method || 'POST', headers: {'Content-Type': 'application/json'}, body});
  return answer.status;
}"""
DELETE = """async ([url]) => (await fetch(url, {method: 'DELETE'})).status"""
READ = """async ([url]) => { const answer = await fetch(url); return [answer.status, await answer.text()] }"""
SOCKET = """([url]) => new Promise((resolve) => {
  const socket = new WebSocket(url.replace('http', 'ws'));
  socket.onopen = () => resolve('open');
  socket.onerror = () => resolve('refused');
})"""


@pytest.fixture(scope="module")
def program(web: int) -> Iterator[Program]:
    settings = {"ALLOWED_ORIGINS": f"http://friend.example:{web}", "PROVIDER_SMS": "simulator://?success=0"}
    with tempfile.TemporaryDirectory(prefix="notifier-page-") as folder:
        program = Program(_free_port(), Path(folder), settings)
        program.start()
        yield program
        program.stop()


def call(program: Program, path: str, body: object = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(program.base_url + path, data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=5) as answer:
        return json.load(answer)


def state(program: Program) -> dict[str, Any]:
    """The state that the seven actions would change."""
    queues = call(program, "/api/v1/admin/queues")
    return {
        "inbox": call(program, "/api/v1/admin/history?user_id=1&login=alice")["total"],
        "paused": [queue["channel"] for queue in queues["queues"] if queue["paused"]],
        "sessions": len(call(program, "/api/v1/sessions/1-alice")["sessions"]),
        "keys": call(program, "/api/v1/admin/keys")["total"],
        "dead": call(program, "/api/v1/admin/dlq")["total"],
        "scheduled": queues["scheduled"],
        "clients": call(program, "/api/v1/admin/clients")["total"],
    }


@pytest.fixture(scope="module")
def deliveries(program: Program) -> tuple[str, str]:
    """A dead one and a scheduled one."""
    dead = call(program, "/api/v1/notifications", DELIVERY)["id"]
    while call(program, f"/api/v1/notifications/{dead}/status")["status"] != "failed":
        pass
    return dead, call(program, "/api/v1/notifications", DELIVERY | LATER)["id"]


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1", "localhost"])
def test_a_foreign_page_does_nothing(
    visit: Callable[[str], Page], program: Program, web: int, deliveries: tuple[str, str], host: str
) -> None:
    """From another site, and from another port of this very machine."""
    page, before, (dead, later) = visit(f"http://{host}:{web}/"), state(program), deliveries
    notify, admin = f"{program.base_url}/api/v1/notify", f"{program.base_url}/api/v1/admin"
    page.evaluate(BLOB, [notify, json.dumps(NOTE)])
    with page.expect_request_finished(lambda request: request.url == notify):
        page.evaluate(FORM, [notify, json.dumps(NOTE)])
    page.evaluate(BARE, [f"{admin}/channels/email/pause"])
    page.evaluate(BLOB, [f"{program.base_url}/api/v1/sessions", json.dumps(SESSION)])
    page.evaluate(BLOB, [f"{admin}/keys", json.dumps(KEY)])
    assert page.evaluate(SOCKET, [f"{program.base_url}/ws?user_id=1&login=alice"]) == "refused"
    page.evaluate(BARE, [f"{admin}/dlq/{dead}/requeue"])
    for script, arguments in (
        (JSON, [notify, json.dumps(NOTE)]),
        (DELETE, [f"{program.base_url}/api/v1/notifications/{later}"]),
        (READ, [f"{admin}/history?user_id=1&login=alice"]),
    ):
        with pytest.raises(Exception, match="Failed to fetch"):
            page.evaluate(script, arguments)
    assert state(program) == before


def test_a_rebound_name_reads_and_does_nothing(visit: Callable[[str], Page], program: Program, web: int) -> None:
    """The page came from the name's earlier address; now the name leads here, and the page is of the same origin."""
    call(program, "/api/v1/notify", NOTE | {"message": "a secret"})
    before = state(program)
    page = visit("about:blank")
    origin = f"http://rebound.example:{program.port}"
    page.route(f"{origin}/page", lambda route: route.fulfill(content_type="text/html", body="<title>elsewhere"))
    page.goto(f"{origin}/page")
    status, text = page.evaluate(READ, ["/api/v1/admin/history?user_id=1&login=alice"])
    assert status == 421 and "secret" not in text and "ALLOWED_ORIGINS" in text
    assert page.evaluate(JSON, ["/api/v1/notify", json.dumps(NOTE)]) == 421
    assert page.evaluate(JSON, ["/api/v1/admin/keys", json.dumps(KEY)]) == 421
    assert page.evaluate(SOCKET, [f"{origin}/ws?user_id=1&login=alice"]) == "refused"
    assert state(program) == before


@pytest.mark.parametrize("place", ["own", "localhost", "friend"])
def test_own_and_allowed_pages_do_it_all(visit: Callable[[str], Page], program: Program, web: int, place: str) -> None:
    """The same requests, the allowed page's with a preflight: what was refused above was refused for its origin."""
    base = program.base_url.replace("127.0.0.1", "localhost") if place == "localhost" else program.base_url
    page = visit(f"http://friend.example:{web}/" if place == "friend" else f"{base}/metrics")
    before = state(program)
    assert page.evaluate(JSON, [f"{base}/api/v1/notify", json.dumps(NOTE)]) == 202
    assert page.evaluate(JSON, [f"{base}/api/v1/sessions", json.dumps(SESSION)]) == 201
    assert page.evaluate(JSON, [f"{base}/api/v1/admin/channels/sms/pause"]) == 200
    assert page.evaluate(SOCKET, [f"{base}/ws?user_id=2&login=bob"]) == "open"
    status, text = page.evaluate(READ, [f"{base}/api/v1/admin/history?user_id=1&login=alice"])
    assert (status, json.loads(text)["total"]) == (200, before["inbox"] + 1)
    assert state(program)["paused"] == ["sms"] and state(program)["sessions"] == 1
    assert page.evaluate(JSON, [f"{base}/api/v1/admin/channels/sms/resume"]) == 200
    assert page.evaluate(DELETE, [f"{base}/api/v1/sessions/1-alice"]) == 204
