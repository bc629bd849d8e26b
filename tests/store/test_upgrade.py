"""Data that earlier versions wrote open in this one: `tests/data/VERSION` is a folder of theirs.

Each was written by `notifier serve` of that version: alice chose to keep for 15 days, read one notification and left
another unread, which bob got too. Their payloads' ends were then moved to the year 2100, so that they stay readable.
"""

import shutil
from pathlib import Path

import pytest

from notifier.config import load
from notifier.pod.app import App
from notifier.serving.process import Server, bind
from tests.support import Inbox, notify

DATA = Path(__file__).parent.parent / "data"
VERSIONS = sorted(folder.name for folder in DATA.iterdir() if folder.is_dir())


@pytest.fixture
def start_on(loop, data_dir, sanic_client):
    """Starts a pod with its own Redis on a copy of a version's data."""

    async def start(version):
        shutil.copytree(DATA / version, data_dir, dirs_exist_ok=True)
        values = {"server_addr": "127.0.0.1:0", "data_dir": str(data_dir), "janitor_interval": "1h"}
        app = App(load(values | {"pod_id": "newer", "log_level": "error"}, {}))
        client = await sanic_client(Server(app, bind("127.0.0.1", 0)).web)
        client.pod = app
        return client

    return start


@pytest.mark.parametrize("version", VERSIONS)
async def test_data_of_an_earlier_version(start_on, version):
    client = await start_on(version)
    retention = await client.pod.redis.call("GET", "notif:retention:1-alice")
    assert retention == b"15"
    alice, bob = await Inbox.open(client), await Inbox.open(client, 2, "bob")
    assert [(push["message"], push["status"]) for push in alice.greeting] == [
        ("unread before the upgrade", "unread"),
        ("read before the upgrade", "read"),
    ]
    assert (alice.greeting[0]["title"], alice.greeting[0]["source"]) == ("Hello", "shop")
    assert [push["status"] for push in bob.greeting] == ["unread"]
    await alice.read(alice.greeting[0])
    assert (await alice.receive("notification.read.ack"))["notification_id"] == alice.greeting[0]["notification_id"]
    (new,) = await notify(client, "after the upgrade")
    assert (await alice.receive("notification.push"))["notification_id"] == new


def test_there_is_something_to_open():
    assert "0.1.0" in VERSIONS
