"""Subscriptions of ntfy's: inboxes followed over every form of the stream, who may, and how they end."""

import asyncio
import base64
import json
from urllib.parse import quote

import pytest
import websockets

from notifier.domain.access import KeyRequest, Scope
from notifier.domain.doors import DoorTerms, new_token, ntfy_id
from notifier.domain.times import format_time, parse_time
from notifier.domain.users import User
from notifier.errors import ErrorCode, NotifierError
from notifier.web.doors.ntfy.subscribing import KEEPALIVE
from tests.live.test_pods import two_pods
from tests.support import PATIENCE, Inbox, eventually, expire_payloads, notify
from tests.web.doors.ntfy.streams import Stream
from tests.web.endpoints.test_own_inbox import act
from tests.web.http.test_auth import ADMIN, SETTINGS, bearer, token_of

ALICE = User(1, "alice")
TOPIC = "1-alice"


@pytest.fixture
async def guarded(start_pod):
    return await start_pod(**SETTINGS)


async def device(client, user=ALICE):
    return (await client.pod.devices.create(user, "phone", None))[1]


async def follow(client, path=f"/{TOPIC}/json", **headers):
    """A stream of JSON that has opened."""
    stream = await Stream.open(client, path, **headers)
    assert stream.status == 200
    await stream.event("open")
    return stream


async def poll(client, query="", topic=TOPIC):
    response = await client.get(f"/{topic}/json?poll=1{query}")
    assert response.status_code == 200, response.text
    return [json.loads(line) for line in response.text.splitlines()]


async def receive(socket, kind):
    event = json.loads(await asyncio.wait_for(socket.recv(), PATIENCE))
    assert event["event"] == kind, event
    return event


# -- the forms


@pytest.mark.parametrize("prefix", ["", "/ntfy"])
async def test_json_live(client, prefix):
    stream = await Stream.open(client, f"{prefix}/{TOPIC}/json")
    assert stream.headers["content-type"] == "application/x-ndjson; charset=utf-8"
    assert (await stream.event("open"))["topic"] == TOPIC
    (nid,) = await notify(client, "hi", title="T", priority="high")
    message = await stream.event("message")
    assert (message["id"], message["topic"], message["title"], message["priority"]) == (ntfy_id(nid), TOPIC, "T", 4)
    await act(client, nid, "read")
    assert (await stream.event("message_clear"))["sequence_id"] == ntfy_id(nid)
    await client.delete(f"/api/v1/notify/{nid}")
    assert (await stream.event("message_delete"))["sequence_id"] == ntfy_id(nid)


async def test_server_sent_events(client):
    stream = await Stream.open(client, f"/{TOPIC}/sse")
    assert stream.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert await stream.line() == "event: open"
    assert json.loads((await stream.line()).removeprefix("data: "))["event"] == "open" and await stream.line() == ""
    await notify(client, "hi")
    assert json.loads((await stream.line()).removeprefix("data: "))["message"] == "hi" and await stream.line() == ""


async def test_raw(client):
    stream = await Stream.open(client, f"/{TOPIC}/raw")
    assert stream.headers["content-type"] == "text/plain; charset=utf-8" and await stream.line() == ""
    (nid,) = await notify(client, "two\nlines")
    assert await stream.line() == "two lines"
    await act(client, nid, "read")
    assert await stream.line() == ""


async def test_websocket(client):
    await notify(client, "before")
    socket = await client.ws_connect(f"/{TOPIC}/ws?since=all")
    await receive(socket, "open")
    assert (await receive(socket, "message"))["message"] == "before"
    (nid,) = await notify(client, "after")
    assert (await receive(socket, "message"))["id"] == ntfy_id(nid)
    await socket.send("anything")
    await act(client, nid, "archive")
    assert (await receive(socket, "message_clear"))["sequence_id"] == ntfy_id(nid)


async def test_a_sign_of_life_every_45_seconds(client):
    stream, socket = await follow(client), await client.ws_connect(f"/{TOPIC}/ws")
    await receive(socket, "open")
    await eventually(lambda: all(one._early is None for one in client.pod.hub))
    now = next(iter(client.pod.hub)).clock()
    client.pod.hub.tick(now + KEEPALIVE - 2)
    await notify(client, "between")
    for message in (await stream.event(), await receive(socket, "message")):
        assert message["message"] == "between"
    client.pod.hub.tick(now + KEEPALIVE + 2)
    for beat in (await stream.event("keepalive"), await receive(socket, "keepalive")):
        assert beat["topic"] == TOPIC


