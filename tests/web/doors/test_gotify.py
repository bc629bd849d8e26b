"""Gotify's door: messages in every form that senders use, the apps' side of it, and who may do what."""

import asyncio
import base64
import json

import pytest
import websockets

from notifier.domain.access import KeyRequest, Scope
from notifier.domain.doors import DoorTerms, gotify_id, new_token
from notifier.domain.users import User
from notifier.errors import ErrorCode, NotifierError
from notifier.service.doors import Stored
from notifier.web.doors.gotify import KEYLESS
from tests.support import PATIENCE, expire_payloads, notify
from tests.web.http.test_auth import SETTINGS, token_of
from tests.web.http.test_origin import ask as ask_with

JSON = {"Content-Type": "application/json"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
PARTS = {"Content-Type": "multipart/form-data; boundary=x"}
ALICE, BOB = User(1, "alice"), User(2, "bob")
INBOX = "/api/v1/inbox?user_id=1&login=test_user&archived=include"


async def items(client, query=INBOX, **headers):
    return (await client.get(query, headers=headers)).json()["items"]


async def post(client, body, path="/message", **headers):
    return await client.post(path, content=json.dumps(body), headers=JSON | headers)


async def listed(client, query="", **headers):
    response = await client.get(f"/message{query}", headers=headers)
    assert response.status_code == 200
    return response.json()


@pytest.fixture
async def guarded(start_pod):
    return await start_pod(**SETTINGS)


async def key(client, *users, name="kuma", door="gotify", **terms):
    return (await client.pod.access.create_key(KeyRequest(name, (), None, DoorTerms(door, users, **terms))))[1]


def bearer(token):
    return {"Authorization": f"Bearer {token}"} if token else {}


def basic(password, name="alice"):
    return {"Authorization": "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()}


# -- senders


@pytest.mark.parametrize("path", ["/message", "/gotify/message"])
async def test_a_message_is_answered_as_gotify_does_and_is_in_the_inbox(client, path):
    extras = {
        "client::notification": {"click": {"url": "https://e.example/1"}},
        "client::display": {"contentType": "text/markdown"},
        "home::lights": {"brightness": 3},
    }
    body = {"title": "Kuma", "message": "it is **down**", "priority": 8, "extras": extras, "appid": 7}
    response = await post(client, body, path)
    assert response.status_code == 200
    (item,) = await items(client)
    assert (item["title"], item["message"], item["priority"]) == ("Kuma", "it is **down**", "high")
    assert item["url"] == "https://e.example/1" and item["source"] == "gotify"
    assert item["data"] == {"gotify": extras | {"priority": 8}, "markdown": True}
    assert response.json() == {
        "id": gotify_id(item["stream_id"]),
        "appid": 1,
        "message": "it is **down**",
        "title": "Kuma",
        "priority": 8,
        "extras": extras,
        "date": item["created_at"],
    }
    assert (await listed(client))["messages"] == [response.json()]


async def test_little_is_needed(client):
    response = await post(client, {"message": "m", "title": None, "priority": None, "extras": None})
    answer = response.json()
    assert (answer["title"], answer["priority"]) == ("gotify", 0) and "extras" not in answer
    assert (await post(client, {"message": "m", "title": "  "})).json()["title"] == "gotify"


@pytest.mark.parametrize(
    ("path", "body", "headers"),
    [
        ("/message", "title=A+b&message=caf%C3%A9&priority=5", FORM),
        ("/message?priority=5&title=A%20b", "message=caf%C3%A9", FORM),
        ("/message?message=caf%C3%A9&priority=5&title=A%20b", "", {}),
        ("/message?priority=5", '{"title": "A b", "message": "café"}', JSON),
        ("/message?priority=5", '{"title": "A b", "message": "café"}', {"Content-Type": "text/plain"}),
        (
            "/message",
            "".join(
                f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
                for name, value in (("title", "A b"), ("message", "café"), ("priority", "5"))
            )
            + "--x--\r\n",
            PARTS,
        ),
    ],
)
async def test_every_form_of_a_request(client, path, body, headers):
    response = await client.post(path, content=body.encode(), headers=headers)
    assert response.status_code == 200, response.text
    (item,) = await items(client)
    assert (item["title"], item["message"], item["priority"]) == ("A b", "café", "normal")
    assert item["data"]["gotify"]["priority"] == response.json()["priority"] == 5


@pytest.mark.parametrize(
    ("number", "priority"),
    [(-1, "low"), (0, "low"), (3, "low"), (4, "normal"), (7, "normal"), (8, "high"), (10, "high"), (99, "high")],
)
async def test_priorities(client, number, priority):
    assert (await post(client, {"message": "m", "priority": number})).json()["priority"] == number
    (item,) = await items(client)
    assert item["priority"] == priority
    assert (await listed(client))["messages"][0]["priority"] == number


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"{}", "message"),
        (b'{"message": ""}', "message"),
        (b'{"message": null}', "message"),
        (b'{"message": 7}', "message"),
        (b'{"message": ["m"]}', "message"),
        (b'{"message": "a\\u0000b"}', "NUL"),
        (b'{"message": "\\ud800"}', "JSON"),
        (b"[]", "object"),
        (b'"m"', "object"),
        (b'{"message": "m"', "JSON"),
        (b'{"message": "\xff"}', "JSON"),
        (b"[" * 5000, "JSON"),
        (json.dumps({"message": "x" * 8193}).encode(), "8192"),
        (json.dumps({"message": "m", "title": "x" * 257}).encode(), "256"),
        (b'{"message": "m", "title": 7}', "title"),
        (b'{"message": "m", "priority": 1.5}', "priority"),
        (b'{"message": "m", "priority": true}', "priority"),
        (b'{"message": "m", "priority": "high"}', "priority"),
        (b'{"message": "m", "priority": 99999999999}', "priority"),
        (b'{"message": "m", "extras": [1]}', "extras"),
        (json.dumps({"message": "m", "extras": {"a": "x" * 4096}}).encode(), "extras"),
    ],
)
async def test_bad_input_is_told_in_its_own_dialect(client, body, said):
    response = await client.post("/message", content=body, headers=JSON)
    answer = response.json()
    assert response.status_code == 400 and said in answer.pop("errorDescription")
    assert answer == {"error": "Bad Request", "errorCode": 400}
    assert await items(client) == []


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (b"message=\xff", FORM),
        (b"&".join(b"a=b" for _ in range(200)), FORM),
        (b"no parts", {"Content-Type": "multipart/form-data"}),
        (b"--x\r\nnonsense\r\n\r\nm\r\n--x--\r\n", PARTS),
        (b'--x\r\nContent-Disposition: form-data; name="message"\r\n\r\n\xff\r\n--x--\r\n', PARTS),
    ],
)
async def test_a_form_that_cannot_be_read(client, body, headers, caplog):
    response = await client.post("/message", content=body, headers=headers)
    assert (response.status_code, response.json()["errorCode"]) == (400, 400)
    assert not caplog.records


