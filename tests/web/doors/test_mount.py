"""Rules of all doors: pages of other origins, counts, and answers to what fails."""

import json
import re

import pytest

from notifier.service.doors import DoorService
from notifier.web.doors.ways import WAYS
from tests.web.http.test_origin import ask

EVIL = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
CHANGING = [
    (method, way)
    for way in WAYS
    for method in way.methods
    if method not in ("GET", "OPTIONS") or way.acts or way.streams
]


def path_of(way):
    return re.sub("<[^>]+>", "1-alice", way.path)


@pytest.mark.parametrize(("method", "way"), CHANGING, ids=lambda value: getattr(value, "path", value))
async def test_a_foreign_page_does_nothing(client, method, way):
    status, said, _ = await ask(client, method, path_of(way), EVIL, "message=m&body=b")
    assert status == 403 and "problem+json" not in said["content-type"]
    assert (await client.get("/api/v1/inbox?user_id=1&login=alice")).json()["items"] == []


async def test_another_name_of_this_server_is_refused_in_the_doors_own_dialect(client):
    """As a container on the same machine calls it, while AUTH_MODE=none."""
    for path, member in (("/1-alice", "code"), ("/message", "errorCode"), ("/notify/1-alice", "error")):
        status, said, body = await ask(client, "POST", path, {}, "message=m&body=b", host="host.docker.internal:8080")
        assert status == 421 and said["content-type"] == "application/json" and member in json.loads(body), path
        assert b"ALLOWED_ORIGINS" in body, path


async def test_requests_are_counted_by_door_and_outcome(client):
    await client.post("/notify/1-alice", content='{"body":"b"}', headers={"Content-Type": "application/json"})
    await client.post("/notify/1-alice", content="{}", headers={"Content-Type": "application/json"})
    text = (await client.get("/metrics")).text
    assert 'door_requests_total{door="apprise",outcome="accepted"} 1.0' in text
    assert 'door_requests_total{door="apprise",outcome="refused"} 1.0' in text


async def test_a_store_that_is_away_is_said_in_the_doors_own_words(client, monkeypatch):
    async def fail(*args, **options):
        raise RuntimeError("a secret of the inside")

    entrance = next(route.ctx.door for route in client.app.router.routes if getattr(route.ctx, "door", None))
    monkeypatch.setattr(entrance.door.service, "publish", fail)
    response = await client.post(
        "/notify/1-alice", content='{"body":"b"}', headers={"Content-Type": "application/json"}
    )
    assert response.status_code == 500 and "inside" not in response.text and "error" in response.json()


@pytest.mark.parametrize("path", ["/notify/{}", "/hooks/github?token={}", "/hooks/cloudevents?access_token={}"])
async def test_a_key_in_an_address_is_in_no_log(client, monkeypatch, caplog, path):
    async def fail(*args, **options):
        raise RuntimeError("defect")

    token = "ap_a-key-that-nobody-may-see-4711"
    monkeypatch.setattr(DoorService, "enter", fail)
    headers = {"Content-Type": "application/json", "X-GitHub-Event": "push"}
    response = await client.post(path.format(token), content='{"body":"b"}', headers=headers)
    assert response.status_code == 500
    (record,) = [record for record in caplog.records if record.message == "request.failed"]
    assert token not in str(vars(record)) and record.path.startswith(path.split("{")[0].partition("?")[0])


@pytest.mark.parametrize("path", sorted({way.path for way in WAYS}))
async def test_a_method_that_a_path_does_not_take_is_told_in_the_doors_own_words(client, path):
    shape = re.sub("<[^>]+>", "1-alice", path)
    status, headers, body = await ask(client, "PATCH", shape)
    if ":path>" in path or any(way.takes_any for way in WAYS if way.path == path):
        assert status == 404  # any word may stand there: to other methods it is not there
        return
    assert status == 405 and headers["allow"]
    own = shape == "/"  # the page's path, too
    assert headers["content-type"].startswith("application/problem+json") == own
    assert own or b'"type":"about:blank"' not in body


async def test_metrics_name_paths_without_patterns(client):
    for path in ("/1-alice", "/1-alice/seq", "/ntfy/1-alice/publish", "/notify/1-alice"):
        await client.post(path, content=b'{"body":"b"}')
    text = (await client.get("/metrics")).text
    for label in ("/<topic>", "/<topic>/<sequence>", "/ntfy/<topic>/publish", "/notify/<key>"):
        assert f'route="{label}"' in text, label
    assert "{1,64}" not in text and "1-alice" not in text
