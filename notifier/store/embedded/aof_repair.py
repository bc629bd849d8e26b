"""`notifier doctor --repair`: makes what can be read of damaged data into data that Redis starts from.

All is done in a copy, which a real server must load before it takes the place of the original; that is kept whole.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from notifier.store.embedded import aof
from notifier.store.embedded.aof import FOLDER, MANIFEST, SINGLE, SNAPSHOT, Entry
from notifier.store.embedded.aof_scan import scan
from notifier.store.embedded.append_only import files_of
from notifier.store.embedded.binary import RedisBinary

WORK = "appendonlydir.repairing"
LOAD_TIMEOUT = 600.0  # seconds; a large file takes its time
TRIES = 100  # commands that are no commands, each found by a start of its own


class RepairError(Exception):
    """The data could not be repaired; the message says why, and they are as they were."""


class Repaired(NamedTuple):
    """The report of a repair: the damage, the parts given up, the keys that are left, and where the original is."""

    found: list[str]
    keys: int
    kept: Path


def repair(data_dir: Path, binary: RedisBinary) -> Repaired | None:
    """Repairs the data of a folder that no server uses; None where nothing is wrong. Raises `RepairError`."""
    try:
        return _Repair(data_dir, binary).run()
    except OSError as error:
        raise RepairError(f"{data_dir}: {error.strerror or error}; nothing was changed") from error
    finally:
        shutil.rmtree(data_dir / WORK, ignore_errors=True)


class _Repair:
    def __init__(self, data_dir: Path, binary: RedisBinary) -> None:
        self._dir = data_dir
        self._binary = binary
        self._work = data_dir / WORK
        self._folder = data_dir / FOLDER
        self._found: list[str] = []

    def run(self) -> Repaired | None:
        shutil.rmtree(self._work, ignore_errors=True)
        self._work.mkdir(mode=0o700)
        gap = aof.find_gap(self._dir)
        if gap is not None:
            self._found.append(gap)
        if self._is_single():
            return self._repair_single()
        entries = self._choose()
        if not entries:
            return None
        for entry in entries:
            self._copy(self._source(entry.name), entry.name, is_snapshot=entry.name.endswith(".rdb"))
        keys = self._load(entries)
        return Repaired(self._found, keys, self._swap(self._folder, self._work)) if self._found else None

    def _is_single(self) -> bool:
        return self._binary.version < (7, 0, 0) or (not self._folder.exists() and (self._dir / SINGLE).exists())

    def _source(self, name: str) -> Path:
        inside = self._folder / name
        return inside if inside.is_file() else self._dir / SNAPSHOT

    def _choose(self) -> list[Entry]:
        """The files for the new manifest: those of the old one, else all that are there, from the oldest base on."""
        try:
            entries = aof.read_manifest(self._folder)
        except (FileNotFoundError, ValueError):
            entries = self._guess()
        there = [entry for entry in entries if self._source(entry.name).is_file()]
        return [entry for entry in there if entry.kind == "i" or self._source(entry.name).stat().st_size]

    def _guess(self) -> list[Entry]:
        files = [file for file in files_of(self._dir) if Path(file.path).parent == self._folder]
        bases = sorted(file for file in files if ".base." in file.path)
        appended = sorted((file for file in files if ".incr." in file.path), key=lambda file: file.sequence)
        if not files and (self._dir / SNAPSHOT).is_file():
            return [Entry("appendonly.aof.1.base.rdb", 1, "b")]
        # An old base is deleted after its successor is whole: with both there, the older has all that came behind it.
        chosen = [Entry(Path(file.path).name, _number(file.path), "b") for file in bases[:1]]
        return chosen + [Entry(Path(file.path).name, file.sequence[1], "i") for file in appended]

    def _copy(self, source: Path, name: str, *, is_snapshot: bool, without: bytes | None = None) -> None:
        """Copies what is whole of a file; one that is a snapshot, as it is."""
        target = self._work / name
        if is_snapshot:
            shutil.copyfile(source, target)
            return
        found = scan(source, without)
        if found.lost and without is None:
            self._found.append(f"{aof.describe(source, found)}: {found.lost} bytes given up")
        with source.open("rb") as file, target.open("wb") as out:
            for start, end in found.whole:
                file.seek(start)
                _copy_range(file, out, end - start)

    def _load(self, entries: list[Entry]) -> int:
        """Loads the copy into a server, without the parts that it cannot read; returns its number of keys."""
        for _ in range(TRIES):
            _write_manifest(self._work, entries)
            options = {"appenddirname": WORK, "appendfilename": SINGLE}
            keys, said = _try(self._binary, self._dir, options)
            if keys is not None:
                return keys
            entries = self._give_up(entries, said)
        raise RepairError(f"{self._folder}: more than {TRIES} faults; put a backup back. Nothing was changed")

    def _give_up(self, entries: list[Entry], said: str) -> list[Entry]:
        if unknown := aof.unknown_command(said):
            command, name = unknown
            self._found.append(f"{name} holds a command {command!r}: given up")
            self._copy(self._work / name, f"{name}.new", is_snapshot=False, without=command.upper().encode())
            (self._work / f"{name}.new").replace(self._work / name)
            return entries
        base = next((entry for entry in entries if entry.kind == "b"), None)
        if base is None or not aof.blames_base(said):
            raise RepairError(f"{aof.explain(self._dir, said)}. Nothing was changed")
        self._found.append(f"{base.name} cannot be read: what it held is given up, what was appended since is kept")
        (self._work / base.name).unlink()
        return [entry for entry in entries if entry is not base]

    def _repair_single(self) -> Repaired | None:
        source = self._dir / SINGLE
        if not source.is_file():
            return None
        found = scan(source)
        if not found.lost:
            return None
        self._copy(source, SINGLE, is_snapshot=False)
        target = self._dir / f"{SINGLE}.repairing"
        (self._work / SINGLE).replace(target)
        try:
            keys, said = _try(self._binary, self._dir, {"appendfilename": target.name, "appenddirname": WORK})
            if keys is None:
                raise RepairError(f"{aof.explain(self._dir, said)}. Nothing was changed")
            self._copy(source, SINGLE, is_snapshot=False)  # the trial may have moved it into a folder
            self._found.pop()
            return Repaired(self._found, keys, self._swap(source, self._work / SINGLE))
        finally:
            target.unlink(missing_ok=True)

    def _swap(self, original: Path, copy: Path) -> Path:
        """Puts the copy in the original's place; where that is now."""
        kept = original.with_name(f"{original.name}.damaged-{time.strftime('%Y%m%dT%H%M%S', time.gmtime())}")
        if original.exists():
            original.rename(kept)
        elif (self._dir / SNAPSHOT).is_file():
            kept = self._dir / SNAPSHOT
        copy.rename(original)
        _sync(self._dir)
        return kept