async def test_extras_just_within_the_limit_and_with_the_number_beyond_it(client):
    for size, status in ((4096 - 40, 200), (4096 - 8, 400)):  # {"a":"…"} is what is said of 8 bytes beside the text
        response = await post(client, {"message": "m", "extras": {"a": "x" * size}})
        assert response.status_code == status, response.text
        if status == 400:
            assert "extras" in response.json()["errorDescription"]


async def test_a_link_that_no_page_may_follow_stays_in_the_extras(client):
    for url in ("javascript:alert(1)", "no url", 7, "", "x" * 3000):
        extras = {"client::notification": {"click": {"url": url}}}
        assert (await post(client, {"message": "m", "extras": extras})).json()["extras"] == extras
    for extras in ({"client::notification": 7}, {"client::notification": {"click": []}}, {"client::display": "x"}):
        assert (await post(client, {"message": "m", "extras": extras})).json()["extras"] == extras
    assert not any("url" in item or "markdown" in item["data"] for item in await items(client))


async def test_sizes_of_bodies_and_codings(start_pod):
    client = await start_pod(max_body=1024)
    response = await post(client, {"message": "x" * 2000})
    assert (response.status_code, response.json()["errorCode"]) == (413, 413)
    response = await post(client, {"message": "m"}, **{"Content-Encoding": "gzip"})
    assert (response.status_code, response.json()["error"]) == (415, "Unsupported Media Type")


