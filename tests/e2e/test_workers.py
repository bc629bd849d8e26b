"""`serve --workers 3` as it is run: three pods on one port, whatever dies."""

import asyncio
import json
import os
import re
import signal
import time
from collections import defaultdict

import aiohttp
import pytest

from tests.e2e.server import ServerProcess, runs

PATIENCE = 15.0
WORKERS = 3


@pytest.fixture
def build(loop, data_dir):
    """Builds servers that are ended with the test."""
    built = []

    def build(*arguments, **environment):
        server = ServerProcess(data_dir / "data", arguments=arguments, **{"LOG_LEVEL": "info", **environment})
        server.data_dir.mkdir(exist_ok=True)
        built.append(server)
        return server

    yield build
    for server in built:
        if not server.ended:
            server.kill()
            loop.run_until_complete(server.wait())


@pytest.fixture
def server(loop, build):
    """Three workers, all of them ready."""
    found = build("--workers", str(WORKERS))
    loop.run_until_complete(found.start())
    loop.run_until_complete(until(lambda: said(found, "server.ready"), "all workers are ready"))
    return found


async def until(condition, what="it"):
    """Waits for a condition on another process; its value, and it must come true in time."""
    deadline = time.monotonic() + PATIENCE
    while not (value := await asyncio.to_thread(condition)):
        assert time.monotonic() < deadline, f"not in time: {what}"
        await asyncio.sleep(0.01)
    return value


def said(server, event):
    return [line for line in server.events() if line["event"] == event]


def pods(server):
    return [pod for pod in server.get("/api/v1/admin/pods")["pods"] if pod["alive"]]


async def all_pods(server):
    await until(lambda: len(pods(server)) == WORKERS, "all pods are alive")


class Tab:
    """One connection of a user, and everything that came over it."""

    def __init__(self, socket):
        self.socket = socket
        self.messages = []
        self.pod = ""
        self._task = asyncio.create_task(self._read())

    @classmethod
    async def open(cls, session, server, user_id=1, login="alice"):
        return cls(await session.ws_connect(f"{server.url}/ws?user_id={user_id}&login={login}"))

    async def _read(self):
        async for message in self.socket:
            self.messages.append(json.loads(message.data))

    def ids(self, kind):
        return [m["data"]["notification_id"] for m in self.messages if m["type"] == kind]

    @property
    def synced(self):
        return any(message["type"] == "sync.complete" for message in self.messages)

    async def ended(self):
        """The code with which the server closed it."""
        await asyncio.wait_for(self._task, PATIENCE)
        return self.socket.close_code


def all_clients(server, count):
    found = server.get("/api/v1/admin/clients")
    return found if found["total"] == count else None


async def spread(session, server):
    """Connections of one user, until every worker has one; by pod, one each."""
    tabs = []
    while True:
        tab = await Tab.open(session, server)
        tabs.append(tab)
        await until(lambda tab=tab: tab.synced)
        # A pod that has just begun is known to each of the others within two seconds.
        rows = await until(lambda: all_clients(server, len(tabs)), "all pods know each other")
        by_pod = defaultdict(list)
        for row in rows["clients"]:
            by_pod[row["pod_id"]].append(row["connection_id"])
        if len(by_pod) == WORKERS:
            return tabs, by_pod
        assert len(tabs) < 30, by_pod


async def post(session, server, message, user_id=1, login="alice"):
    body = {"target": [{"id": user_id, "login": login}], "message": message, "ttl": "1h"}
    async with session.post(f"{server.url}/api/v1/notify", json=body) as answer:
        assert answer.status == 202, await answer.text()
        return (await answer.json())["results"][0]["notification_id"]


@pytest.mark.slow
async def test_every_worker_is_a_pod_on_the_one_port(server):
    await all_pods(server)
    assert [pod["pod_id"] for pod in pods(server)] == ["pod-1", "pod-2", "pod-3"]
    assert sorted(server.worker_pids) == [1, 2, 3]
    health = server.get_health()
    assert health["components"]["redis"]["mode"] == "embedded"
    assert await server.stop() == 0