# -- what was before


async def test_a_poll_gets_the_past_and_ends(client):
    ids = [*await notify(client, "one"), *await notify(client, "two")]
    assert [message["id"] for message in await poll(client)] == [ntfy_id(nid) for nid in ids]
    assert [message["message"] for message in await poll(client, f"&since={ntfy_id(ids[0])}")] == ["two"]
    assert [message["message"] for message in await poll(client, "&since=latest")] == ["two"]
    assert [message["message"] for message in await poll(client, "&since=unknownid123")] == ["one", "two"]
    assert [message["message"] for message in await poll(client, "&since=10m&message=one")] == ["one"]
    assert await poll(client, "&since=none") == []
    assert (await client.get(f"/{TOPIC}/raw?poll=1")).text == "one\ntwo\n"


async def test_a_stream_of_all_goes_on_live_without_a_gap_or_a_repeat(client, monkeypatch):
    """Also what comes while the past is read."""
    await notify(client, "before")
    states = client.pod.person.states
    page = states.page

    async def page_and_more(*args):
        found = await page(*args)
        monkeypatch.setattr(states, "page", page)
        await notify(client, "meanwhile")
        return found

    monkeypatch.setattr(states, "page", page_and_more)
    stream = await follow(client, f"/{TOPIC}/json?since=all")
    await notify(client, "after")
    assert [(await stream.event("message"))["message"] for _ in range(3)] == ["before", "meanwhile", "after"]


async def test_what_was_put_off_is_shown_to_who_asks_for_it(client):
    due = format_time(client.pod.redis.clock.now() + 3600)
    body = {"target": [{"id": 1, "login": "alice"}], "message": "later", "deliver_at": due}
    assert (await client.post("/api/v1/notify", json=body)).status_code == 202
    await notify(client, "now")
    assert [message["message"] for message in await poll(client)] == ["now"]
    assert [message["message"] for message in await poll(client, "&scheduled=1")] == ["now", "later"]


async def test_a_change_is_the_same_line(client):
    key = {"target": [{"id": 1, "login": "alice"}], "key": "disk"}
    stream = await follow(client)
    for message, on_same in (("90 %", "bump"), ("95 %", "bump"), ("96 %", "replace")):
        await client.post("/api/v1/notify", json=key | {"message": message, "on_same": on_same})
    first, *others = [await stream.event("message") for _ in range(3)]
    assert [message["message"] for message in (first, *others)] == ["90 %", "95 %", "96 %"]
    assert all(message["sequence_id"] == first["id"] != message["id"] for message in others)
    (message,) = await poll(client)
    assert (message["message"], message["id"]) == ("96 %", others[1]["id"])


async def test_what_expires_unread_is_deleted(client, redis):
    stream = await follow(client)
    (nid,) = await notify(client)
    await stream.event("message")
    await expire_payloads(redis)
    client.pod.janitor._now = lambda: 4e9
    await client.pod.janitor.sweep()
    assert (await stream.event("message_delete"))["sequence_id"] == ntfy_id(nid)


# -- topics and filters


async def test_topics_narrow_the_inbox(client):
    ops = {"data": {"ntfy": {"topic": "ops", "sequence_id": "s"}}}
    both, only = await follow(client, f"/{TOPIC},ops/json"), await follow(client, f"/{TOPIC}/json")
    (nid,) = await notify(client, "disk", **ops)
    await notify(client, "hi")
    assert [(await both.event())["topic"] for _ in range(2)] == ["ops", TOPIC]
    assert (await only.event("message"))["message"] == "hi"
    await act(client, nid, "read")
    assert (await both.event("message_clear"))["sequence_id"] == "s"


async def test_filters_keep_clears(client):
    stream = await follow(client, f"/{TOPIC}/json?priority=high&title=T")
    await notify(client, "low", priority="low", title="T")
    (nid,) = await notify(client, "high", priority="high", title="T")
    assert (await stream.event("message"))["message"] == "high"
    await act(client, nid, "read")
    await stream.event("message_clear")


