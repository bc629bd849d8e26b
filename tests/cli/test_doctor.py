"""`notifier doctor` as a process, against real servers, and its rules."""

import fcntl
import json
import shutil
import socket
import subprocess
import sys

import pytest

from notifier.doctor import Level, check_clock, check_data_dir, check_files
from notifier.doctor.machine import check_space
from notifier.doctor.store import check_persistence, check_policy, check_version
from notifier.store.embedded.binary import find_redis
from notifier.store.embedded.server import EmbeddedRedis
from tests.cli.runner import run
from tests.e2e.server import free_port
from tests.support import eventually

HOST = "127.0.0.1"


@pytest.fixture
def redis_server(tmp_path):
    """Starts redis-servers with options of their own on a loopback port."""
    started = []

    def start(*options):
        port = free_port()
        command = [find_redis().path, "--port", str(port), "--bind", HOST, "--dir", str(tmp_path), "--save", ""]
        started.append(subprocess.Popen([*command, *options], stdout=subprocess.DEVNULL))
        return port

    yield start
    for process in started:
        process.kill()
        process.wait()


def listens(port):
    with socket.socket() as probe:
        return probe.connect_ex((HOST, port)) == 0


async def examine(data_dir, *arguments, **changes):
    """Its exit code, and the findings by the name of their check."""
    changes = {"SERVER_ADDR": f"{HOST}:{free_port()}", "DATA_DIR": str(data_dir)} | changes
    answer = await run("doctor", "--json", *arguments, **changes)
    assert answer.err == ""
    return answer.code, {finding["check"]: finding for finding in json.loads(answer.out)}


async def test_before_the_first_start(loop, data_dir):
    code, found = await examine(data_dir / "new")
    assert code == 0
    assert {name: found[name]["level"] for name in ("settings", "redis", "data folder", "port")} == dict.fromkeys(
        ("settings", "redis", "data folder", "port"), "ok"
    )
    assert not (data_dir / "new").exists()  # it looks, and makes nothing


async def test_a_running_server_is_ours_and_in_sync(client, redis_socket, data_dir):
    pod = f"{HOST}:{client._server.port}"
    changes = {"SERVER_ADDR": pod, "REDIS_ADDR": f"unix://{redis_socket}"}
    code, found = await examine(data_dir, "--url", f"http://{pod}", **changes)
    assert found["port"]["found"] == f"{pod}: a notifier listens there"
    assert found["websocket"]["level"] == "ok" and "in sync within" in found["websocket"]["found"]
    assert (found["redis"]["level"], found["clock"]["level"]) == ("ok", "ok")
    assert (code, found["persistence"]["level"]) == (0, "note")


async def test_it_tells_the_problems_that_a_running_server_names(client, redis_socket, data_dir):
    pod = f"{HOST}:{client._server.port}"
    changes = {"SERVER_ADDR": pod, "REDIS_ADDR": f"unix://{redis_socket}"}
    _, found = await examine(data_dir, "--url", f"http://{pod}", **changes)
    assert (found["problems"]["level"], found["problems"]["found"]) == ("ok", f"http://{pod} names none")
    await client.post("/api/v1/admin/channels/sms/pause")
    await client.get("/api/v1/admin/problems")
    code, found = await examine(data_dir, "--url", f"http://{pod}", **changes)
    assert (code, found["problems"]["level"]) == (0, "note")
    assert found["problems"]["found"].startswith("sms paused")


async def test_a_redis_that_keeps_nothing_on_disk(loop, data_dir, redis_server):
    port = redis_server("--appendonly", "no")
    await eventually(lambda: listens(port), "the start of Redis")
    code, found = await examine(data_dir, REDIS_ADDR=f"{HOST}:{port}")
    assert (code, found["persistence"]["level"]) == (1, "fail")
    assert found["persistence"]["cure"].startswith("CONFIG SET appendonly yes")


async def test_tokens_are_asked_for(start_pod, redis_socket, data_dir):
    client = await start_pod(auth_mode="token", jwt_secret="x" * 32)
    code, found = await examine(data_dir, "--url", f"http://{HOST}:{client._server.port}")
    assert (code, found["websocket"]["level"]) == (1, "fail")
    assert "notifier token --user-id 1" in found["websocket"]["cure"]


