"""The program's own files (pages, guides, scripts), read into memory when they are first asked for.

The one-file executable unpacks itself into a folder below TMPDIR, which a sweep of old files may delete while it runs:
what was read before goes on being served, also by workers that are forked later. They are held compressed, which saves
half a megabyte of a process that hardly ever needs them.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module
from pathlib import Path

HELD = (("notifier.store", "scripts"), ("notifier.web", "static"), ("notifier.web", "docs"))


class Files(Mapping[str, bytes]):
    """The bytes of files by their paths, decompressed whenever they are asked for."""

    def __init__(self, folder: Path) -> None:
        self._packed = {path: zlib.compress(data) for path, data in _read(folder, "")}

    def __getitem__(self, path: str) -> bytes:
        return zlib.decompress(self._packed[path])

    def __iter__(self) -> Iterator[str]:
        return iter(self._packed)

    def __len__(self) -> int:
        return len(self._packed)


@cache
def held(package: str, folder: str) -> Mapping[str, bytes]:
    """The files in and below a package's folder, by their path in it."""
    return Files(folder_of(package) / folder)


def folder_of(package: str) -> Path:
    """The folder of a package. `importlib.resources` would find it in archives too, and takes 0.5 MB."""
    return Path(import_module(package).__path__[0])


def _read(folder: Path, prefix: str) -> Iterator[tuple[str, bytes]]:
    for item in sorted(folder.iterdir(), key=lambda one: one.name):
        if item.is_dir():
            yield from _read(item, f"{prefix}{item.name}/")
        else:
            yield prefix + item.name, item.read_bytes()


def hold_all() -> None:
    """Reads all that a server, and what it forks, will need. Host names are looked up through a module that Python
    loads from that folder at the first time."""
    for package, folder in HELD:
        held(package, folder)
    "localhost".encode("idna")
