"""ntfy's door, publish side: requests as its clients send them, answers and errors that they understand."""

import asyncio
import base64
import json
import re

import pytest

from notifier.domain.access import KeyRequest, Scope
from notifier.domain.doors import RESERVED, DoorTerms, new_token, ntfy_id
from notifier.domain.times import parse_time
from notifier.domain.users import User
from tests.support import Inbox
from tests.web.http.test_auth import SETTINGS

ALICE, BOB = User(1, "alice"), User(2, "bob")


async def items(client, user_id=1, login="alice", token=None):
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return (await client.get(f"/api/v1/inbox?user_id={user_id}&login={login}", headers=headers)).json()["items"]


async def post(client, path="/1-alice", body="hello", query="", **headers):
    """A POST as curl makes it; names of headers are given with `_`."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await client.post(path + query, content=body.encode(), headers=named)


async def post_json(client, path="/", **fields):
    return await client.post(path, content=json.dumps({"topic": "1-alice"} | fields).encode())


def check_error(response, number, status=None):
    said = response.json()
    assert (said["code"], said["http"]) == (number, status or number // 100), said
    assert response.status_code == said["http"] and said["error"] and set(said) <= {"code", "http", "error", "link"}
    assert response.headers["content-type"] == "application/json"


# -- ways in


@pytest.mark.parametrize("method", ["put", "post"])
@pytest.mark.parametrize("path", ["/1-alice", "/ntfy/1-alice", "/1-alice/publish", "/ntfy/1-alice/send"])
async def test_a_text_in_the_body_is_a_notification(client, method, path):
    response = await getattr(client, method)(path, content="Backup done ✓\n".encode())
    (item,) = await items(client)
    assert (item["message"], item["source"]) == ("Backup done ✓", "ntfy")
    said = response.json()
    assert response.status_code == 200 and list(said) == ["id", "time", "expires", "event", "topic", "message"]
    assert said["id"] == ntfy_id(item["notification_id"]) and re.fullmatch("[A-Za-z0-9]{12}", said["id"])
    assert (said["event"], said["topic"], said["message"]) == ("message", "1-alice", "Backup done ✓")
    assert said["time"] == int(parse_time(item["created_at"])) and 895 <= said["expires"] - said["time"] <= 901


@pytest.mark.parametrize("name", ["publish", "send", "trigger"])
@pytest.mark.parametrize("prefix", ["", "/ntfy"])
async def test_a_get_publishes(client, name, prefix):
    query = "?message=line+1%5Cnline+2&TITLE=t&prio=high&tags=a,%20b"
    response = await client.get(f"{prefix}/1-alice/{name}{query}")
    (item,) = await items(client)
    assert response.status_code == 200 and item["message"] == "line 1\nline 2"
    assert (item["title"], item["priority"], item["data"]["tags"]) == ("t", "high", ["a", "b"])


@pytest.mark.parametrize("method", ["put", "post"])
@pytest.mark.parametrize("path", ["/", "/ntfy", "/ntfy/"])
async def test_a_json_body_says_all(client, method, path):
    body = {
        "topic": "1-alice",
        "message": "Disk \\n is full",
        "title": "Unauthorized access",
        "tags": ["warning", "cd"],
        "priority": 4,
        "attach": "https://filesrv.lan/a/space%20ship.jpg",
        "click": "https://homecamera.lan/xasds1h2xsSsa/",
        "icon": "https://s.example/i.png",
        "markdown": True,
        "actions": [{"action": "view", "label": "Admin panel", "url": "https://filesrv.lan/admin"}],
    }
    response = await getattr(client, method)(path, content=json.dumps(body).encode())
    (item,) = await items(client)
    assert (item["message"], item["title"]) == ("Disk \\n is full", "Unauthorized access")
    assert (item["priority"], item["url"]) == ("high", body["click"])
    action = {"action": "view", "label": "Admin panel", "url": "https://filesrv.lan/admin", "clear": False}
    identity = item["data"]["actions"][0]["id"]
    assert item["data"] == {
        "ntfy": {"topic": "1-alice", "priority": 4},
        "tags": ["warning", "cd"],
        "attachment": {"name": "space ship.jpg", "url": body["attach"]},
        "icon": body["icon"],
        "markdown": True,
        "actions": [{"id": identity, **action}],
    }
    said = response.json()
    assert {name: said[name] for name in ("title", "message", "priority", "tags", "click", "icon", "content_type")} == {
        **{name: body[name] for name in ("title", "message", "priority", "tags", "click", "icon")},
        "content_type": "text/markdown",
    }
    assert said["attachment"] == item["data"]["attachment"] and said["actions"] == item["data"]["actions"]


async def test_json_with_more_in_headers(client):
    """As Apprise's plugin posts (plugins/ntfy.py): JSON with X-Priority and X-Tags beside it."""
    body = json.dumps({"topic": "1-alice", "message": "m", "title": "t"}).encode()
    headers = {"X-Priority": "5", "X-Tags": "a,b", "X-Title": "another", "Content-Type": "application/json"}
    await client.post("/", content=body, headers=headers)
    (item,) = await items(client)
    assert (item["priority"], item["data"]["tags"], item["title"]) == ("high", ["a", "b"], "t")
    assert item["data"]["ntfy"]["priority"] == 5


