"""The reserve on the disk: allocated ahead of the file, which keeps its size; refused when it cannot be had."""

import errno
import os

import pytest

from notifier.store.embedded import disk_guard
from notifier.store.embedded.disk_guard import DiskGuard
from notifier.store.embedded.server import EmbeddedRedis

MIB = 1024 * 1024


@pytest.fixture
def told():
    return []


@pytest.fixture
def guard(data_dir, told):
    folder = data_dir / "appendonlydir"
    folder.mkdir()
    (folder / "appendonly.aof.1.base.rdb").write_bytes(b"REDIS")
    (folder / "appendonly.aof.2.incr.aof").write_bytes(b"x" * 1000)
    return DiskGuard(data_dir, 4 * MIB, lambda name, facts: told.append((name, facts)))


def newest(data_dir):
    return os.stat(data_dir / "appendonlydir" / "appendonly.aof.2.incr.aof")


def test_blocks_are_taken_and_the_size_stays(guard, data_dir, told):
    guard.look()
    assert newest(data_dir).st_size == 1000
    assert newest(data_dir).st_blocks * 512 >= 4 * MIB
    assert guard.room.ahead >= 4 * MIB - 1000
    assert (guard.trouble, told) == (None, [])
    assert guard.options() == {"maxmemory": "0", "auto-aof-rewrite-percentage": "100"}


def test_a_full_disk_is_refused_until_the_whole_reserve_can_be_had(guard, data_dir, told, monkeypatch):
    with monkeypatch.context() as full:
        full.setattr(disk_guard, "_fallocate", lambda descriptor, wanted: errno.ENOSPC)
        guard.look()
        guard.look()
        assert guard.options()["maxmemory"] == "1"
        assert f"the disk of {data_dir} is nearly full" in guard.trouble
        full.setattr(disk_guard, "_ahead", lambda descriptor: round(3.5 * MIB))
        guard.look()
        assert guard.trouble is not None
    guard.look()
    assert [name for name, facts in told] == ["disk.low", "disk.enough"]
    assert told[0][1]["reserve_bytes"] == 4 * MIB
    assert guard.trouble is None


@pytest.mark.parametrize(("free_mib", "low"), [(100, False), (2, True)])
def test_where_nothing_can_be_allocated_ahead_free_space_is_the_floor(guard, monkeypatch, free_mib, low):
    monkeypatch.setattr(disk_guard, "_fallocate", lambda descriptor, wanted: errno.EOPNOTSUPP)
    size = os.statvfs_result((MIB, MIB, 1000, free_mib, free_mib, 9, 9, 9, 0, 255))
    monkeypatch.setattr(os, "statvfs", lambda path: size)
    guard.look()
    assert (guard.trouble is not None) == low


def test_a_rewrite_waits_for_room_for_two_files(guard, monkeypatch):
    monkeypatch.setattr(os, "statvfs", lambda path: os.statvfs_result((MIB, MIB, 1000, 7, 7, 9, 9, 9, 0, 255)))
    guard.look()
    assert guard.options()["auto-aof-rewrite-percentage"] == "0"


def test_a_small_disk_gives_a_quarter_at_most(guard, monkeypatch):
    monkeypatch.setattr(os, "statvfs", lambda path: os.statvfs_result((MIB, MIB, 8, 6, 6, 9, 9, 9, 0, 255)))
    guard.look()
    assert guard.reserve == 2 * MIB


def test_without_a_reserve_nothing_is_taken(data_dir, told):
    guard = DiskGuard(data_dir / "absent", 0, lambda name, facts: told.append(name))
    guard.look()
    assert guard.options()["maxmemory"] == "0"


def test_a_link_in_the_files_place_is_not_followed(guard, data_dir, tmp_path):
    victim = tmp_path / "victim"
    victim.write_bytes(b"")
    path = data_dir / "appendonlydir" / "appendonly.aof.2.incr.aof"
    path.unlink()
    path.symlink_to(victim)
    with pytest.raises(OSError, match="symbolic links"):
        guard.look()
    assert victim.stat().st_blocks == 0


async def test_a_server_has_its_reserve_after_a_rewrite_too(loop, data_dir):
    from tests.store.embedded.test_server import call
    from tests.support import eventually

    server = EmbeddedRedis(data_dir, "everysec", 4 * MIB, on_event=lambda *event: None)
    url = await server.start()
    try:
        await call(url, "SET", "a", "1")
        await call(url, "BGREWRITEAOF")
        path = data_dir / "appendonlydir" / "appendonly.aof.2.incr.aof"
        await eventually(
            lambda: path.exists() and path.stat().st_blocks * 512 >= 4 * MIB, "the reserve of the new file"
        )
    finally:
        await server.stop()