async def test_numbers_grow_within_one_millisecond_too(client):
    numbers = [(await post(client, {"message": str(place)})).json()["id"] for place in range(20)]
    assert numbers == sorted(set(numbers)) and numbers[-1] < 2**53
    assert [one["id"] for one in (await listed(client))["messages"]] == numbers[::-1]


async def test_what_an_earlier_try_has_stored_has_its_number_too(client):
    """The answer of a store whose first reply was lost names no stream id."""
    await post(client, {"message": "m"})
    (item,) = await items(client)
    door = next(
        r.ctx.door for r in client.app.router.routes if getattr(r.ctx, "door", None) and r.path == "message"
    ).door
    user = User(1, "test_user")
    assert await door._number_of(Stored(item["notification_id"], user, False)) == gotify_id(item["stream_id"])
    gone = await door._number_of(Stored("0e0e0e0e-0e0e-4e0e-8e0e-0e0e0e0e0e0e", user, False))
    assert gone >= gotify_id(item["stream_id"].partition("-")[0] + "-0")


# -- keys


async def test_a_key_has_its_places_and_reaches_its_users(guarded):
    token = await key(guarded, ALICE, BOB)
    assert len(token) == 15 and token.startswith("A")
    places = ({"X-Gotify-Key": token}, bearer(token), basic(token), {"path": f"/message?token={token}"})
    for place in places:
        response = await post(guarded, {"message": "m"}, **place)
        assert response.status_code == 200 and response.json()["title"] == "kuma"
    for user in (ALICE, BOB):
        page = await listed(guarded, **{"X-Gotify-Key": token_of(user.id, user.login)})
        assert [one["title"] for one in page["messages"]] == ["kuma"] * len(places)
    alices = await listed(guarded, **bearer(token_of()))
    assert alices["messages"][0]["id"] == response.json()["id"]


async def test_a_keys_category_and_rate(guarded):
    token = await key(guarded, ALICE, category="monitoring", rate=(1, 60.0))
    assert (await post(guarded, {"message": "m"}, **bearer(token))).status_code == 200
    response = await post(guarded, {"message": "m"}, **bearer(token))
    assert response.status_code == 429 and int(response.headers["retry-after"]) in range(1, 61)
    assert response.json()["error"] == "Too Many Requests" and response.json()["errorCode"] == 429
    (item,) = await items(guarded, "/api/v1/inbox?user_id=1&login=alice", **bearer(token_of()))
    assert (item["category"], item["source"]) == ("monitoring", "kuma")


READS = [
    ("GET", "/message"),
    ("DELETE", "/message"),
    ("DELETE", "/message/1"),
    ("GET", "/application"),
    ("POST", "/application"),
    ("GET", "/application/1/message"),
    ("DELETE", "/application/1/message"),
    ("GET", "/current/user"),
    ("GET", "/client"),
    ("POST", "/client"),
    ("PUT", "/client/1"),
    ("DELETE", "/client/1"),
    ("PUT", "/application/1"),
    ("DELETE", "/application/1"),
    ("POST", "/application/1/image"),
    ("DELETE", "/application/1/image"),
]
NOT_THERE = {
    ("DELETE", "/message/1"): 404,
    ("PUT", "/client/1"): 404,
    ("DELETE", "/client/1"): 404,
    ("POST", "/application"): 403,
    ("PUT", "/application/1"): 403,
    ("DELETE", "/application/1"): 403,
    ("POST", "/application/1/image"): 403,
    ("DELETE", "/application/1/image"): 403,
}


