"""Load on a server in plain Python: subscribers that mark read what they are pushed, and senders. One process.

    python -m tests.bench.generator --port 8080 --subs 1000 --window 256 --secs 4

Prints `READY {…}` once all subscribers are in sync and what they found unread is marked read and acknowledged, waits
for a line on standard input, does its work, prints one JSON object. What counts was sent in the time measured and came
in it. Closed loop (`--window` notifications under way, each until its mark is acknowledged) or open loop (`--rate` a second; latency then counts from the
moment a message was due: a server that falls behind cannot hide it). With `--offline` nobody is connected and every
sender posts as soon as it is answered. Speaks to loopback only.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import sys
import threading
import time
from collections import deque

import uvloop

CONNECTING = 128  # sockets on their way at a time
DRAIN = 3.0  # seconds for what is under way at the end
HISTORY = 120.0  # seconds for the marks of what subscribers found unread
SYNCED = b'"type":"sync.complete"'
PUSH = b'{"type":"notification.push"'
READ_ACK = b'{"type":"notification.read.ack"'
MARK = b"due="
UPGRADE = (
    "GET /ws?user_id={0}&login=u{0} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)
REQUEST = (
    b"POST /api/v1/notify HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
)


class Load:
    """The load to be made, and what of it has been."""

    def __init__(self, chosen: argparse.Namespace) -> None:
        self.chosen = chosen
        self.idle: deque[Sender] = deque()
        self.user = 0
        self.under_way = 0
        self.waiting: deque[int] = deque()
        self.publishing = False
        self.cpu_before = 0.0
        self.begin = self.until = 0  # of the time measured, in monotonic nanoseconds
        self.sent = self.accepted = self.refused = self.delivered = self.acked = self.lost = 0
        self.in_time = self.accepted_in_time = 0  # sent, and delivered or accepted, within the time measured
        self.latencies: list[int] = []
        self.synced = asyncio.Semaphore(0)

    def arrived(self, due: int) -> None:
        """A push came of what was sent at `due`."""
        self.delivered += 1
        now = time.monotonic_ns()
        if self.begin <= due < self.until:
            self.latencies.append(now - due)
            self.in_time += now < self.until

    def accept(self, due: int) -> None:
        """A request that was sent at `due` was answered."""
        self.accepted += 1
        self.accepted_in_time += self.begin <= due and time.monotonic_ns() < self.until

    def acknowledged(self) -> None:
        """A mark of reading was answered: the message's way is at its end."""
        self.acked += 1
        self.under_way -= 1
        self.go_on()

    def go_on(self) -> None:
        """Closed loop: sends as much as the window has room for."""
        chosen = self.chosen
        while not chosen.rate and self.publishing and self.idle and self.under_way + chosen.targets <= chosen.window:
            self.idle.popleft().publish(time.monotonic_ns())

    def fall_due(self, due: int) -> None:
        """Open loop: a request is due; it waits where every sender still does."""
        self.waiting.append(due)
        self.send_due()

    def send_due(self) -> None:
        """Open loop: sends what is due."""
        while self.waiting and self.idle:
            self.idle.popleft().publish(self.waiting.popleft())

    def next_users(self) -> list[int]:
        """Whom the next request is for: each in turn."""
        chosen, first = self.chosen, self.user
        span = chosen.users or chosen.subs
        self.user = (first + chosen.targets) % span
        return [chosen.first + (first + i) % span for i in range(chosen.targets)]


class Sender(asyncio.Protocol):
    """One HTTP connection with one request at a time."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._padding = b"x" * load.chosen.size
        self._due = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: asyncio.Transport = transport  # type: ignore[assignment]
        self._load.idle.append(self)

    def publish(self, due: int) -> None:
        """Sends one request; `due` is the time (monotonic nanoseconds) from which its latency counts."""
        load = self._load
        users = load.next_users()
        target = b",".join(b'{"id":%d,"login":"u%d"}' % (user, user) for user in users)
        text = (b"%b%020d " % (MARK, due) + self._padding)[: max(load.chosen.size, 25)]
        body = b'{"target":[%b],"message":"%b","source":"bench"}' % (target, text)
        self._due = due
        self._transport.write(REQUEST % len(body) + body)
        load.sent += 1
        load.under_way += len(users)

    def data_received(self, data: bytes) -> None:
        load = self._load
        if not data.startswith(b"HTTP/1.1 "):
            return  # the rest of a long answer
        if data.startswith(b"HTTP/1.1 202"):
            load.accept(self._due)
        else:
            load.refused += 1
            load.under_way -= load.chosen.targets
        load.idle.append(self)
        if load.chosen.offline:
            load.under_way = 0
        load.send_due()
        load.go_on()

    def connection_lost(self, exc: Exception | None) -> None:
        self._load.lost += 1


class Subscriber(asyncio.Protocol):
    """One user's socket. Its frames are masked with zeros: valid, and free."""

    def __init__(self, load: Load, user: int) -> None:
        self._load = load
        self._user = user
        self._data = b""
        self._upgraded = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: asyncio.Transport = transport  # type: ignore[assignment]
        self._transport.write(UPGRADE.format(self._user).encode())

    def connection_lost(self, exc: Exception | None) -> None:
        self._load.lost += 1

    def data_received(self, data: bytes) -> None:
        data = self._data + data if self._data else data
        if not self._upgraded:
            head, separator, data = data.partition(b"\r\n\r\n")
            if not separator:
                self._data = head
                return
            if not head.startswith(b"HTTP/1.1 101"):
                self._transport.abort()
                return
            self._upgraded = True
        position, end = 0, len(data)
        while end - position >= 2:
            length, start = data[position + 1], position + 2
            if length >= 126:
                width = 2 if length == 126 else 8
                length, start = int.from_bytes(data[start : start + width], "big"), start + width
            if start + length > end:
                break
            self._receive(data[position] & 15, data[start : start + length])
            position = start + length
        self._data = data[position:]

    def _receive(self, opcode: int, payload: bytes) -> None:
        load = self._load
        if opcode == 9:
            self._send(10, payload)
        elif payload.startswith(PUSH):
            mark = payload.find(MARK)
            load.arrived(int(payload[mark + len(MARK) : mark + len(MARK) + 20]) if mark >= 0 else 0)
            self._mark_read(payload)
        elif payload.startswith(READ_ACK):
            load.acknowledged()
        elif SYNCED in payload:
            load.synced.release()

    def _mark_read(self, payload: bytes) -> None:
        start = payload.index(b'"notification_id"')
        ids = payload[start : payload.index(b',"message"', start)]  # both ids stand before what the sender said
        self._send(1, b'{"type":"notification.read","data":{%b}}' % ids)

    def _send(self, opcode: int, payload: bytes) -> None:
        size = len(payload)
        length = bytes((0x80 | size,)) if size < 126 else b"\xfe" + size.to_bytes(2, "big")
        self._transport.write(bytes((0x80 | opcode,)) + length + b"\0\0\0\0" + payload)


