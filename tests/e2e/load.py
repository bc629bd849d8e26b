"""The load of the fault runs, and their count: what was answered 202 must be stored once and pushed to who follows.

Every message is posted under an idempotency key until it is answered 202, as a careful sender does, who gives up waiting
after a while and goes to the next pod. Followers hold a socket on every pod, and come again when it breaks.

A `plain` load takes the lean path: no keys, so that a message without an answer is left alone (it may be stored once, or
not at all), and followers mark read what they are pushed; what was acknowledged must be read in the end.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import sys
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import NamedTuple

import aiohttp

from notifier.client import Client, ClientError
from tests.e2e.server import ServerProcess

PER_USER = 60  # well below what an inbox keeps
LOGIN = "u"
PATIENCE = 3.0  # seconds that a sender waits for an answer; the promise is one
SETTLE = 30.0
REFUSALS = (0, 409, 503)  # nobody there; on a cluster: the first try still counts as running; the store is away


class Count(NamedTuple):
    """The outcome of a load: messages tried, ids lost, texts stored twice or ids pushed twice over one connection, ids
    pushed after later ones, and the seconds between two acceptances at the longest."""

    tried: int
    lost: list[str]
    duplicated: list[str]
    misordered: list[str]
    longest_gap: float
    unseen: int = 0  # that open connections had not been sent when `look_for_unseen` gave up waiting

    @property
    def wrong(self) -> int:
        """The number of those lost, there twice, out of order, or unseen on a connection that stayed open."""
        return len(self.lost) + len(self.duplicated) + len(self.misordered) + self.unseen

    def __str__(self) -> str:
        said = f"{self.tried} tried, {len(self.lost)} lost, {len(self.duplicated)} duplicated"
        if self.misordered:
            said += f", {len(self.misordered)} out of order"
        if self.unseen:
            said += f", {self.unseen} unseen on open connections"
        return f"{said}, longest gap {self.longest_gap:.1f} s"


class Load:
    """Senders and followers of one or several pods on one store."""

    def __init__(
        self,
        *servers: ServerProcess,
        senders: int = 12,
        pace: float = 0.04,
        users: int | None = None,
        first_user: int = 1,
        follow_every: int = 8,
        sockets: int = 1,
        plain: bool = False,
    ) -> None:
        """`pace` in seconds between a sender's messages. `users` take turns; without it each is sent 60 in a row.
        Every `follow_every`th user is followed, over `sockets` connections to each of the servers."""
        self.servers = servers
        self.accepted: dict[str, tuple[int, str]] = {}
        self.accepted_at: dict[str, float] = {}
        self.posted_at: dict[str, float] = {}
        self.pushes: defaultdict[tuple[ServerProcess, int], list[tuple[float, str]]] = defaultdict(list)
        self.answers: list[tuple[float, int, float]] = []  # when, status (0: none), seconds it took
        self.longest_gap = 0.0
        self._senders = senders
        self._pace = pace
        self._users = users
        self._first_user = first_user
        self._follow_every = follow_every
        self._sockets = sockets
        self._plain = plain
        self.read: dict[str, int] = {}  # ids whose marks were acknowledged, and their users
        self._sending = False
        self._last_accepted = 0.0
        self._numbers = itertools.count()
        self._repeated: list[str] = []
        self._misordered: list[str] = []
        self._followers: dict[tuple[ServerProcess, int, int], asyncio.Task[None]] = {}
        self._had: dict[tuple[ServerProcess, int, int], set[str]] = {}  # what each open connection has been sent
        self.reconnects = 0
        self.unseen = 0

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Sends and follows within; leaves when all has been accepted and followed, or nothing comes any more."""
        self._sending, self._last_accepted = True, time.monotonic()
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http:
            self._tasks = tasks = [asyncio.create_task(self._send(http, first)) for first in range(self._senders)]
            try:
                yield
                self._sending = False
                await asyncio.gather(*tasks)
                await self._settle()
            finally:
                for task in (*tasks, *self._followers.values()):
                    task.cancel()
                await asyncio.gather(*tasks, *self._followers.values(), return_exceptions=True)

    def accepted_after(self, moment: float) -> float | None:
        """Seconds from a monotonic time to the first acceptance of a request that was answered after it."""
        return min((at - moment for at in self.accepted_at.values() if at >= moment), default=None)

    def pushed_after(self, moment: float, server: ServerProcess, user: int) -> float | None:
        """Seconds from a monotonic time until a pod pushed a user something that was accepted after it."""
        fresh = (at for at, nid in self.pushes[server, user] if self.accepted_at.get(nid, at) > moment)
        return min((at - moment for at in fresh if at > moment), default=None)

    def push_latencies(self, since: float) -> list[float]:
        """Seconds from request to push of what was posted after a monotonic time, in ascending order."""
        pushes = ((at, self.posted_at.get(nid, 0.0)) for pushes in self.pushes.values() for at, nid in pushes)
        return sorted(at - posted for at, posted in pushes if posted > since)

    @property
    def followed(self) -> list[int]:
        """The users who are followed."""
        return sorted({user for _, user, _ in self._followers})

    # -- senders

    async def _send(self, http: aiohttp.ClientSession, first: int) -> None:
        async with Clients(self.servers, first) as clients:
            while self._sending:
                number = next(self._numbers)
                user = self._first_user + (number // PER_USER if self._users is None else number % self._users)
                if user % self._follow_every == 0:
                    self._begin_to_follow(http, user)
                await self._send_until_accepted(clients, user, f"message {self._first_user} {number}")
                await asyncio.sleep(self._pace)

    async def _send_until_accepted(self, clients: Clients, user: int, text: str) -> None:
        options = {} if self._plain else {"idempotency_key": text, "ttl": "1h"}
        while True:
            begun, result, status = time.monotonic(), None, 202
            try:
                async with asyncio.timeout(PATIENCE):
                    (result,) = await clients.current.send([(user, LOGIN)], text, **options)
            except TimeoutError:
                status = 0
            except ClientError as error:
                assert error.status in REFUSALS, error
                status = error.status
            now = time.monotonic()
            self.answers.append((now, status, now - begun))
            if result is not None:
                self._note_accepted(result["notification_id"], user, text, now)
                self.posted_at[result["notification_id"]] = begun
                return
            clients.turn()
            await asyncio.sleep(0.02)
            if self._plain:
                return

    def _note_accepted(self, notification_id: str, user: int, text: str, now: float) -> None:
        self.accepted[notification_id] = (user, text)
        self.accepted_at[notification_id] = now
        self.longest_gap = max(self.longest_gap, now - self._last_accepted)
        self._last_accepted = now

    # -- followers

    def _begin_to_follow(self, http: aiohttp.ClientSession, user: int) -> None:
        for server, number in itertools.product(self.servers, range(self._sockets)):
            if (server, user, number) not in self._followers:
                self._followers[server, user, number] = asyncio.create_task(self._follow(http, server, user, number))

    async def _follow(self, http: aiohttp.ClientSession, server: ServerProcess, user: int, number: int) -> None:
        while True:
            try:
                async with asyncio.timeout(PATIENCE):
                    socket = await http.ws_connect(f"{server.url}/ws?user_id={user}&login={LOGIN}")
                had = self._had[server, user, number] = set()
                await self._note_pushes(socket, user, self.pushes[server, user], had)
            except (aiohttp.ClientError, OSError, TimeoutError):
                await asyncio.sleep(0.1)
            finally:
                self._had.pop((server, user, number), None)
            self.reconnects += 1

    async def _note_pushes(
        self, socket: aiohttp.ClientWebSocketResponse, user: int, pushes: list[tuple[float, str]], had: set[str]
    ) -> None:
        last = (0, 0)  # unread ones come oldest first at a connect as well as afterwards
        async with socket:
            async for frame in socket:
                if frame.type is not aiohttp.WSMsgType.TEXT:
                    continue
                message = json.loads(frame.data)
                if message["type"] == "notification.read.ack":
                    self.read[message["data"]["notification_id"]] = user
                if message["type"] != "notification.push":
                    continue
                notification_id, position = _place(message["data"])
                pushes.append((time.monotonic(), notification_id))
                if notification_id in had:
                    self._repeated.append(notification_id)
                elif position < last and not message["data"]["read"]:  # read ones come after the unread at a connect
                    self._misordered.append(notification_id)
                had.add(notification_id)
                if not message["data"]["read"]:
                    last = max(last, position)
                    if self._plain:
                        await socket.send_json({"type": "notification.read", "data": _pair(message["data"])})

    def _expected(self) -> defaultdict[int, set[str]]:
        """The ids that were accepted, by user."""
        expected: defaultdict[int, set[str]] = defaultdict(set)
        for notification_id, (user, _) in self.accepted.items():
            expected[user].add(notification_id)
        return expected

    def _unpushed(self) -> set[str]:
        """Ids that a follower of their user lacks; not those that were read over another connection meanwhile, which
        are handed out no more."""
        expected = self._expected()
        for user, ids in expected.items():
            expected[user] = ids - {nid for nid in ids if self.read.get(nid) == user}
        pairs = {(server, user) for server, user, _ in self._followers}
        return set().union(
            *(expected[user] - {nid for _, nid in self.pushes[pair]} for pair in pairs for user in pair[1:])
        )

    def _count_unseen(self) -> int:
        """The number of pushes that the connections lack which are open now: each was sent the inbox when it began."""
        expected = self._expected()
        return sum(len(expected[user] - had) for (_, user, _), had in self._had.items())

    async def look_for_unseen(self, patience: float) -> int:
        """Stops sending; how many pushes open connections still lack `patience` seconds after the last acceptance."""
        self._sending = False
        await asyncio.gather(*self._tasks)
        while (unseen := self._count_unseen()) and time.monotonic() - self._last_accepted < patience:
            await asyncio.sleep(0.05)
        self.unseen += unseen
        return unseen

    async def _settle(self) -> None:
        deadline = time.monotonic() + SETTLE
        for server in self.servers:
            while not await asyncio.to_thread(server.is_ready) and time.monotonic() < deadline:
                await asyncio.sleep(0.05)
        while self._unpushed() and time.monotonic() < deadline:
            await asyncio.sleep(0.05)

    # -- the count

    async def count(self) -> Count:
        """Counts, when the load is over; what is missing is named on stderr."""
        return await asyncio.to_thread(self._count)

    def _count(self) -> Count:
        stored: Counter[str] = Counter()
        ids: set[str] = set()
        unread: set[str] = set()
        for user in {user for user, _ in self.accepted.values()}:
            path = f"/api/v1/admin/history?user_id={user}&login={LOGIN}&limit=1000"
            for row in self.servers[0].get(path)["notifications"]:
                ids.add(row["notification_id"])
                if not row["read"]:
                    unread.add(row["notification_id"])
                stored[row["payload"]["message"]] += 1
        unstored = [nid for nid in self.accepted if nid not in ids]
        lost = unstored + sorted(self._unpushed() - set(unstored)) + sorted(unread & self.read.keys())
        for nid in lost[:5]:
            what = "was not pushed" if nid in ids else "is not stored"
            print(f"{self.accepted[nid][1]!r} of user {self.accepted[nid][0]} {what}", file=sys.stderr)
        twice = [text for text, times in stored.items() if times > 1] + self._repeated
        return Count(len(self.accepted), lost, twice, self._misordered, self.longest_gap, self.unseen)


def _pair(push: dict[str, str]) -> dict[str, str]:
    """The ids by which a push is marked read."""
    return {name: push[name] for name in ("notification_id", "stream_id")}


def _place(push: dict[str, str]) -> tuple[str, tuple[int, int]]:
    """The id of a push, and where it stands in its user's stream."""
    milliseconds, _, number = push["stream_id"].partition("-")
    return push["notification_id"], (int(milliseconds), int(number))


class Clients:
    """One sender's clients, one per pod; the one in use changes when it fails."""

    def __init__(self, servers: Sequence[ServerProcess], first: int) -> None:
        self._clients = [Client(server.url) for server in servers]
        self._at = first % len(servers)

    @property
    def current(self) -> Client:
        """The client to use."""
        return self._clients[self._at]

    def turn(self) -> None:
        """Goes to the next pod."""
        self._at = (self._at + 1) % len(self._clients)

    async def __aenter__(self) -> Clients:
        for client in self._clients:
            await client.__aenter__()
        return self

    async def __aexit__(self, *reason: object) -> None:
        for client in self._clients:
            await client.__aexit__(None, None, None)