@pytest.mark.slow
async def test_a_user_spread_over_workers_gets_every_push_and_read(server):
    await all_pods(server)
    async with aiohttp.ClientSession() as session:
        tabs, _ = await spread(session, server)
        sent = [await post(session, server, f"message {n}") for n in range(20)]
        for tab in tabs:
            await until(lambda tab=tab: tab.ids("notification.push") == sent, "every push, in order")
        push = next(m["data"] for m in tabs[0].messages if m["type"] == "notification.push")
        pair = {name: push[name] for name in ("notification_id", "stream_id")}
        await tabs[-1].socket.send_json({"type": "notification.read", "data": pair})
        for tab in tabs:
            await until(lambda tab=tab: tab.ids("notification.read.ack") == sent[:1], "the read on every tab")


async def test_a_killed_worker_is_back_within_a_second(server):
    await all_pods(server)
    for number in (1, 2, 2):
        before = server.worker_pids[number]
        ready = len(said(server, "child.ready"))
        began = time.monotonic()
        os.kill(before, signal.SIGKILL)
        await until(lambda ready=ready: len(said(server, "child.ready")) > ready, "the worker is back")
        took = time.monotonic() - began
        print(f"worker {number} killed, back after {took:.2f} s")
        assert took < 1.0
        assert server.worker_pids[number] != before
    assert [line["exit_code"] for line in said(server, "child.died")] == [-9, -9, -9]
    assert server.get_metrics()["worker_process_restarts"] == 3


@pytest.mark.slow
async def test_users_of_a_killed_worker_miss_nothing(server):
    await all_pods(server)
    async with aiohttp.ClientSession() as session:
        tabs, by_pod = await spread(session, server)
        await post(session, server, "before")
        (user,) = (await asyncio.to_thread(server.get, "/api/v1/admin/users"))["users"]
        owner = (await asyncio.to_thread(server.get, "/api/v1/admin/users/1-alice"))["lock_owner"]
        assert owner in by_pod and user["login"] == "alice"
        began = time.monotonic()
        os.kill(server.worker_pids[int(owner[-1])], signal.SIGKILL)
        sent = []
        while len(sent) < 30:
            try:
                sent.append(await post(session, server, f"message {len(sent)}"))
            except aiohttp.ClientError:
                continue  # the connection was the dead worker's
        living = [tab for tab in tabs if tab.socket.close_code is None]
        assert living
        for tab in living:
            await until(lambda tab=tab: not set(sent) - set(tab.ids("notification.push")), "all pushes after the kill")
        print(f"the lock's holder killed: all pushed on the other workers {time.monotonic() - began:.2f} s later")
        assert time.monotonic() - began < 10
        for tab in living:
            pushed = tab.ids("notification.push")
            assert len(pushed) == len(set(pushed))


async def test_any_worker_answers_the_same_metrics(server):
    await all_pods(server)
    async with aiohttp.ClientSession() as session:
        tabs, _ = await spread(session, server)
        for n in range(12):
            async with aiohttp.ClientSession() as fresh:  # a connection each, so that several workers take part
                await post(fresh, server, f"message {n}")
        connections = len(tabs)

        def summed():
            metrics = server.get_metrics()
            expected = (12, 12 * connections, connections)
            names = ("notifications_sent_total", "notifications_pushed_total", "websocket_connections")
            return tuple(metrics[name] for name in names) == expected

        for _ in range(10):
            await until(summed, "the sum of all workers")
        one, two = server.get_metrics(), server.get_metrics()
        assert one.keys() == two.keys()
        assert one["process_cpu_seconds_total"] <= two["process_cpu_seconds_total"]
        assert sum(1 for name in one if name.startswith("notifier_build_info")) == 1


@pytest.mark.slow
async def test_totals_never_go_back_when_workers_die(server):
    await all_pods(server)
    seen = 0.0
    async with aiohttp.ClientSession() as session:
        for number in (1, 2, 3, 1, 2, 3):
            for n in range(5):
                try:
                    await post(session, server, f"{number} {n}")
                except aiohttp.ClientError:
                    continue
            now = (await asyncio.to_thread(server.get_metrics))["notifications_sent_total"]
            assert now >= seen
            seen = now
            ready = len(said(server, "child.ready"))
            os.kill(server.worker_pids[number], signal.SIGKILL)
            await until(lambda ready=ready: len(said(server, "child.ready")) > ready)
            assert (await asyncio.to_thread(server.get_metrics))["notifications_sent_total"] >= seen


