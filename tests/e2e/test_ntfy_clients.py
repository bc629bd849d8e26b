"""Clients of ntfy and Apprise, unmodified, against the real program: what they send arrives, what they are told they
understand, and what is not taken they call a failure."""

import json
import time

import httpx
import pytest

from tests.e2e.foreign import must_run, node_with, python_with, run
from tests.e2e.server import ServerProcess

pytestmark = pytest.mark.slow

ADMIN = "the-operators-own-token-4711"
PYTHON = ("apprise==2.3.0", "python-ntfy==0.11.4", "ntfy-api==0.0.6", "borgmatic==2.1.10")
# Its metadata ask for Python 3.12; its code, unmodified, runs on 3.11 too.
AIONTFY = ("--ignore-requires-python", "aiontfy==0.8.6", "aiohttp==3.14.5", "mashumaro==3.23", "orjson==3.13.0")
NODE = ("ntfy@1.13.3", "@cityssm/ntfy-publish@1.1.1")

WITH_AIONTFY = """
import asyncio, sys
from datetime import UTC, datetime, timedelta
from aiontfy import Message, Ntfy
from aiontfy import HttpAction, ViewAction
from aiontfy.exceptions import (
    NtfyBadRequestAttachmentsDisallowedError,
    NtfyBadRequestDelayTooSmallError,
    NtfyForbiddenAccessError,
    NtfyUnauthorizedAuthenticationError,
)

url, key, device = sys.argv[1:]


async def fails(work, error):
    try:
        await work
    except error:
        return
    raise AssertionError(error)


async def main():
    ntfy = Ntfy(url, token=key)
    actions = [ViewAction(label="Open", url="https://a.example"), HttpAction(label="Off", url="https://b.example")]
    message = Message(
        topic="door", message="ring \\u2713", title="Door", tags=["bell"], priority=5, click="https://a.example",
        actions=actions, markdown=True, sequence_id="bell-1", attach="https://a.example/i.jpg", icon="https://a.example/i",
    )
    first = await ntfy.publish(message)
    assert (first.topic, first.message, first.title, first.priority) == ("door", "ring \\u2713", "Door", 5), first
    assert first.tags == ["bell"] and first.sequence_id == "bell-1" and first.content_type == "text/markdown", first
    assert [one.label for one in first.actions] == ["Open", "Off"] and first.attachment.name == "i.jpg", first
    assert first.expires > first.time and abs(first.time - datetime.now(UTC)) < timedelta(seconds=30), first
    second = await ntfy.publish(Message(topic="door", message="again", sequence_id="bell-1"))
    assert second.sequence_id == "bell-1" and second.id != first.id, second
    cleared = await ntfy.clear("door", "bell-1")
    assert (cleared.event, cleared.sequence_id) == ("message_clear", "bell-1"), cleared
    await ntfy.publish(Message(topic="door", message="gone", sequence_id="bell-2"))
    assert (await ntfy.delete("door", "bell-2")).event == "message_delete"
    third = await ntfy.publish(Message(topic="door", message="gone, too"))
    await ntfy.delete("door", third.id)
    later = await ntfy.publish(Message(topic="door", message="later", delay="30 min"))
    assert later.time > datetime.now(UTC) + timedelta(minutes=29), later
    await fails(ntfy.publish(Message(topic="door", filename="a.bin"), b"\\x00"), NtfyBadRequestAttachmentsDisallowedError)
    await fails(ntfy.publish(Message(topic="door", delay="1s")), NtfyBadRequestDelayTooSmallError)
    await fails(ntfy.publish(Message(topic="2-bob", message="m")), NtfyForbiddenAccessError)
    await fails(Ntfy(url, token="tk_" + "a" * 29).account(), NtfyUnauthorizedAuthenticationError)

    account = await ntfy.account()
    assert account.username == "hub" and account.stats.messages_remaining > 0, account
    assert (await Ntfy(url).account()).username == "*"
    phone = Ntfy(url, username="alice", password=device)
    assert (await phone.account()).username == "1-alice"
    made = await phone.generate_token("Home Assistant")
    assert made.label == "Home Assistant", made
    assert (await Ntfy(url, token=made.token).account()).username == "1-alice"
    await fails(ntfy.generate_token("more"), NtfyForbiddenAccessError)
    assert (await ntfy.stats()).messages >= 3
    assert (await ntfy.version()).version


asyncio.run(main())
"""