async def test_fields_of_json_that_are_null_are_not_given(client):
    names = "title message priority tags click icon actions attach markdown filename email call delay sequence_id"
    response = await post_json(client, **dict.fromkeys(names.split()))
    assert response.status_code == 200 and response.json()["message"] == "triggered"
    assert set(response.json()) == {"id", "time", "expires", "event", "topic", "message"}


# -- parameters

GIVEN = {
    "message": ("hi there", lambda item: item["message"]),
    "title": ("A title", lambda item: item["title"]),
    "priority": ("low", lambda item: item["priority"]),
    "tags": ("one,two", lambda item: ",".join(item["data"]["tags"])),
    "click": ("https://a.example/x", lambda item: item["url"]),
    "icon": ("https://a.example/i.png", lambda item: item["data"]["icon"]),
    "attach": ("https://a.example/f.zip", lambda item: item["data"]["attachment"]["url"]),
    "markdown": ("yes", lambda item: {True: "yes"}[item["data"]["markdown"]]),
    "sequence_id": ("seq-1", lambda item: item["data"]["ntfy"]["sequence_id"]),
}
NAMES = {
    "message": "message m",
    "title": "title t",
    "priority": "priority prio p",
    "tags": "tags tag ta",
    "click": "click",
    "icon": "icon",
    "attach": "attach a",
    "markdown": "markdown md",
    "sequence_id": "sequence-id sid",
}
SPELLINGS = [(field, name) for field, names in NAMES.items() for name in names.split()]


@pytest.mark.parametrize(("field", "name"), SPELLINGS)
async def test_every_name_of_a_parameter_in_header_and_query(client, field, name):
    value, look = GIVEN[field]
    long = name == NAMES[field].split()[0]
    headers = [{name.upper(): value}, {name.title(): value}, *([{f"X-{name.title()}": value}] if long else [])]
    for given in headers:
        assert (await client.post("/1-alice", headers=given)).status_code == 200
    for query in (name, name.upper(), *([f"x-{name}"] if long else [])):
        assert (await client.post("/1-alice", params={query: value})).status_code == 200
    found = await items(client)
    assert len(found) == (1 if field == "sequence_id" else len(headers) + (3 if long else 2))
    assert {look(item) for item in found} == {value}


@pytest.mark.parametrize(
    "value",
    [
        "=?UTF-8?B?8J+aqCDQn9GA0LjQstC10YI=?=",
        "=?utf-8?Q?=F0=9F=9A=A8_=D0=9F?= =?utf-8?Q?=D1=80=D0=B8=D0=B2=D0=B5=D1=82?=",
    ],
)
async def test_words_of_rfc_2047(client, value):
    response = await post(client, title=value)
    assert response.json()["title"] == "🚨 Привет"


@pytest.mark.parametrize("value", ["=?none?B?8J+aqA==?=", "=?utf-8?B?!?=", "=? what ?=", "a=?b"])
async def test_words_that_are_none_stay_as_they_came(client, value):
    assert (await post(client, title=value)).json()["title"] == value