@pytest.mark.parametrize(("method", "path"), READS)
async def test_reading_is_for_the_person_alone(guarded, method, path):
    async def ask(token, prefix=""):
        status, _, body = await ask_with(guarded, method, prefix + path, JSON | bearer(token), '{"name":"n"}')
        if status >= 400:
            assert set(json.loads(body)) == {"error", "errorCode", "errorDescription"}
        return status

    device, phone = await guarded.pod.devices.create(ALICE, "phone", None)
    assert {await ask(token, prefix) for token in (phone, token_of()) for prefix in ("", "/gotify")} == {
        NOT_THERE.get((method, path), 200)
    }
    await guarded.pod.devices.revoke(ALICE, device.id)
    unknown = ("", "x", phone, new_token("gotify"), new_token("ntfy"), token_of(ttl=-1), token_of(secret="f" * 32))
    assert {await ask(token) for token in unknown} == {401}
    keys = [await key(guarded, ALICE), await key(guarded, ALICE, name="phone", door="ntfy")]
    keys += [(await guarded.pod.access.create_key(KeyRequest("k", (scope,))))[1] for scope in Scope]
    assert {await ask(token) for token in (*keys, SETTINGS["admin_token"])} == {403}


async def test_who_may_send(guarded):
    sends = (await guarded.pod.access.create_key(KeyRequest("all", (Scope.NOTIFY,))))[1]
    other = await key(guarded, ALICE, name="other", door="apprise")
    _, phone = await guarded.pod.devices.create(ALICE, "phone", None)
    tokens = {"": 401, "x": 401, new_token("gotify"): 401, other: 401, token_of(): 403, phone: 403, sends: 403}
    for token, status in tokens.items():
        response = await post(guarded, {"message": "m"}, **bearer(token))
        assert (response.status_code, response.json()["errorCode"]) == (status, status), token
        assert "www-authenticate" not in response.headers
    assert (await listed(guarded, **bearer(token_of())))["messages"] == []


# -- apps


async def test_an_app_logs_in_as_gotify_android_does(guarded):
    """The requests of gotify/android: login/LoginActivity.kt, init/InitializationActivity.kt, WebSocketService.kt."""
    _, password = await guarded.pod.devices.create(ALICE, "phone", None)
    version = (await guarded.get("/version")).json()
    assert version["version"].startswith("2.") and set(version) == {"version", "commit", "buildDate"}
    user = await guarded.get("/current/user", headers=basic(password, "any name"))
    assert user.json() == {"id": 1, "name": "alice", "admin": False}
    made = await guarded.post("/client", content='{"name":"Pixel 9"}', headers=JSON | basic(password))
    made = made.json()
    assert made == {"id": 1, "token": password, "name": "Pixel 9", "lastUsed": None}
    own = {"X-Gotify-Key": made["token"]}
    assert (await guarded.get("/current/user", headers=own)).json()["name"] == "alice"
    (application,) = (await guarded.get("/application", headers=own)).json()
    assert application["id"] == 1 and application["name"] and application["image"] == "icon.svg"
    assert (await guarded.get("/icon.svg")).status_code == 200
    assert (await guarded.get("/message?limit=1&since=0", headers=own)).json() == {
        "paging": {"size": 0, "limit": 1, "since": 0},
        "messages": [],
    }


async def test_an_app_needs_a_name_and_no_token_where_there_is_no_authentication(client):
    made = (await client.post("/client", content="name=phone", headers=FORM | basic("secret"))).json()
    assert made["token"] == KEYLESS and len(KEYLESS) == 15
    response = await client.post("/client", content="{}", headers=JSON)
    assert (response.status_code, response.json()["errorDescription"]) == (400, "Field 'name' is required")
    assert (await client.get("/current/user", headers=basic("x"))).json()["name"] == "test_user"
    _, phone = await client.pod.devices.create(ALICE, "phone", None)
    made = (await client.post("/client", content="name=phone", headers=FORM | basic(phone))).json()
    assert made["token"] == phone
    assert (await client.get("/current/user", headers={"X-Gotify-Key": phone})).json()["name"] == "alice"
    assert (await client.get("/gotifyinfo")).json() == {"version": "2.9.1", "register": False, "oidc": False}