WITH_OTHERS = """
import sys
from datetime import datetime, timedelta
from pathlib import Path

url, key, folder = sys.argv[1:]
from python_ntfy import NtfyClient

client = NtfyClient(topic="scripts", server=url, auth=("", key))
action = NtfyClient.HttpAction(label="Restart", url="https://a.example", method="PUT", headers={"a": "b"}, body="x")
said = client.send(
    "from python-ntfy", title="T", priority=NtfyClient.MessagePriority.HIGH, tags=["one", "two"], actions=[action]
)
assert (said["message"], said["title"], said["priority"], said["tags"]) == ("from python-ntfy", "T", 4, ["one", "two"])
assert said["actions"][0]["method"] == "PUT", said
later = client.send("later", schedule=datetime.now() + timedelta(hours=1))
assert later["time"] > said["time"] + 3500, later
file = Path(folder, "a.txt")
file.write_text("text")
try:
    client.send_file(file)
except Exception as error:
    assert "400" in str(error), error
else:
    raise AssertionError("a file was taken")

from ntfy_api import Message, NtfyPublisher, ViewAction

publisher = NtfyPublisher(url=url, bearer=key)
view = ViewAction(label="Look, ma; quotes", url="https://a.example", clear=True)
answer = publisher.publish(Message(topic="scripts", message="from ntfy-api", title="U", priority=2, actions=[view]))
assert answer.status_code == 200 and answer.json()["actions"][0]["label"] == "Look, ma; quotes", answer.text
answer = publisher.publish_json({"topic": "scripts", "message": "in JSON", "tags": ["a"]})
assert answer.status_code == 200, answer.text
answer = NtfyPublisher(url=url, basic=("", key)).publish(Message(topic="scripts", message="by Basic"))
assert answer.status_code == 200, answer.text
"""

FROM_NODE = """
import assert from "node:assert/strict";
import { NtfyClient, publish } from "ntfy";
import simple from "@cityssm/ntfy-publish";

const [url, key, open] = process.argv.slice(2);
const client = new NtfyClient({ server: url, authorization: { username: "any", password: key } });
const said = await client.publish({
  topic: "node", message: "from npm ntfy", title: "T", tags: ["a", "b"], priority: 5, delay: "1m",
  actions: [{ type: "view", label: "Open", url: "https://a.example", clear: true },
            { type: "http", label: "Off", url: "https://b.example", method: "put", headers: { a: "b" } }],
});
assert.equal(said.actions.length, 2);
assert.ok(said.time > Date.now() / 1000 + 50);
await client.publish({ topic: "node", message: "shown", fileURL: { url: "https://a.example/x", filename: "x.jpg" } });
await client.publish({ server: url + "/ntfy/", topic: "node", message: "behind a path" });
await assert.rejects(publish({ server: url, topic: "node", message: "nobody's" }), /Unauthorized/);
await assert.rejects(client.publish({ topic: "node", fileAttachment: "package.json", title: "x".repeat(300) }));

assert.equal(await simple({ server: open, topic: "1-alice", message: "from @cityssm", title: "T", tags: ["x"] }), true);
assert.equal(await simple({ server: open, topic: "v1", message: "no topic" }), false);
assert.equal(await simple({ server: url, topic: "node", message: "nobody's" }), false);
"""

BORGMATIC = """
source_directories: [{folder}]
repositories: [{{path: {folder}/repository, label: local}}]
local_path: {folder}/no-borg
ntfy:
  topic: backups
  server: {url}
  access_token: {ntfy}
  states: [start, fail]
  start: {{title: It begins, message: The backup begins, priority: min, tags: "borgmatic,start"}}
  fail: {{title: It failed, message: The backup failed, priority: max, tags: borgmatic}}
apprise:
  services: [{{url: "apprise://{host}/{apprise}", label: notifier}}]
  states: [start, fail]
  start: {{title: It begins, body: "Apprise: begins"}}
  fail: {{title: It failed, body: "Apprise: failed"}}
"""