@pytest.mark.parametrize("charset", ["utf-8", "latin-1"])
async def test_headers_in_utf_8_and_in_latin_1(client, charset):
    reader, writer = await asyncio.open_connection("127.0.0.1", client.port)
    head = "POST /1-alice HTTP/1.1\r\nHost: localhost\r\nTitle: café\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    writer.write(head.encode(charset))
    answer = (await asyncio.wait_for(reader.read(), 5)).decode()
    writer.close()
    assert json.loads(answer.partition("\r\n\r\n")[2])["title"] == "café"


async def test_a_priority_of_http_is_none_of_the_message(client):
    for value in ("u=1", "u=4, i", "u=3,i"):
        assert "priority" not in (await post(client, priority=value)).json()
    assert (await post(client, query="?priority=2", priority="u=1, i")).json()["priority"] == 2


@pytest.mark.parametrize(
    ("words", "number", "ours"),
    [
        ("1 min MIN", 1, "low"),
        ("2 low", 2, "low"),
        ("3 default", 3, "normal"),
        ("4 high", 4, "high"),
        ("5 max urgent Urgent", 5, "high"),
    ],
)
async def test_priorities(client, words, number, ours):
    for word in words.split():
        assert (await post(client, x_priority=word)).json()["priority"] == number
    assert {item["priority"] for item in await items(client)} == {ours}
    assert "priority" not in (await post(client)).json()


async def test_an_empty_body(client):
    assert (await post(client, body="")).json()["message"] == "triggered"
    assert (await post(client, body="  \n")).json()["message"] == "triggered"
    assert (await post(client, body="", message="of the header")).json()["message"] == "of the header"
    assert (await post(client, body="of the body", message="of the header")).json()["message"] == "of the body"
    said = (await post(client, body="", attach="https://a.example/x/flower.jpg?size=1")).json()
    assert said["message"] == "You received a file: flower.jpg"
    said = (await post(client, body="", attach="https://a.example", filename="a.jpg")).json()
    assert said["attachment"] == {"name": "a.jpg", "url": "https://a.example"}
    assert (await post(client, body="", attach="https://a.example/")).json()["attachment"]["name"] == "attachment"


async def test_markdown_by_its_type(client):
    assert (await post(client, content_type="text/markdown")).json()["content_type"] == "text/markdown"
    assert (await post(client, content_type="text/markdown; charset=utf-8")).json()["content_type"] == "text/markdown"
    assert "content_type" not in (await post(client, content_type="text/plain", markdown="no")).json()


async def test_addresses_for_phones_are_kept_and_given_back(client):
    for click in ("mailto:phil@example.com", "geo:0,0?q=Berlin", "ntfy://ntfy.sh/stats", "tel:+15551234"):
        assert (await post(client, click=click)).json()["click"] == click
    for click in ("javascript:alert(1)", "data:text/html,x", "no address", "VBScript:x"):
        check_error(await post(client, click=click), 40000)


async def test_what_ntfy_knows_and_is_nothing_here_is_ignored(client):
    response = await post(client, firebase="no", template="yes", unifiedpush="1", cache="yes", email="", call="")
    assert response.status_code == 200 and len(await items(client)) == 1
    assert (await post(client, x_poll_id="abc")).json()["message"] == "New message"


async def test_a_message_of_unifiedpush_may_be_bytes(client):
    response = await client.post("/1-alice?up=1", content=b"\xff\x00\x01")
    assert (response.json()["message"], response.json()["encoding"]) == ("/wAB", "base64")


# -- sequence ids, later


async def test_a_sequence_id_is_one_line_that_changes(client):
    inbox = await Inbox.open(client)
    first = (await post(client, "/1-alice/dl-1", "10%")).json()
    second = (await post(client, body="50%", x_sequence_id="dl-1")).json()
    third = (await post_json(client, message="done", sequence_id="dl-1")).json()
    assert len({one["id"] for one in (first, second, third)}) == 3
    assert {one["sequence_id"] for one in (first, second, third)} == {"dl-1"}
    assert [(await inbox.receive("notification.push"))["message"] for _ in range(3)] == ["10%", "50%", "done"]
    assert [item["message"] for item in await items(client)] == ["done"]
    await post(client, "/1-bob/dl-1", "another topic")
    assert [item["message"] for item in await items(client)] == ["done"]