async def test_a_redis_that_drops_what_it_stored(loop, data_dir, redis_server):
    port = redis_server("--maxmemory", "64mb", "--maxmemory-policy", "allkeys-lru", "--appendonly", "yes")
    await eventually(lambda: listens(port), "the start of Redis")
    code, found = await examine(data_dir, REDIS_ADDR=f"{HOST}:{port}")
    assert (code, found["memory policy"]["level"]) == (1, "fail")
    assert "noeviction" in found["memory policy"]["cure"]
    assert found["persistence"]["level"] == "note" and "kill -9 of Redis" in found["persistence"]["found"]


async def test_a_redis_that_is_as_it_should_be(loop, data_dir, redis_server):
    port = redis_server("--maxmemory-policy", "noeviction", "--appendonly", "yes", "--appendfsync", "always")
    await eventually(lambda: listens(port), "the start of Redis")
    code, found = await examine(data_dir, REDIS_ADDR=f"{HOST}:{port}")
    assert code == 0
    assert found["persistence"]["level"] == found["memory policy"]["level"] == found["clock"]["level"] == "ok"


async def test_a_redis_that_is_not_there_shows_no_password(loop, data_dir):
    code, found = await examine(data_dir, REDIS_ADDR=f"redis://:hunter2@{HOST}:{free_port()}")
    assert (code, found["redis"]["level"]) == (1, "fail")
    assert "REDIS_PASSWORD" in found["redis"]["cure"]
    assert "hunter2" not in json.dumps(found)


async def test_a_wrong_setting_is_a_finding(loop, data_dir):
    code, found = await examine(data_dir, STREAM_MAXLEN="1001")
    assert (code, found["settings"]["level"]) == (1, "fail")
    assert "STREAM_MAXLEN: '1001'" in found["settings"]["found"]


async def test_a_port_that_another_program_has(loop, data_dir):
    with socket.create_server((HOST, 0)) as taken:
        code, found = await examine(data_dir, SERVER_ADDR=f"{HOST}:{taken.getsockname()[1]}")
    assert (code, found["port"]["level"]) == (1, "fail")


async def test_a_bare_port_is_looked_at_on_both_loopback_addresses(loop, data_dir):
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as taken:
        port = taken.getsockname()[1]
        code, found = await examine(data_dir, SERVER_ADDR=f":{port}")
    assert (code, found["port"]["level"]) == (1, "fail")
    assert found["port"]["found"].startswith(f"[::1]:{port}: ")


async def test_a_reserve_that_the_disk_has_no_room_for(loop, data_dir):
    disk = shutil.disk_usage(data_dir)
    assert check_space(disk.free, data_dir, disk.free + 1).cure.endswith("set DISK_RESERVE lower")
    code, found = await examine(data_dir, DISK_RESERVE="0")
    assert (code, found["disk"]["level"]) == (0, "ok")


async def test_a_user_who_may_not_look(loop, data_dir, redis_server):
    port = redis_server("--appendonly", "yes", "--user", "app", "on", ">pw", "~*", "+time")
    await eventually(lambda: listens(port), "the start of Redis")
    code, found = await examine(data_dir, REDIS_ADDR=f"redis://app:pw@{HOST}:{port}")
    assert (code, found["redis"]["level"]) == (1, "fail")
    assert "+info +time" in found["redis"]["cure"]
    code, found = await examine(data_dir, REDIS_ADDR=f"redis://app:wrong@{HOST}:{port}")
    assert (code, found["redis"]["level"]) == (1, "fail")
    assert "REDIS_PASSWORD" in found["redis"]["cure"] and "wrong" not in json.dumps(found)


async def test_a_server_that_was_named_must_be_there(loop, data_dir):
    code, found = await examine(data_dir, "--url", f"http://{HOST}:{free_port()}")
    assert (code, found["websocket"]["level"]) == (1, "fail")