@pytest.mark.parametrize(
    ("path", "code"),
    [
        (f"/{TOPIC}/json?since=yesterday", 40008),
        (f"/{TOPIC}/json?priority=loud", 40007),
        ("/x,docs/ws", 40010),
        ("/a,,b/json", 40009),
        ("/ops,v1/auth", 40010),
        (f"/{'x' * 65}/json", 40009),
    ],
)
async def test_bad_requests_are_told_in_its_own_dialect(client, path, code):
    response = await client.get(path)
    assert response.status_code == code // 100 and response.json()["code"] == code


async def test_a_plain_request_for_a_websocket(client):
    response = await client.get(f"/{TOPIC}/ws")
    assert response.status_code == 400 and response.json()["http"] == 400


# -- who may


async def test_without_authentication_a_topic_names_the_inbox(client):
    await notify(client, "hi", targets=({"id": 2, "login": "bob"},))
    assert [message["message"] for message in await poll(client, topic="2-bob")] == ["hi"]
    assert await poll(client) == [] and await poll(client, topic="ops") == []
    assert (await client.get("/2-bob,1-alice/json?poll=1")).status_code == 403


async def test_a_devices_token_opens_its_owners_inbox(guarded):
    token = await device(guarded)
    await notify(guarded, "hi", headers=bearer(ADMIN))
    basic = ["Basic " + base64.b64encode(f"{name}:{token}".encode()).decode() for name in ("", "anybody", "alice")]
    places = [bearer(token), *({"Authorization": value} for value in basic)]
    paths = [f"/{TOPIC}/json?poll=1&auth={quote(base64.b64encode(value.encode()).decode())}" for value in basic]
    for path, headers in [*((f"/{TOPIC}/json?poll=1", place) for place in places), *((path, {}) for path in paths)]:
        response = await guarded.get(path, headers=headers)
        assert response.status_code == 200 and json.loads(response.text)["message"] == "hi"
    assert (await guarded.get(f"/{TOPIC}/auth", headers=bearer(token))).json() == {"success": True}
    assert (await guarded.get("/ops,alerts/auth", headers=bearer(token))).json() == {"success": True}


async def test_a_users_own_token_does_too(guarded):
    stream = await follow(guarded, **bearer(token_of()))
    await notify(guarded, "hi", headers=bearer(ADMIN))
    assert (await stream.event("message"))["message"] == "hi"


@pytest.mark.parametrize("form", ["json", "sse", "raw", "auth", "ws"])
async def test_who_may_not(guarded, form):
    _, shop = await guarded.pod.access.create_key(KeyRequest("shop", (Scope.NOTIFY, Scope.READ)))
    _, door = await guarded.pod.access.create_key(KeyRequest("kuma", (), None, DoorTerms("ntfy", (ALICE,))))
    bob = await device(guarded, User(2, "bob"))
    for token, status in (("", 401), ("nonsense", 401), (new_token("ntfy"), 401), (shop, 403), (door, 403), (bob, 403)):
        response = await guarded.get(f"/{TOPIC}/{form}", headers=bearer(token))
        assert response.status_code == status and response.json()["http"] == status, token
        assert "www-authenticate" not in response.headers


async def test_a_store_that_is_away_is_no_refusal(client, monkeypatch):
    """401 and 403 end the retries of ntfy's app."""

    async def fail(*args):
        raise NotifierError(ErrorCode.UNAVAILABLE, "away", retry_after=1.0)

    monkeypatch.setattr(client.pod.router, "attach", fail)
    assert (await client.get(f"/{TOPIC}/json")).status_code == 503
    monkeypatch.setattr(client.pod.redis, "_up", asyncio.Event())
    for form in ("json", "sse", "raw"):
        response = await client.get(f"/{TOPIC}/{form}")
        assert (response.status_code, response.json()["http"]) == (503, 503) and response.headers["retry-after"]


# -- ends


async def test_a_client_that_goes_is_forgotten(client):
    stream, socket = await follow(client), await client.ws_connect(f"/{TOPIC}/ws")
    await receive(socket, "open")
    assert len(client.pod.hub) == 2
    stream.close()
    await socket.close()
    await eventually(lambda: not len(client.pod.hub))