@pytest.mark.parametrize("path", ["/message", "/gotify/message", "/application/1/message"])
async def test_pages_lead_from_the_newest_to_the_oldest(client, path):
    for place in range(7):
        await post(client, {"message": str(place)})
    found, query = [], "?limit=3"
    while query:
        page = (await client.get(f"{path}{query}")).json()
        found.append([one["message"] for one in page["messages"]])
        paging = page["paging"]
        assert paging["size"] == len(page["messages"]) and paging["limit"] == 3
        assert paging["since"] == (page["messages"][-1]["id"] if "next" in paging else 0)
        query = paging["next"].removeprefix(path) if "next" in paging else ""
    assert found == [["6", "5", "4"], ["3", "2", "1"], ["0"]]
    assert (await client.get("/application/2/message")).status_code == 404


@pytest.mark.parametrize("query", ["limit=0", "limit=201", "limit=x", "limit=-1", "since=-1", "since=x", "since=1.5"])
async def test_bad_pages(client, query):
    response = await client.get(f"/message?{query}")
    assert (response.status_code, response.json()["error"]) == (400, "Bad Request")


async def test_ends_of_numbers(client):
    await post(client, {"message": "m"})
    for since, size in ((0, 1), (1, 0), (2**53, 1), (2**64 - 1, 1), (2**66, 1)):
        assert (await listed(client, f"?since={since}"))["paging"]["size"] == size, since
    for number, status in (("1", 404), (2**64, 404), ("x", 400), ("-1", 400), ("9" * 30, 400)):
        assert (await client.delete(f"/message/{number}")).status_code == status, number
    assert len((await listed(client))["messages"]) == 1


async def test_what_is_deleted_is_read_and_archived(client):
    numbers = [(await post(client, {"message": str(place)})).json()["id"] for place in range(4)]
    response = await client.delete(f"/message/{numbers[1]}")
    assert (response.status_code, response.content) == (200, b"")
    assert [one["id"] for one in (await listed(client))["messages"]] == [numbers[3], numbers[2], numbers[0]]
    assert (await client.delete(f"/message/{numbers[1]}")).status_code == 404
    states = {item["message"]: (item["read"], item["archived_at"] is not None) for item in await items(client)}
    assert states == {"0": (False, False), "1": (True, True), "2": (False, False), "3": (False, False)}
    response = await client.delete("/application/1/message")
    assert (response.status_code, response.content) == (200, b"")
    assert (await listed(client))["messages"] == []
    assert all(item["read"] and item["archived_at"] for item in await items(client))
    assert (await client.delete("/message")).status_code == 200


async def test_a_person_deletes_their_own_alone(guarded):
    number = (await post(guarded, {"message": "m"}, **bearer(await key(guarded, ALICE)))).json()["id"]
    stranger = bearer(token_of(2, "bob"))
    assert (await guarded.delete(f"/message/{number}", headers=stranger)).status_code == 404
    assert (await guarded.delete("/message", headers=stranger)).status_code == 200
    assert len((await listed(guarded, **bearer(token_of())))["messages"]) == 1


