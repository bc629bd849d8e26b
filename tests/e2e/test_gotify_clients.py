"""Clients of Gotify, unmodified, against the real program: what they send arrives, and what they show is there."""

import asyncio
import contextlib
import json
import sys

import httpx
import pytest
import websockets

from tests.e2e.foreign import must_run, node_with, python_with, run
from tests.e2e.server import ServerProcess
from tests.support import eventually

pytestmark = pytest.mark.slow

ADMIN = "the-operators-own-token-4711"
PYTHON = (
    "apprise==2.2.0",
    "gotify[stream]==0.6.0",
    "gotify-handler==1.0.3",
    "gotify-message==0.2.1",
    "gotipy==0.2.2",
    "websockets==13.1",  # the last with the interface that gotify 0.6 calls
)
NODE = ("gotify@1.1.0", "gotify-client@0.4.2")

GOTIFY = """
import asyncio, sys
from gotify import AsyncGotify, GotifyError

url, app, client = sys.argv[1:]


async def first_of(stream, gotify):
    arrived = asyncio.ensure_future(anext(stream))
    while not arrived.done():  # the library does not tell when its stream is open
        await gotify.create_message("are you there?")
        await asyncio.wait([arrived], timeout=0.1)
    return await arrived


async def main():
    gotify = AsyncGotify(base_url=url, app_token=app, client_token=client)
    assert (await gotify.get_version())["version"].startswith("2."), "version"
    health = await gotify.get_health()
    assert (health["health"], health["database"]) == ("green", "green"), health
    user = await gotify.get_current_user()
    assert (user["id"], user["name"], user["admin"]) == (1, "alice", False), user
    made = await gotify.create_client("laptop")
    assert made["token"] == client and made["name"] == "laptop", made
    (application,) = await gotify.get_applications()
    assert application["id"] == 1, application

    extras = {"client::notification": {"click": {"url": "https://e.example/"}}}
    sent = [await gotify.create_message(f"m{n}", extras=extras, priority=8, title="T") for n in range(5)]
    assert [one["id"] for one in sent] == sorted({one["id"] for one in sent}), sent
    page = await gotify.get_messages(limit=3)
    assert page["messages"] == sent[:1:-1], page
    rest = await gotify.get_messages(limit=3, since=page["paging"]["since"])
    assert rest["messages"] == sent[1::-1] and not rest["paging"].get("next"), rest
    await gotify.delete_message(sent[4]["id"])
    assert (await gotify.get_messages(app_id=1))["messages"] == sent[3::-1]
    await gotify.delete_messages()
    assert (await gotify.get_messages())["messages"] == []

    stream = gotify.stream()
    assert (await first_of(stream, gotify))["message"] == "are you there?"
    last = await gotify.create_message("last", title="T")
    async for message in stream:
        if message["title"] == "T":
            break
    assert message == last, message
    await gotify.delete_messages()

    for work, code in (
        (gotify.delete_message(1), 404),
        (gotify.create_message(""), 400),
        (AsyncGotify(url, "A" * 15, client).create_message("m"), 401),
        (AsyncGotify(url, app, app).get_messages(), 403),
        (AsyncGotify(url, client, client).create_message("m"), 403),
        (gotify.create_application("mine"), 403),
        (gotify.update_application(1, "mine"), 403),
        (gotify.delete_application(1), 403),
        (gotify.delete_client(1), 404),
    ):
        try:
            await work
        except GotifyError as error:
            assert error.error["errorCode"] == code and str(error).startswith(str(code)), (code, error.error)
        else:
            raise AssertionError(code)


asyncio.run(main())
"""

TRAY = """
import sys
from PyQt6 import QtCore
from gotify_tray.gotify.api import GotifyApplication, GotifyClient

url, app, client = sys.argv[1:]
loop = QtCore.QCoreApplication([])
tray, sender = GotifyClient(url, client), GotifyApplication(url, app)
assert tray.version().version.startswith("2.") and tray.health().database == "green"
assert [one.id for one in tray.get_applications()] == [1]
sent, shown = [], []
tray.opened.connect(lambda: sent.append(sender.push("T", "m", 5, {"client::display": {"contentType": "text/markdown"}})))
tray.new_message.connect(lambda message: (shown.append(message), loop.quit()))
QtCore.QTimer.singleShot(20000, loop.quit)
tray.listen()
loop.exec()
assert [dict(one) for one in shown] == [dict(one) for one in sent] and shown, (sent, shown)
assert [one.id for one in tray.get_messages().messages] == [sent[0].id]
tray.delete_message(sent[0].id)
assert tray.get_messages().messages == []
"""

