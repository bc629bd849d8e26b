"""The times of the admin API's answers with many users known.

    python -m tests.bench.known_users --users 100000

Fills a real server over HTTP, then times first pages, deep pages and prefix searches; prints milliseconds.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import tempfile
import time
from pathlib import Path

import aiohttp

from tests.e2e.server import ServerProcess

BATCH = 1000
REPEATS = 7


async def fill(session: aiohttp.ClientSession, url: str, users: int) -> None:
    """One unread notification for each user."""
    for start in range(1, users + 1, BATCH):
        target = [{"id": i, "login": f"user{i}"} for i in range(start, min(start + BATCH, users + 1))]
        async with session.post(
            f"{url}/api/v1/notify", json={"target": target, "message": "m" * 100, "ttl": "1d"}
        ) as answer:
            assert answer.status == 202, await answer.text()


async def timed(session: aiohttp.ClientSession, url: str, path: str) -> tuple[float, dict]:
    """The median of some requests, in milliseconds, and the last body."""
    taken = []
    for _ in range(REPEATS):
        begun = time.perf_counter()
        async with session.get(f"{url}/api/v1/admin/{path}") as answer:
            body = await answer.json()
        taken.append((time.perf_counter() - begun) * 1000)
    return statistics.median(taken), body


async def run(users: int, folder: Path) -> None:
    """Fills a server and prints what its lists cost."""
    server = ServerProcess(folder / "data")
    server.data_dir.mkdir()
    await server.start()
    async with aiohttp.ClientSession() as session:
        await fill(session, server.url, users)
        for path in (
            "users",
            "users?limit=1000",
            "users?q=user5&limit=100",
            f"users?cursor={users // 2}-user{users // 2}&limit=1000",
            "pending",
            "pending?limit=1000",
            "clients",
            f"users/{users}-user{users}",
            f"history?user_id={users}&login=user{users}",
        ):
            median, body = await timed(session, server.url, path)
            total = body.get("total", body.get("total_pending", ""))
            print(f"{path:<44}{median:8.1f} ms   {total}")
    await server.stop()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--users", type=int, default=100_000)
    with tempfile.TemporaryDirectory(prefix="notifier-bench-") as folder:
        asyncio.run(run(parser.parse_args().users, Path(folder)))


if __name__ == "__main__":
    sys.exit(main())
