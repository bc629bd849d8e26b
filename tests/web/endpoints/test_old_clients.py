"""Clients of the version before states: a dialogue that was recorded with its server is played to this one.

`tests/data/before_states.json` holds what its clients said, and every frame that they heard, in order. Ids stand there by
names: `n1` is the first notification seen, `s1` its place in the stream, `t` a time.
"""

import json
import re
from pathlib import Path

import pytest

from tests.support import OVER_BOTH_PATHS, Inbox, eventually, expire_payloads, notify

pytestmark = OVER_BOTH_PATHS
DIALOGUE = json.loads((Path(__file__).parents[2] / "data" / "before_states.json").read_text())
STREAM_ID = re.compile(r"\d{13,}-\d+")
TIME = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z")
PAIR = "user_id=1&login=alice"


class Names:
    """Names in the place of ids, in the order in which the ids were seen."""

    def __init__(self):
        self.ids = {}

    def of(self, value, key=""):
        """A value with names in the place of ids and times."""
        if isinstance(value, dict):
            return {key: self.of(one, key) for key, one in value.items()}
        if isinstance(value, list):
            return [self.of(one) for one in value]
        if key == "notification_id":
            return self._name("n", value)
        if isinstance(value, str) and STREAM_ID.fullmatch(value):
            return self._name("s", value)
        return "t" if isinstance(value, str) and TIME.fullmatch(value) else value

    def back(self, value):
        """The value that had these names."""
        real = {name: one for one, name in self.ids.items()}
        return {key: real.get(one, one) if isinstance(one, str) else one for key, one in value.items()}

    def _name(self, kind, value):
        known = sum(name.startswith(kind) for name in self.ids.values())
        return self.ids.setdefault(value, f"{kind}{known + 1}")


class Play:
    """A dialogue between a pod and the tabs of alice."""

    def __init__(self, client, redis):
        self.client, self.redis, self.names, self.tabs = client, redis, Names(), {}

    async def step(self, kind, *what):
        """Carries a step out; the frame of what was heard."""
        return await getattr(self, kind)(*what)

    async def open(self, tab, address):
        self.tabs[tab] = Inbox(await self.client.ws_connect(address))

    async def close(self, tab):
        await self.tabs.pop(tab).socket.close()
        await eventually(lambda: len(self.client.pod.hub) == len(self.tabs), "the end of the connection")

    async def post(self, body):
        answer = await self.client.post("/api/v1/notify", json=body)
        assert answer.status_code == 202 and set(answer.json()) == {"results"}
        assert [set(row) for row in answer.json()["results"]] == [{"target", "notification_id"}]

    async def expire(self):
        await expire_payloads(self.redis)
        self.client.pod.janitor._now = lambda: 4e9
        await self.client.pod.janitor.sweep()

    async def say(self, tab, message):
        await self.tabs[tab].say(message["type"], **self.names.back(message["data"]))

    async def hear(self, tab, _=None):
        return self.names.of(await self.tabs[tab].receive())


async def test_every_frame_is_as_it_was(client, redis):
    play = Play(client, redis)
    for kind, *what in DIALOGUE:
        frame = await play.step(kind, *what)
        if kind == "hear":
            assert frame == what[1]
    for tab in play.tabs.values():
        assert await tab.is_quiet()


def test_the_dialogue_holds_every_message_of_that_version():
    said = {what[1]["type"] for kind, *what in DIALOGUE if kind == "say"}
    heard = {what[1]["type"] for kind, *what in DIALOGUE if kind == "hear"}
    assert said == {"notification.read", "notification.read_all", "sync.request", "retention.set"}
    pushes = {"notification.push", "notification.read.ack", "sync.response", "sync.complete"}
    assert heard == pushes | {"retention.ack", "error"}


def fields(frame):
    """Names of the members of a frame."""
    data = frame["data"] if isinstance(frame["data"], list) else [frame["data"]]
    return [(frame["type"], frozenset(one)) for one in data]


KNOWN = {}
for _kind, *_what in DIALOGUE:
    for _type, _names in fields(_what[1]) if _kind == "hear" else ():
        KNOWN[_type] = KNOWN.get(_type, frozenset()) | _names


async def heard_up_to(inbox, notification_id):
    """The frames up to the push of a notification."""
    heard = [await inbox.receive()]
    while heard[-1]["data"].get("notification_id") != notification_id:
        heard.append(await inbox.receive())
    return heard


async def test_whatever_newer_clients_do_brings_no_frame_that_was_unknown(client):
    """Of what its sender brought up again, which is new, a push carries the `revision`."""
    old = await Inbox.open(client)
    new = await Inbox.open(client, login="alice&events=states,counts")
    for text in ("a", "b", "c", "d"):
        await notify(client, text)
    ids = [(await old.receive("notification.push"))["notification_id"] for _ in range(4)]
    for nid, action in zip(ids, ("seen", "unread", "archive", "act"), strict=True):
        assert (await client.post(f"/api/v1/inbox/{nid}/{action}?{PAIR}")).status_code == 200
    await new.say("notification.mark", **{"as": "archived", "ids": ids[3:]})
    await new.say("inbox.query", ref="q")
    assert (await client.put(f"/api/v1/inbox/{ids[1]}/snooze?{PAIR}", json={"for": "1h"})).status_code == 200
    assert (await client.delete(f"/api/v1/inbox/{ids[1]}/snooze?{PAIR}")).status_code == 200
    for on_same in ("bump", "replace", "bump", "keep"):
        await notify(client, on_same, key="build", on_same=on_same)
    assert (await client.patch(f"/api/v1/notify/{ids[0]}?{PAIR}", json={"message": "changed"})).status_code == 200
    for nid in ids[:2]:
        assert (await client.delete(f"/api/v1/notify/{nid}?{PAIR}")).json()["was"] in ("unread", "read")
    (last,) = await notify(client, "last")
    await heard_up_to(new, last)
    for frame in await heard_up_to(old, last):
        for kind, names in fields(frame):
            brought_up = kind == "notification.push" and frame["data"]["message"] == "bump"
            assert names <= KNOWN[kind] | ({"revision"} if brought_up else set()), frame


@pytest.mark.parametrize("events", ["", "&events="])
async def test_who_asked_for_nothing_is_plain(client, events):
    inbox = await Inbox.open(client, login=f"alice{events}")
    assert inbox.synced == {"pending": 0, "total": 0}
