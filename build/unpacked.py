"""The folders that one-file executables unpack themselves into: what `kill -9` leaves behind, the next start removes.

Each program marks its folder with a file that it holds locked while it lives: a mark that nobody holds was left.
"""

from __future__ import annotations

import fcntl
import os

PREFIX = "_MEI"  # PyInstaller's
MARK = "notifier-in-use"


def claim(folder: str) -> None:
    """Marks this program's own folder until the process ends. The file gets its name once it is locked, not before."""
    path = os.path.join(folder, MARK)
    if os.path.exists(path):  # a child of the program, started anew in the same folder
        return
    descriptor = os.open(f"{path}.new", os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    os.rename(f"{path}.new", path)


def remove_abandoned(parent: str) -> None:
    """Removes the folders of this user that programs no longer alive have left in `parent`."""
    with os.scandir(parent) as entries:
        folders = [entry.path for entry in entries if entry.name.startswith(PREFIX) and _is_own_folder(entry)]
    for folder in folders:
        if _is_abandoned(os.path.join(folder, MARK)):
            import shutil

            shutil.rmtree(folder, ignore_errors=True)  # another start may remove it at the same time


def _is_own_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir(follow_symlinks=False) and entry.stat(follow_symlinks=False).st_uid == os.getuid()
    except FileNotFoundError:
        return False


def _is_abandoned(mark: str) -> bool:
    try:
        descriptor = os.open(mark, os.O_RDWR | os.O_NOFOLLOW)
    except OSError:  # not marked: another program's, or one that is being unpacked
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(descriptor)
    return True