@pytest.mark.slow
async def test_a_killed_redis_is_restarted_and_told_by_every_worker(server):
    assert server.kill_redis()
    await until(lambda: said(server, "redis.restarted"))
    await until(lambda: server.get_health()["status"] == "ok")
    for _ in range(6):
        assert server.get_health()["components"]["redis"]["restarts"] == 1
    keeper = next(pid for pid, name in server.descendants().items() if name == "notifier:redis")
    os.kill(keeper, signal.SIGKILL)
    await until(lambda: server.get_health()["components"]["redis"].get("restarts") == 2, "the keeper is back")
    await until(lambda: server.get_health()["status"] == "ok")
    async with aiohttp.ClientSession() as session:
        assert await post(session, server, "after")


@pytest.mark.slow
async def test_what_supervisor_and_keeper_log_is_told_as_events_once(server):
    for number in (1, 2):
        ready = len(said(server, "child.ready"))
        os.kill(server.worker_pids[number], signal.SIGKILL)
        await until(lambda ready=ready: len(said(server, "child.ready")) > ready)
    assert server.kill_redis()
    await until(lambda: said(server, "redis.restarted"))
    await until(lambda: server.get_health()["status"] == "ok")
    wanted = {("pod supervisor", "error", "child.died", f"pod-{number}") for number in (1, 2)}
    wanted |= {("pod redis-keeper", "warning", "redis.restarted", "")}
    found = await asyncio.wait_for(events_of_log(server, wanted), PATIENCE)
    for one in wanted:
        assert found.count(one) == 1, found


async def events_of_log(server, wanted):
    """The log events of the day, until all that are wanted came."""
    found = []
    timeout = aiohttp.ClientTimeout(total=None, sock_read=PATIENCE)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        url = f"{server.url}/api/v1/admin/events?types=log&since=2020-01-01T00:00:00Z"
        async with session.get(url) as stream:
            async for line in stream.content:
                if line.startswith(b"data: "):
                    row = json.loads(line[6:])
                    child = re.search(r"child=(pod-\d)", row["text"])
                    found.append((row["instance"], row["level"], row["event"], child[1] if child else ""))
                if wanted <= set(found):
                    break
    return found


@pytest.mark.slow
async def test_sigterm_drains_and_leaves_nothing(server):
    await all_pods(server)
    async with aiohttp.ClientSession() as session:
        tabs, _ = await spread(session, server)
        family = server.descendants()
        server.kill(signal.SIGTERM)
        assert {await tab.ended() for tab in tabs} == {1012}
        assert await server.wait() == 0
    assert not [name for pid, name in family.items() if runs(pid)]
    stopped = [line["pod_id"] for line in said(server, "server.stopped")]
    assert sorted(stopped[:-1]) == ["pod-1", "pod-2", "pod-3"] and stopped[-1] == "pod"