class Guarded:
    """A server with authentication, keys for two doors, and a person's device."""

    def __init__(self, server):
        self.server = server
        self.host = f"127.0.0.1:{server.port}"
        self.http = httpx.AsyncClient(base_url=server.url, headers={"Authorization": f"Bearer {ADMIN}"})

    async def prepare(self):
        self.ntfy, self.apprise = [
            (await self._made("/api/v1/admin/keys", {"name": "hub", "door": door, "to": ["1-alice"]}))["key"]
            for door in ("ntfy", "apprise")
        ]
        self.device = (await self._made("/api/v1/inbox/tokens?user_id=1&login=alice", {"name": "phone"}))["token"]
        return self

    async def _made(self, path, body):
        response = await self.http.post(path, json=body)
        assert response.status_code == 201, response.text
        return response.json()

    async def items(self):
        return (await self.http.get("/api/v1/inbox?user_id=1&login=alice")).json()["items"]

    async def messages(self):
        return [item["message"] for item in await self.items()]


def started(loop, server):
    server.data_dir.mkdir()
    loop.run_until_complete(server.start())
    return server


@pytest.fixture
def guarded(loop, tmp_path):
    server = started(loop, ServerProcess(tmp_path / "data", AUTH_MODE="token", ADMIN_TOKEN=ADMIN))
    found = loop.run_until_complete(Guarded(server).prepare())
    yield found
    loop.run_until_complete(found.http.aclose())
    loop.run_until_complete(server.stop())


async def test_aiontfy(guarded, cache):
    programs = await python_with(cache / "aiontfy", *AIONTFY)
    await must_run(str(programs / "python"), "-c", WITH_AIONTFY, guarded.server.url, guarded.ntfy, guarded.device)
    (item,) = await guarded.items()
    assert (item["message"], item["read"], item["source"]) == ("again", True, "hub")


async def test_python_ntfy_and_ntfy_api(guarded, python, tmp_path):
    url, key = guarded.server.url, guarded.ntfy
    await must_run(str(python / "python"), "-c", WITH_OTHERS, url, key, str(tmp_path), cwd=tmp_path)
    assert await guarded.messages() == ["by Basic", "in JSON", "from ntfy-api", "from python-ntfy"]


async def test_npms_clients(loop, guarded, tmp_path):
    folder = tmp_path / "node"
    node = await node_with(folder, *NODE)
    (folder / "use.mjs").write_text(FROM_NODE)
    other = ServerProcess(tmp_path / "open")
    other.data_dir.mkdir()
    await other.start()
    try:
        await must_run(node, "use.mjs", guarded.server.url, guarded.ntfy, other.url, cwd=folder)
        async with httpx.AsyncClient(base_url=other.url) as http:
            (item,) = (await http.get("/api/v1/inbox?user_id=1&login=alice")).json()["items"]
        assert (item["message"], item["title"], item["data"]["tags"]) == ("from @cityssm", "T", ["x"])
    finally:
        await other.stop()
    assert await guarded.messages() == ["behind a path", "shown"]


async def test_apprise_to_ntfy(guarded, python, tmp_path):
    def ask(url, *more, body="it failed ✗"):
        return run(str(python / "apprise"), "-vv", "-t", "Backup ✓", "-b", body, *more, f"ntfy://{url}")

    for url in (
        f"{guarded.ntfy}@{guarded.host}/backups?priority=max&xtags=a,b&click=https://a.example/",
        f"phil:{guarded.ntfy}@{guarded.host}/backups?format=markdown",
    ):
        code, output = await ask(url)
        assert code == 0, output
    second, first = await guarded.items()
    assert (first["title"], first["message"], first["priority"]) == ("Backup ✓", "it failed ✗", "high")
    assert first["data"]["tags"] == ["a", "b"] and first["url"] == "https://a.example/"
    assert second["data"]["markdown"] is True
    (tmp_path / "a.txt").write_text("text")
    code, output = await ask(f"{guarded.ntfy}@{guarded.host}/backups", "-a", str(tmp_path / "a.txt"))
    assert code != 0 and "40014" in output, output
    for token in ("tk_" + "a" * 29, guarded.apprise):
        code, output = await ask(f"{token}@{guarded.host}/backups?auth=token")
        assert code != 0 and "401" in output, output
    assert len(await guarded.items()) == 2


