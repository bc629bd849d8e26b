"""A server to be measured, the load on it, and what both cost."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from tests.e2e.server import ServerProcess

ROOT = Path(__file__).resolve().parents[2]
SHARED = ROOT.parent / "shared" / "perf"  # a generator in C and the peers, where they lie beside this tree
EXECUTABLE = ROOT / "dist" / "notifier"
TRIES = 5
TICKS = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid: int) -> float:
    """CPU that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def memory_mib(pid: int) -> float:
    """A process's share of memory (Pss)."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


class Generator:
    """The maker of the load: the one in C where there is one and a compiler, else the one in Python beside this."""

    def __init__(self, folder: Path, source: Path | None = SHARED / "load.c") -> None:
        """`folder` takes what is built; without `source` it is Python's."""
        self._compiled = folder / "load"
        self.name = "tests/bench/generator.py"
        if source is not None and source.exists() and shutil.which("cc"):
            subprocess.run(["cc", "-O2", "-w", "-o", self._compiled, source], check=True)
            self.name = f"{source.parent.parent.name}/{source.parent.name}/{source.name}"

    @property
    def is_compiled(self) -> bool:
        """True for the one in C."""
        return self._compiled.exists()

    def command(self, port: int, options: list[str]) -> list[str]:
        """The command line; what only the one in Python can do is left to that."""
        if self.is_compiled and not {"--offline", "--users", "--first"} & set(options):
            return [str(self._compiled), "--proto", "notifier", "--port", str(port), "--hold", *options]
        return [sys.executable, "-m", "tests.bench.generator", "--port", str(port), *options]


class Subject:
    """A server of its own, with its own Redis."""

    def __init__(self, server: ServerProcess, generator: Generator) -> None:
        self.server = server
        self._generator = generator

    @property
    def pids(self) -> tuple[list[int], list[int]]:
        """The processes of the program and of its Redis."""
        below = self.server.descendants()
        redis = [pid for pid, name in below.items() if name == "redis-server"]
        return [self.server.pid, *(pid for pid in below if pid not in redis)], redis

    def cpu(self) -> tuple[float, float]:
        """CPU seconds of program and Redis so far."""
        program, redis = self.pids
        return sum(map(cpu_seconds, program)), sum(map(cpu_seconds, redis))

    def memory(self) -> float:
        """MiB of the program, Redis apart."""
        return sum(map(memory_mib, self.pids[0]))

    def redis_memory(self) -> float:
        """MiB of its Redis."""
        return sum(map(memory_mib, self.pids[1]))

    @asynccontextmanager
    async def generator(self, *options: object) -> AsyncIterator[tuple[asyncio.subprocess.Process, dict[str, Any]]]:
        """A generator whose subscribers are in sync, and what it said of that."""
        command = self._generator.command(self.server.port, [str(option) for option in options])
        process = await asyncio.create_subprocess_exec(*command, stdin=-1, stdout=-1, cwd=ROOT)
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            line = (await asyncio.wait_for(process.stdout.readline(), 180)).decode()
            if not line.startswith("READY "):
                raise RuntimeError(f"the generator did not get ready: {line}")
            yield process, json.loads(line.removeprefix("READY "))
        finally:
            process.stdin.close()
            try:
                await asyncio.wait_for(process.wait(), 10)
            except TimeoutError:
                process.kill()
                await process.wait()

    async def settle(self) -> None:
        """Waits until the server has nothing to do, as when subscribers have marked read what they found."""
        used, quiet = sum(self.cpu()), 0
        for _ in range(120):
            await asyncio.sleep(0.25)
            before, used = used, sum(self.cpu())
            quiet = quiet + 1 if used - before <= 0.02 else 0
            if quiet == 4:
                return

    async def load(self, *options: object) -> dict[str, float]:
        """The generator's figures, and `srv_us`, `redis_us`, `cli_us`: CPU per message delivered (or accepted)."""
        async with self.generator(*options) as (process, _):
            await self.settle()
            before = self.cpu()
            output, _ = await asyncio.wait_for(process.communicate(b"\n"), 180)
            after = self.cpu()
        figures: dict[str, float] = json.loads(output)
        if figures["missing"] or figures["refused"] or figures["lost_conns"]:
            print(f"  note: {int(figures['missing'])} missing, {int(figures['refused'])} refused", file=sys.stderr)
        messages = max(1.0, figures["delivered"] or figures["accepted"])
        figures["srv_us"] = (after[0] - before[0]) / messages * 1e6
        figures["redis_us"] = (after[1] - before[1]) / messages * 1e6
        figures["cli_us"] = figures["client_cpu_s"] / messages * 1e6
        return figures

    async def fill(self, first: int, users: int, each: int, size: int = 100) -> None:
        """So many unread notifications for each of so many users."""
        async with aiohttp.ClientSession() as http:
            for start in range(first, first + users, 1000):
                batch = range(start, min(start + 1000, first + users))
                target = [{"id": user, "login": f"u{user}"} for user in batch]
                body = {"target": target, "message": "m" * size, "ttl": "1d"}
                for _ in range(each):
                    await self._post(http, body)

    async def _post(self, http: aiohttp.ClientSession, body: dict[str, Any]) -> None:
        for _ in range(TRIES):
            async with http.post(f"{self.server.url}/api/v1/notify", json=body) as answer:
                if answer.status == 202:
                    return
                text = await answer.text()
            await asyncio.sleep(1.0)  # a store that is away for a moment, as the answer says: `Retry-After: 1`
        raise RuntimeError(text)


@asynccontextmanager
async def subject(
    generator: Generator, *arguments: str, program: tuple[str, ...] = (), **environment: str
) -> AsyncIterator[Subject]:
    """A fresh server, ended and removed at the end; of this checkout where no other `program` is named."""
    with tempfile.TemporaryDirectory(prefix="notifier-bench-") as folder:
        data = Path(folder) / "data"
        data.mkdir()
        server = ServerProcess(data, command=program, arguments=arguments, **environment)
        await server.start()
        try:
            yield Subject(server, generator)
        finally:
            await server.stop()


def forms() -> dict[str, tuple[str, ...]]:
    """Command lines of both forms of the program: this checkout, and the executable where it was built."""
    found = {"plain": (sys.executable, "-m", "notifier")}
    if EXECUTABLE.exists():
        found["compiled"] = (str(EXECUTABLE),)
    return found


def pace() -> str:
    """Seconds that a fixed piece of work takes here now: on a shared machine twice what it took a minute ago, at times,
    and then every figure beside it is twice as high."""
    begun = time.process_time()
    total = 0
    for number in range(5_000_000):
        total += number
    return f"5,000,000 additions in Python take {time.process_time() - begun:.2f} s of CPU"


def machine() -> str:
    """The machine in a line: cores, processor, versions."""
    model = next(
        (
            line.split(":", 1)[1].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if "model name" in line
        ),
        "unknown processor",
    )
    version = ".".join(map(str, sys.version_info[:3]))
    return f"{os.cpu_count()} cores of {model}; Linux {os.uname().release}; Python {version}"
