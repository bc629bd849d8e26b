"""Kills server and Redis at random moments under load and counts what was answered 202 and is not there.

    python -m tests.e2e.kills --kills 300
    python -m tests.e2e.kills --kills 300 --workers 3     single workers, the keeper of Redis, and all at once, too

Every message is posted under an idempotency key until it is answered 202, as a careful sender does. Afterwards each
must be in its user's history once, and the followed users must have been pushed each of theirs. Prints
`N tried, M lost, K duplicated, longest gap S s`; exits 1 if anything was lost or duplicated.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from notifier.client import Client, ClientError
from tests.e2e.server import ServerProcess

PER_USER = 60  # well below what an inbox keeps
FOLLOW_EVERY = 8
SENDERS = 12
PACE = 0.04  # seconds between a sender's messages


class Run:
    """One run: senders, followers, and a hand that kills."""

    def __init__(self, server: ServerProcess, seed: int, workers: int) -> None:
        self.server = server
        self.workers = workers
        self.random = random.Random(seed)
        self.accepted: dict[str, tuple[int, str]] = {}
        self.pushed: set[str] = set()
        self.killing = True
        self.longest_gap = 0.0
        self._last_accepted = time.monotonic()
        self._count = 0
        self._followers: dict[int, asyncio.Task] = {}

    async def send(self, client: Client) -> None:
        """Sends message after message, each until it is answered 202."""
        while self.killing:
            number = self._count
            self._count += 1
            user = number // PER_USER + 1
            if user % FOLLOW_EVERY == 0 and user not in self._followers:
                self._followers[user] = asyncio.create_task(self.follow(client, user))
            await self._send_until_accepted(client, user, f"message {number}")
            await asyncio.sleep(PACE)

    async def _send_until_accepted(self, client: Client, user: int, text: str) -> None:
        while True:
            try:
                (result,) = await client.send([(user, "u")], text, idempotency_key=text, ttl="1h")
            except ClientError as error:
                assert error.status in (0, 503), error
                await asyncio.sleep(0.02)
                continue
            self.accepted[result["notification_id"]] = (user, text)
            self.longest_gap = max(self.longest_gap, time.monotonic() - self._last_accepted)
            self._last_accepted = time.monotonic()
            return

    async def follow(self, client: Client, user: int) -> None:
        """Notes what a user is pushed, through every reconnect."""
        async for message in client.listen(user, "u"):
            if message.type == "notification.push":
                self.pushed.add(message.data["notification_id"])

    async def kill(self, times: int) -> None:
        """Kills one process or another, or all, at random moments."""
        targets = ("server", "redis", "both") if self.workers == 1 else ("worker",) * 4 + ("redis", "workers", "server")
        for turn in range(times):
            await asyncio.sleep(self.random.uniform(0.05, 0.5))
            await self._kill(self.random.choice(targets))
            if sys.stderr.isatty():
                print(f"\r{turn + 1} of {times} kills, {len(self.accepted)} accepted", end="", file=sys.stderr)
        self.killing = False

    async def _kill(self, target: str) -> None:
        """Kills `worker` (one), `workers` (all), `redis`, `server` (the main process, started again) or `both`."""
        pids = list(self.server.worker_pids.values())
        if target in ("worker", "workers"):
            for pid in [self.random.choice(pids)] if pids and target == "worker" else pids:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        if target in ("redis", "both"):
            self.server.kill_redis()
        if target in ("server", "both"):
            self.server.kill()
            await self.server.wait()
            await self.server.start()

    def missing(self) -> tuple[list[str], list[str]]:
        """Messages that are lost, and texts that are there more than once."""
        stored: Counter[str] = Counter()
        ids: set[str] = set()
        for user in {user for user, _ in self.accepted.values()}:
            body = self.server.get(f"/api/v1/admin/history?user_id={user}&login=u&limit=1000")
            for row in body["notifications"]:
                ids.add(row["notification_id"])
                stored[row["payload"]["message"]] += 1
        followed = {nid for nid, (user, _) in self.accepted.items() if user in self._followers}
        unstored = [nid for nid in self.accepted if nid not in ids]
        lost = unstored + sorted(followed - self.pushed)
        for nid in lost[:5]:
            what = "is not stored" if nid in unstored else "was not pushed"
            print(f"{self.accepted[nid][1]!r} of user {self.accepted[nid][0]} {what}", file=sys.stderr)
        return lost, [text for text, count in stored.items() if count > 1]

    async def settled(self, timeout: float = 30.0) -> None:
        """Waits until the last kill is got over and the followers have been pushed all, or do not get on any more."""
        deadline = time.monotonic() + timeout
        while not await asyncio.to_thread(self.server.is_ready) and time.monotonic() < deadline:
            await asyncio.sleep(0.05)
        followed = {nid for nid, (user, _) in self.accepted.items() if user in self._followers}
        while followed - self.pushed and time.monotonic() < deadline:
            await asyncio.sleep(0.05)
        for task in self._followers.values():
            task.cancel()
        await asyncio.gather(*self._followers.values(), return_exceptions=True)


async def run(kills: int, seed: int, folder: Path, workers: int = 1) -> int:
    """Does a run; the number of messages lost or duplicated."""
    server = ServerProcess(folder / "data", arguments=("--workers", str(workers)))
    (folder / "data").mkdir()
    work = Run(server, seed, workers)
    try:
        await server.start()
        async with Client(server.url) as client:
            senders = [asyncio.create_task(work.send(client)) for _ in range(SENDERS)]
            await work.kill(kills)
            await asyncio.gather(*senders)
            await work.settled()
        lost, twice = await asyncio.to_thread(work.missing)
    finally:
        if not server.ended:  # also when the run itself breaks off: no server is left behind
            await server.stop()
    said = f"{len(work.accepted)} tried, {len(lost)} lost, {len(twice)} duplicated"
    print(f"{said}, longest gap {work.longest_gap:.1f} s; {kills} kills, {workers} workers, seed {seed}")
    return len(lost) + len(twice)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=300)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="notifier-kills-") as folder:
        return 1 if asyncio.run(run(options.kills, options.seed, Path(folder), options.workers)) else 0


if __name__ == "__main__":
    sys.exit(main())
