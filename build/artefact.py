"""Drives the executable from outside, as a bare machine would run it: no Python, no environment, another folder."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

PATIENCE = 20.0


class SmokeError(Exception):
    """The executable does not do what it should."""


class Artefact:
    """A copy of the executable in a folder of its own, with an empty home and nothing on PATH."""

    def __init__(self, path: Path) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="smoke-"))
        self.temporary = self.folder / "tmp"
        for name in ("home", "tmp", "empty"):
            (self.folder / name).mkdir()
        self.is_folder = (path.parent / "_internal").is_dir()
        copied = self.folder / "program"
        shutil.copytree(path.parent, copied, symlinks=True) if self.is_folder else copied.mkdir()
        self.program = Path(shutil.copy2(path, copied))
        self.environment = {
            "PATH": str(self.folder / "empty"),
            "HOME": str(self.folder / "home"),
            "TMPDIR": str(self.temporary),
        }
        self._running: list[Process] = []

    @property
    def size(self) -> int:
        """Bytes on disk."""
        return sum(item.stat().st_size for item in self.program.parent.rglob("*") if item.is_file())

    def run(self, *arguments: str, code: int = 0) -> str:
        """Runs a command that must end with `code`; what it printed (on stderr if `code` is not 0)."""
        process = self.start(*arguments)
        found = process.wait()
        text = process.error if code else process.output
        if found != code:
            raise SmokeError(f"{' '.join(arguments)}: exit code {found}, expected {code}: {process.error.strip()}")
        return text

    def start(self, *arguments: str) -> Process:
        """Starts a command in a process group of its own."""
        process = Process([str(self.program), *arguments], self.folder, self.environment)
        self._running.append(process)
        return process

    def cpu_of(self, *arguments: str) -> float:
        """Seconds of CPU, of user and system, that a command takes with all its children."""
        before = os.times()
        self.run(*arguments)
        after = os.times()
        return after.children_user + after.children_system - before.children_user - before.children_system

    def leftovers(self) -> list[str]:
        """Files that stayed in the folder for temporary files."""
        return [item.name for item in self.temporary.iterdir()]

    def __enter__(self) -> Artefact:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in self._running:
            process.kill_all()
            process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


class Process:
    """A running command whose output can be waited for."""

    def __init__(self, command: list[str], folder: Path, environment: dict[str, str]) -> None:
        self.started = time.monotonic()
        self._child = subprocess.Popen(
            command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, start_new_session=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        self.pid = self._child.pid
        self.output = self.error = ""
        self._changed = threading.Condition()
        self._readers = [
            threading.Thread(target=self._read, args=(name,), daemon=True) for name in ("stdout", "stderr")
        ]
        for reader in self._readers:
            reader.start()

    def _read(self, name: str) -> None:
        attribute = "output" if name == "stdout" else "error"
        for line in getattr(self._child, name):
            with self._changed:
                setattr(self, attribute, getattr(self, attribute) + line)
                self._changed.notify_all()

    def wait_for(self, text: str) -> float:
        """Waits until a line with `text` was printed; seconds since the start."""
        with self._changed:
            found = self._changed.wait_for(lambda: text in self.output + self.error, PATIENCE)
        if not found:
            raise SmokeError(f"{self._child.args}: no {text!r} in {PATIENCE:g} s, but: {self.output}{self.error}")
        return time.monotonic() - self.started

    def wait(self) -> int:
        """The exit code."""
        try:
            code = self._child.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            raise SmokeError(f"{self._child.args} does not end") from None
        for reader in self._readers:
            reader.join(PATIENCE)
        return code

    def tree(self) -> list[int]:
        """This process and all that descend from it, parents first."""
        found = [self.pid]
        for pid in found:
            try:
                tasks = Path(f"/proc/{pid}/task").iterdir()
                found += [int(child) for task in tasks for child in (task / "children").read_text().split()]
            except OSError:  # it has ended meanwhile
                continue
        return found

    def server(self) -> list[int]:
        """The processes of the program itself: without Redis."""
        return [pid for pid in self.tree() if name_of(pid) != "redis-server"]

    def signal(self, number: signal.Signals, *, group: bool = False) -> None:
        """To the process that was started, or to its group, as a terminal does on Ctrl-C."""
        (os.killpg if group else os.kill)(self.pid, number)

    def kill_all(self) -> None:
        """`kill -9` of everything at once."""
        if self._child.poll() is None:
            for pid in self.tree():
                kill(pid)


def kill(pid: int) -> None:
    """`kill -9`."""
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def name_of(pid: int) -> str:
    """The name of a process's program; empty when it has ended."""
    try:
        return os.path.basename(os.readlink(f"/proc/{pid}/exe"))
    except OSError:
        return ""


def libraries_of(pid: int) -> set[Path]:
    """The shared libraries that a process has loaded."""
    lines = Path(f"/proc/{pid}/maps").read_text().splitlines()
    paths = {Path(line.split(maxsplit=5)[5]) for line in lines if len(line.split(maxsplit=5)) == 6}
    return {path for path in paths if ".so" in path.name}


def pss_of(pids: list[int]) -> float:
    """Megabytes of memory, shared pages counted in proportion."""
    lines = [line for pid in pids for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()]
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


def wait_until(condition: Callable[[], Any], what: str) -> None:
    """Polls a condition that no event tells of."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            raise SmokeError(f"not within {PATIENCE:g} s: {what}")
        time.sleep(0.01)


def get_json(url: str, path: str) -> Any:
    """The JSON that a server answers with 200."""
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=PATIENCE)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        body = response.read()
    finally:
        connection.close()
    if response.status != 200:
        raise SmokeError(f"GET {path}: {response.status} {body[:200]!r}")
    return json.loads(body)
