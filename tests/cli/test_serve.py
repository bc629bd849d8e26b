"""`notifier serve` as a process: how it starts, refuses to start, and ends."""

import json
import signal
import socket
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.cli.runner import Command, one_line, run
from tests.e2e.server import free_port
from tests.support import eventually

HOST = "127.0.0.1"


@pytest.fixture
def port():
    return free_port()


def served(port, data_dir, *arguments, **changes):
    options = ("--addr", f"{HOST}:{port}", "--data-dir", str(data_dir))
    return Command(*arguments, *options, LOG_FORMAT="json", **changes)


async def ready(command):
    """The line of its log that says it is ready; the lines are JSON on stderr."""
    while True:
        line = json.loads(await command.complaint())
        if line["event"] == "server.ready":
            return line


def health(port):
    with urllib.request.urlopen(f"http://{HOST}:{port}/health", timeout=5) as answer:
        return json.loads(answer.read())


def children_of(pid):
    return [
        int(child) for task in Path(f"/proc/{pid}/task").iterdir() for child in (task / "children").read_text().split()
    ]


def runs(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGINT])
async def test_starts_and_ends(loop, port, data_dir, sign):
    async with served(port, data_dir, "serve") as command:
        said = await ready(command)
        assert said["url"] == f"http://{HOST}:{port}"
        assert said["store"] == "its own Redis"
        assert health(port)["status"] == "ok"
        (redis,) = children_of(command.pid)
        answer = await command.end(sign)
    assert answer.code == 0
    assert "Traceback" not in answer.err
    assert not runs(redis)


async def test_killed_leaves_no_orphan(loop, port, data_dir):
    async with served(port, data_dir, "serve") as command:
        await ready(command)
        (redis,) = children_of(command.pid)
        await command.end(signal.SIGKILL)
    await eventually(lambda: not runs(redis), "the end of its Redis")


async def test_notifier_alone_serves(loop, port, data_dir):
    async with Command(SERVER_ADDR=f"{HOST}:{port}", DATA_DIR=str(data_dir), LOG_FORMAT="json") as command:
        await ready(command)
        assert health(port)["status"] == "ok"
        assert (await command.end(signal.SIGTERM)).code == 0


async def test_options_without_a_command_are_those_of_serve(loop, port, data_dir):
    async with served(port, data_dir, "--pod-id", "pod-x") as command:
        await ready(command)
        assert health(port)["pod_id"] == "pod-x"
        assert (await command.end(signal.SIGTERM)).code == 0


async def test_on_an_external_redis_that_is_not_there_yet(loop, port, data_dir, redis_socket):
    later = data_dir / "later"
    async with served(port, data_dir, "serve", REDIS_ADDR=f"unix://{later}") as command:
        await ready(command)
        with pytest.raises(urllib.error.HTTPError) as raised:
            health(port)
        assert raised.value.code == 503
        later.symlink_to(redis_socket)
        await eventually(lambda: is_healthy(port), "the connection")
        assert children_of(command.pid) == []
        assert (await command.end(signal.SIGTERM)).code == 0


def is_healthy(port):
    try:
        return health(port)["status"] == "ok"
    except urllib.error.HTTPError:
        return False


# -- refusals


async def test_the_port_is_taken(loop, data_dir):
    with socket.create_server((HOST, 0)) as taken:
        port = taken.getsockname()[1]
        answer = await run("serve", "--addr", f"{HOST}:{port}", "--data-dir", str(data_dir))
    line = one_line(answer, 1)
    assert line == f"cannot listen on {HOST}:{port}: another program has it; choose another with --addr"


async def test_an_address_of_another_machine(loop, data_dir):
    line = one_line(await run("serve", "--addr", "192.0.2.1:8080", "--data-dir", str(data_dir), LOG_LEVEL="error"), 1)
    assert line.startswith("cannot listen on 192.0.2.1:8080: ")


async def test_the_folder_is_in_use(loop, port, data_dir):
    async with served(port, data_dir, "serve") as first:
        await ready(first)
        answer = await run("serve", "--addr", f"{HOST}:0", "--data-dir", str(data_dir), LOG_LEVEL="error")
        line = one_line(answer, 1)
        assert line.startswith(f"{data_dir} is in use by another notifier (process {first.pid}): stop it, or give")
        assert health(port)["status"] == "ok"


async def test_no_folder_can_be_made(loop):
    answer = await run("serve", "--addr", f"{HOST}:0", "--data-dir", "/proc/nowhere", LOG_LEVEL="error")
    assert "the embedded Redis in /proc/nowhere" in one_line(answer, 1)


async def test_no_redis_to_embed(loop, data_dir):
    changes = {"NOTIFIER_REDIS_SERVER": "/nowhere", "LOG_LEVEL": "error"}
    answer = await run("serve", "--addr", f"{HOST}:0", "--data-dir", str(data_dir), **changes)
    assert "NOTIFIER_REDIS_SERVER: '/nowhere' does not run as a redis-server" in one_line(answer, 1)


