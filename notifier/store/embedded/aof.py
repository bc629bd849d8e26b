"""The embedded Redis' data as they lie in DATA_DIR: what is there, what is damaged, and what a start would lose.

Redis 7 keeps a base, what was appended since, and a manifest that names both in `appendonlydir`; 6.2 keeps one file
beside it. Without a manifest Redis starts empty, whatever else is there: so all is looked at before it is started.
"""

from __future__ import annotations

import contextlib
import os
import re
import time
from pathlib import Path
from typing import NamedTuple

from notifier.store.embedded.aof_scan import Scan, scan
from notifier.store.embedded.append_only import files_of

FOLDER, MANIFEST, SINGLE, SNAPSHOT = "appendonlydir", "appendonly.aof.manifest", "appendonly.aof", "dump.rdb"
KEPT_CUTS = 5
_LINE = re.compile(r'file (?:"(?P<quoted>[^"/]+)"|(?P<name>[^\s"/]+)) seq (?P<seq>\d+) type (?P<kind>[bih])').fullmatch
_UNKNOWN = re.compile(r"Unknown command '([^']*)' reading the append only file (\S+)").search
_SNAPSHOT_FAULT = re.compile(
    r"Internal error in RDB|Wrong signature|RDB CRC error|Wrong RDB checksum|Short read or OOM loading DB|Terminating "
    r"server after rdb file reading failure|Error reading the RDB"
).search
_NEWER = re.compile(r"Can't handle RDB format version (\d+)").search
_NOISE = re.compile(r"overcommit|^\s*$|^\*\*\*|^\[offset|redis-check-aof --fix").search
_PREFIX = re.compile(r"^\d+:\w \d+ \w+ \d+ [\d:.]+ [*#.-] ").match


class Entry(NamedTuple):
    """A line of the manifest: `kind` is b (base), i (appended since) or h (history, to be deleted)."""

    name: str
    sequence: int
    kind: str


class Cut(NamedTuple):
    """Half a command that was cut off a file's end; `kept` is where it lies now, empty when there was no room."""

    file: str
    bytes: int
    last_written: str
    kept: str


def parse_manifest(text: str) -> list[Entry]:
    """The manifest's entries, history left out; raises `ValueError` with what is wrong with it."""
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    if not lines:
        raise ValueError("is empty")
    entries = []
    for line in lines:
        match = _LINE(line)
        if match is None:
            raise ValueError("cannot be read")
        entries.append(Entry(match["quoted"] or match["name"], int(match["seq"]), match["kind"]))
    return [entry for entry in entries if entry.kind != "h"]


def read_manifest(folder: Path) -> list[Entry]:
    """The entries of the folder's manifest. Raises `ValueError`, `FileNotFoundError`."""
    return parse_manifest((folder / MANIFEST).read_text(errors="replace"))


def cure(data_dir: Path) -> str:
    """The advice to operators about damaged data."""
    return f"notifier doctor --repair --data-dir {data_dir} repairs it and keeps a copy; or put a backup back"


def find_gap(data_dir: Path) -> str | None:
    """The reason not to start a server on these data, in a sentence; None where it may. Opens only the manifest."""
    folder = data_dir / FOLDER
    files = list(files_of(data_dir))
    inside = [file for file in files if Path(file.path).parent == folder]
    held = f"{len(inside)} files with {sum(file.size for file in inside)} bytes are there"
    try:
        entries = read_manifest(folder)
    except FileNotFoundError:
        if inside:
            return f"{folder / MANIFEST} is missing, and {held}: Redis would start empty"
        return None if files else _find_snapshot(data_dir)
    except ValueError as error:
        return f"{folder / MANIFEST} {error}; {held}"
    missing = [entry.name for entry in entries if not (folder / entry.name).is_file()]
    if missing:
        return f"{', '.join(missing)} of {folder} is missing, though the manifest names it"
    empty = [entry.name for entry in entries if entry.kind == "b" and (folder / entry.name).stat().st_size == 0]
    return f"{empty[0]} of {folder} is empty: Redis would start without what it held" if empty else None