async def subscribe_all(load: Load) -> float:
    """Opens the subscribers' connections; the seconds until all were in sync."""
    loop, chosen, gate = asyncio.get_running_loop(), load.chosen, asyncio.Semaphore(CONNECTING)

    async def subscribe(user: int) -> None:
        async with gate:
            await loop.create_connection(lambda: Subscriber(load, user), "127.0.0.1", chosen.port)
            await load.synced.acquire()

    begun = time.monotonic()
    await asyncio.gather(*(subscribe(chosen.first + number) for number in range(chosen.subs)))
    taken = time.monotonic() - begun
    deadline = time.monotonic() + HISTORY
    while load.acked < load.delivered and time.monotonic() < deadline:
        await asyncio.sleep(0.01)
    load.delivered = load.acked = load.under_way = 0
    return taken


async def open_senders(load: Load) -> None:
    """Opens the senders' connections, no sooner than they are used: the server gives a first request 15 seconds."""
    loop, chosen = asyncio.get_running_loop(), load.chosen
    for _ in range(chosen.pubs):
        await loop.create_connection(lambda: Sender(load), "127.0.0.1", chosen.port)


def keep_time(load: Load, loop: asyncio.AbstractEventLoop, begun: int, until: int) -> None:
    """Open loop: says when each request is due. A thread of its own, as the loop's timers are a millisecond coarse."""
    due = float(begun)
    while due < until:
        time.sleep(max(0.0, (due - time.monotonic_ns()) / 1e9))
        loop.call_soon_threadsafe(load.fall_due, round(due))
        due += 1e9 / load.chosen.rate


async def send(load: Load) -> None:
    """Does the load: a time to warm up, the time measured, and the rest of what is under way."""
    chosen = load.chosen
    load.publishing, load.cpu_before = True, time.process_time()
    begun = time.monotonic_ns()
    load.begin = begun + round(chosen.warm * 1e9)
    load.until = until = load.begin + round(chosen.secs * 1e9)
    if chosen.rate:
        loop = asyncio.get_running_loop()
        threading.Thread(target=keep_time, args=(load, loop, begun, until), daemon=True).start()
    load.go_on()
    while time.monotonic_ns() < until:
        await asyncio.sleep(0.005)
    load.publishing = False
    deadline = time.monotonic() + DRAIN
    while (load.under_way > 0 or load.acked < load.delivered) and time.monotonic() < deadline:
        await asyncio.sleep(0.01)


def summary(load: Load) -> dict[str, float]:
    """The figures."""
    ordered = sorted(load.latencies)

    def share(part: float) -> float:
        return ordered[min(len(ordered) - 1, int(len(ordered) * part))] / 1e6 if ordered else -1.0

    seconds = load.chosen.secs
    return {
        "sent": load.sent,
        "accepted": load.accepted,
        "accept_s": load.accepted_in_time / seconds,
        "refused": load.refused,
        "delivered": load.delivered,
        "acked": load.acked,
        "missing": max(0, load.under_way),
        "lost_conns": load.lost,
        "deliver_s": load.in_time / seconds,
        "p50_ms": share(0.5),
        "p99_ms": share(0.99),
        "max_ms": share(1.0),
        "client_cpu_s": time.process_time() - load.cpu_before,
    }


async def run(chosen: argparse.Namespace) -> None:
    """Connects, says so, waits to be told, works, tells."""
    load = Load(chosen)
    taken = await subscribe_all(load)
    print("READY", json.dumps({"subs": chosen.subs, "connect_s": round(taken, 3)}), flush=True)
    line = await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
    if line:
        await open_senders(load)
        await send(load)
        print(json.dumps(summary(load)), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--subs", type=int, default=0, help="users that are connected")
    parser.add_argument("--users", type=int, default=0, help="users that are written to, where not those")
    parser.add_argument("--first", type=int, default=1, help="the number of the first user")
    parser.add_argument("--pubs", type=int, default=64)
    parser.add_argument("--targets", type=int, default=1)
    parser.add_argument("--window", type=int, default=256)
    parser.add_argument("--rate", type=float, default=0.0, help="requests a second; without it a closed loop")
    parser.add_argument("--secs", type=float, default=4.0)
    parser.add_argument("--warm", type=float, default=1.0)
    parser.add_argument("--size", type=int, default=200, help="characters of a message")
    parser.add_argument("--offline", action="store_true")
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    asyncio.Runner(loop_factory=uvloop.new_event_loop).run(run(parser.parse_args()))


if __name__ == "__main__":
    main()