async def test_topics_have_sequences_of_their_own(start_pod):
    client = await start_pod(door_default_target="1:alice")
    for topic in ("backup", "build", "backup"):
        await post(client, f"/{topic}/progress", topic)
    assert [item["message"] for item in await items(client)] == ["backup", "build"]
    long = "x" * 64
    for last in "ab":
        await post(client, f"/{long}/{long[1:]}{last}", "m")
    assert len(await items(client)) == 4
    check_error(await post(client, x_sequence_id="not one"), 40049)


@pytest.mark.parametrize("word", ["clear", "read"])
@pytest.mark.parametrize("prefix", ["", "/ntfy"])
async def test_clear_marks_it_read(client, word, prefix):
    inbox = await Inbox.open(client)
    await post(client, "/1-alice/s", "m")
    push = await inbox.receive("notification.push")
    said = (await client.put(f"{prefix}/1-alice/s/{word}")).json()
    assert (said["event"], said["topic"], said["sequence_id"]) == ("message_clear", "1-alice", "s")
    assert set(said) == {"id", "time", "event", "topic", "sequence_id"}
    ack = await inbox.receive("notification.read.ack")
    assert ack["notification_id"] == push["notification_id"]
    assert (await items(client))[0]["read"] is True
    assert (await client.put(f"{prefix}/1-alice/none/{word}")).status_code == 200


@pytest.mark.parametrize("prefix", ["", "/ntfy"])
async def test_delete_takes_it_back(client, prefix):
    await post(client, "/1-alice/s", "m")
    await post(client, "/1-alice/other", "stays")
    response = await client.delete(f"{prefix}/1-alice/s")
    assert response.status_code == 200 and response.json()["event"] == "message_delete"
    assert [item["message"] for item in await items(client)] == ["stays"]
    assert (await client.delete(f"{prefix}/1-alice/s")).status_code == 200


async def test_the_id_of_a_message_names_it_too(client):
    """docs/publish.md, "Updating notifications": what had no sequence id is changed, cleared and deleted by its id."""
    inbox = await Inbox.open(client)
    ids = [(await post(client, body=text)).json()["id"] for text in ("one", "two", "three")]
    said = (await post(client, f"/1-alice/{ids[0]}", "one, again")).json()
    assert said["sequence_id"] == ids[0] and said["id"] != ids[0]
    assert [(await inbox.receive("notification.push"))["message"] for _ in range(4)][-1] == "one, again"
    await client.put(f"/1-alice/{ids[1]}/clear")
    await inbox.receive("notification.read.ack")
    await client.delete(f"/1-alice/{ids[2]}")
    assert [(item["message"], item["read"]) for item in await items(client)] == [("one, again", False), ("two", True)]
    await post(client, "/1-alice/abcdefghijkl", "of no message")
    assert len(await items(client)) == 3


async def test_no_other_senders_message_is_named_by_its_id(guarded):
    tokens = [
        (await guarded.pod.access.create_key(KeyRequest(name, (), None, DoorTerms("ntfy", (ALICE,)))))[1]
        for name in ("one", "other")
    ]
    mine, other = [{"Authorization": f"Bearer {token}"} for token in tokens]
    said = (await guarded.post("/t", content=b"m", headers=mine)).json()
    for topic, headers in (("t", other), ("another", mine)):
        await guarded.delete(f"/{topic}/{said['id']}", headers=headers)
    assert len(await owned(guarded)) == 1
    await guarded.delete(f"/t/{said['id']}", headers=mine)
    assert await owned(guarded) == []


async def test_later(client):
    now = client.pod.redis.clock.now()
    response = await post(client, delay="30m")
    said = response.json()
    assert 1795 <= said["time"] - now <= 1805 and said["expires"] > said["time"]
    assert await items(client) == []


async def test_a_dead_mans_switch(client, redis):
    first = (await post(client, "/1-alice/alive", "nothing heard", delay="10s")).json()
    again = (await post(client, "/1-alice/alive", "nothing heard", delay="2h")).json()
    assert again["time"] > first["time"] and await items(client) == []
    assert (await client.delete("/1-alice/alive")).status_code == 200
    (waiting,) = (await redis.call("ZCARD", "notif:snoozed"),)
    assert waiting == 0


