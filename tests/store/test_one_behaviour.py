"""Scripts and plain commands do the same: random operations over both give the same answers, frames and keys."""

import asyncio
import json
import random
import re

import pytest

from tests.live.test_pods import two_pods
from tests.support import Inbox, eventually, expire_payloads, notify

USERS = [{"id": 1, "login": "alice"}, {"id": 2, "login": "bob"}, {"id": 3, "login": "ида"}]
STEPS = 40
ACTIONS = ("seen", "read", "unread", "archive", "unarchive", "act")
# Other programs' business, of one run alone, or what the plain commands themselves keep.
LEFT_OUT = ("notif:pod", "notif:bus:", "notif:fence", "notif:epoch", "notif:sole:", "notif:lock:", "notif:route:")
LEFT_OUT += (
    "notif:rev:",  # other changes lead to the same
    "notif:trial",
    "notif:sweep:",
    "notif:idem:",
    "notif:{delivery}",
    "notif:events",
    "notif:past",
    "notif:history",
)
TIMES = re.compile("(?<=[srazx])[0-9]{13}")


class Run:
    """One way through the operations that a seed draws."""

    def __init__(self, one, two, redis):
        self.pods, self.redis = (one, two), redis
        self.names = {}  # ids as they came, in the order of their coming
        self.tabs, self.said, self.pushed = [], [], {number: [] for number in range(len(USERS))}

    def name(self, text):
        return self.names.setdefault(text, f"<{len(self.names)}>")

    def named(self, value):
        """A value with the ids of this run replaced by their places."""
        if isinstance(value, dict):
            return {key: "" if key in ("created_at", "stream_id") else self.named(part) for key, part in value.items()}
        if isinstance(value, list):
            return [self.named(part) for part in value]
        return self.names.get(value, value) if isinstance(value, str) else value

    async def step(self, draw):
        kind = draw.choice(
            ["notify"] * 5
            + ["read"] * 4
            + ["open", "close", "read_all", "expire", "repeat", "bogus", "mark", "put_off"]
        )
        kind = draw.choice(["retention", "break", kind, kind, kind, kind, kind, kind])
        await getattr(self, kind)(draw)

    async def notify(self, draw, headers=None):
        targets = sorted(draw.sample(range(len(USERS)), draw.randint(1, len(USERS))))
        options = {"ttl": "1h"} if draw.random() < 0.2 else {}
        pod = self.pods[draw.random() < 0.2]
        ids = await notify(pod, f"message {len(self.said)}", [USERS[n] for n in targets], headers, **options)
        for number, nid in zip(targets, ids, strict=True):
            entries = await self.redis.call("XREVRANGE", self.stream(number), "+", "-", "COUNT", 1)
            stream_id = entries[0][0].decode()
            self.name(nid)
            self.pushed[number].append((nid, stream_id))
            for tab in self.tabs_of(number):
                await self.frames(tab, lambda frame, nid=nid: frame["data"].get("notification_id") == nid)
        self.said.append(("202", self.named(ids)))

    def stream(self, number):
        return f"stream:user:{USERS[number]['id']}-{USERS[number]['login']}"

    async def repeat(self, draw):
        """A request under a key, which the scripts take, among those that they do not."""
        await self.notify(draw, {"Idempotency-Key": f"key {len(self.said)}"})

    def tabs_of(self, number):
        return [tab for tab in self.tabs if tab.number == number]

    async def frames(self, tab, last):
        """Reads on to a frame, which must come, and keeps all up to it."""
        while True:
            frame = await tab.receive()
            tab.got.append(self.named(frame))
            if last(frame):
                return

    async def open(self, draw):
        number, pod = draw.randrange(len(USERS)), self.pods[draw.random() < 0.3]
        if len(self.tabs) >= 5:
            return
        tab = await Inbox.open(pod, USERS[number]["id"], USERS[number]["login"])
        tab.number, tab.got = number, [self.named(tab.greeting), tab.synced]
        self.tabs.append(tab)

    async def close(self, draw):
        if not self.tabs:
            return
        tab = self.tabs.pop(draw.randrange(len(self.tabs)))
        self.said.append(("frames", tab.number, tab.got))
        count = sum(len(pod.pod.hub) for pod in self.pods)
        await tab.socket.close()
        await eventually(lambda: sum(len(pod.pod.hub) for pod in self.pods) == count - 1)

    async def read(self, draw):
        tab = draw.choice(self.tabs) if self.tabs else None
        if tab is None or not self.pushed[tab.number]:
            draw.random()
            return
        recent = self.pushed[tab.number][-4:]
        nid, stream_id = recent[draw.randrange(len(recent))]
        await tab.say("notification.read", notification_id=nid, stream_id=stream_id)
        await self.answered(tab)

    async def answered(self, tab):
        """An acknowledgement goes to every tab of the user, an error to the one that asked."""
        kinds = ("notification.read.ack", "error")
        await self.frames(tab, lambda frame: frame["type"] in kinds)
        if tab.got[-1]["type"] == "notification.read.ack":
            for other in self.tabs_of(tab.number):
                if other is not tab:
                    await self.frames(other, lambda frame: frame["type"] in kinds)

    async def bogus(self, draw):
        if self.tabs:
            tab = draw.choice(self.tabs)
            nid = "00000000-0000-4000-8000-000000000000"
            await tab.say("notification.read", notification_id=nid, stream_id="1-1")
            await self.answered(tab)

    async def read_all(self, draw):
        tab = draw.choice(self.tabs) if self.tabs else None
        if tab is not None and self.pushed[tab.number]:
            await tab.say("notification.read_all", up_to=self.pushed[tab.number][-1][1])
            await asyncio.sleep(0.03)
            for other in self.tabs_of(tab.number):
                await other.say("sync.request", limit=3)
                await self.frames(other, lambda frame: frame["type"] == "sync.response")

    async def mark(self, draw):
        """Any mark of the new ways, of one that the plain commands may have under way."""
        await self.change(draw, lambda pod, nid, pair: pod.post(f"/api/v1/inbox/{nid}/{draw.choice(ACTIONS)}?{pair}"))

    async def put_off(self, draw):
        """Snoozed, or brought back."""
        body = {"for": "1h"}
        await self.change(draw, lambda pod, nid, pair: pod.put(f"/api/v1/inbox/{nid}/snooze?{pair}", json=body))
        await self.change(draw, lambda pod, nid, pair: pod.delete(f"/api/v1/inbox/{nid}/snooze?{pair}"))

    async def change(self, draw, call):
        number, pod = draw.randrange(len(USERS)), self.pods[draw.random() < 0.3]
        if not self.pushed[number]:
            return
        nid, _ = draw.choice(self.pushed[number][-4:])
        answer = await call(pod, nid, f"user_id={USERS[number]['id']}&login={USERS[number]['login']}")
        self.said.append((answer.status_code, answer.json().get("changed"), answer.json().get("counts")))
        await asyncio.sleep(0.03)
        for tab in self.tabs_of(number):
            await tab.say("sync.request", limit=3)
            await self.frames(tab, lambda frame: frame["type"] == "sync.response")

    async def retention(self, draw):
        if self.tabs:
            tab = draw.choice(self.tabs)
            await tab.say("retention.set", days=draw.randint(1, 15))
            await self.frames(tab, lambda frame: frame["type"] == "retention.ack")

    async def expire(self, draw):
        await expire_payloads(self.redis)
        pod = self.pods[0].pod
        pod.janitor._now = lambda: 4e9
        for each in self.pods:
            each.pod.reports.before()
        await pod.janitor.sweep()
        await asyncio.sleep(0.03)
        for number, pushed in self.pushed.items():
            pushed.clear()
            for tab in self.tabs_of(number):
                await tab.say("sync.request", limit=3)
                await self.frames(tab, lambda frame: frame["type"] == "sync.response")

    async def break_(self, draw):
        pod = self.pods[0].pod
        await eventually(lambda: not pod.sockets._tasks)  # an inbox that is being read would end its connection
        pod.redis._link.close()
        assert await pod.redis.wait_up(5)
        await eventually(lambda: self.is_current(pod))

    @staticmethod
    def is_current(pod):
        members = [pod.hub.member(user) for user in pod.hub.users]
        return all(member.cursor.epoch == pod.router.catch_up.epoch for member in members)

    async def store(self):
        """All that is in Redis of the inboxes, once everything has followed."""
        for each in self.pods:
            each.pod.router.news(each.pod.hub.users)
            each.pod.reports.before()
        await self.pods[0].pod.trimmer.round()  # which gives retentions to what was there before
        await asyncio.sleep(0.1)
        found = {}
        for key in sorted(name.decode() for name in await self.redis.call("KEYS", "*")):
            if not key.startswith(LEFT_OUT):
                found[self.key(key)] = await self.value(key)
        empty = [key for key, value in found.items() if key.startswith("stream:") and not value[0]]
        return {key: value for key, value in found.items() if key not in empty}

    def key(self, key):
        return "notification:" + self.name(key[13:]) if key.startswith("notification:") else key

    async def value(self, key):
        kind = (await self.redis.call("TYPE", key)).decode()
        if kind == "stream":
            return [self.entries(await self.redis.call("XRANGE", key, "-", "+")), await self.unread_of(key)]
        if key.startswith("notification:"):
            life = await self.redis.call("PTTL", key)
            return [self.named(json.loads(await self.redis.call("GET", key))), round(life / 600_000)]
        if key == "notif:totals":
            return await self.redis.call("HGET", key, "pending")
        ask = {"hash": ("HGETALL", key), "zset": ("ZRANGE", key, 0, -1), "set": ("SMEMBERS", key)}
        ask |= {"list": ("LRANGE", key, 0, -1), "string": ("GET", key)}
        reply = await self.redis.call(*ask[kind])
        parts = [self.named(part.decode()) for part in (reply if isinstance(reply, list) else [reply])]
        if key == "notif:snoozed":
            parts = sorted("\x1f".join(map(self.name, part.split("\x1f"))) for part in parts)
        if key.startswith("notif:marks:"):  # when it was, differs
            parts = [TIMES.sub("", part) for part in parts]
        if kind == "list":  # stream ids of two runs differ
            parts = parts[1::2]
        return sorted(parts) if kind in ("set", "hash") or key == "notif:expiry" else parts

    def entries(self, entries):
        return [self.named(fields[1].decode()) for _, fields in entries]

    async def unread_of(self, key):
        """The group's pending entries, where somebody holds the user's lock."""
        if not await self.redis.call("EXISTS", key.replace("stream:user:", "notif:lock:consumer:")):
            return None
        rows = await self.redis.call("XPENDING", key, "notifications", "-", "+", 1000)
        of = {entry[0]: entry[1][1].decode() for entry in await self.redis.call("XRANGE", key, "-", "+")}
        return [self.named(of.get(row[0], "dangling")) for row in rows]


setattr(Run, "break", Run.break_)


async def play(start_pod, redis, seed, lean_path):
    await redis.call("FLUSHALL")
    one, two = await two_pods(lambda pod="pod-a", **changes: start_pod(pod, lean_path=lean_path, **changes))
    run, draw = Run(one, two, redis), random.Random(seed)
    await run.open(draw)
    for _ in range(STEPS):
        await run.step(draw)
    found = await run.store()
    told = run.said + [(tab.number, tab.got) for tab in run.tabs]
    for client in (one, two):
        await client.close()
    return told, found


@pytest.mark.parametrize("seed", [1, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(2, 7))])
async def test_the_same_operations_end_in_the_same(start_pod, redis, seed):
    by_scripts = await play(start_pod, redis, seed, "off")
    by_commands = await play(start_pod, redis, seed, "on")
    assert by_commands[0] == by_scripts[0]
    assert by_commands[1] == by_scripts[1]