def _number(path: str) -> int:
    return int(Path(path).name.split(".")[2])


def _write_manifest(folder: Path, entries: list[Entry]) -> None:
    lines = (f"file {entry.name} seq {entry.sequence} type {entry.kind}\n" for entry in entries)
    (folder / MANIFEST).write_text("".join(lines))
    for path in folder.iterdir():
        path.chmod(0o600)
        _sync(path)


def _copy_range(source, target, count: int) -> None:  # type: ignore[no-untyped-def]
    while count and (block := source.read(min(count, 1 << 20))):
        target.write(block)
        count -= len(block)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _try(binary: RedisBinary, data_dir: Path, options: dict[str, str]) -> tuple[int | None, str]:
    """The number of keys that a server loads, None when it does not start, and what it said."""
    if binary.version < (7, 0, 0):
        options.pop("appenddirname")
    with tempfile.TemporaryDirectory(prefix="notifier-") as folder, _server(binary, data_dir, folder, options) as run:
        deadline = time.monotonic() + LOAD_TIMEOUT
        while run.poll() is None and time.monotonic() < deadline:
            keys = _count_keys(f"{folder}/s")
            if keys is not None:
                return keys, ""
            time.sleep(0.01)
        return None, Path(folder, "log").read_text(errors="replace")


@contextmanager
def _server(
    binary: RedisBinary, data_dir: Path, folder: str, options: dict[str, str]
) -> Iterator[subprocess.Popen[bytes]]:
    fixed = {"port": "0", "unixsocket": f"{folder}/s", "dir": str(data_dir), "appendonly": "yes", "save": ""}
    arguments = [
        part
        for name, value in (fixed | {"aof-load-truncated": "no"} | options).items()
        for part in (f"--{name}", value)
    ]
    with Path(folder, "log").open("wb") as log:
        run = subprocess.Popen(
            [binary.path, *arguments], stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=binary.environment()
        )
    try:
        yield run
    finally:
        run.terminate()
        try:
            run.wait(10)
        except subprocess.TimeoutExpired:
            run.kill()
            run.wait()


def _count_keys(path: str) -> int | None:
    """The keys of all databases; None while the server loads or is not there."""
    with socket.socket(socket.AF_UNIX) as link:
        link.settimeout(5.0)
        try:
            link.connect(path)
            link.sendall(b"INFO persistence\r\nINFO keyspace\r\nQUIT\r\n")
            answer = b""
            while block := link.recv(65536):
                answer += block
        except OSError:
            return None
    if b"\r\nloading:0\r\n" not in answer:
        return None
    return sum(int(part.split(b",")[0]) for part in answer.split(b"keys=")[1:])
