"""The figures of the README, printed: `make bench`.

Starts a server of its own for each part, so nothing of another run is in them. One run on a shared machine says little;
compare runs, and CPU per message before messages per second.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
from pathlib import Path

from tests.bench.known_users import run as known_users
from tests.e2e.server import ServerProcess

LOADS = (
    ("1,000 messages a second to 1,000 users", ("--users", "1000", "--rate", "1000", "--duration", "10s")),
    ("the same, 100 users per request", ("--users", "1000", "--rate", "1000", "--duration", "10s", "--batch", "100")),
)


def cpu_seconds(pid: int) -> float:
    """CPU that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory_mib(pid: int) -> float:
    """A process's share of memory (Pss)."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


async def load(folder: Path, title: str, arguments: tuple[str, ...]) -> None:
    """One load test against a fresh server."""
    server = ServerProcess(folder / "data")
    server.data_dir.mkdir(parents=True)
    await server.start()
    idle, before = memory_mib(server.pid), cpu_seconds(server.pid)
    command = (sys.executable, "-m", "notifier", "bench", "--url", server.url, "--json", *arguments)
    process = await asyncio.create_subprocess_exec(*command, stdout=-1)
    output, _ = await process.communicate()
    figures = json.loads(output)
    used = (cpu_seconds(server.pid) - before) / max(1, figures["delivered"]) * 1e6
    print(f"{title}\n  {json.dumps(figures)}\n  server: {used:.0f} us of CPU a message, {idle:.1f} MiB idle")
    await server.stop()


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="notifier-bench-") as name:
        for number, (title, arguments) in enumerate(LOADS):
            asyncio.run(load(Path(name) / str(number), title, arguments))
        print("admin API with 100,000 users known")
        (Path(name) / "users").mkdir()
        asyncio.run(known_users(100_000, Path(name) / "users"))


if __name__ == "__main__":
    main()
