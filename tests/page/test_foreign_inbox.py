"""A page of another origin with nothing but a user's JWT: it lists, counts, marks, snoozes, and subscribes to Web Push."""

from __future__ import annotations

import base64
import json
import tempfile
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from playwright.sync_api import Page

from tests.web.http.test_auth import ADMIN, SECRET, token_of

from .conftest import _free_port
from .program import Program

pytestmark = pytest.mark.slow

INBOX = "/api/v1/inbox"
CALL = """async ([url, token, method, body]) => {
  const headers = { Authorization: `Bearer ${token}`, ...(body && { 'Content-Type': 'application/json' }) };
  const answer = await fetch(url, { method, headers, body: body && JSON.stringify(body) });
  const text = await answer.text();
  return [answer.status, text && JSON.parse(text)];
}"""
# The client comes from the server, as the guide says; it and its inbox are kept for the calls that follow.
CONNECT = """async ([base, token]) => {
  const { NotifierClient } = await import(`${base}/notifier-client.js`);
  window.inbox = new NotifierClient({ userId: 1, login: 'alice', token: () => token });
  window.changed = (holds) => new Promise((resolve) => {
    const look = () => holds() && resolve(true);
    for (const kind of ['state', 'counts', 'update', 'push']) inbox.addEventListener(kind, () => queueMicrotask(look));
    look();
  });
  inbox.connect();
  await changed(() => inbox.state === 'online');
}"""
# The subscription that a browser's push service would give: Chromium without one has none to give.
SUBSCRIBE = """async ([key]) => {
  const bytes = Uint8Array.from(atob(key.replaceAll('-', '+').replaceAll('_', '/')), (char) => char.charCodeAt(0));
  const named = { name: 'ECDH', namedCurve: 'P-256' };
  await crypto.subtle.importKey('raw', bytes, named, true, []);
  const pair = await crypto.subtle.generateKey(named, true, ['deriveBits']);
  const text = (part) => btoa(String.fromCharCode(...new Uint8Array(part))).replaceAll('+', '-').replaceAll('/', '_');
  const p256dh = text(await crypto.subtle.exportKey('raw', pair.publicKey)).replaceAll('=', '');
  const auth = text(crypto.getRandomValues(new Uint8Array(16))).replaceAll('=', '');
  return { endpoint: 'https://push.example/send/1', expirationTime: null, keys: { p256dh, auth } };
}"""


def _vapid(folder: Path) -> str:
    key = ec.generate_private_key(ec.SECP256R1())
    file = folder / "vapid.pem"
    file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    file.chmod(0o600)
    return f"webpush://?key={file}&subject=mailto:ops@example.com"


@pytest.fixture(scope="module")
def program(web: int) -> Iterator[Program]:
    with tempfile.TemporaryDirectory(prefix="notifier-page-") as folder:
        settings = {"AUTH_MODE": "token", "ADMIN_TOKEN": ADMIN, "JWT_SECRET": SECRET}
        settings |= {"ALLOWED_ORIGINS": f"http://localhost:{web}", "PROVIDER_PUSH_WEB": _vapid(Path(folder))}
        program = Program(_free_port(), Path(folder), settings)
        program.start()
        yield program
        program.stop()


@pytest.fixture
def notify(program: Program) -> Callable[[str], str]:
    """Sends to alice; the notification's id."""

    def send(message: str) -> str:
        body = {"target": [{"id": 1, "login": "alice"}], "message": message}
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {ADMIN}"}
        request = urllib.request.Request(f"{program.base_url}/api/v1/notify", json.dumps(body).encode(), headers)
        with urllib.request.urlopen(request, timeout=5) as answer:
            nid: str = json.load(answer)["results"][0]["notification_id"]
            return nid

    return send


