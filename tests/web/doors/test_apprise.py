"""Apprise's door: bodies as its plugin sends them, statuses that it understands, and what is stored."""

import json

import pytest

from notifier.domain.access import KeyRequest
from notifier.domain.doors import DoorTerms, new_token
from notifier.domain.users import User
from notifier.web.doors.apprise import plain_text
from tests.web.http.test_auth import SETTINGS

JSON = {"Content-Type": "application/json"}
INBOX = "/api/v1/inbox?user_id=1&login=alice"


async def items(client):
    return (await client.get(INBOX)).json()["items"]


async def post(client, path, body, headers=JSON):
    return await client.post(path, content=json.dumps(body) if headers is JSON else body, headers=headers)


@pytest.mark.parametrize("path", ["/notify/1-alice", "/apprise/notify/1-alice"])
async def test_what_comes_is_in_the_inbox(client, path):
    body = {"title": "Backup", "body": "it **failed**", "type": "failure", "format": "markdown", "tag": "all"}
    response = await post(client, path, body)
    assert response.status_code == 200
    (item,) = await items(client)
    assert (item["title"], item["message"], item["priority"]) == ("Backup", "it **failed**", "high")
    assert item["data"] == {"level": "failure", "markdown": True} and item["source"] == "apprise"


async def test_a_form_and_a_multipart_form(client):
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    assert (await post(client, "/notify/1-alice", "body=caf%C3%A9&type=warning", form)).status_code == 200
    parts = '--x\r\nContent-Disposition: form-data; name="body"\r\n\r\nin parts\r\n--x--\r\n'
    kind = {"Content-Type": "multipart/form-data; boundary=x"}
    assert (await post(client, "/notify/1-alice", parts, kind)).status_code == 200
    assert [item["message"] for item in await items(client)] == ["in parts", "café"]


async def test_the_key_may_stand_in_a_header(client):
    headers = JSON | {"X-Apprise-Config-ID": "1-alice"}
    assert (await client.post("/notify", content='{"body":"b"}', headers=headers)).status_code == 200
    response = await client.post("/notify", content='{"body":"b"}', headers=JSON)
    assert response.status_code == 400 and "/notify/{key}" in response.json()["error"]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 400),
        ({"body": ""}, 400),
        ({"body": "   "}, 400),
        ({"body": 7}, 400),
        ([], 400),
        ({"body": "b", "type": "fatal"}, 400),
        ({"body": "b", "format": "rtf"}, 400),
        ({"body": "b", "attachments": [{"filename": "a", "base64": "eA=="}]}, 400),
        ({"body": "x" * 8193}, 413),
        ({"body": "b\0"}, 400),
    ],
)
async def test_bad_input_is_told_in_its_own_dialect(client, body, status):
    response = await post(client, "/notify/1-alice", body)
    assert response.status_code == status and set(response.json()) == {"error"} and response.json()["error"]
    assert await items(client) == []


@pytest.mark.parametrize("name", ["file01", "attachment", "whatever"])
async def test_a_file_is_refused_whatever_its_name(client, name):
    answer = await client.post("/notify/1-alice", data={"body": "b"}, files={name: ("a.txt", b"text")})
    assert answer.status_code == 400 and "attachments" in answer.json()["error"]
    broken = {"Content-Type": "multipart/form-data"}
    assert (await post(client, "/notify/1-alice", "x", broken)).status_code == 400
    assert await items(client) == []


async def test_the_address_of_an_attachment_is_kept(client):
    for name, value in (("attachment", "https://a.example/p/poster.jpg?x=1"), ("attach", ["https://a.example/"])):
        assert (await post(client, "/notify/1-alice", {"body": "b", name: value})).status_code == 200
    found = [item["data"]["attachment"] for item in await items(client)]
    assert found == [
        {"name": "attachment", "url": "https://a.example/"},
        {"name": "poster.jpg", "url": "https://a.example/p/poster.jpg?x=1"},
    ]
    for value in (
        ["https://a.example/1", "https://a.example/2"],
        "file:///etc/passwd",
        "poster.jpg",
        [{}],
        "https://a b",
    ):
        assert (await post(client, "/notify/1-alice", {"body": "b", "attachment": value})).status_code == 400


async def test_a_body_too_large_and_a_wrong_method(start_pod):
    client = await start_pod(max_body=1024)
    response = await post(client, "/notify/1-alice", {"body": "x" * 2000})
    assert (response.status_code, set(response.json())) == (413, {"error"})
    assert (await client.get("/status")).text == "OK"
    assert (await client.post("/add/x", content="{}", headers=JSON)).status_code == 403


async def test_only_its_own_keys_open_it(start_pod):
    client = await start_pod(**SETTINGS)
    terms = DoorTerms("apprise", (User(1, "alice"),))
    _, token = await client.pod.access.create_key(KeyRequest("backup", (), None, terms))
    assert (await post(client, f"/notify/{token}", {"body": "b"})).status_code == 200
    for key in ("1-alice", new_token("apprise"), token[:-1]):
        response = await post(client, f"/notify/{key}", {"body": "b"})
        assert response.status_code == 403 and set(response.json()) == {"error"}, key


async def test_a_door_that_is_shut_is_not_there(start_pod):
    client = await start_pod(doors="hooks")
    assert (await post(client, "/notify/1-alice", {"body": "b"})).status_code == 404


def test_html_becomes_text():
    assert plain_text("<h1>Disk</h1><p>is <b>full</b>&amp; hot</p><style>p{}</style>") == "Disk\nis full& hot"
    assert plain_text("no tags") == "no tags" and plain_text("a<br>b<br/>c") == "a\nb\nc"
    assert plain_text("<script>alert(1)</script>x") == "x"
