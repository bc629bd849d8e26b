"""The real program as a process of its own, for the runs that kill it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

READY_WITHIN = 20.0


def free_port() -> int:
    """A loopback port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def children_of(pid: int) -> list[int]:
    """The processes that a process has started."""
    found: list[int] = []
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            found += map(int, (task / "children").read_text().split())
    return found


def runs(pid: int) -> bool:
    """True while a process runs; one that only waits to be reaped does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


class ServerProcess:
    """`notifier serve` on loopback, with its own Redis in `data_dir`; started again as often as it is killed."""

    def __init__(
        self,
        data_dir: Path,
        port: int = 0,
        command: tuple[str, ...] = (),
        arguments: tuple[str, ...] = (),
        **environment: str,
    ) -> None:
        """`command` runs another program than this checkout's, such as the executable; `arguments` go to `serve`."""
        self.data_dir = data_dir
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._command = command or (sys.executable, "-m", "notifier")
        self._arguments = arguments
        self._environment = {**os.environ, "LOG_LEVEL": "warning", "POD_ID": "pod", **environment}
        self._process: asyncio.subprocess.Process | None = None

    @property
    def pid(self) -> int:
        """The server's process id."""
        assert self._process is not None
        return self._process.pid

    @property
    def redis_pid(self) -> int | None:
        """The embedded Redis' process id, while it runs."""
        return next((pid for pid, name in self.descendants().items() if name == "redis-server"), None)

    @property
    def worker_pids(self) -> dict[int, int]:
        """The process ids of the workers that run, by their numbers; empty without `--workers`."""
        names = {name: pid for pid, name in self.descendants().items()}
        return {
            int(name[9:]): pid for name, pid in names.items() if name.startswith("notifier:") and name[9:].isdigit()
        }

    def descendants(self) -> dict[int, str]:
        """All processes that the program has started, with their names, children before grandchildren."""
        found: dict[int, str] = {}
        waiting = children_of(self.pid)
        while waiting:
            pid = waiting.pop(0)
            with contextlib.suppress(OSError):
                found[pid] = Path(f"/proc/{pid}/comm").read_text().strip()
                waiting += children_of(pid)
        return found

    async def start(self) -> None:
        """Starts the program and waits until it is ready."""
        await self.spawn()
        deadline = time.monotonic() + READY_WITHIN
        while not await asyncio.to_thread(self.is_ready):
            if self.ended or time.monotonic() > deadline:
                raise RuntimeError(self.log()[-2000:])
            await asyncio.sleep(0.01)

    async def spawn(self) -> None:
        """Starts the program and waits for nothing."""
        arguments = ("serve", "--addr", f"127.0.0.1:{self.port}", "--data-dir", str(self.data_dir), *self._arguments)
        log = (self.data_dir.parent / "server.log").open("ab")
        self._process = await asyncio.create_subprocess_exec(
            *self._command, *arguments, env=self._environment, stdout=log, stderr=log
        )
        log.close()

    @property
    def ended(self) -> bool:
        """True once the program has ended."""
        return self._process is None or self._process.returncode is not None

    def log(self) -> str:
        """All that it has said so far, over all starts."""
        return (self.data_dir.parent / "server.log").read_text()

    def events(self) -> list[dict]:
        """Its log lines as data."""
        return [json.loads(line) for line in self.log().splitlines() if line.startswith("{")]

    def kill(self, number: int = signal.SIGKILL) -> None:
        """Sends the server a signal."""
        os.kill(self.pid, number)

    def kill_redis(self) -> bool:
        """Sends the embedded Redis a SIGKILL; whether there was one."""
        pid = self.redis_pid
        if pid is None:
            return False
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
            return True
        return False

    async def wait(self) -> int:
        """The exit code, once the server has ended."""
        assert self._process is not None
        return await asyncio.wait_for(self._process.wait(), 40)

    async def stop(self) -> int:
        """Stops the server with SIGTERM and waits for its end."""
        if self._process is not None and self._process.returncode is None:
            self.kill(signal.SIGTERM)
        return await self.wait()

    def get(self, path: str) -> dict:
        """The JSON at a path."""
        with urllib.request.urlopen(f"{self.url}{path}", timeout=5) as answer:
            return json.load(answer)

    def get_health(self) -> dict:
        """The report of `/health`, whatever its status."""
        try:
            return self.get("/health")
        except urllib.error.HTTPError as error:
            return json.load(error)

    def get_metrics(self) -> dict[str, float]:
        """The samples of `/metrics` by name and labels, from whichever worker takes the connection."""
        with urllib.request.urlopen(f"{self.url}/metrics", timeout=5) as answer:
            lines = [line for line in answer.read().decode().splitlines() if not line.startswith("#")]
        return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}

    def is_ready(self) -> bool:
        """True where `/health/ready` answers 200 now."""
        try:
            with urllib.request.urlopen(f"{self.url}/health/ready", timeout=1) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False