@pytest.mark.slow
@pytest.mark.parametrize("form", ["json", "ws"])
async def test_a_client_that_does_not_read_is_cut(start_pod, form):
    client = await start_pod(send_buffer="64KiB")
    if form == "json":
        stream = await follow(client)
        stream.writer.transport.pause_reading()
    else:
        stream = await client.ws_connect(f"/{TOPIC}/ws", max_queue=1)
        await receive(stream, "open")
        await eventually(lambda: all(one._early is None for one in client.pod.hub))
    update = {"notification_id": "6d95bee8-b6f8-4d74-bf00-a40b4d96e561", "stream_id": "1-0", "message": "x" * 30_000}
    update |= {"created_at": "2024-01-01T00:00:00Z", "source": "", "status": "unread", "read": False}
    text = json.dumps({"type": "notification.update", "data": update}).encode()

    def is_gone():
        client.pod.hub.tell(TOPIC, [text])
        for connection in client.pod.hub:
            connection.tick(connection.clock() + 1)
        return not len(client.pod.hub)

    await eventually(is_gone)


async def test_a_drain_ends_streams_and_drops_sockets_without_a_close_frame(client):
    stream, socket = await follow(client), await client.ws_connect(f"/{TOPIC}/ws")
    await receive(socket, "open")
    client.pod.close_clients()
    assert await stream.line() is None
    with pytest.raises(websockets.exceptions.ConnectionClosedError) as raised:
        await asyncio.wait_for(socket.recv(), PATIENCE)
    assert raised.value.rcvd is None
    await eventually(lambda: not len(client.pod.hub))


async def test_operators_see_and_close_streams(client):
    stream = await follow(client)
    (row,) = (await client.get("/api/v1/admin/clients")).json()["clients"]
    assert (row["login"], row["remote"]) == ("alice", "127.0.0.1")
    assert parse_time(row["last_seen"]) >= parse_time(row["connected_at"]) - 1
    assert (await client.delete(f"/api/v1/admin/clients/{row['connection_id']}")).status_code == 204
    assert await stream.line() is None


async def test_a_revoked_token_ends_what_it_opened(guarded, start_pod):
    other = await start_pod("pod-b", **SETTINGS)
    made, token = await guarded.pod.devices.create(ALICE, "phone", None)
    streams = [await follow(client, **bearer(token)) for client in (guarded, other)]
    socket = await other.ws_connect(f"/{TOPIC}/ws", additional_headers=bearer(token))
    await receive(socket, "open")
    await guarded.pod.devices.revoke(ALICE, made.id)
    assert await streams[0].line() is None
    (watch,) = [duty for duty in other.pod.duties if duty.name == "key watch"]
    watch.hurry()
    assert await streams[1].line() is None
    with pytest.raises(websockets.exceptions.ConnectionClosedError):
        await asyncio.wait_for(socket.recv(), PATIENCE)


async def test_subscriptions_count_among_the_connections_of_a_user(start_pod):
    client = await start_pod(max_connections_per_user=2)
    stream, inbox = await follow(client), await Inbox.open(client)
    for path in (f"/{TOPIC}/json", f"/{TOPIC}/sse"):
        response = await client.get(path)
        assert (response.status_code, response.json()["code"]) == (429, 42901)
    stream.close()
    await inbox.socket.close()


async def test_a_stream_is_counted_when_it_begins(client):
    streams = [await follow(client) for _ in range(2)]
    await client.get(f"/{TOPIC}/auth")
    text = (await client.get("/metrics")).text
    assert 'door_requests_total{door="ntfy",outcome="accepted"} 3.0' in text
    for stream in streams:
        stream.close()
    await eventually(lambda: not len(client.pod.hub))
    assert 'door_requests_total{door="ntfy",outcome="accepted"} 3.0' in (await client.get("/metrics")).text


async def test_two_instances(start_pod, redis):
    one, two = await two_pods(start_pod)
    stream = await follow(two)
    (nid,) = await notify(one, "hi")
    assert (await stream.event("message"))["id"] == ntfy_id(nid)
    await act(one, nid, "read")
    assert (await stream.event("message_clear"))["sequence_id"] == ntfy_id(nid)


