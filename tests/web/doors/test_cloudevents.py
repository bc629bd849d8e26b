"""CloudEvents over HTTP: three modes, the handshake, and what is refused."""

import base64
import json

import pytest

from notifier.domain.access import KeyRequest
from notifier.domain.doors import DoorTerms
from notifier.domain.users import User
from tests.web.doors.recorded import JSON
from tests.web.doors.test_alerts import items
from tests.web.http.test_auth import ADMIN, SETTINGS
from tests.web.http.test_origin import ask

HOOK = "/hooks/cloudevents?to=1-alice"
EVENT = {
    "specversion": "1.0",
    "id": "A234-1234-1234",
    "source": "/mycontext",
    "type": "com.example.someevent",
    "subject": "larger-context",
    "time": "2026-04-05T17:31:00Z",
    "comexampleextension": 5,
    "datacontenttype": "application/json",
    "data": {"message": "it happened", "url": "https://example.com/1"},
}
STRUCTURED = {"Content-Type": "application/cloudevents+json; charset=UTF-8"}
BATCH = {"Content-Type": "application/cloudevents-batch+json"}
ALICE, AS_ADMIN = User(1, "alice"), {"Authorization": f"Bearer {ADMIN}"}


async def post(client, body, headers=STRUCTURED, path=HOOK):
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return await client.post(path, content=content, headers=headers)


def binary(body=b"", kind="application/json", **attributes):
    named = {"specversion": "1.0", "id": "1", "source": "/a", "type": "t"} | attributes
    return body, {f"ce-{name}": value for name, value in named.items()} | ({"Content-Type": kind} if kind else {})


async def test_a_structured_event(client):
    response = await post(client, EVENT)
    assert (response.status_code, response.content) == (200, b"")
    (item,) = await items(client)
    assert (item["title"], item["message"], item["category"]) == ("larger-context", "it happened", EVENT["type"])
    assert item["url"] == "https://example.com/1" and item["data"]["data"] == EVENT["data"]
    about = item["data"]["cloudevent"]
    assert (about["id"], about["source"], about["comexampleextension"]) == (EVENT["id"], "/mycontext", "5")


async def test_a_binary_event(client):
    body, headers = binary(b'{"text":"in headers"}', subject="caf%C3%A9%20au%20lait", source="https://example.com/a")
    assert (await post(client, body, headers)).status_code == 200
    (item,) = await items(client)
    assert (item["title"], item["message"], item["url"]) == ("café au lait", "in headers", "https://example.com/a")


async def test_a_batch(client):
    other = EVENT | {"id": "2", "subject": "second"}
    assert (await post(client, [EVENT, other, EVENT], BATCH)).status_code == 200
    assert [item["title"] for item in await items(client)] == ["second", "larger-context"]
    assert (await post(client, [], BATCH)).status_code == 200


async def test_source_and_id_name_an_event_once(client):
    for event in (EVENT, EVENT, EVENT | {"data": {"message": "in other words"}}):
        assert (await post(client, event)).status_code == 200
    assert len(await items(client)) == 1
    body, headers = binary(b"", id=EVENT["id"], source=EVENT["source"])
    assert (await post(client, body, headers)).status_code == 200
    assert len(await items(client)) == 1
    await post(client, EVENT | {"source": "/other"})
    await post(client, EVENT | {"id": "other"})
    assert len(await items(client)) == 3