async def test_lines_name_the_cure_below(loop, data_dir):
    changes = {"DATA_DIR": str(data_dir), "SERVER_ADDR": f"0.0.0.0:{free_port()}", "NOTIFIER_REDIS_SERVER": "/nowhere"}
    answer = await run("doctor", **changes)
    lines = answer.out.splitlines()
    assert answer.code == 1 and answer.err == ""
    redis = next(i for i, line in enumerate(lines) if line.startswith("fail  redis"))
    assert lines[redis + 1].strip().startswith("→ apt-get install redis-server")
    assert any(line.startswith("note  settings") for line in lines)


def test_a_folder_that_is_held(data_dir):
    holder = (
        "import fcntl, sys; f = open(sys.argv[1], 'w'); f.write('4711'); f.flush(); fcntl.flock(f, fcntl.LOCK_EX); "
        "print(flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", holder, str(data_dir / "lock")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        assert check_data_dir(data_dir, 0)[-1].found == "held by process 4711"
        process.stdin.close()
    assert check_data_dir(data_dir, 0)[-1].found == "free: no process holds the folder"
    with (data_dir / "lock").open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # the look left no lock behind


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("")
    (finding,) = check_data_dir(tmp_path / "file" / "data", 0)
    assert finding.level is Level.FAIL and "--data-dir" in finding.cure


@pytest.mark.parametrize(
    ("finding", "level"),
    [
        (check_files(512), "fail"),
        (check_files(1024), "note"),
        (check_files(65_536), "ok"),
        (check_clock(0.1, "x"), "ok"),
        (check_clock(-0.6, "x"), "note"),
        (check_clock(2.5, "x"), "fail"),
        (check_space(2**20, "/", 0), "fail"),
        (check_space(500 * 2**20, "/", 0), "note"),
        (check_space(2**31, "/", 2**31), "ok"),
        (check_space(2**31, "/", 2**31 + 1), "fail"),
        (check_version("6.0.16", "x"), "fail"),
        (check_version("6.2.0", "x"), "ok"),
        (check_version("", "x"), "fail"),
        (check_policy("volatile-ttl", 0), "note"),
        (check_policy("volatile-ttl", 1), "fail"),
        (check_persistence({"aof_enabled": "1", "aof_last_write_status": "err"}, "always"), "fail"),
        (check_persistence({"aof_enabled": "1"}, None), "note"),
        (check_persistence({"aof_enabled": "1"}, "no"), "note"),
    ],
)
def test_levels(finding, level):
    assert finding.level == level
    assert (finding.cure == "") == (level == "ok")


async def test_repair_mends_damaged_data(loop, data_dir):
    server = EmbeddedRedis(data_dir, "everysec", on_event=lambda *event: None)
    await server.start()
    await server.stop()
    manifest = data_dir / "appendonlydir" / "appendonly.aof.manifest"
    manifest.unlink()
    code, found = await examine(data_dir)
    assert (code, found["data"]["level"]) == (1, "fail")
    assert found["data"]["cure"].startswith(f"notifier doctor --repair --data-dir {data_dir}")
    code, found = await examine(data_dir, "--repair")
    assert (code, found["repair"]["level"]) == (0, "ok") and "the original is kept in" in found["repair"]["found"]
    code, found = await examine(data_dir)
    assert (code, found["data"]["level"]) == (0, "ok")
    code, found = await examine(data_dir, "--repair")
    assert found["repair"]["found"].startswith("nothing to repair")


async def test_repair_leaves_a_running_server_and_other_redis_alone(loop, data_dir):
    server = EmbeddedRedis(data_dir, "everysec", on_event=lambda *event: None)
    await server.start()
    code, found = await examine(data_dir, "--repair")
    await server.stop()
    assert code == 1 and "in use by a running notifier" in found["repair"]["found"]
    code, found = await examine(data_dir, "--repair", REDIS_ADDR="localhost:1")
    assert code == 1 and "REDIS_ADDR names another Redis" in found["repair"]["found"]
    code, found = await examine(data_dir / "absent", "--repair")
    assert code == 0 and not (data_dir / "absent").exists()