async def test_what_is_to_come_is_called_off_by_its_id(guarded, redis):
    headers = {"Authorization": f"Bearer {await key(guarded, (ALICE, BOB))}", "Delay": "1h"}
    said = (await guarded.post("/t", content=b"later", headers=headers)).json()
    assert await redis.call("ZCARD", "notif:snoozed") == 2
    assert (await guarded.delete(f"/t/{said['id']}", headers=headers)).status_code == 200
    assert await redis.call("ZCARD", "notif:snoozed") == 0


async def test_a_message_that_is_to_come_is_replaced_by_one_that_comes_now(client):
    await post(client, "/1-alice/s", "later", delay="1h")
    await post(client, "/1-alice/s", "now")
    assert [item["message"] for item in await items(client)] == ["now"]


async def test_what_is_not_to_be_kept_is_pushed_and_gone(client, redis):
    inbox = await Inbox.open(client)
    for given in ({"cache": "no"}, {"x_cache": "0"}, {"cache": "False"}):
        said = (await post(client, **given)).json()
        assert "expires" not in said
        push = await inbox.receive("notification.push")
        assert push["message"] == "hello"
        assert await redis.call("PTTL", f"notification:{push['notification_id']}") <= 1000


# -- errors

BAD = [
    ({"email": "a@b.c"}, 40001),
    ({"x_mail": "a@b.c", "e": "a@b.c"}, 40001),
    ({"delay": "1h", "cache": "no"}, 40002),
    ({"delay": "whenever"}, 40004),
    ({"at": "1"}, 40004),
    ({"in": "9s"}, 40005),
    ({"x_delay": "4 days"}, 40006),
    ({"priority": "6"}, 40007),
    ({"p": "0"}, 40007),
    ({"x_prio": "1", "prio": "veryhigh"}, 40007),
    ({"attach": "ftp://a.example/x"}, 40013),
    ({"attach": "https://a b"}, 40013),
    ({"filename": "a.txt"}, 40014),
    ({"f": "a.txt"}, 40014),
    ({"actions": "call, me"}, 40018),
    ({"icon": "icon.png"}, 40021),
    ({"call": "yes"}, 40032),
    ({"x_call": "+491234"}, 40032),
    ({"title": "t" * 257}, 41301),
]


@pytest.mark.parametrize(("headers", "number"), BAD)
async def test_bad_parameters(client, headers, number):
    check_error(await post(client, **headers), number)
    assert await items(client) == []


@pytest.mark.parametrize(
    ("body", "number"),
    [
        (b"", 40017),
        (b"{", 40017),
        (b"[]", 40017),
        (b"1", 40017),
        (b"\xff", 40017),
        (b"[" * 100000, 40017),
        (b"{}", 40009),
        (b'{"topic": 1}', 40009),
        (b'{"topic": ""}', 40009),
        (b'{"topic": "a b"}', 40009),
        (b'{"topic": "' + b"x" * 65 + b'"}', 40009),
        (b'{"topic": "v1"}', 40010),
        (b'{"topic": "1-alice", "title": 1}', 40017),
        (b'{"topic": "1-alice", "tags": [1]}', 40017),
        (b'{"topic": "1-alice", "message": {}}', 40017),
        (b'{"topic": "1-alice", "priority": 9}', 40007),
        (b'{"topic": "1-alice", "priority": 1.5}', 40017),
        (b'{"topic": "1-alice", "actions": [1]}', 40018),
        (b'{"topic": "1-alice", "actions": {}}', 40017),
        (b'{"topic": "1-alice", "email": "a@b.c"}', 40001),
        (b'{"topic": "1-alice", "message": "' + b"x" * 8193 + b'"}', 41301),
    ],
)
async def test_bad_json(client, body, number):
    check_error(await client.post("/", content=body), number)
    assert await items(client) == []


async def test_bad_bodies(start_pod):
    client = await start_pod(max_body=20_000)
    check_error(await post(client, body="x" * 8193), 41301)
    check_error(await post(client, body="x" * 20_001), 41301)
    check_error(await post(client, "/", body="x" * 20_001), 41303)
    check_error(await client.post("/1-alice", content=b"\xff\xfe"), 40014)
    check_error(await client.post("/1-alice", content=b"\xff\xfe", headers={"Attach": "https://a.example/x"}), 40011)
    check_error(await post(client, body="a\0b"), 40000)
    check_error(await client.post("/1-alice", content=b"x", headers={"Content-Encoding": "gzip"}), 40000, 415)
    assert (await post(client, body="x" * 8192)).status_code == 200
    assert (await post(client, body="ü" * 8192)).status_code == 200