async def test_what_came_another_way_is_shown_too(start_pod):
    client = await start_pod(public_url="https://n.example/")
    for more in (
        {"message": "plain", "source": "shop"},
        {"message": "full", "title": "T", "priority": "high", "url": "/orders/1", "data": {"markdown": True}},
        {"message": "odd", "source": "s", "priority": "low", "data": {"gotify": 7}, "url": "https://e.example/"},
        {"message": "odder", "source": "s", "data": {"gotify": {"priority": "x", "a::b": 1}}},
    ):
        await notify(client, **more, targets=[{"id": 1, "login": "test_user"}])
    odder, odd, full, plain = (await listed(client))["messages"]
    assert (plain["title"], plain["priority"], "extras" in plain) == ("shop", 5, False)
    click = {"click": {"url": "https://n.example/orders/1"}}
    assert full["extras"] == {"client::notification": click, "client::display": {"contentType": "text/markdown"}}
    assert (full["title"], full["priority"], full["appid"]) == ("T", 8, 1)
    assert odd["priority"] == 2 and odd["extras"]["client::notification"]["click"]["url"] == "https://e.example/"
    assert (odder["priority"], odder["extras"]) == (5, {"a::b": 1})


async def test_health_stands_behind_the_path_too(client):
    response = await client.get("/gotify/health")
    assert (response.status_code, response.json()) == (200, {"health": "green", "database": "green"})
    await client.pod.redis.stop()
    response = await client.get("/gotify/health")
    assert (response.status_code, response.json()) == (503, {"health": "red", "database": "red"})


async def test_a_store_that_is_away_is_503(client, monkeypatch):
    async def fail(*args, **options):
        raise NotifierError(ErrorCode.UNAVAILABLE, "the store is not available", retry_after=1.0)

    entrance = next(r.ctx.door for r in client.app.router.routes if r.path == "message")
    monkeypatch.setattr(entrance.door.service, "publish", fail)
    monkeypatch.setattr(entrance.door.service, "reader", fail)
    for response in (await post(client, {"message": "m"}), await client.get("/message")):
        assert (response.status_code, response.headers["retry-after"]) == (503, "1")
        assert response.json()["error"] == "Service Unavailable" and response.json()["errorCode"] == 503


async def test_a_defect_is_told_without_its_inside(client, monkeypatch):
    async def fail(*args, **options):
        raise RuntimeError("a secret of the inside")

    entrance = next(r.ctx.door for r in client.app.router.routes if r.path == "message")
    monkeypatch.setattr(entrance.door.service, "publish", fail)
    response = await post(client, {"message": "m"})
    assert (response.status_code, response.json()["error"]) == (500, "Internal Server Error")
    assert response.json()["errorCode"] == 500 and "inside" not in response.text


async def test_a_door_that_is_shut_is_not_there(start_pod):
    client = await start_pod(doors="hooks")
    assert (await post(client, {"message": "m"})).status_code == 404
    assert (await client.get("/version")).status_code == 404


async def test_tokens_in_addresses_are_in_no_log(guarded, caplog):
    caplog.set_level("DEBUG")
    token = await key(guarded, ALICE)
    assert (await post(guarded, {"message": "m"}, f"/message?token={token}")).status_code == 200
    assert (await post(guarded, {}, f"/message?token={token}")).status_code == 400
    mine = token_of()
    assert (await guarded.get(f"/message?token={mine}")).status_code == 200
    said = [record for record in caplog.records if not record.name.startswith(("httpx", "httpcore"))]
    assert not any(secret in str(record.__dict__) for record in said for secret in (token, mine))


# -- the stream


async def receive(socket):
    return json.loads(await asyncio.wait_for(socket.recv(), PATIENCE))


@pytest.mark.parametrize("path", ["/stream", "/gotify/stream"])
async def test_a_stream_gets_what_comes_from_its_upgrade_on(client, path):
    await post(client, {"message": "before"})
    socket = await client.ws_connect(path)
    sent = [(await post(client, {"message": str(place), "priority": 5})).json() for place in range(3)]
    assert [await receive(socket) for _ in sent] == sent
    await notify(client, "plain", source="shop", targets=[{"id": 1, "login": "test_user"}])
    await notify(client, "for somebody else", targets=[{"id": 2, "login": "bob"}])
    last = (await post(client, {"message": "last"})).json()
    plain = await receive(socket)
    assert (plain["message"], plain["title"], plain["appid"]) == ("plain", "shop", 1)
    assert await receive(socket) == last and plain["id"] < last["id"]