async def test_apprise_to_apprise(guarded, python, tmp_path):
    def ask(url, *more):
        return run(str(python / "apprise"), "-vv", "-t", "Backup", "-b", "it **failed**", *more, f"apprise://{url}")

    for url, more in (
        (f"{guarded.host}/{guarded.apprise}", ("-n", "failure")),
        (f"{guarded.host}/{guarded.apprise}?method=form", ("-n", "info")),
        (f"{guarded.host}/apprise/{guarded.apprise}?format=markdown", ("-n", "warning")),
        (
            f"{guarded.host}/apprise/{guarded.apprise}?tags=a,b&format=html",
            (*["-n", "success", "-i", "html", "-b"], "<b>it</b><br>failed"),
        ),
    ):
        code, output = await ask(url, *more)
        assert code == 0, output
    found = [(item["priority"], item["message"], item["data"]["level"]) for item in (await guarded.items())[::-1]]
    assert found == [
        ("high", "it **failed**", "failure"),
        ("low", "it **failed**", "info"),
        ("high", "it **failed**", "warning"),
        ("normal", "it\nfailed", "success"),
    ]
    (tmp_path / "a.txt").write_text("text")
    for method in ("json", "form"):
        url = f"{guarded.host}/{guarded.apprise}?method={method}"
        code, output = await ask(url, "-a", str(tmp_path / "a.txt"))
        assert code != 0 and "error=400" in output, output
    for token in ("ap_" + "a" * 40, guarded.ntfy):
        code, output = await ask(f"{guarded.host}/{token}")
        assert code != 0 and "error=403" in output, output
    assert len(await guarded.items()) == 4


async def test_borgmatics_hooks(guarded, python, tmp_path):
    values = {"folder": tmp_path, "url": guarded.server.url, "host": guarded.host}
    config = tmp_path / "borgmatic.yaml"
    config.write_text(BORGMATIC.format(**values, ntfy=guarded.ntfy, apprise=guarded.apprise))
    code, output = await run(str(python / "borgmatic"), "--config", str(config), "create", cwd=tmp_path)
    assert code != 0 and "ntfy error" not in output and "Error sending" not in output, output
    found = {item["message"]: (item["title"], item["priority"]) for item in await guarded.items()}
    assert found == {
        "The backup begins": ("It begins", "low"),
        "The backup failed": ("It failed", "high"),
        "Apprise: begins": ("It begins", "low"),
        "Apprise: failed": ("It failed", "high"),
    }


async def test_curl_as_ntfys_own_guide_has_it(guarded, tmp_path):
    address, key = f"{guarded.server.url}/mytopic", guarded.ntfy
    (tmp_path / "report.txt").write_text("a report\n")
    (tmp_path / "photo.jpg").write_bytes(b"\xff\xd8\xff\xe0" + bytes(100))

    def curl(*arguments):
        return must_run("curl", "-sS", *arguments, cwd=tmp_path)

    said = json.loads(await curl("-u", f":{key}", "-d", "Backup successful 😀", address))
    assert said["message"] == "Backup successful 😀"
    bearer = ("-H", f"Authorization: Bearer {key}")
    await curl(
        *bearer, "-H", "Title: Unauthorized access", "-H", "Priority: urgent", "-H", "Tags: warning", "-d", "2", address
    )
    await curl(*bearer, "-T", "report.txt", address)
    said = json.loads(await curl(*bearer, "-T", "photo.jpg", "-H", "Filename: photo.jpg", address))
    assert said["code"] == 40014
    said = json.loads(await curl(*bearer, "-H", "At: tomorrow, 10am", "-d", "later", address))
    assert said["time"] > time.time()
    await curl(*bearer, f"{address}/trigger")
    await curl(*bearer, "-X", "POST", address)
    await curl(*bearer, f"{address}/publish?message=Webhook+triggered&priority=high")
    assert await guarded.messages() == [
        "Webhook triggered",
        "triggered",
        "triggered",
        "a report",
        "2",
        "Backup successful 😀",
    ]
