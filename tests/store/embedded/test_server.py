"""The embedded Redis with real processes: it lives and dies with its parent, and loses nothing."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from notifier.store.embedded.append_only import Synchroniser
from notifier.store.embedded.binary import find_redis
from notifier.store.embedded.server import EmbeddedRedis, EmbeddedRedisError
from notifier.store.redis.address import parse_address
from notifier.store.redis.link import open_link
from tests.support import eventually

HOLDER = """
import asyncio, sys
from pathlib import Path
from notifier.store.embedded.server import EmbeddedRedis, EmbeddedRedisError
async def main():
    redis = EmbeddedRedis(Path(sys.argv[1]), sys.argv[2], on_event=lambda *event: None)
    try:
        print(await redis.start(), redis.pid, flush=True)
    except EmbeddedRedisError as error:
        sys.exit(str(error))
    await asyncio.Event().wait()
asyncio.run(main())
"""


class Events(list):
    """Events that an embedded server told, by name."""

    def __call__(self, name, facts):
        self.append((name, dict(facts)))

    def named(self, name):
        return [facts for found, facts in self if found == name]


@pytest.fixture
def events():
    return Events()


@pytest.fixture
def embedded(loop, data_dir, events):
    """Builds embedded servers in `data_dir` and stops what is left of them."""
    built = []

    def build(folder=data_dir, fsync="everysec"):
        built.append(EmbeddedRedis(folder, fsync, on_event=events))
        return built[-1]

    yield build
    for server in built:
        loop.run_until_complete(server.stop())


@asynccontextmanager
async def connection(url):
    link = await open_link(parse_address(url), 5, 5, lambda link: None)
    try:
        yield link
    finally:
        link.close()


async def call(url, *command):
    async with connection(url) as link:
        return await link.call(*command)


async def holder(folder, fsync="everysec"):
    """Another process with an embedded server; the process, its URL and the server's pid."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", HOLDER, str(folder), fsync), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    url, _, pid = (await process.stdout.readline()).decode().strip().rpartition(" ")
    assert url, (await process.stderr.read()).decode()
    return process, url, int(pid)


