"""The data of the embedded Redis: a check that a start would find them whole, and their repair."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from notifier.doctor.findings import Finding, fail, note, ok
from notifier.store.embedded import aof
from notifier.store.embedded.aof_repair import RepairError, repair
from notifier.store.embedded.binary import NoRedis, find_redis

CHECK = "data"


def check_data(data_dir: Path) -> list[Finding]:
    """Reads all that a start would read; nothing while a server has the folder: its last command may be half there."""
    if not data_dir.is_dir():
        return []
    try:
        with _locked(data_dir, fcntl.LOCK_SH):
            found = aof.find_gap(data_dir) or aof.find_damage(data_dir)
    except BlockingIOError:
        return []
    except OSError as error:
        return [fail(CHECK, f"{data_dir}: {error.strerror}", "give the folder to the user who runs notifier")]
    return [fail(CHECK, found, aof.cure(data_dir)) if found else ok(CHECK, "whole")]


def repair_data(data_dir: Path) -> list[Finding]:
    """Repairs them; the original is kept beside them."""
    try:
        with _locked(data_dir, fcntl.LOCK_EX):
            done = repair(data_dir, find_redis())
    except FileNotFoundError:
        return [ok("repair", f"{data_dir} is not there: nothing to repair")]
    except BlockingIOError:
        return [fail("repair", f"{data_dir} is in use by a running notifier", "stop it, then repair")]
    except (RepairError, NoRedis, OSError) as error:
        return [fail("repair", str(error), "put a backup back")]
    if done is None:
        return [ok("repair", "nothing to repair: Redis loads the data as they are")]
    kept = f"the original is kept in {done.kept}"
    return [note("repair", found, kept) for found in done.found] + [ok("repair", f"done: {done.keys} keys; {kept}")]


@contextmanager
def _locked(data_dir: Path, kind: int) -> Iterator[None]:
    """Holds the folder's lock as a server does; raises `BlockingIOError` while one has it."""
    path = data_dir / "lock"
    if kind == fcntl.LOCK_SH and not path.exists():
        yield
        return
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
        yield
    finally:
        os.close(descriptor)