@pytest.mark.parametrize("topic", sorted(word for word in RESERVED if "." not in word))
async def test_reserved_words_are_no_topics(client, topic):
    check_error(await post(client, f"/ntfy/{topic}"), 40010)
    response = await post(client, f"/{topic}")
    if response.status_code != 405 and not response.json().get("errorCode"):  # another's path
        assert response.headers["content-type"].startswith("application/"), topic


@pytest.mark.parametrize("topic", ["static", "app", "file", "settings", "signup", "login", "v1", "u", "hb"])
async def test_words_that_nothing_answers_to(client, topic):
    check_error(await post(client, f"/{topic}"), 40010)
    check_error(await post(client, f"/{topic}/seq"), 40010)
    check_error(await client.delete(f"/{topic}/seq"), 40010)
    check_error(await client.get(f"/{topic}/publish"), 40010)


async def test_data_beyond_its_bounds(client):
    actions = [{"action": "http", "label": "l", "url": "https://a.example", "body": "x" * 2000} for _ in range(3)]
    check_error(await post_json(client, actions=actions), 40000)


async def test_paths_that_are_none(client):
    assert (await client.get("/1-alice")).status_code == 404
    assert (await client.post("/a.b", content=b"x")).status_code == 404
    assert (await client.post("/" + "x" * 65, content=b"x")).status_code == 404
    assert (await client.get("/1-alice/clear")).status_code == 404


# -- who


def basic(name, password):
    return "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()


def packed(value):
    return base64.urlsafe_b64encode(value.encode()).decode().rstrip("=")


async def key(client, to=(ALICE,), door="ntfy", **terms):
    return (await client.pod.access.create_key(KeyRequest("kuma", (), None, DoorTerms(door, to, **terms))))[1]


@pytest.fixture
def guarded(loop, start_pod):
    return loop.run_until_complete(start_pod(**SETTINGS))


async def owned(client):
    _, token = await client.pod.access.create_key(KeyRequest("look", (Scope.NOTIFY,)))
    return await items(client, token=token)


@pytest.mark.parametrize("user", ["", "phil", "any one"])
async def test_the_places_of_a_token(guarded, user):
    token = await key(guarded)
    for headers in ({"Authorization": f"Bearer {token}"}, {"Authorization": basic(user, token)}):
        assert (await guarded.post("/backups", content=b"m", headers=headers)).status_code == 200
        auth = packed(headers["Authorization"])
        assert (await guarded.get(f"/backups/publish?auth={auth}")).status_code == 200
        assert (await guarded.post(f"/backups?auth={auth}==", content=b"m")).status_code == 200
    found = await owned(guarded)
    assert len(found) == 6 and {item["source"] for item in found} == {"kuma"}
    assert {item["data"]["ntfy"]["topic"] for item in found} == {"backups"}


@pytest.mark.parametrize(
    "value", ["", "Bearer", "Bearer x", "Basic x", "Basic !", "Digest y", basic("phil", ""), basic("", "tk_x"), "ö"]
)
async def test_no_token_and_wrong_ones(guarded, value):
    headers = {"Authorization": value} if value and value.isascii() else {}
    check_error(await guarded.post("/1-alice", content=b"m", headers=headers), 40101)
    check_error(await guarded.post(f"/1-alice?auth={packed(value)}", content=b"m"), 40101)
    check_error(await guarded.get("/1-alice/publish?auth=%ff"), 40101)
    check_error(await guarded.put("/1-alice/s/clear", headers=headers), 40101)
    check_error(await guarded.delete("/1-alice/s", headers=headers), 40101)
    assert await owned(guarded) == []


async def test_keys_of_others(guarded):
    for wrong in (new_token("ntfy"), *[await key(guarded, door=door) for door in ("gotify", "apprise", "hooks")]):
        check_error(await guarded.post("/t", content=b"m", headers={"Authorization": f"Bearer {wrong}"}), 40101)
    _, looker = await guarded.pod.access.create_key(KeyRequest("board", (Scope.READ,)))
    check_error(await guarded.post("/1-alice", content=b"m", headers={"Authorization": f"Bearer {looker}"}), 40301)