async def test_a_stream_gets_what_comes_while_the_inbox_is_opened(client, monkeypatch):
    router, number = client.pod.router, []
    attach = router.attach

    async def attach_later(connection):
        number.append((await post(client, {"message": "meanwhile"})).json()["id"])
        await attach(connection)

    monkeypatch.setattr(router, "attach", attach_later)
    await post(client, {"message": "before"})
    socket = await client.ws_connect("/stream")
    assert (await receive(socket))["id"] == number[0]
    assert (await post(client, {"message": "after"})).json() == await receive(socket)


async def test_a_stream_tells_of_messages_alone(client):
    socket = await client.ws_connect("/stream")
    first = (await post(client, {"message": "first"})).json()
    assert await receive(socket) == first
    (item,) = await items(client)
    await client.delete(f"/message/{first['id']}")
    await client.patch(f"/api/v1/notify/{item['notification_id']}", content='{"message":"changed"}', headers=JSON)
    second = (await post(client, {"message": "second"})).json()
    assert await receive(socket) == second


async def test_what_expired_unread_is_no_message(client, redis):
    await post(client, {"message": "gone"})
    await expire_payloads(redis)
    client.pod.janitor._now = lambda: 4e9
    await client.pod.janitor.sweep()
    socket = await client.ws_connect("/stream")
    sent = (await post(client, {"message": "here"})).json()
    assert await receive(socket) == sent


async def test_a_persons_stream(guarded):
    token = await key(guarded, ALICE, BOB)
    _, mine = await guarded.pod.devices.create(ALICE, "phone", None)
    places = ({"X-Gotify-Key": mine}, bearer(mine), basic(mine, "x"))
    sockets = [await guarded.ws_connect("/stream", additional_headers=place) for place in places]
    sockets.append(await guarded.ws_connect(f"/stream?token={mine}"))
    bobs = await guarded.ws_connect(f"/stream?token={token_of(2, 'bob')}")
    sent = (await post(guarded, {"message": "m"}, **bearer(token))).json()
    assert [await receive(socket) for socket in sockets] == [sent] * 4
    assert (await receive(bobs))["message"] == "m"
    for wrong, status in ((token, 403), ("x", 401), ("", 401)):
        with pytest.raises(websockets.InvalidStatus) as raised:
            await guarded.ws_connect(f"/stream?token={wrong}")
        assert raised.value.response.status_code == status
        assert json.loads(raised.value.response.body)["errorCode"] == status


async def test_a_stream_ends_with_its_token(guarded):
    device, token = await guarded.pod.devices.create(ALICE, "phone", None)
    socket = await guarded.ws_connect(f"/stream?token={token}")
    sent = (await post(guarded, {"message": "m"}, **bearer(await key(guarded, ALICE)))).json()
    assert await receive(socket) == sent
    await guarded.pod.devices.revoke(ALICE, device.id)
    with pytest.raises(websockets.ConnectionClosed):
        await receive(socket)


async def test_a_stream_asks_for_an_upgrade_and_is_counted(client):
    response = await client.get("/stream")
    assert (response.status_code, response.json()["errorCode"]) == (400, 400)
    await client.ws_connect("/stream")
    text = (await client.get("/metrics")).text
    assert 'door_requests_total{door="gotify",outcome="accepted"} 1.0' in text
    assert 'door_requests_total{door="gotify",outcome="refused"} 1.0' in text


async def test_a_drain_ends_a_stream_without_a_close_frame(client):
    """gotify/android asks for what it has missed after a failure alone (WebSocketConnection.kt: `onReconnected`)."""
    socket = await client.ws_connect("/stream")
    sent = (await post(client, {"message": "m"})).json()
    assert await receive(socket) == sent
    client.pod.close_clients()
    with pytest.raises(websockets.ConnectionClosed) as raised:
        await receive(socket)
    assert raised.value.rcvd is None
