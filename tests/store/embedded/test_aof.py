"""Damaged data of the embedded Redis against the real server: what is said at the start, and what a repair saves."""

import asyncio
import os
import shutil
from pathlib import Path

import pytest

from notifier.store.embedded import aof
from notifier.store.embedded.aof_repair import RepairError, repair
from notifier.store.embedded.aof_scan import scan
from notifier.store.embedded.binary import RedisBinary, find_redis
from notifier.store.embedded.server import EmbeddedRedis, EmbeddedRedisError
from tests.store.embedded.test_server import call

INCR, BASE = "appendonly.aof.1.incr.aof", "appendonly.aof.1.base.rdb"
KEYS = 20


def server(folder, told=None):
    events = [] if told is None else told
    return EmbeddedRedis(folder, "everysec", 4 << 20, on_event=lambda name, facts: events.append((name, dict(facts))))


async def fill(folder, first=0, rewrite=False):
    redis = server(folder)
    url = await redis.start()
    for number in range(first, first + KEYS):
        await call(url, "SET", f"key{number}", f"value{number}")
    if rewrite:
        await call(url, "BGREWRITEAOF")
        while not (folder / "appendonlydir" / "appendonly.aof.2.base.rdb").exists():
            await asyncio.sleep(0.01)
    await redis.stop()


@pytest.fixture
def data(loop, data_dir):
    """The folder of a server that has stored 20 keys."""
    loop.run_until_complete(fill(data_dir))
    return data_dir / "appendonlydir"


async def keys_of(folder, told=None):
    redis = server(folder, told)
    try:
        return await call(await redis.start(), "DBSIZE")
    finally:
        await redis.stop()


def append(path, more):
    with path.open("ab") as file:
        file.write(more)


def overwrite(path, at, more):
    with path.open("r+b") as file:
        file.seek(at)
        file.write(more)


def unlink_manifest(folder):
    (folder / aof.MANIFEST).unlink()


def damage_middle(folder):
    """One byte of a length: Redis would take all behind it for half a command, and cut it off."""
    path = folder / INCR
    at = path.read_bytes().index(b"$5\r\nkey10")
    overwrite(path, at, b"$9\r\nkey10")


def misspell(folder):
    path = folder / INCR
    overwrite(path, path.read_bytes().index(b"SET\r\n$5\r\nkey10"), b"X")


# What is done to the data, what is said then, and how many of 20 keys a repair saves.
DAMAGE = {
    "garbage at the end": (lambda f: append(f / INCR, b"garbage!!"), "9 of 752 bytes are no whole commands", KEYS),
    "zeros at the end": (lambda f: append(f / INCR, bytes(100)), "from byte 743 on 100 of 843 bytes are zeros", KEYS),
    "no manifest": (unlink_manifest, "Redis would start empty", KEYS),
    "an empty manifest": (lambda f: (f / aof.MANIFEST).write_text(""), "is empty; 2 files with", KEYS),
    "half a manifest": (lambda f: (f / aof.MANIFEST).write_text("fil"), "cannot be read; 2 files with", KEYS),
    "no appended file": (lambda f: (f / INCR).unlink(), f"{INCR} of .* is missing", 0),
    "no base": (lambda f: (f / BASE).unlink(), f"{BASE} of .* is missing", KEYS),
    "a damaged base": (lambda f: overwrite(f / BASE, 20, b"xxxx"), "the base file in .* is damaged", KEYS),
    "half a base": (lambda f: os.truncate(f / BASE, 40), "the base file in .* is damaged", KEYS),
    "no base but its name": (lambda f: os.truncate(f / BASE, 0), f"{BASE} of .* is empty", KEYS),
    "a command that is none": (misspell, "it holds a command 'XET'", KEYS - 1),
    "one byte in the middle": (damage_middle, "with whole ones behind them", KEYS - 1),
}


@pytest.mark.parametrize("kind", DAMAGE)
async def test_damage_is_named_and_nothing_is_started_until_it_is_repaired(loop, data, kind):
    damage, said, saved = DAMAGE[kind]
    damage(data)
    before = {path.name: path.read_bytes() for path in data.iterdir()}
    with pytest.raises(EmbeddedRedisError, match=said) as raised:
        await keys_of(data.parent)
    message = str(raised.value)
    assert "\n" not in message and f"notifier doctor --repair --data-dir {data.parent}" in message
    assert {path.name: path.read_bytes() for path in data.iterdir()} == before
    done = await asyncio.to_thread(repair, data.parent, find_redis())
    assert done.keys == saved and done.found
    assert {path.name: path.read_bytes() for path in done.kept.iterdir()} == before
    assert await keys_of(data.parent) == saved
    assert await asyncio.to_thread(repair, data.parent, find_redis()) is None
    assert not (data.parent / "appendonlydir.repairing").exists()


async def test_half_a_command_is_cut_kept_and_told(loop, data):
    append(data / INCR, b"*3\r\n$3\r\nSET\r\n$1\r\nb")
    told = []
    assert await keys_of(data.parent, told) == KEYS
    ((name, facts),) = told
    assert (name, facts["file"], facts["bytes"]) == ("redis.tail_cut", INCR, 18)
    assert facts["last_written"].endswith("Z")
    assert Path(facts["kept"]).read_bytes() == b"*3\r\n$3\r\nSET\r\n$1\r\nb"


