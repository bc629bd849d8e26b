"""Real senders of webhooks against the real program: Debian's Alertmanager with amtool, and PyPI's cloudevents."""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import subprocess
import time
import urllib.request

import pytest

from tests.e2e.foreign import must_run
from tests.e2e.server import ServerProcess, free_port

ADMIN = "the-operators-own-token"
AS_ADMIN = {"Authorization": f"Bearer {ADMIN}", "Content-Type": "application/json"}
PATIENCE = 60.0

pytestmark = pytest.mark.slow
PYTHON = ("cloudevents>=2.2,<3",)


def call(server, path, body=None):
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(urllib.request.Request(server.url + path, data, AS_ADMIN), timeout=10) as answer:
        return json.load(answer)


def inbox(server):
    return call(server, "/api/v1/inbox?user_id=1&login=alice")["items"]


def make_key(server, name):
    body = {"name": name, "door": "hooks", "to": ["1-alice"]}
    return call(server, "/api/v1/admin/keys", body)["key"]


async def until(condition, server):
    """The inbox, once it is as it should be; the program may be away meanwhile."""
    deadline, items = time.monotonic() + PATIENCE, None
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError):
            items = await asyncio.to_thread(inbox, server)
            if condition(items):
                return items
        await asyncio.sleep(0.05)
    raise AssertionError(items)


@pytest.fixture
def server(loop, data_dir):
    process = ServerProcess(data_dir / "data", AUTH_MODE="token", ADMIN_TOKEN=ADMIN)
    loop.run_until_complete(process.start())
    yield process
    loop.run_until_complete(process.stop())


# -- Alertmanager

SETTINGS = """
route:
  receiver: notifier
  group_by: [alertname]
  group_wait: 50ms
  group_interval: 300ms
  repeat_interval: 1s
receivers:
  - name: notifier
    webhook_configs:
      - url: {url}/hooks/alertmanager
        http_config:
          authorization:
            credentials: {token}
"""


class Alertmanager:
    """One Alertmanager on loopback, alone: two of them send everything twice, as those of a pair that lost each other."""

    def __init__(self, folder, settings):
        folder.mkdir()
        (folder / "alertmanager.yml").write_text(settings)
        self.url = f"http://127.0.0.1:{free_port()}"
        binary = shutil.which("prometheus-alertmanager") or shutil.which("alertmanager")
        assert binary, "apt-get install prometheus-alertmanager; make test-slow does it"
        self._log = (folder / "log").open("wb")
        self._process = subprocess.Popen(
            [
                binary,
                f"--config.file={folder / 'alertmanager.yml'}",
                f"--storage.path={folder / 'data'}",
                f"--web.listen-address={self.url.removeprefix('http://')}",
                "--cluster.listen-address=",
            ],
            stdout=self._log,
            stderr=self._log,
        )

    async def ready(self):
        deadline = time.monotonic() + PATIENCE
        while True:
            with contextlib.suppress(OSError):
                return await asyncio.to_thread(urllib.request.urlopen, f"{self.url}/-/ready", timeout=5)
            assert self._process.poll() is None and time.monotonic() < deadline
            await asyncio.sleep(0.05)

    async def add(self, *arguments):
        command = ("amtool", f"--alertmanager.url={self.url}", "alert", "add", *arguments)
        process = await asyncio.create_subprocess_exec(*command)
        assert await asyncio.wait_for(process.wait(), PATIENCE) == 0

    def stop(self):
        self._process.terminate()
        self._process.wait(20)
        self._log.close()


@pytest.fixture
def pair(loop, server, tmp_path):
    settings = SETTINGS.format(url=server.url, token=make_key(server, "alertmanager"))
    managers = []
    try:
        for name in ("a", "b"):
            managers.append(Alertmanager(tmp_path / name, settings))
        loop.run_until_complete(asyncio.gather(*(one.ready() for one in managers)))
        yield managers
    finally:
        for one in managers:
            one.stop()


ALERT = ("alertname=DiskFull", "instance=db1", "severity=critical")
SUMMARY = "--annotation=summary=Disk of db1 is full"


async def add(pair, *arguments):
    await asyncio.gather(*(one.add(*ALERT, SUMMARY, *arguments) for one in pair))


async def test_a_pair_of_alertmanagers_and_restarts_of_ours(server, pair):
    await add(pair)
    (item,) = await until(lambda items: items and items[0]["data"]["repeats"] >= 2, server)
    first = item["notification_id"]
    assert (item["title"], item["priority"], item["source"]) == ("Disk of db1 is full", "high", "alertmanager")
    server.kill()
    await server.wait()
    await server.start()
    repeats = inbox(server)[0]["data"]["repeats"]
    (item,) = await until(lambda items: items[0]["data"]["repeats"] > repeats + 2, server)
    assert (item["notification_id"], item["data"]["status"]) == (first, "firing")
    await server.stop()
    await add(pair, "--start=2026-01-01T00:00:00Z", f"--end={time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())}")
    await server.start()
    (item,) = await until(lambda items: items[0]["data"]["status"] == "resolved", server)
    assert (item["notification_id"], item["title"]) == (first, "✓ Disk of db1 is full")
    await add(pair)
    new, old = await until(lambda items: len(items) == 2, server)
    assert new["data"]["status"] == "firing" and old["notification_id"] == first
    assert new["notification_id"] != first and old["data"]["status"] == "resolved"


# -- CloudEvents

SENDER = """
import json, sys, urllib.request
from datetime import datetime, timezone
from cloudevents.core.bindings.http import to_binary_event, to_structured_event
from cloudevents.core.v1.event import CloudEvent

url, token = sys.argv[1:]


def event(number):
    moment = datetime(2026, 11, 28, tzinfo=timezone.utc)
    named = {"id": number, "source": "/sender", "type": "com.example.done", "subject": "caf\\u00e9 " + number}
    named |= {"specversion": "1.0", "time": moment, "datacontenttype": "application/json"}
    return CloudEvent(attributes=named, data={"message": "text " + number})


for message in (to_binary_event(event("1")), to_structured_event(event("2")), to_structured_event(event("1"))):
    headers = {**message.headers, "Authorization": f"Bearer {token}"}
    with urllib.request.urlopen(urllib.request.Request(url, message.body, headers)) as answer:
        print(answer.status)
"""


async def test_events_of_the_cloudevents_package(server, python):
    arguments = (f"{server.url}/hooks/cloudevents", make_key(server, "events"))
    assert (await must_run(str(python / "python"), "-c", SENDER, *arguments)).split() == ["200"] * 3
    found = [(item["title"], item["message"], item["category"]) for item in inbox(server)]
    assert found == [("café 2", "text 2", "com.example.done"), ("café 1", "text 1", "com.example.done")]
