"""A disk that fills up under the embedded Redis: what was answered 202 is kept, however the server ends."""

import asyncio
import json
import os
import resource
import signal
import time
import urllib.error
import urllib.request

import pytest

from tests.e2e.disks import SIZE, LimitedDisk, small_disk
from tests.e2e.server import ServerProcess, runs

TARGETS = [{"id": number, "login": f"u{number}"} for number in range(1, 51)]
PATIENCE = 10.0


@pytest.fixture(params=["tmpfs", pytest.param("limit", marks=pytest.mark.slow)])
def disk(request, tmp_path):
    """A small disk; where mounting is not permitted both are a limit on the size of files."""
    folder = tmp_path / "disk"
    folder.mkdir()
    found = small_disk(folder) if request.param == "tmpfs" else LimitedDisk(folder)
    yield found
    found.remove()


@pytest.fixture
def build(loop, disk):
    """A server with its data on that disk; ended before the disk goes, also after a failure."""
    built = []

    def make(*arguments):
        options = {"LOG_FORMAT": "json", "DISK_RESERVE": "4MiB", "NOTIFICATION_TTL": "1h"}
        built.append(ServerProcess(disk.folder, arguments=arguments, **options))
        return built[-1]

    yield make
    for server in built:
        if not server.ended:
            loop.run_until_complete(server.stop())


async def begin(server, disk):
    await server.start()
    if disk.limit:
        for pid in (server.pid, *server.descendants()):
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (disk.limit, resource.RLIM_INFINITY))


def post(server, number):
    """The status of a notification to all targets, and its ids."""
    body = json.dumps({"target": TARGETS, "message": f"{number} ".ljust(1000, "x")}).encode()
    request = urllib.request.Request(
        f"{server.url}/api/v1/notify", body, {"Content-Type": "application/json"}, method="POST"
    )
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            return answer.status, [result["notification_id"] for result in json.load(answer)["results"]]
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


async def until(condition, what):
    deadline = time.monotonic() + PATIENCE
    while not (found := await asyncio.to_thread(condition)):
        assert time.monotonic() < deadline, f"{what} did not come true"
        await asyncio.sleep(0.02)
    return found


async def post_until_refused(server, disk):
    """The ids of all that was accepted, by target, and what was said in refusing."""
    accepted = []
    for number in range(400):
        if number == 5:
            disk.fill()
        status, answer = await asyncio.to_thread(post, server, number)
        if status != 202:
            assert status == 503
            return accepted, answer
        accepted.append(answer)
    pytest.fail("the disk never became full")


def missing(server, accepted):
    """Accepted notifications that are not in their inboxes; the newest 100 of each are kept."""
    found = set()
    for target in TARGETS:
        query = f"user_id={target['id']}&login={target['login']}&limit=100"
        found |= {
            row["payload"]["notification_id"] for row in server.get(f"/api/v1/admin/history?{query}")["notifications"]
        }
    return {identity for ids in accepted[-90:] for identity in ids} - found


@pytest.mark.slow
@pytest.mark.parametrize("end", ["stop", "kill"])
async def test_what_was_accepted_is_kept_when_the_disk_is_full(disk, build, end):
    server = build()
    await begin(server, disk)
    accepted, said = await post_until_refused(server, disk)
    assert len(accepted) > 5
    assert "OOM" in said and "disk" in said
    await until(lambda: "nearly full" in server.get_health()["components"]["redis"].get("error", ""), "the reason")
    assert server.get_health()["status"] == "degraded"
    assert server.get_metrics()["disk_free_bytes"] < SIZE or disk.limit
    if end == "stop":
        assert await server.stop() == 0
    else:
        redis = server.redis_pid
        os.kill(redis, signal.SIGKILL)
        server.kill()
        await server.wait()
        await until(lambda: not runs(redis), "the end of Redis")
    assert sum(event["event"] == "disk.low" for event in server.events()) == 1
    await server.start()  # on the full disk: what is there is read, and nothing taken
    assert missing(server, accepted) == set()
    if disk.limit is None:
        assert server.get_health()["status"] == "degraded"
        disk.free()
    await until(lambda: post(server, 9999)[0] == 202, "room again")
    await until(lambda: server.get_health()["status"] == "ok", "health again")
    assert await server.stop() == 0


@pytest.mark.slow
async def test_the_workers_know_what_their_keeper_sees(disk, build):
    server = build("--workers", "2")
    await begin(server, disk)
    accepted, _ = await post_until_refused(server, disk)
    await until(lambda: "nearly full" in server.get_health()["components"]["redis"].get("error", ""), "the reason")
    assert missing(server, accepted) == set()
    assert await server.stop() == 0