def _find_snapshot(data_dir: Path) -> str | None:
    path = data_dir / SNAPSHOT
    if not path.is_file() or path.stat().st_size == 0:
        return None
    return f"{path} is there, a snapshot that the embedded Redis does not read: it would start empty"


def appended(data_dir: Path) -> list[Path]:
    """The files of commands that a start reads, the one that is appended to last."""
    folder = data_dir / FOLDER
    try:
        return [folder / entry.name for entry in read_manifest(folder) if not entry.name.endswith(".rdb")]
    except (FileNotFoundError, ValueError):
        single = data_dir / SINGLE
        return [single] if single.is_file() else []


def find_damage(data_dir: Path) -> str | None:
    """The first fault in what is appended, in a sentence; None where all can be read. Reads the files whole."""
    for path in appended(data_dir):
        found = scan(path)
        if found.lost:
            return describe(path, found)
    return None


def describe(path: Path, found: Scan) -> str:
    """The place at which a file is damaged, and since when."""
    kind = "zeros" if found.zeros else "no whole commands"
    where = f"from byte {found.end} on {found.lost} of {found.size} bytes are {kind}"
    rest = "" if found.is_tail else ", with whole ones behind them"
    return f"{path.name} is damaged: {where}{rest}; last written {written_at(path)}"


def written_at(path: Path) -> str:
    """When a file was last written to, in UTC."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(path.stat().st_mtime))


def cut_tail(data_dir: Path) -> Cut | None:
    """Cuts half a command off the end of the file that is appended to, and keeps it; None where that is not the fault.

    A `kill -9` may leave it: it was not answered, so nothing is lost. What has whole commands behind it, or is no
    beginning of a command, is damage of another kind, and left alone.
    """
    path = next(reversed(appended(data_dir)), None)
    found = scan(path) if path is not None else None
    if path is None or found is None or not found.lost or not found.is_tail:
        return None
    with path.open("r+b") as file:
        file.seek(found.end)
        tail = file.read(found.lost)
        if not tail.startswith(b"*"):
            return None
        cut = Cut(path.name, len(tail), written_at(path), _keep(data_dir, tail))
        file.truncate(found.end)
    return cut


def _keep(data_dir: Path, tail: bytes) -> str:
    path = data_dir / f"cut-{time.time_ns()}.aof"
    try:
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb") as file:
            file.write(tail)
    except OSError:  # a full disk must not keep the server from coming back
        path.unlink(missing_ok=True)
        return ""
    for old in sorted(data_dir.glob("cut-*.aof"))[:-KEPT_CUTS]:
        with contextlib.suppress(FileNotFoundError):
            old.unlink()
    return str(path)


def explain(data_dir: Path, said: str) -> str:
    """The reason why a server has just ended, in a sentence with its cure; `said` is what it wrote to its log."""
    if match := _NEWER(said):
        return (
            f"the data were written by a newer Redis (RDB version {match[1]}): install that one, or put a backup back"
        )
    if unknown := unknown_command(said):
        return f"{unknown[1]} is damaged: it holds a command {unknown[0]!r}; {cure(data_dir)}"
    damage = find_damage(data_dir)
    if damage is not None:
        return f"{damage}; {cure(data_dir)}"
    if blames_base(said):
        return f"the base file in {data_dir / FOLDER} is damaged: Redis cannot read it; {cure(data_dir)}"
    lines = [plain for line in said.splitlines() if not _NOISE(plain := _plain(line))]
    return lines[-1][:200] if lines else "it said nothing"


def unknown_command(said: str) -> tuple[str, str] | None:
    """The command that a server does not know, and the file that it found it in."""
    match = _UNKNOWN(said)
    return (match[1], match[2]) if match else None


def blames_base(said: str) -> bool:
    """True where a server could not read a snapshot whose form it knows."""
    return _SNAPSHOT_FAULT(said) is not None and _NEWER(said) is None


def ends_in_half_a_command(said: str) -> bool:
    """True where a server found that its append-only file breaks off."""
    return "Unexpected end of file reading the append only file" in said


def _plain(line: str) -> str:
    """A line of Redis' log without process, time and level."""
    match = _PREFIX(line)
    return line[match.end() :] if match else line