async def test_a_key_reaches_its_own_users_alone(guarded):
    headers = {"Authorization": f"Bearer {await key(guarded, (ALICE, BOB))}"}
    assert (await guarded.post("/team", content=b"both", headers=headers)).status_code == 200
    assert (await guarded.post("/2-bob", content=b"bob", headers=headers)).status_code == 200
    assert [item["message"] for item in await owned(guarded)] == ["both"]
    check_error(await guarded.post("/3-carol", content=b"m", headers=headers), 40301)
    check_error(await guarded.delete("/3-carol/s", headers=headers), 40301)


async def test_a_sender_changes_its_own_alone(guarded):
    mine, other = (
        await key(guarded),
        (await guarded.pod.access.create_key(KeyRequest("other", (), None, DoorTerms("ntfy", (ALICE,)))))[1],
    )
    for token in (mine, other):
        await guarded.post("/t/s", content=token.encode(), headers={"Authorization": f"Bearer {token}"})
    await guarded.put("/t/s/clear", headers={"Authorization": f"Bearer {other}"})
    assert {item["message"]: item["read"] for item in await owned(guarded)} == {mine: False, other: True}
    await guarded.delete("/t/s", headers={"Authorization": f"Bearer {other}"})
    assert [item["message"] for item in await owned(guarded)] == [mine]


async def test_an_api_key_names_whom_it_likes(guarded):
    _, token = await guarded.pod.access.create_key(KeyRequest("shop", (Scope.NOTIFY,)))
    headers = {"Authorization": f"Bearer {token}"}
    assert (await guarded.post("/1-alice", content=b"m", headers=headers)).status_code == 200
    check_error(await guarded.post("/backups", content=b"m", headers=headers), 40301)


async def test_without_authentication_other_topics_are_the_default_targets(start_pod):
    client = await start_pod(door_default_target="2:bob")
    await post(client, "/backups")
    await post(client, "/1-alice")
    assert [item["data"]["ntfy"]["topic"] for item in await items(client, 2, "bob")] == ["backups"]
    assert len(await items(client)) == 1


# -- limits, repeats, the store


async def test_over_a_keys_rate(guarded):
    headers = {"Authorization": f"Bearer {await key(guarded, rate=(1, 60.0))}"}
    assert (await guarded.post("/t", content=b"m", headers=headers)).status_code == 200
    response = await guarded.post("/t", content=b"m", headers=headers)
    check_error(response, 42901)
    assert 1 <= int(response.headers["retry-after"]) <= 60


async def test_over_a_users_limit(start_pod):
    client = await start_pod(notify_rate_limit="1/1m")
    assert (await post(client)).status_code == 200
    check_error(await post(client), 42908)


async def test_a_repeat_under_an_idempotency_key(client):
    for given in ({"delay": "1h"}, {"actions": "view, A, https://a.example"}):
        answers = [(await post(client, idempotency_key=str(given), **given)).json() for _ in range(2)]
        assert answers[0]["id"] == answers[1]["id"]
    assert len(await items(client)) == 1
    check_error(await post(client, idempotency_key="x" * 256), 40000)


async def test_the_store_is_away(client, monkeypatch):
    async def away(*args, **options):
        from notifier.errors import ErrorCode, NotifierError

        raise NotifierError(ErrorCode.UNAVAILABLE, "the store is away", retry_after=1.0)

    monkeypatch.setattr(client.pod.publisher, "publish", away)
    response = await post(client)
    check_error(response, 50301)
    assert response.headers["retry-after"] == "1"


async def test_a_defect_says_nothing_of_the_inside(client, monkeypatch):
    async def fail(*args, **options):
        raise RuntimeError("a secret of the inside")

    monkeypatch.setattr(client.pod.publisher, "publish", fail)
    response = await post(client)
    check_error(response, 50001)
    assert "inside" not in response.text


# -- the account


TEN = [
    f"{name}{end}"
    for name in ("messages", "emails", "calls", "reservations", "attachment_total_size")
    for end in ("", "_remaining")
]


