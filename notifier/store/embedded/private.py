"""The data folder as its owner's alone: mode 0700, what the program keeps in it 0600, whatever it was before.

Who could write into the folder, or into one above it, may have put links or files of their own there: what belongs to
another user is refused, and no link is followed.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

# What the program and its Redis write; whatever else lies there is its owner's business.
_OURS = ("lock", "run", "redis.log*", "appendonly*", "*.rdb", "*.aof", "*.manifest")


class NotPrivate(OSError):
    """The folder cannot be its owner's alone; the message says why and what to do."""


def make_private(folder: Path) -> None:
    """Makes the folder if need be, and takes every right of other users in it away; raises `OSError`."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder = folder.resolve()
    for above in folder.parents:
        mode = above.stat().st_mode
        if mode & stat.S_IWOTH and not mode & stat.S_ISVTX:
            raise NotPrivate(f"anybody may replace it, since {above} is writable for all: chmod o-w {above}")
    _tighten(folder)
    for path in _contents(folder):
        _tighten(path)


def open_private(path: Path, flags: int) -> int:
    """A descriptor of a file that is the owner's alone, made if need be; a link is not followed. Raises `OSError`."""
    try:
        descriptor = os.open(path, flags | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError as error:
        if path.is_symlink():
            raise NotPrivate(f"{path} is a link, which is not followed: remove it") from error
        raise
    os.fchmod(descriptor, 0o600)
    return descriptor


def _contents(folder: Path) -> Iterator[Path]:
    for pattern in _OURS:
        for path in folder.glob(pattern):
            yield path
            if path.is_dir() and not path.is_symlink():
                yield from path.rglob("*")


def _tighten(path: Path) -> None:
    """Takes the rights of others away. A link of the owner's own is left as it is."""
    try:
        status = path.lstat()
    except FileNotFoundError:  # a server that is still ending has put its own file away
        return
    if status.st_uid != os.geteuid():
        raise NotPrivate(
            f"{path} belongs to user {status.st_uid}, not to {os.geteuid()}: chown it, or use another folder"
        )
    wanted = 0o700 if stat.S_ISDIR(status.st_mode) else 0o600
    if stat.S_ISLNK(status.st_mode) or stat.S_IMODE(status.st_mode) == wanted:
        return
    path.chmod(wanted)
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        raise NotPrivate(f"{path} stays readable for others: use a folder on a file system that knows modes")
