"""The badge is right on every device: random operations on inboxes over two instances that are killed, and after each quiet
moment three counts that must be one: the server's, a recount of its lists, and that of every open connection.

    python -m tests.e2e.inbox_states --operations 100000
    python -m tests.e2e.inbox_states --duration 1h --rate 40
    python -m tests.e2e.inbox_states --operations 10000 --cluster

Prints one JSON line with `operations, refused, quiet, drift, kills, reconnects, marks_too_many, seconds`; exit code 1 where
anything drifted.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import random
import sys
import tempfile
import time
from pathlib import Path

import aiohttp

from notifier.domain.times import parse_duration
from notifier.store.keys import ClusterKeys, Keys
from notifier.store.redis.address import Address
from notifier.store.redis.link import open_link
from notifier.store.redis.slots import slot_of
from tests.e2e.redis_servers import RedisServers, start_cluster
from tests.e2e.server import ServerProcess, free_port

LOGIN = "states"
AT_ONCE = 8
STARTS = 5  # tries to start an instance that was killed
QUIET_EVERY = 200  # operations
QUIET_WITHIN = 15.0  # seconds in which all three agree
FILTERS = ({}, {"archived": "include"}, {"snoozed": "only"}, {"status": "unread"}, {"category": "a"})
ACTIONS = ("seen", "read", "unread", "archive", "unarchive", "act")


class Store:
    """One server, or a cluster of three masters, asked by the names that keys have there."""

    def __init__(self, folder):
        self.servers, self.keys, self.address, self.links = RedisServers(folder), Keys(), "", []

    async def start(self, cluster):
        if cluster:
            self.keys = ClusterKeys()
            self.address, ports = await start_cluster(self.servers)
        else:
            ports = [free_port()]
            self.address = f"127.0.0.1:{ports[0]}"
            self.servers.start(ports[0], "--save", "", "--appendonly", "yes")
            await self.servers.ask(ports[0], "PING")
        self.links = [
            await open_link(Address(host="127.0.0.1", port=port), 5.0, 5.0, lambda link: None) for port in ports
        ]

    async def ask(self, command, key, *rest):
        """The reply of the server of a key."""
        link = self.links[min(slot_of(key) // 5461, 2)] if self.keys.cluster else self.links[0]
        return await link.call(command, key, *rest)

    def snoozed(self, user):
        """The index in which what a user has put off stands."""
        return self.keys.index("snoozed", self.keys.shards[self.keys.shard_of(user)])

    def stop(self):
        for link in self.links:
            link.close()
        self.servers.stop()


class Device:
    """A connection that asked for counts, and takes those with a higher revision than the last."""

    def __init__(self, http, urls, user, figures):
        self.http, self.urls, self.user, self.figures = http, urls, user, figures
        self.counts, self.rev, self.up = None, 0, False
        self.pushes, self.socket = {}, None

    async def run(self):
        turn = 0
        while True:
            turn += 1
            with contextlib.suppress(aiohttp.ClientError, OSError, TimeoutError):
                await self.follow(self.urls[turn % len(self.urls)])
            self.up = False
            self.figures["reconnects"] += 1
            await asyncio.sleep(0.1)

    async def follow(self, url):
        address = f"{url}/ws?user_id={self.user}&login={LOGIN}&events=states,counts"
        async with self.http.ws_connect(address, max_msg_size=2**24, heartbeat=5) as self.socket:
            async for frame in self.socket:
                if frame.type is aiohttp.WSMsgType.TEXT:
                    self.take(json.loads(frame.data))

    def take(self, message):
        kind, data = message["type"], message["data"]
        if kind == "sync.complete":
            self.counts, self.rev, self.up = data["counts"], data["rev"], True
        elif kind == "inbox.counts" and data["rev"] > self.rev:
            self.rev = data["rev"]
            self.counts = {name: data[name] for name in ("unread", "unseen", "total")}
        elif kind == "notification.push":
            self.pushes[data["notification_id"]] = data["stream_id"]
            while len(self.pushes) > 200:
                del self.pushes[next(iter(self.pushes))]


class Run:
    """Random operations over users, and the comparison."""

    def __init__(self, http, servers, store, seed, users):
        self.http, self.servers, self.store = http, servers, store
        self.draw = random.Random(seed)
        self.users = [1000 + number for number in range(users)]
        self.ids = {user: [] for user in self.users}
        self.figures = dict.fromkeys(("operations", "refused", "quiet", "drift", "kills", "reconnects"), 0)
        self.figures["marks_too_many"] = 0
        urls = [server.url for server in servers]
        self.devices = {
            user: [Device(http, urls[n % 2 :] + urls[: n % 2], user, self.figures) for n in range(3)]
            for user in self.users
        }
        self.examples = []

    # -- operations

    async def step(self):
        user = self.draw.choice(self.users)
        kinds = ["notify"] * 4 + ["keyed"] * 2 + ["mark"] * 5 + ["read"] * 3
        kinds += ["filtered", "up_to", "snooze", "unsnooze", "wake", "retract", "change", "read_all", "later"]
        self.figures["operations"] += 1
        try:
            await getattr(self, self.draw.choice(kinds))(user)
        except (aiohttp.ClientError, OSError, TimeoutError, ConnectionError):
            self.figures["refused"] += 1

    async def call(self, method, path, user=None, **options):
        url = self.draw.choice(self.servers).url + path
        if user is not None:
            url += f"{'&' if '?' in path else '?'}user_id={user}&login={LOGIN}"
        async with self.http.request(method, url, **options) as response:
            if response.status >= 500:
                self.figures["refused"] += 1
                return None
            assert response.status in (200, 202, 404), (response.status, await response.text(), method, url)
            return await response.json()

    async def send(self, user, **more):
        target = [{"id": user, "login": LOGIN}]
        body = {"target": target, "message": "m", "ttl": "1d", "category": self.draw.choice("abc"), **more}
        answer = await self.call("POST", "/api/v1/notify", json=body)
        if answer is not None:
            self.ids[user].append(answer["results"][0]["notification_id"])
            del self.ids[user][:-150]

    async def notify(self, user):
        await self.send(user)

    async def keyed(self, user):
        await self.send(user, key=self.draw.choice("klm"), on_same=self.draw.choice(("bump", "replace", "keep")))

    async def later(self, user):
        await self.send(user, deliver_at=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 1)))

    def one(self, user):
        return self.draw.choice(self.ids[user] or ["00000000-0000-4000-8000-000000000000"])

    async def mark(self, user):
        await self.call("POST", f"/api/v1/inbox/{self.one(user)}/{self.draw.choice(ACTIONS)}", user)

    async def filtered(self, user):
        body = {"as": self.draw.choice(("seen", "read", "archived")), "filter": {"category": self.draw.choice("abc")}}
        await self.call("POST", "/api/v1/inbox/mark", user, json=body)

    async def up_to(self, user):
        device = self.draw.choice(self.devices[user])
        if device.pushes:
            body = {
                "as": self.draw.choice(("seen", "read", "unread")),
                "up_to": self.draw.choice([*device.pushes.values()]),
            }
            await self.call("POST", "/api/v1/inbox/mark", user, json=body)

    async def snooze(self, user):
        await self.call("PUT", f"/api/v1/inbox/{self.one(user)}/snooze", user, json={"for": "1h"})

    async def unsnooze(self, user):
        await self.call("DELETE", f"/api/v1/inbox/{self.one(user)}/snooze", user)

    async def wake(self, user):
        """The time of all that is snoozed comes."""
        index = self.store.snoozed(f"{user}-{LOGIN}")
        for member in await self.store.ask("ZRANGE", index, 0, 20):
            await self.store.ask("ZADD", index, "XX", 1, member)

    async def retract(self, user):
        await self.call("DELETE", f"/api/v1/notify/{self.one(user)}", user)

    async def change(self, user):
        await self.call("PATCH", f"/api/v1/notify/{self.one(user)}", user, json={"message": "changed"})

    async def read(self, user):
        device = self.draw.choice(self.devices[user])
        if device.up and device.pushes:
            nid, stream_id = self.draw.choice([*device.pushes.items()][-20:])
            data = {"notification_id": nid, "stream_id": stream_id}
            await device.socket.send_json({"type": "notification.read", "data": data})

    async def read_all(self, user):
        device = self.draw.choice(self.devices[user])
        if device.up and device.pushes and self.draw.random() < 0.3:
            data = {"up_to": self.draw.choice([*device.pushes.values()])}
            await device.socket.send_json({"type": "notification.read_all", "data": data})

    # -- kills

    async def kill(self):
        server = self.draw.choice(self.servers)
        server.kill()
        self.figures["kills"] += 1
        for _ in range(STARTS):
            with contextlib.suppress(RuntimeError):
                return await server.start()
            with contextlib.suppress(ProcessLookupError, AssertionError):
                server.kill()  # a machine so busy that it is not ready in time
        raise RuntimeError(server.log()[-2000:])

    # -- the comparison

    async def compare(self):
        """Waits until all counts of all users agree; counts a drift where they do not in time."""
        deadline = time.monotonic() + QUIET_WITHIN
        for user in self.users:
            while (found := await self.counts_of(user)) is not None:
                if time.monotonic() > deadline:
                    self.figures["drift"] += 1
                    self.examples.append({"user": user, **found})
                    break
                await asyncio.sleep(0.1)
        self.figures["quiet"] += 1

    async def counts_of(self, user):
        """None where they are all the same, else what they are."""
        try:
            filters = json.dumps(list(FILTERS))
            answers = [
                await self.call("GET", "/api/v1/inbox/counts", user, params={"filters": filters}) for _ in range(2)
            ]
            items = await self.items(user)
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            return {"error": str(error)}
        recount = {
            "unread": sum(not item["read"] for item in items),
            "unseen": sum(item["seen_at"] is None for item in items),
            "total": len(items),
        }
        page = await self.call("GET", "/api/v1/inbox?limit=1", user)
        devices = [device.counts if device.up else None for device in self.devices[user]]
        if None in (*answers, page) or answers[0] != answers[1]:
            return {"answers": answers}
        same = [page["counts"], answers[0]["counts"][0], *devices]
        await self.look_at_keys(user)
        return (
            None
            if all(one == recount for one in same)
            else {"recount": recount, "server": same[:2], "devices": devices}
        )

    async def look_at_keys(self, user):
        key, keys = f"{user}-{LOGIN}", self.store.keys
        entries = await self.store.ask("XLEN", keys.stream(key))
        for name in (keys.marks(key), keys.state(key)):
            self.figures["marks_too_many"] += await self.store.ask("HLEN", name) > entries

    async def items(self, user):
        found, before = [], ""
        while before is not None:
            page = await self.call("GET", f"/api/v1/inbox?limit=100{before and '&before='}{before}", user)
            if page is None:
                raise OSError("refused")
            found += page["items"]
            before = page["next_before"]
        return found


async def play(folder, operations, duration, rate, kill_every, seed=1, users=4, cluster=False):
    """Plays a run; its figures, and examples of what drifted."""
    store, servers, begun, tasks = Store(folder), [], time.monotonic(), []
    try:
        await store.start(cluster)
        for name in "ab":
            home = folder / name
            home.mkdir()
            options = {"REDIS_ADDR": store.address, "POD_ID": f"pod-{name}", "NOTIFICATION_TTL": "1d"}
            (home / "data").mkdir()
            servers.append(ServerProcess(home / "data", STREAM_MAXLEN="200", JANITOR_INTERVAL="2s", **options))
            await servers[-1].start()
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as http:
            run = Run(http, servers, store, seed, users)
            tasks = [asyncio.create_task(device.run()) for devices in run.devices.values() for device in devices]
            await drive(run, operations, duration, rate, kill_every)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
    finally:
        for server in servers:
            with contextlib.suppress(ProcessLookupError, AssertionError):
                server.kill()
        store.stop()
    return {**run.figures, "seconds": round(time.monotonic() - begun)}, run.examples


async def drive(run, operations, duration, rate, kill_every):
    end, next_kill = time.monotonic() + duration if duration else float("inf"), kill_every
    while run.figures["operations"] < operations and time.monotonic() < end:
        begun = time.monotonic()
        for _ in range(QUIET_EVERY // AT_ONCE):
            await asyncio.gather(*(run.step() for _ in range(AT_ONCE)))
            if rate:
                await asyncio.sleep(AT_ONCE / rate)
        if run.figures["operations"] >= next_kill:
            next_kill += kill_every
            await run.kill()
        await run.compare()
        if run.figures["quiet"] % 20 == 0:
            print(
                json.dumps({**run.figures, "last_s": round(time.monotonic() - begun, 1)}), file=sys.stderr, flush=True
            )


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--operations", type=int, default=10**9)
    parser.add_argument("--duration", type=parse_duration, default=0.0, help="such as 1h")
    parser.add_argument("--rate", type=float, default=0.0, help="operations a second; 0: as fast as they go")
    parser.add_argument("--kill-every", type=int, default=4_000, help="operations between two kills")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--cluster", action="store_true", help="over a Redis Cluster of three masters")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        figures, examples = asyncio.run(
            play(
                Path(folder),
                given.operations,
                given.duration,
                given.rate,
                given.kill_every,
                given.seed,
                cluster=given.cluster,
            )
        )
    for example in examples[:5]:
        print(json.dumps(example), file=sys.stderr)
    print(json.dumps(figures))
    sys.exit(figures["drift"] > 0 or figures["marks_too_many"] > 0)


if __name__ == "__main__":
    main()