@pytest.mark.parametrize("prefix", ["", "/ntfy"])
async def test_health_counts_and_version(client, prefix):
    await post(client)
    assert (await client.get(f"{prefix}/v1/health")).json() == {"healthy": True}
    stats = (await client.get(f"{prefix}/v1/stats")).json()
    assert stats == {"messages": 1, "messages_rate": 0.0}
    await post(client)
    stats = (await client.get(f"{prefix}/v1/stats")).json()
    assert stats["messages"] == 2 and 0 < stats["messages_rate"] <= 1
    said = (await client.get(f"{prefix}/v1/version")).json()
    assert set(said) == {"version", "commit", "date"} and said["version"]


async def test_a_server_without_its_store_is_not_healthy(client, monkeypatch):
    entrance = next(route.ctx.door for route in client.app.router.routes if route.path == "v1/health")
    house = entrance.door.house._replace(health=lambda: {"status": "unavailable"})
    monkeypatch.setattr(entrance.door, "house", house)
    response = await client.get("/v1/health")
    assert (response.status_code, response.json()) == (503, {"healthy": False})


async def test_the_account_of_nobody(client):
    for headers in ({}, {"Authorization": "Bearer whatever"}):
        said = (await client.get("/v1/account", headers=headers)).json()
        assert (said["username"], said["role"]) == ("*", "anonymous")
        assert sorted(said["stats"]) == sorted(TEN) and all(type(value) is int for value in said["stats"].values())


async def device(client):
    return (await client.pod.devices.create(ALICE, "phone", None))[1]


async def test_the_account_of_a_token(guarded):
    tokens = {await key(guarded): "kuma", await device(guarded): "1-alice"}
    for token, name in tokens.items():
        for value in (f"Bearer {token}", basic("phil", token)):
            said = (await guarded.get("/v1/account", headers={"Authorization": value})).json()
            assert (said["username"], said["role"]) == (name, "user")
        assert (await guarded.get("/v1/stats", headers={"Authorization": f"Bearer {token}"})).status_code == 200
    assert (await guarded.get("/v1/account")).json()["username"] == "*"
    check_error(await guarded.get("/v1/account", headers={"Authorization": f"Bearer {new_token('ntfy')}"}), 40101)
    check_error(await guarded.get("/v1/stats"), 40101)
    assert (await guarded.get("/v1/health")).status_code == 200


async def test_a_device_asks_for_another_token(guarded):
    headers = {"Authorization": basic("alice", await device(guarded))}
    now = int(guarded.pod.redis.clock.now())
    said = (
        await guarded.post("/v1/account/token", json={"label": "Home", "expires": now + 60}, headers=headers)
    ).json()
    assert set(said) == {"token", "label", "last_access", "last_origin", "expires"}
    assert (said["label"], said["expires"]) == ("Home", now + 60)
    for body in (b"", b"{}", b'{"label": null, "expires": 0}'):
        said = (await guarded.post("/v1/account/token", content=body, headers=headers)).json()
        assert said["label"] == "ntfy" and "expires" not in said
        account = await guarded.get("/v1/account", headers={"Authorization": f"Bearer {said['token']}"})
        assert account.json()["username"] == "1-alice"


@pytest.mark.parametrize(
    ("body", "number"),
    [
        (b"{", 40024),
        (b"[]", 40024),
        (b'{"label": 1}', 40000),
        (b'{"label": "' + b"x" * 65 + b'"}', 40000),
        (b'{"expires": 1}', 40000),
        (b'{"expires": "soon"}', 40000),
        (b'{"expires": 99999999999}', 40000),
    ],
)
async def test_a_token_that_cannot_be_had(guarded, body, number):
    headers = {"Authorization": f"Bearer {await device(guarded)}"}
    check_error(await guarded.post("/v1/account/token", content=body, headers=headers), number)


async def test_a_doors_key_gets_no_token_that_reads(guarded):
    check_error(
        await guarded.post("/v1/account/token", headers={"Authorization": f"Bearer {await key(guarded)}"}), 40301
    )
    check_error(await guarded.post("/v1/account/token"), 40101)


async def test_a_device_sends_nothing(guarded):
    headers = {"Authorization": f"Bearer {await device(guarded)}"}
    check_error(await guarded.post("/1-alice", content=b"m", headers=headers), 40301)
    check_error(await guarded.delete("/1-alice/s", headers=headers), 40301)