class Foreign:
    """A page at an origin, and requests from it with a user's token."""

    def __init__(self, page: Page, program: Program, token: str) -> None:
        self.page, self.base, self.token = page, program.base_url, token

    def call(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        status, answer = self.page.evaluate(CALL, [self.base + path, self.token, method, body])
        return status, answer


@pytest.fixture
def friend(visit: Callable[[str], Page], program: Program, web: int) -> Foreign:
    """A page at the allowed origin with alice's token; a secure context, where browsers have keys and service workers."""
    return Foreign(visit(f"http://localhost:{web}/"), program, token_of(ttl=600))


def test_it_lists_counts_marks_and_snoozes(friend: Foreign, notify: Callable[[str], str]) -> None:
    first, second = notify("one"), notify("two")
    status, page = friend.call("GET", f"{INBOX}?limit=2")
    assert status == 200 and [item["notification_id"] for item in page["items"]] == [second, first]
    before = page["counts"]["unread"]
    assert friend.call("POST", f"{INBOX}/{first}/read")[1]["counts"]["unread"] == before - 1
    assert friend.call("POST", f"{INBOX}/mark", {"as": "archived", "ids": [first]})[1]["changed"] == 1
    assert friend.call("PUT", f"{INBOX}/{second}/snooze", {"for": "1h"})[1]["counts"]["unread"] == before - 2
    assert friend.call("DELETE", f"{INBOX}/{second}/snooze")[1]["counts"]["unread"] == before - 1
    status, counted = friend.call("GET", f'{INBOX}/counts?filters=[{{"archived":"only"}}]')
    assert status == 200 and counted["counts"][0]["total"] >= 1
    assert friend.call("GET", f"{INBOX}/{first}")[1]["archived_at"]


def test_the_servers_own_client_works_from_there(friend: Foreign, notify: Callable[[str], str]) -> None:
    page, nid = friend.page, notify("for the client")
    page.evaluate(CONNECT, [friend.base, friend.token])
    assert page.evaluate("inbox.items[0].notification_id") == nid
    page.evaluate("(id) => inbox.mark('seen', { ids: [id] })", nid)
    assert page.evaluate("changed(() => inbox.items[0].seen)")
    answer = page.evaluate("(id) => inbox.snooze(id, { for: '2h' })", nid)
    assert answer["changed"] == 1
    assert page.evaluate("(id) => changed(() => inbox.items.every((item) => item.notification_id !== id))", nid)
    assert page.evaluate("(id) => inbox.unsnooze(id)", nid)["changed"] == 1
    assert page.evaluate("inbox.query({ limit: 1 })")["items"][0]["notification_id"] == nid


def test_it_subscribes_to_web_push_and_leaves(friend: Foreign) -> None:
    status, answer = friend.call("GET", "/api/v1/push/vapid-key")
    key = answer["public_key"]
    assert status == 200 and len(base64.urlsafe_b64decode(key + "=")) == 65
    subscription = friend.page.evaluate(SUBSCRIBE, [key])
    body = {"user_id": "1-alice", "platform": "web", "subscription": subscription}
    assert friend.call("POST", "/api/v1/sessions", body)[0] == 201
    (session,) = friend.call("GET", "/api/v1/sessions/1-alice")[1]["sessions"]
    assert session["platform"] == "web"
    assert friend.call("DELETE", "/api/v1/sessions/1-alice")[0] == 204
    assert friend.call("GET", "/api/v1/sessions/1-alice")[1]["sessions"] == []


def test_another_users_things_stay_theirs(friend: Foreign) -> None:
    assert friend.call("GET", f"{INBOX}?user_id=2&login=bob")[0] == 403
    assert (
        friend.call("POST", "/api/v1/sessions", {"user_id": "2-bob", "platform": "email", "device_token": "b@x.org"})[0]
        == 403
    )
    for method in ("GET", "DELETE"):
        assert friend.call(method, "/api/v1/sessions/2-bob")[0] == 403
    assert friend.call("POST", "/api/v1/notify", {"target": [{"id": 1, "login": "alice"}], "message": "m"})[0] == 403
    assert friend.call("GET", "/api/v1/admin/history?user_id=1&login=alice")[0] == 403


def test_a_page_that_is_not_allowed_can_do_nothing_with_the_same_token(
    visit: Callable[[str], Page], program: Program, web: int, friend: Foreign, notify: Callable[[str], str]
) -> None:
    nid = notify("not for everybody")
    evil = Foreign(visit(f"http://evil.example:{web}/"), program, friend.token)
    session = {"user_id": "1-alice", "platform": "android", "device_token": "d" * 40}
    for method, path, body in (
        ("GET", INBOX, None),
        ("POST", f"{INBOX}/{nid}/read", None),
        ("PUT", f"{INBOX}/{nid}/snooze", {"for": "1h"}),
        ("GET", "/api/v1/push/vapid-key", None),
        ("POST", "/api/v1/sessions", session),
        ("DELETE", "/api/v1/sessions/1-alice", None),
    ):
        with pytest.raises(Exception, match="Failed to fetch"):
            evil.call(method, path, body)
    item = friend.call("GET", f"{INBOX}/{nid}")[1]
    assert not item["read"] and item["snoozed_until"] is None
    assert friend.call("GET", "/api/v1/sessions/1-alice")[1]["sessions"] == []