# -- marking from the app


@pytest.mark.parametrize(
    "own", [bearer, lambda token: {"Authorization": "Basic " + base64.b64encode(f":{token}".encode()).decode()}]
)
async def test_the_owner_of_an_inbox_clears_its_messages(guarded, own):
    """Sending is refused to devices' tokens: tests/service/test_doors.py."""
    token = await device(guarded)
    stream = await follow(guarded, f"/{TOPIC},ops/json", **own(token))
    ids = await notify(guarded, "by id", headers=bearer(ADMIN))
    ids += await notify(guarded, "by name", headers=bearer(ADMIN), data={"ntfy": {"topic": "ops", "sequence_id": "s"}})
    messages = [await stream.event("message") for _ in ids]
    names = [f"{TOPIC}/{messages[0]['id']}", "ops/s"]
    for name in names:
        response = await guarded.put(f"/{name}/clear", headers=own(token))
        assert (response.status_code, response.json()["event"]) == (200, "message_clear")
        assert (await stream.event("message_clear"))["sequence_id"] == name.partition("/")[2]
    items = (await guarded.get("/api/v1/inbox", headers=bearer(token_of()))).json()["items"]
    assert [item["read"] for item in items] == [True, True]
    assert (await guarded.delete(f"/{names[1]}", headers=own(token))).status_code == 403
    for method, path in (("post", "/ops"), ("put", "/ops/s"), ("get", "/ops/publish")):
        assert (await getattr(guarded, method)(path, headers=own(token))).status_code == 403


async def test_a_user_marks_their_own_and_nobody_elses(guarded):
    (nid,) = await notify(guarded, headers=bearer(ADMIN))
    path = f"/{TOPIC}/{ntfy_id(nid)}/clear"
    bobs = await device(guarded, User(2, "bob"))
    assert (await guarded.put(path, headers=bearer(bobs))).status_code == 200  # there is no such line in their inbox
    item = f"/api/v1/inbox/{nid}"
    assert not (await guarded.get(item, headers=bearer(token_of()))).json()["read"]
    assert (await guarded.put(path, headers=bearer(token_of()))).status_code == 200
    assert (await guarded.get(item, headers=bearer(token_of()))).json()["read"]
    assert (await guarded.put(path)).status_code == 401


async def test_the_button_marks_read(start_pod):
    client = await start_pod(public_url="https://n.example/")
    stream = await follow(client)
    (nid,) = await notify(client)
    (action,) = (await stream.event("message"))["actions"]
    assert action["url"].startswith("https://n.example/a/") and action["clear"]
    path = action["url"].removeprefix("https://n.example")
    assert (await client.get(path)).status_code in (404, 405)
    assert (await client.post(path)).json() == {"success": True}
    assert (await stream.event("message_clear"))["sequence_id"] == ntfy_id(nid)
    assert (await client.get(f"/api/v1/inbox/{nid}?user_id=1&login=alice")).json()["read"]
    for wrong in (path[:-4] + "AAAA", "/a/x", "/a/" + "A" * 100):
        response = await client.post(wrong)
        assert (response.status_code, response.json()["code"]) == (403, 40301)
    assert "actions" not in (await poll(client))[0]


async def test_the_buttons_path_is_no_topic(client):
    for method, path in (("post", "/a"), ("put", "/a"), ("get", "/x,a/json")):
        response = await getattr(client, method)(path)
        assert (response.status_code, response.json()["code"]) == (400, 40010), path


async def test_another_instance_takes_the_same_link(start_pod):
    one, two = await start_pod(public_url="https://n.example"), await start_pod("pod-b", public_url="https://n.example")
    await notify(one)
    (message,) = await poll(one)
    path = message["actions"][0]["url"].removeprefix("https://n.example")
    assert (await two.post(path)).status_code == 200


async def test_there_is_no_button_without_an_address_or_where_it_is_off(start_pod):
    for name, settings in (("a", {}), ("b", {"public_url": "https://n.example", "ntfy_read_action": "off"})):
        client = await start_pod(f"pod-{name}", **settings)
        await notify(client)
        assert all("actions" not in message for message in await poll(client))
        assert (await client.post("/a/x")).status_code == 404