OTHERS = """
import logging, sys
from gotify import Gotify
from gotify_handler import GotifyHandler
from gotify_message import GotifyNotification
from gotipy import Gotify as Gotipy

url, app, client = sys.argv[1:]
assert Gotipy(host_address=url, fixed_token=app).push("gotipy", "from gotipy", priority=5)["message"] == "from gotipy"
assert Gotipy(host_address=url).create_app("alice", client, "mine")["errorCode"] == 403

failures = []
handler = GotifyHandler(url, app)
handler.handleError = failures.append
logging.getLogger("shop").addHandler(handler)
logging.getLogger("shop").error("from a log")
assert not failures, failures

notification = GotifyNotification(url=url, token=app, title="gotify-message", message="from gotify-message", priority=9)
assert (notification.health, notification.database) == ("green", "green")
notification.send()
found = Gotify(base_url=url, client_token=client).get_messages()["messages"]
print([(one["title"], one["message"], one["priority"]) for one in found])
"""

FROM_NODE = """
import assert from "node:assert/strict";
import { gotify } from "gotify";
import { GotifyClient } from "gotify-client";

const [url, app, client] = process.argv.slice(2);
const sent = await gotify({ server: url, app, title: "T", message: "from npm", priority: 5 });
assert.equal(sent.appid, 1);
assert.ok(Number.isSafeInteger(sent.id));

const own = new GotifyClient(url, { app, client });
const made = await own.message.createMessage({ title: "U", message: "from the client", priority: 8 });
assert.ok(made.id > sent.id);
const page = await own.message.getMessages({ limit: 10 });
assert.deepEqual(page.messages.slice(0, 2), [made, sent]);
await own.message.deleteMessage(made.id);
assert.equal((await own.message.getMessages({ limit: 1 })).messages[0].id, sent.id);
assert.equal((await own.health.getHealth()).database, "green");
assert.match((await own.version.getVersion()).version, /^2\\./);
assert.equal((await own.current.currentUser()).name, "alice");
assert.equal((await own.application.getApps()).length, 1);
await assert.rejects(gotify({ server: url, app: "A".repeat(15), message: "m" }), { name: "HTTPError" });
"""


class Guarded:
    """A server with authentication, a key for its door, and a person's device."""

    def __init__(self, server):
        self.server = server
        self.http = httpx.AsyncClient(base_url=server.url, headers={"Authorization": f"Bearer {ADMIN}"})

    async def prepare(self):
        self.key = await self._made("keys create --name kuma --door gotify --to 1:alice")
        self.token = await self._made("inbox tokens create phone --user-id 1 --login alice")
        return self

    async def _made(self, command):
        """The last line that a command of ours prints: a key, a token."""
        options = (*command.split(), "--url", self.server.url, "--token", ADMIN)
        return (await must_run(sys.executable, "-m", "notifier", *options)).splitlines()[-1]

    async def items(self):
        response = await self.http.get("/api/v1/inbox?user_id=1&login=alice")
        return response.json()["items"]


@pytest.fixture
def guarded(loop, tmp_path):
    server = ServerProcess(tmp_path / "data", AUTH_MODE="token", ADMIN_TOKEN=ADMIN)
    server.data_dir.mkdir()
    loop.run_until_complete(server.start())
    found = loop.run_until_complete(Guarded(server).prepare())
    yield found
    loop.run_until_complete(found.http.aclose())
    loop.run_until_complete(server.stop())


@pytest.mark.parametrize("path", ["", "/gotify"])
async def test_pypis_gotify_with_its_stream(guarded, python, tmp_path, path):
    script = tmp_path / "use.py"
    script.write_text(GOTIFY)
    await must_run(str(python / "python"), str(script), guarded.server.url + path, guarded.key, guarded.token)


async def test_other_clients_from_pypi(guarded, python, tmp_path):
    script = tmp_path / "use.py"
    script.write_text(OTHERS)
    output = await must_run(str(python / "python"), str(script), guarded.server.url, guarded.key, guarded.token)
    assert output.splitlines()[-1] == str(
        [
            ("gotify-message", "from gotify-message", 9),
            ("ERROR:shop", "from a log", 5),
            ("gotipy", "from gotipy", 5),
        ]
    )


async def test_the_desktops_tray(guarded, tmp_path):
    programs = await python_with(tmp_path / "python", "gotify-tray==0.5.3", "pyqt6==6.11.0")
    script = tmp_path / "use.py"
    script.write_text(TRAY)
    await must_run(str(programs / "python"), str(script), guarded.server.url, guarded.key, guarded.token, within=60)


