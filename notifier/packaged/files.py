"""The program's own files (pages, guides, scripts), read into memory when they are first asked for.

The one-file executable unpacks itself into a folder below TMPDIR, which a sweep of old files may delete while it runs:
what was read before goes on being served, also by workers that are forked later.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable

HELD = (("notifier.store", "scripts"), ("notifier.web", "static"), ("notifier.web", "docs"))


@cache
def held(package: str, folder: str) -> Mapping[str, bytes]:
    """The files in and below a package's folder, by their path in it."""
    return dict(_read(files(package).joinpath(folder), ""))


def _read(folder: Traversable, prefix: str) -> list[tuple[str, bytes]]:
    found = []
    for item in sorted(folder.iterdir(), key=lambda one: one.name):
        if item.is_dir():
            found += _read(item, f"{prefix}{item.name}/")
        else:
            found.append((prefix + item.name, item.read_bytes()))
    return found


def hold_all() -> None:
    """Reads all that a server, and what it forks, will need. Host names are looked up through a module that Python
    loads from that folder at the first time."""
    for package, folder in HELD:
        held(package, folder)
    "localhost".encode("idna")