async def hold_up_a_drain(server):
    """A request that arrives slowly: the drain waits for it."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(
        b"POST /api/v1/notify HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 999\r\n\r\n{"
    )
    await writer.drain()
    return reader, writer


@pytest.mark.slow
@pytest.mark.parametrize("arguments", [(), ("--workers", "3")])
async def test_a_second_sigterm_cuts_the_drain_short(build, arguments):
    server = build(*arguments)
    await server.start()
    await until(lambda: said(server, "server.ready"))
    _, writer = await hold_up_a_drain(server)
    async with aiohttp.ClientSession() as session:
        tab = await Tab.open(session, server)
        await until(lambda: tab.synced)
        began = time.monotonic()
        server.kill(signal.SIGTERM)
        assert await tab.ended() == 1012
    assert time.monotonic() - began < 5
    while not server.ended:  # an echo within moments says nothing new; what comes later does
        server.kill(signal.SIGTERM)
        await asyncio.sleep(0.05)
    assert await server.wait() == 0
    took = time.monotonic() - began
    print(f"cut short after {took:.2f} s")
    assert took < 8
    writer.close()


@pytest.mark.slow
async def test_a_killed_supervisor_leaves_no_orphan(server):
    family = server.descendants()
    assert len(family) == WORKERS + 2
    server.kill(signal.SIGKILL)
    await server.wait()
    await until(lambda: not any(runs(pid) for pid in family), "nothing is left")
    await server.start()


@pytest.mark.slow
async def test_sighup_reloads_the_file(loop, build, data_dir):
    config = data_dir / "notifier.yaml"
    config.write_text("stream_maxlen: 50\nlog_level: info\n")
    server = build("--workers", "3", "--config", str(config))
    del server._environment["LOG_LEVEL"]
    await server.start()
    await until(lambda: said(server, "server.ready"))
    config.write_text("stream_maxlen: 40\nlog_level: info\nlock_ttl: 20s\n")
    server.kill(signal.SIGHUP)
    await until(lambda: len(said(server, "settings.reloaded")) == WORKERS + 1)
    for line in said(server, "settings.reloaded"):
        assert line["taken"] == {"stream_maxlen": 40} and line["need_restart"] == ["lock_ttl"]
    config.write_text("stream_maxlen: many\n")
    server.kill(signal.SIGHUP)
    (kept,) = await until(lambda: said(server, "settings.kept"))
    assert "stream_maxlen" in kept["error"]
    config.write_text("stream_maxlen: 40\nlog_level: warning\n")
    server.kill(signal.SIGHUP)
    await until(lambda: len(said(server, "settings.reloaded")) == 2 * (WORKERS + 1))
    lines = len(server.events())
    assert await server.stop() == 0
    assert len(server.events()) == lines, "told at warning or above only"


@pytest.mark.slow
async def test_sighup_changes_the_limits_of_sends_in_every_worker(build, data_dir):
    config = data_dir / "notifier.yaml"
    config.write_text("rate_limit_per_user: 1\nrate_limit_policy: drop\nsimulator_success_rate: 1\n")
    server = build("--workers", "2", "--config", str(config))
    await server.start()
    async with aiohttp.ClientSession() as session:

        async def outcomes(number):
            return sorted([await delivered(session, server) for _ in range(number)])

        assert await outcomes(2) == ["failed", "sent"]
        config.write_text("rate_limit_per_user: 4\nrate_limit_policy: drop\nsimulator_success_rate: 1\n")
        server.kill(signal.SIGHUP)
        await until(lambda: len(said(server, "settings.reloaded")) == 2 + 1)
        assert await outcomes(4) == ["failed", "sent", "sent", "sent"]


async def delivered(session, server):
    """The status in which a delivery to one and the same recipient ends."""
    body = {"channel": "sms", "recipient": "+905551234567", "content": "hi"}
    async with session.post(f"{server.url}/api/v1/notifications", json=body) as answer:
        assert answer.status == 201, await answer.text()
        path = f"/api/v1/notifications/{(await answer.json())['id']}"

    def status():
        found = server.get(path)["status"]
        return found if found in ("sent", "failed") else None

    return await until(status)


@pytest.mark.slow
async def test_an_external_redis_that_is_not_there_yet(build, redis_binary_on):
    port, start_redis = redis_binary_on
    server = build("--workers", "2", "--redis-addr", f"127.0.0.1:{port}")
    await server.spawn()
    await until(lambda: refuses(server), "503 while there is no Redis")
    start_redis()
    began = time.monotonic()
    await until(lambda: server.get_health()["status"] == "ok")
    print(f"serving {time.monotonic() - began:.2f} s after Redis was started")
    async with aiohttp.ClientSession() as session:
        assert await post(session, server, "hello")


def refuses(server):
    try:
        return server.get_health()["status"] == "unavailable"
    except OSError:
        return False


@pytest.fixture
def redis_binary_on(tmp_path):
    """A loopback port, and a call that starts a Redis on it."""
    import subprocess

    from notifier.store.embedded.binary import find_redis
    from tests.e2e.server import free_port

    port, started = free_port(), []

    def start():
        options = ("--port", str(port), "--bind", "127.0.0.1", "--appendonly", "yes", "--dir", str(tmp_path))
        started.append(subprocess.Popen([find_redis().path, *options], stdout=subprocess.DEVNULL))

    yield port, start
    for process in started:
        process.terminate()
        process.wait(10)