@pytest.mark.parametrize(
    ("body", "kind", "message"),
    [
        (b"plain words", "text/plain", "plain words"),
        (b"", "", "t from /a"),
        (b"\xff\xfe", "application/octet-stream", "t from /a"),
        (b"not { json", "application/json", "not { json"),
        (b"[1,2]", "application/json", "[1,2]"),
        (b'{"a":1}', "application/vnd.x+json", '{"a":1}'),
        (b'"text"', "application/json", "text"),
        (b"<a/>", "application/xml", "<a/>"),
        (b'{"message":7,"summary":"so"}', "application/json", "so"),
    ],
)
async def test_data_of_any_kind(client, body, kind, message):
    content, headers = binary(body, kind)
    assert (await post(client, content, headers)).status_code == 200
    assert (await items(client))[0]["message"] == message


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"data_base64": base64.b64encode(b'{"message":"packed"}').decode()}, "packed"),
        ({"data_base64": "no base 64!"}, "com.example.someevent from /mycontext"),
        (
            {"specversion": "0.3", "datacontentencoding": "base64", "data": base64.b64encode(b'{"text":"p"}').decode()},
            "p",
        ),
        ({"data": "b" * 20000}, "b" * 8191 + "…"),
        ({"data": {"deep": "d" * 20000}}, None),
        ({"data": "a\0b\x1b", "subject": "s\0\n\x07"}, "ab"),
    ],
)
async def test_data_packed_long_and_bad(client, change, message):
    assert (await post(client, EVENT | change)).status_code == 200
    (item,) = await items(client)
    assert message is None or item["message"] == message
    assert len(item["message"]) <= 8192 and "\0" not in json.dumps(item, ensure_ascii=False)


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"{}", JSON, 415),
        (b"x", {"Content-Type": "text/plain"}, 415),
        (b"x", {"Content-Type": "application/cloudevents+avro"}, 415),
        (b"x", {"Content-Type": "application/cloudevents-batch+xml", "ce-id": "1"}, 415),
        (b"{", STRUCTURED, 400),
        (b"[]", STRUCTURED, 400),
        (b"{}", STRUCTURED, 400),
        (b"{}", BATCH, 400),
        (b"[1]", BATCH, 400),
        (json.dumps(EVENT | {"specversion": "2.0"}).encode(), STRUCTURED, 400),
        (json.dumps(EVENT | {"id": ""}).encode(), STRUCTURED, 400),
        (json.dumps(EVENT | {"source": 7}).encode(), STRUCTURED, 400),
        (json.dumps([EVENT, EVENT | {"type": None}]).encode(), BATCH, 400),
        (json.dumps([{}] * 1001).encode(), BATCH, 413),
        (b"{}", {"ce-id": "1", "Content-Type": "application/json"}, 400),
    ],
)
async def test_what_is_no_event_is_refused_whole(client, body, headers, status):
    response = await post(client, body, headers)
    assert (response.status_code, set(response.json())) == (status, {"error"}) and response.json()["error"]
    assert await items(client) == []


# -- keys and limits


async def key(pod, **terms):
    _, token = await pod.access.create_key(KeyRequest("mesh", (), None, DoorTerms("hooks", (ALICE,), **terms)))
    return f"/hooks/cloudevents?access_token={token}", token


async def test_a_key_and_its_category(start_pod):
    client = await start_pod(**SETTINGS)
    path, token = await key(client.pod, category="mesh")
    assert (await post(client, EVENT, path=path)).status_code == 200
    assert (await post(client, EVENT, STRUCTURED | {"Authorization": f"Bearer {token}"})).status_code == 200
    (item,) = await items(client, headers=AS_ADMIN)
    assert (item["source"], item["category"]) == ("mesh", "mesh")
    for wrong in ("/hooks/cloudevents", f"{path}0"):
        assert (await post(client, EVENT, path=wrong)).status_code == 401


async def test_over_the_limit_it_is_told_when_to_come_again(start_pod):
    """A repeat of what is stored takes no place: a batch that was cut off gets through by and by."""
    client = await start_pod(**SETTINGS)
    path, _ = await key(client.pod, rate=(2, 60.0))
    three = [EVENT | {"id": str(number)} for number in range(3)]
    response = await post(client, three, BATCH, path)
    assert response.status_code == 429 and 1 <= int(response.headers["Retry-After"]) <= 60
    assert len(await items(client, headers=AS_ADMIN)) == 2
    assert (await post(client, three[:2], BATCH, path)).status_code == 200


# -- the handshake (HTTP 1.1 Web Hooks, §4)

ASKING = {"WebHook-Request-Origin": "eventemitter.example.com", "WebHook-Request-Rate": "120"}


async def test_the_handshake(start_pod):
    client = await start_pod(**SETTINGS)
    path, _ = await key(client.pod, rate=(10, 30.0))
    status, said, _ = await ask(client, "OPTIONS", "/hooks/cloudevents", ASKING)
    assert (status, said["webhook-allowed-origin"], said["webhook-allowed-rate"]) == (
        200,
        "eventemitter.example.com",
        "*",
    )
    assert "POST" in said["allow"]
    status, said, _ = await ask(client, "OPTIONS", path, ASKING)
    assert (status, said["webhook-allowed-rate"]) == (200, "20")
    status, said, _ = await ask(client, "OPTIONS", f"{path}0", ASKING)
    assert status == 401 and "webhook-allowed-origin" not in said
    status, said, _ = await ask(client, "OPTIONS", path, ASKING, "a body")
    assert status == 200


async def test_a_preflight_is_no_handshake(client):
    asked = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
    status, said, _ = await ask(client, "OPTIONS", HOOK, asked)
    assert status == 204 and "access-control-allow-origin" not in said and "webhook-allowed-origin" not in said
    status, said, _ = await ask(client, "OPTIONS", HOOK, asked | ASKING)
    assert "access-control-allow-origin" not in said
    for path in ("/hooks/github", "/hooks/other", "/api/v1/notify"):
        status, said, _ = await ask(client, "OPTIONS", path, ASKING)
        assert status == 204 and "webhook-allowed-origin" not in said
    assert await items(client) == []