async def test_half_a_transaction_is_cut_whole(loop, data):
    append(data / INCR, b"*1\r\n$5\r\nMULTI\r\n*3\r\n$3\r\nSET\r\n$1\r\nb\r\n$1\r\n1\r\n")
    told = []
    assert await keys_of(data.parent, told) == KEYS
    assert [name for name, facts in told] == ["redis.tail_cut"]


async def test_only_the_newest_cuts_are_kept(loop, data):
    for _ in range(aof.KEPT_CUTS + 2):
        append(data / INCR, b"*3\r\n$3\r\nSET\r\n$1\r\nb")
        assert aof.cut_tail(data.parent).bytes == 18
    assert len(list(data.parent.glob("cut-*.aof"))) == aof.KEPT_CUTS


async def test_a_rewritten_file_and_one_without_manifest(loop, data_dir):
    await fill(data_dir, rewrite=True)
    await fill(data_dir, first=KEYS)
    unlink_manifest(data_dir / "appendonlydir")
    assert (await asyncio.to_thread(repair, data_dir, find_redis())).keys == 2 * KEYS
    assert await keys_of(data_dir) == 2 * KEYS


async def test_a_lost_base_is_given_up_and_that_is_said(loop, data_dir):
    await fill(data_dir, rewrite=True)
    await fill(data_dir, first=KEYS)
    (data_dir / "appendonlydir" / "appendonly.aof.2.base.rdb").unlink()
    done = await asyncio.to_thread(repair, data_dir, find_redis())
    assert done.keys == KEYS and "appendonly.aof.2.base.rdb" in done.found[0]


async def test_a_snapshot_alone_is_not_passed_over(loop, data, tmp_path):
    redis = server(data.parent)
    url = await redis.start()
    await call(url, "SAVE")
    await redis.stop()
    shutil.rmtree(data)
    with pytest.raises(EmbeddedRedisError, match=r"dump\.rdb is there, a snapshot"):
        await keys_of(data.parent)
    assert (await asyncio.to_thread(repair, data.parent, find_redis())).keys == KEYS
    assert await keys_of(data.parent) == KEYS


@pytest.mark.parametrize("started", [False, True])
async def test_a_file_of_redis_6_is_repaired_and_read(loop, data, started):
    single = data.parent / "appendonly.aof"
    single.write_bytes((data / INCR).read_bytes() + b"garbage!!")
    shutil.rmtree(data)
    if started:  # Redis 7 moves it into its folder before it reads it
        with pytest.raises(EmbeddedRedisError, match=r"appendonly\.aof is damaged: from byte 743"):
            await keys_of(data.parent)
    done = await asyncio.to_thread(repair, data.parent, find_redis())
    assert done.keys == KEYS and ".damaged-" in done.kept.name
    assert await keys_of(data.parent) == KEYS


async def test_data_of_a_newer_redis_are_not_repaired(loop, data):
    overwrite(data / BASE, 5, b"0099")
    with pytest.raises(EmbeddedRedisError, match=r"written by a newer Redis \(RDB version 99\)"):
        await keys_of(data.parent)
    with pytest.raises(RepairError, match="newer Redis"):
        await asyncio.to_thread(repair, data.parent, find_redis())
    assert data.exists()


async def test_data_that_are_whole_are_left_alone(loop, data):
    before = {path.name: path.read_bytes() for path in data.iterdir()}
    assert await asyncio.to_thread(repair, data.parent, find_redis()) is None
    assert {path.name: path.read_bytes() for path in data.iterdir()} == before
    assert aof.find_gap(data.parent) is None and aof.find_damage(data.parent) is None


def test_a_repair_without_a_server_changes_nothing(loop, data):
    append(data / INCR, b"garbage!!")
    with pytest.raises(RepairError):
        repair(data.parent, RedisBinary("/nowhere/redis-server", (7, 0, 0), False))
    assert (data / INCR).read_bytes().endswith(b"garbage!!")


# -- the scan

SET = b"*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\n1\r\n"
MULTI, EXEC = b"*1\r\n$5\r\nMULTI\r\n", b"*1\r\n$4\r\nEXEC\r\n"


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        (b"", ()),
        (SET, ((0, 27),)),
        (b"#TS:1700000000\r\n" + SET, ((0, 43),)),
        (MULTI + SET + EXEC, ((0, 56),)),
        (SET + MULTI + SET, ((0, 27),)),
        (SET + EXEC + SET, ((0, 27), (41, 68))),
        (SET + b"?" + SET, ((0, 27), (28, 55))),
        (SET + bytes(10), ((0, 27),)),
        (b"REDIS0010\xfa\xff12345678" + SET, ((0, 46),)),
        (b"\r\n*99999999\r\n$", ()),
    ],
)
def test_what_is_whole_of_a_file(tmp_path, text, whole):
    path = tmp_path / "file"
    path.write_bytes(text)
    found = scan(path)
    assert found.whole == whole
    assert found.lost == len(text) - sum(end - start for start, end in whole)
