"""ntfy's app for Android, as recorded by hand after its source: msg/ApiService.kt, service/WsConnection.kt, util/Util.kt
of binwiederhier/ntfy-android 1.16. The app knows a user and a password alone, and insists on a name."""

import base64
import json

import pytest

from notifier.domain.doors import ntfy_id
from notifier.domain.users import User
from tests.support import notify
from tests.web.doors.ntfy.streams import Stream
from tests.web.doors.ntfy.test_subscribing import receive
from tests.web.http.test_auth import ADMIN, SETTINGS, bearer

AGENT = {"User-Agent": "ntfy/1.16.0 (play; Android 15; SDK 35)"}


@pytest.fixture
async def guarded(start_pod):
    return await start_pod(**SETTINGS, public_url="https://n.example")


@pytest.fixture
async def headers(guarded):
    _, token = await guarded.pod.devices.create(User(1, "alice"), "phone", None)
    return AGENT | {"Authorization": "Basic " + base64.b64encode(f"phil:{token}".encode()).decode()}


async def test_checking_a_users_access(guarded, headers):
    assert (await guarded.get("/1-alice/auth", headers=headers)).json() == {"success": True}
    wrong = headers | {"Authorization": "Basic " + base64.b64encode(b"phil:wrong").decode()}
    assert (await guarded.get("/1-alice/auth", headers=wrong)).status_code == 401
    assert (await guarded.get("/2-bob/auth", headers=headers)).status_code == 403


async def test_its_poll_and_its_socket(guarded, headers):
    ids = [(await notify(guarded, text, headers=bearer(ADMIN)))[0] for text in ("one", "two")]
    response = await guarded.get("/1-alice/json?poll=1&since=all", headers=headers)
    assert [json.loads(line)["id"] for line in response.text.splitlines()] == [ntfy_id(nid) for nid in ids]
    response = await guarded.get(f"/1-alice/json?poll=1&since={ntfy_id(ids[0])}", headers=headers)
    (message,) = map(json.loads, response.text.splitlines())
    (action,) = message["actions"]  # it shows three at the most, and needs an id for each
    assert action["id"] and action["method"] == "POST" and action["url"].startswith("https://n.example/a/")

    socket = await guarded.ws_connect(f"/1-alice,ops/ws?since={ntfy_id(ids[1])}", additional_headers=headers)
    await receive(socket, "open")
    (nid,) = await notify(guarded, "three", headers=bearer(ADMIN))
    assert (await receive(socket, "message"))["id"] == ntfy_id(nid)
    assert (await guarded.post(action["url"].removeprefix("https://n.example"), headers=AGENT)).status_code == 200
    assert (await receive(socket, "message_clear"))["sequence_id"] == ntfy_id(ids[1])


async def test_its_stream_of_json(guarded, headers):
    stream = await Stream.open(guarded, "/1-alice/json?since=none", **headers)
    await stream.event("open")
    await notify(guarded, "hi", headers=bearer(ADMIN))
    assert (await stream.event("message"))["message"] == "hi"