async def test_npms_clients(guarded, tmp_path):
    folder = tmp_path / "node"
    node = await node_with(folder, *NODE)
    (folder / "use.mjs").write_text(FROM_NODE)
    await must_run(node, "use.mjs", guarded.server.url, guarded.key, guarded.token, cwd=folder)
    (item,) = await guarded.items()
    assert (item["message"], item["source"]) == ("from npm", "kuma")


async def test_apprise(guarded, python):
    def ask(url, *more):
        return run(str(python / "apprise"), "-t", "Backup", "-b", "it **failed**", *more, f"gotify://{url}")

    host = f"127.0.0.1:{guarded.server.port}"
    for url, more in (
        (f"{host}/{guarded.key}/?priority=high", ()),
        (f"{host}/gotify/{guarded.key}/?format=markdown", ("--input-format", "markdown")),
    ):
        code, output = await ask(url, *more)
        assert code == 0, output
    by_path, by_root = await guarded.items()
    assert (by_root["title"], by_root["message"], by_root["priority"]) == ("Backup", "it **failed**", "high")
    assert by_path["data"]["markdown"] is True and by_path["priority"] == "normal"
    code, output = await ask(f"{host}/{'A' * 15}")
    assert code != 0 and len(await guarded.items()) == 2, output


async def test_curl_as_gotifys_own_guide_has_it(guarded):
    address = f"{guarded.server.url}/message?token={guarded.key}"
    answer = await must_run(
        "curl", "-sS", address, "-F", "title=my title", "-F", "message=my message", "-F", "priority=5"
    )
    assert json.loads(answer)["priority"] == 5
    await must_run(
        "curl", "-sSf", f"{guarded.server.url}/message", "-H", f"X-Gotify-Key: {guarded.key}", "-d", "message=m"
    )
    assert [item["message"] for item in await guarded.items()] == ["m", "my message"]


class Phone:
    """Follows an inbox as gotify/android does: the stream, and at each opening of it what was missed, ten messages at a
    time down to the last that it has had (service/WebSocketConnection.kt, MissedMessageUtil.kt)."""

    def __init__(self, url):
        self.http = httpx.AsyncClient(base_url=url)
        self.stream = url.replace("http", "ws", 1) + "/stream"
        self.last = 0
        self.received = set()
        self.opened = 0

    async def follow(self):
        while True:
            with contextlib.suppress(OSError, httpx.HTTPError, websockets.WebSocketException):
                async with websockets.connect(self.stream) as socket:
                    self.opened += 1
                    await self._fetch_what_it_missed()
                    async for text in socket:
                        self._take(json.loads(text))
            await asyncio.sleep(0.05)

    async def _fetch_what_it_missed(self):
        till, more = self.last, {}
        while more is not None:
            page = (await self.http.get("/message", params={"limit": 10} | more)).raise_for_status().json()
            new = [message for message in page["messages"] if message["id"] > till]
            for message in new:
                self._take(message)
            whole = len(new) == len(page["messages"]) and new and "next" in page["paging"]
            more = {"since": page["paging"]["since"]} if whole else None

    def _take(self, message):
        self.received.add(message["id"])
        self.last = max(self.last, message["id"])


async def send(url, count, answered):
    """Sends until so many more are answered with 200; whoever is not tries anew."""
    async with httpx.AsyncClient(base_url=url) as http:
        wanted = len(answered) + count
        while len(answered) < wanted:
            with contextlib.suppress(httpx.TransportError):
                response = await http.post("/message", json={"message": f"m{len(answered)}"})
                if response.status_code == 200:
                    answered.append(response.json()["id"])
                else:
                    assert response.status_code == 503, response.text


async def test_a_phone_misses_nothing_over_kills(tmp_path):
    server = ServerProcess(tmp_path / "data")
    server.data_dir.mkdir()
    await server.start()
    phone, answered = Phone(server.url), []
    following = asyncio.ensure_future(phone.follow())
    for life in range(3):
        await send(server.url, 15, answered)
        await eventually(lambda life=life: phone.opened > life, "the phone's stream")
        sending = asyncio.ensure_future(send(server.url, 15, answered))
        await eventually(lambda life=life: len(answered) > 30 * life + 20, "answers")
        server.kill()
        await server.wait()
        await server.start()
        await sending
    await eventually(lambda: set(answered) <= phone.received, "what was answered")
    assert answered == sorted(set(answered)) and phone.opened > 3
    following.cancel()
    await phone.http.aclose()
    await server.stop()