def runs(pid):
    """True while a process runs; one that only waits to be reaped does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def script(folder, name, text):
    path = folder / name
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def fake(folder, version, name="redis-server"):
    """A redis-server that says it is of another version."""
    return script(
        folder, name, f'[ "$1" = --version ] && echo "Redis server v={version}" && exit; exec {find_redis().path} "$@"'
    )


# -- its life


async def test_start_and_stop(embedded, data_dir, events):
    server = embedded()
    assert server.pid is None
    url = await server.start()
    pid = server.pid
    assert url == f"unix://{data_dir}/run/redis.sock"
    assert await call(url, "SET", "a", "1") == b"OK"
    assert (data_dir / "run").stat().st_mode & 0o777 == 0o700
    assert await call(url, "CONFIG", "GET", "port") == [b"port", b"0"]
    assert await call(url, "CONFIG", "GET", "appendonly") == [b"appendonly", b"yes"]
    assert await call(url, "CONFIG", "GET", "appendfsync") == [b"appendfsync", b"no"]  # ours: append_only.py
    assert await call(url, "CONFIG", "GET", "maxmemory-policy") == [b"maxmemory-policy", b"noeviction"]
    await server.stop()
    assert server.pid is None
    assert not runs(pid)
    assert events == []


async def test_what_was_written_is_there_after_a_restart(embedded):
    server = embedded(fsync="always")
    url = await server.start()
    await call(url, "SET", "a", "1")
    await server.stop()
    again = embedded()
    assert await call(await again.start(), "GET", "a") == b"1"


async def test_stop_twice_and_without_start(embedded):
    server = embedded()
    await server.stop()
    await server.start()
    await server.stop()
    await server.stop()


# -- kill -9 of the server


async def test_a_killed_server_comes_back_with_all_that_it_acknowledged(embedded, events):
    server = embedded()
    url = await server.start()
    first = server.pid
    async with connection(url) as link:
        for i in range(500):
            await link.call("SET", f"k{i}", i)
        os.kill(first, signal.SIGKILL)
    await eventually(lambda: events.named("redis.restarted"), "the restart")
    assert server.pid not in (None, first)
    assert server.restarts == 1
    assert events == [
        ("redis.died", {"status": -9, "deaths": 1}),
        ("redis.restarted", {"pid": server.pid, "restarts": 1}),
    ]
    assert await call(url, "DBSIZE") == 500


async def test_a_half_written_command_at_the_end_of_the_file_does_not_stop_it(embedded, data_dir, events):
    server = embedded()
    url = await server.start()
    await call(url, "SET", "a", "1")
    os.kill(server.pid, signal.SIGSTOP)
    (tail,) = (data_dir / "appendonlydir").glob("*.incr.aof")
    with tail.open("ab") as file:
        file.write(b"*3\r\n$3\r\nSET\r\n$1\r\nb")
    os.kill(server.pid, signal.SIGKILL)
    await eventually(lambda: events.named("redis.restarted"), "the restart")
    assert await call(url, "GET", "a") == b"1"
    assert await call(url, "EXISTS", "b") == 0


async def test_it_goes_on_trying_when_a_restart_fails(embedded, events, tmp_path, monkeypatch):
    broken = tmp_path / "broken"
    wrapper = f'[ -e {broken} ] && {{ echo "no luck today"; exit 3; }}; exec {find_redis().path} "$@"'
    monkeypatch.setenv("NOTIFIER_REDIS_SERVER", str(script(tmp_path, "sometimes", wrapper)))
    server = embedded()
    url = await server.start()
    broken.touch()
    os.kill(server.pid, signal.SIGKILL)
    failures = await eventually(lambda: len(events.named("redis.restart_failed")) > 1 and events, "a second failure")
    assert failures.named("redis.restart_failed")[0] == {"error": "redis-server ended with 3: no luck today"}
    broken.unlink()
    await eventually(lambda: events.named("redis.restarted"), "the restart")
    assert await call(url, "PING") == b"PONG"


async def test_it_goes_on_trying_when_the_program_is_gone_for_a_while(embedded, events, tmp_path, monkeypatch):
    program = script(tmp_path, "sometimes", f'exec {find_redis().path} "$@"')
    monkeypatch.setenv("NOTIFIER_REDIS_SERVER", str(program))
    server = embedded()
    url = await server.start()
    program.rename(tmp_path / "away")
    os.kill(server.pid, signal.SIGKILL)
    await eventually(lambda: len(events.named("redis.restart_failed")) > 1, "a second failure")
    (tmp_path / "away").rename(program)
    await eventually(lambda: events.named("redis.restarted"), "the restart")
    assert await call(url, "PING") == b"PONG"


async def test_looking_at_the_pid_of_a_dead_server_does_not_hide_its_death(embedded, events):
    server = embedded()
    await server.start()
    os.kill(server.pid, signal.SIGKILL)
    await eventually(lambda: server.pid is None, "the death")
    await eventually(lambda: events.named("redis.restarted"), "the restart")
    os.kill(server.pid, signal.SIGKILL)
    await eventually(lambda: len(events.named("redis.restarted")) == 2, "the second restart")


# -- kill -9 of the parent


@pytest.mark.parametrize("fsync", ["everysec", "always"])
async def test_no_orphan_and_nothing_lost_when_the_parent_is_killed(embedded, data_dir, fsync):
    process, url, pid = await holder(data_dir, fsync)
    async with connection(url) as link:
        for i in range(500):
            await link.call("SET", f"k{i}", i)
        process.kill()
        await process.wait()
    await eventually(lambda: not runs(pid), "the end of the server")
    assert await call(await embedded().start(), "DBSIZE") == 500


async def test_both_killed_at_once(embedded, data_dir):
    process, url, pid = await holder(data_dir)
    await call(url, "SET", "a", "1")
    os.kill(pid, signal.SIGKILL)
    process.kill()
    await process.wait()
    await eventually(lambda: not runs(pid), "the end of the server")
    assert await call(await embedded().start(), "GET", "a") == b"1"


SLOW_DISK = """
#include <stdlib.h>
#include <unistd.h>
int fdatasync(int file) {
    while (access(getenv("SLOW_DISK"), F_OK) == 0) usleep(1000);
    return fsync(file);
}
"""


@pytest.fixture
def slow_disk(tmp_path, monkeypatch):
    """While this file exists, no fsync of a server that is started in this test comes to an end."""
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("there is no C compiler to slow fsync down with")
    library, switch = tmp_path / "slow_disk.so", tmp_path / "slow"
    command = [compiler, "-shared", "-fPIC", "-x", "c", "-", "-o", library]
    subprocess.run(command, input=SLOW_DISK, text=True, check=True, timeout=60)
    monkeypatch.setenv("SLOW_DISK", str(switch))
    monkeypatch.setenv("LD_PRELOAD", str(library))
    yield switch
    switch.unlink(missing_ok=True)


async def test_a_kill_while_the_disk_is_slow_loses_nothing(embedded, slow_disk):
    """Redis' own `everysec` answers without having written while an fsync runs: see append_only.py."""
    server = embedded()
    url = await server.start()
    await call(url, "SET", "first", "1")
    slow_disk.touch()
    async with connection(url) as link:
        for i in range(200):
            await link.call("SET", f"k{i}", i)
            await asyncio.sleep(0.01)  # one fsync a second is begun by everysec: two of them fall into this
    os.kill(server.pid, signal.SIGKILL)
    slow_disk.unlink()
    await server.stop()
    assert await call(await embedded().start(), "DBSIZE") == 201