@pytest.mark.parametrize(
    ("arguments", "changes", "words"),
    [
        ([], {"STREAM_MAXLEN": "1001"}, "STREAM_MAXLEN: '1001' is not valid: expected an integer of 1-1000"),
        (["--addr", "nowhere"], {}, "--addr: 'nowhere' is not valid: expected host:port or :port"),
        (["--roles", "cook"], {}, "--roles: 'cook' is not valid"),
        (["--pod-id", "a b"], {}, "--pod-id: 'a b' is not valid"),
        (["--redis-addr", "ftp://x"], {}, "--redis-addr: 'ftp://x' is not valid"),
        (["--redis-addr", "redis://h:port"], {}, "--redis-addr: 'redis://h:port' is not valid"),
        ([], {"REDIS_ADDR": "unix://x?db=a"}, "REDIS_ADDR: "),
        (["--workers", "0"], {}, "--workers"),
        (["--config", "/nowhere.yaml"], {}, "--config /nowhere.yaml: No such file or directory"),
        ([], {"JWT_SECRET": "hunter2"}, "JWT_SECRET: (hidden) is not valid"),
    ],
)
async def test_a_wrong_setting(loop, arguments, changes, words):
    line = one_line(await run("serve", *arguments, **changes), 2)
    assert words in line
    assert "hunter2" not in line


async def test_a_file_of_settings(loop, port, data_dir, tmp_path):
    file = tmp_path / "notifier.yaml"
    file.write_text(f"server_addr: {HOST}:{port}\ndata_dir: {data_dir}\npod_id: of-the-file\nlog_format: json\n")
    async with Command("serve", "--config", str(file)) as command:
        await ready(command)
        assert health(port)["pod_id"] == "of-the-file"
        assert (await command.end(signal.SIGTERM)).code == 0
    file.write_text("pod: x\n")
    assert f"--config {file}: unknown setting 'pod'" in one_line(await run("serve", "--config", str(file)), 2)


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("PROVIDER_SMS", "pigeon://loft", "PROVIDER_SMS: no provider has the scheme 'pigeon'"),
        ("PROVIDER_EMAIL", "smtp://user:secret@host", "PROVIDER_EMAIL: smtp://host: from= is needed"),
        ("PROVIDER_PUSH_ANDROID", "fcm://?key=/nowhere", "PROVIDER_PUSH_ANDROID: key /nowhere cannot be read"),
        ("PROVIDER_BASE_URL", "https://", "PROVIDER_BASE_URL: https://: a host is needed"),
    ],
)
async def test_providers_are_checked_at_the_start(variable, value, said):
    line = one_line(await run("serve", **{variable: value}), 2)
    assert said in line
    assert "secret" not in line


@pytest.mark.parametrize("workers", ["1", "2"])
async def test_a_service_manager_is_told_once_the_port_is_open(loop, port, data_dir, workers):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(data_dir / "manager"))
        manager.setblocking(False)
        changes = {"NOTIFY_SOCKET": str(data_dir / "manager")}
        async with served(port, data_dir, "serve", "--workers", workers, **changes) as command:
            assert await loop.sock_recv(manager, 100) == b"READY=1"
            assert health(port)["status"] == "ok"
            assert (await command.end(signal.SIGTERM)).code == 0


async def test_a_service_manager_that_is_deaf_stops_nobody(loop, port, data_dir):
    async with served(port, data_dir, "serve", NOTIFY_SOCKET="/nowhere") as command:
        await ready(command)
        assert json.loads(await command.complaint())["event"] == "service_manager.unreachable"
        await eventually(lambda: is_healthy(port), "health")
        assert (await command.end(signal.SIGTERM)).code == 0


def alive(host, port):
    with urllib.request.urlopen(f"http://{host}:{port}/health/live", timeout=5) as answer:
        return answer.status == 200


@pytest.mark.parametrize(("addr", "workers"), [("", "1"), ("localhost", "1"), ("", "2")])
async def test_a_bare_port_is_answered_over_both_kinds_of_loopback(loop, port, data_dir, addr, workers):
    options = ("--addr", f"{addr}:{port}", "--workers", workers, "--data-dir", str(data_dir))
    async with Command("serve", *options, LOG_FORMAT="json") as command:
        await ready(command)
        for host in (HOST, "[::1]", "localhost"):
            assert await loop.run_in_executor(None, alive, host, port)
        assert (await command.end(signal.SIGTERM)).code == 0


async def test_the_other_loopback_taken_by_another_program(loop, port, data_dir):
    with socket.create_server(("::1", port), family=socket.AF_INET6):
        answer = await run("serve", "--addr", f":{port}", "--data-dir", str(data_dir))
    assert f"cannot listen on [::1]:{port}: another program has it" in answer.err and answer.code == 1
