"""Tokens of devices over HTTP: made, listed and revoked by their owner or for them, and what they open."""

import pytest
import websockets

from notifier.domain.access import KeyRequest, Scope
from notifier.service.access import REMEMBER
from tests.support import Inbox, eventually, notify
from tests.web.http.test_auth import ADMIN, SETTINGS, bearer, token_of

TOKENS = "/api/v1/inbox/tokens"
PAIR = "user_id=1&login=alice"


@pytest.fixture
def guarded(loop, start_pod):
    """A pod with AUTH_MODE=token."""
    return loop.run_until_complete(start_pod(**SETTINGS))


async def create(client, headers=None, query="", **body):
    response = await client.post(f"{TOKENS}?{query}", json={"name": "phone"} | body, headers=headers or {})
    assert response.status_code == 201, response.text
    return response.json()


async def test_a_token_is_shown_once(client):
    made = await create(client, query=PAIR)
    assert made["token"].startswith("tk_") and len(made["token"]) == 32
    response = await client.get(f"{TOKENS}?{PAIR}")
    assert response.json() == {"tokens": [{name: value for name, value in made.items() if name != "token"}]}
    assert (made["name"], made["last_used"], made["expires_at"]) == ("phone", None, None)
    assert made["token"] not in response.text


async def test_it_is_not_kept_by_caches(client):
    response = await client.post(f"{TOKENS}?{PAIR}", json={"name": "phone"})
    assert response.headers["cache-control"] == "no-store"


async def test_a_token_may_have_an_end(client):
    for ttl in ("90d", 3600):
        assert (await create(client, query=PAIR, ttl=ttl))["expires_at"] is not None


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"name": ""},
        {"name": "n" * 65},
        {"name": "a\0"},
        {"name": 7},
        {"name": "n", "ttl": 0},
        {"name": "n", "ttl": "366d"},
        {"name": "n", "ttl": None},
        {"name": "n", "scopes": ["admin"]},
    ],
)
async def test_what_is_no_request(client, body):
    response = await client.post(f"{TOKENS}?{PAIR}", json=body)
    assert response.status_code == 422 and response.json()["errors"]
    assert (await client.get(f"{TOKENS}?{PAIR}")).json() == {"tokens": []}


async def test_the_33rd_is_refused(client):
    for number in range(32):
        await create(client, query=PAIR, name=str(number))
    response = await client.post(f"{TOKENS}?{PAIR}", json={"name": "one more"})
    assert response.status_code == 409 and "revoke" in response.json()["detail"]


async def test_a_person_has_their_own_alone(guarded):
    alice, bob = bearer(token_of()), bearer(token_of(2, "bob"))
    made = await create(guarded, alice)
    assert (await guarded.get(TOKENS, headers=bob)).json() == {"tokens": []}
    for method, path in (("get", TOKENS), ("delete", f"{TOKENS}/{made['id']}")):
        assert (await getattr(guarded, method)(f"{path}?{PAIR}", headers=bob)).status_code == 403
    assert (await guarded.delete(f"{TOKENS}/{made['id']}", headers=bob)).status_code == 404
    assert (await guarded.delete(f"{TOKENS}/{made['id']}", headers=alice)).status_code == 204
    assert (await guarded.delete(f"{TOKENS}/{made['id']}", headers=alice)).status_code == 404


async def test_an_api_key_acts_for_anybody_it_names(guarded):
    _, key = await guarded.pod.access.create_key(KeyRequest("portal", (Scope.NOTIFY,)))
    assert (await guarded.get(TOKENS, headers=bearer(key))).status_code == 422
    made = await create(guarded, bearer(key), PAIR)
    assert [row["id"] for row in (await guarded.get(TOKENS, headers=bearer(token_of()))).json()["tokens"]] == [
        made["id"]
    ]


async def test_it_opens_its_owners_socket_and_nobody_elses(guarded):
    token = (await create(guarded, bearer(token_of())))["token"]
    inbox = await Inbox.open(guarded, additional_headers=bearer(token))
    by_query = await guarded.ws_connect(f"/ws?{PAIR}&token={token}")
    (nid,) = await notify(guarded, headers=bearer(ADMIN))
    push = await inbox.receive("notification.push")
    assert push["notification_id"] == nid
    await inbox.read(push)
    assert (await inbox.receive("notification.read.ack"))["notification_id"] == nid
    with pytest.raises(websockets.exceptions.InvalidStatus) as raised:
        await Inbox.open(guarded, 2, "bob", additional_headers=bearer(token))
    assert raised.value.response.status_code == 403
    await by_query.close()
    (row,) = (await guarded.get(TOKENS, headers=bearer(token_of()))).json()["tokens"]
    assert row["last_used"] is not None


async def test_it_opens_nothing_else(guarded):
    """All other routes: tests/web/http/test_auth.py."""
    token = (await create(guarded, bearer(token_of())))["token"]
    for path in ("/api/v1/inbox", TOKENS, "/api/v1/push/vapid-key"):
        assert (await guarded.get(path, headers=bearer(token))).status_code == 401


async def test_its_end_closes_what_it_opened(guarded):
    made = await create(guarded, bearer(token_of()), ttl=60)
    inbox = await Inbox.open(guarded, additional_headers=bearer(made["token"]))
    (connection,) = guarded.pod.hub
    guarded.pod.hub.tick(connection.clock() + 61)
    assert await inbox.closed() == 4401


async def test_revoking_it_closes_what_it_opened(guarded):
    made = await create(guarded, bearer(token_of()))
    inbox = await Inbox.open(guarded, additional_headers=bearer(made["token"]))
    await guarded.delete(f"{TOKENS}/{made['id']}", headers=bearer(token_of()))
    assert await inbox.closed() == 4401
    with pytest.raises(websockets.exceptions.InvalidStatus) as raised:
        await Inbox.open(guarded, additional_headers=bearer(made["token"]))
    assert raised.value.response.status_code == 401


async def test_revoked_on_another_pod(guarded, start_pod):
    other = await start_pod("pod-b", **SETTINGS)
    made = await create(guarded, bearer(token_of()))
    inbox = await Inbox.open(other, additional_headers=bearer(made["token"]))
    await guarded.delete(f"{TOKENS}/{made['id']}", headers=bearer(token_of()))
    (watch,) = [duty for duty in other.pod.duties if duty.name == "key watch"]
    watch.hurry()
    assert await inbox.closed() == 4401
    assert watch.interval + REMEMBER < 5
    await eventually(lambda: other.pod.opened.keys == [])