async def test_what_was_appended_is_put_on_the_disk(embedded, data_dir, events, monkeypatch):
    url = await embedded().start()
    work = Synchroniser(data_dir, events)
    work.sync()
    synced = []
    monkeypatch.setattr(os, "fdatasync", lambda file: synced.append(os.readlink(f"/proc/self/fd/{file}")))
    work.sync()
    assert synced == []  # nothing was appended
    await call(url, "SET", "a", "1")
    work.sync()
    assert [Path(name).name for name in synced] == ["appendonly.aof.1.incr.aof"]
    await call(url, "BGREWRITEAOF")
    await eventually(lambda: list(data_dir.glob("appendonlydir/*.2.incr.aof")), "the new file")
    await call(url, "SET", "b", "1")
    work.sync()
    assert Path(synced[-1]).name == "appendonly.aof.2.incr.aof"


async def test_a_disk_that_fails_is_told_once(embedded, data_dir, events, monkeypatch):
    url = await embedded().start()
    work = Synchroniser(data_dir, events)

    def fail(file):
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as broken:
        broken.setattr(os, "fdatasync", fail)
        await call(url, "SET", "a", "1")
        work.sync()
        work.sync()
    work.sync()
    assert [name for name, facts in events] == ["redis.fsync_failed", "redis.fsync_recovered"]


async def test_ctrl_c_of_the_terminal_does_not_reach_the_server(embedded):
    server = embedded()
    await server.start()
    assert os.getpgid(server.pid) != os.getpgid(0)


# -- one at a time


async def test_a_second_one_in_this_process_is_refused(embedded, data_dir):
    url = await embedded().start()
    with pytest.raises(EmbeddedRedisError) as raised:
        await embedded().start()
    expected = f"{data_dir} is in use by another notifier (process {os.getpid()}): stop it, or give this one another --data-dir"
    assert str(raised.value) == expected
    assert await call(url, "PING") == b"PONG"


async def test_a_second_one_of_another_process_is_refused(embedded, data_dir):
    process, url, _ = await holder(data_dir)
    with pytest.raises(EmbeddedRedisError, match=rf"in use by another notifier \(process {process.pid}\)"):
        await embedded().start()
    assert await call(url, "PING") == b"PONG"
    process.kill()
    await process.wait()
    await embedded().start()


async def test_a_server_that_outlives_its_parent_keeps_the_folder_to_itself(embedded, data_dir, monkeypatch):
    monkeypatch.setattr("notifier.store.embedded.server.LOCK_TIMEOUT", 0.1)
    process, _, pid = await holder(data_dir)
    os.kill(pid, signal.SIGSTOP)
    process.kill()
    await process.wait()
    try:
        with pytest.raises(EmbeddedRedisError, match="is in use by another notifier"):
            await embedded().start()
    finally:
        os.kill(pid, signal.SIGCONT)
    monkeypatch.undo()
    assert await call(await embedded().start(), "PING") == b"PONG"


@pytest.mark.parametrize(
    "left", ["999999", "nonsense", "", "9" * 30, str(os.getpid())], ids=["gone", "nonsense", "empty", "huge", "own"]
)
async def test_a_lock_file_that_nobody_holds_is_no_lock(embedded, data_dir, left):
    (data_dir / "lock").write_text(left)
    await embedded().start()
    assert (data_dir / "lock").read_text() == str(os.getpid())


# -- the folder


async def test_a_long_path(embedded, data_dir):
    deep = data_dir / ("long-" * 20) / ("path-" * 20)
    server = embedded(deep)
    url = await server.start()
    assert len(url) < 107
    assert await call(url, "SET", "a", "1") == b"OK"
    assert (deep / "appendonlydir").is_dir()
    await server.stop()
    assert not Path(url.removeprefix("unix://")).parent.exists()


@pytest.mark.parametrize("name", ["with space", "quo'te\"s", "üñí", "a%41b", "what?", "#1"])
async def test_an_odd_path(embedded, data_dir, name):
    folder = data_dir / name
    assert await call(await embedded(folder).start(), "SET", "a", "1") == b"OK"
    assert (folder / "appendonlydir").is_dir()


async def test_a_relative_path(embedded, data_dir, monkeypatch):
    monkeypatch.chdir(data_dir)
    assert await call(await embedded(Path("here")).start(), "SET", "a", "1") == b"OK"
    assert (data_dir / "here" / "appendonlydir").is_dir()


async def test_a_file_in_the_place_of_the_folder(embedded, data_dir):
    (data_dir / "file").write_text("")
    with pytest.raises(EmbeddedRedisError, match=r"the embedded Redis in .*/file: .*File exists"):
        await embedded(data_dir / "file").start()


async def test_a_server_that_does_not_start_says_why(embedded, tmp_path, monkeypatch):
    monkeypatch.setenv("NOTIFIER_REDIS_SERVER", str(fake_that_fails(tmp_path)))
    server = embedded()
    with pytest.raises(EmbeddedRedisError, match="redis-server ended with 1: Can't handle the data"):
        await server.start()
    assert server.pid is None
    monkeypatch.undo()
    await embedded().start()


def fake_that_fails(folder):
    text = '[ "$1" = --version ] && echo "Redis server v=7.0.0" && exit; echo "Can\'t handle the data"; exit 1'
    return script(folder, "fails", text)


async def test_an_older_redis_is_kept_off_a_newer_ones_data(embedded, tmp_path, monkeypatch):
    server = embedded()
    await call(await server.start(), "SET", "a", "1")
    await server.stop()
    monkeypatch.setenv("NOTIFIER_REDIS_SERVER", str(fake(tmp_path, "6.2.14")))
    with pytest.raises(EmbeddedRedisError, match=r"was written by Redis 7, but .* is older: install Redis 7 or newer"):
        await embedded().start()
    monkeypatch.undo()
    assert await call(await embedded().start(), "GET", "a") == b"1"


async def test_its_log_is_bounded(embedded, data_dir):
    (data_dir / "redis.log").write_text("x" * (1024 * 1024 + 1))
    await embedded().start()
    assert (data_dir / "redis.log.1").stat().st_size == 1024 * 1024 + 1
    assert (data_dir / "redis.log").stat().st_size < 100_000
