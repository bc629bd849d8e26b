"""The admin API as the dashboard speaks it, and every way in which it can fail."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from aiohttp import web

from tests.tui.answers import problem
from tests.tui.fake_server import FakeServer
from tui import client as client_module
from tui.client import AdminClient, ApiError, Failure
from tui.inbox.subjects import AllUsers, read_clients, read_pending
from tui.model import UserKey
from tui.subjects import Paged, Snapshot

ALICE = UserKey(1, "alice")


def talk(
    story: Callable[[FakeServer, AdminClient], Awaitable[None]], token: str | None = None, **options: bool
) -> None:
    async def run() -> None:
        async with FakeServer(token=token) as server, AdminClient(server.url + "/", token, **options) as client:
            await story(server, client)

    asyncio.run(run())


def failure_of(request: Callable[[AdminClient], Awaitable[object]], answer: web.Response) -> ApiError:
    found: list[ApiError] = []

    async def story(server: FakeServer, client: AdminClient) -> None:
        server.refuse["/"] = answer
        with pytest.raises(ApiError) as caught:
            await request(client)
        found.append(caught.value)

    talk(story)
    return found[0]


def test_every_read() -> None:
    async def story(server: FakeServer, client: AdminClient) -> None:
        assert (await client.metrics())["connections"] == 3
        assert (await client.health())["status"] == "ok"
        assert [pod["pod_id"] for pod in await client.pods()] == ["pod-a", "pod-b"]
        assert (await client.clients())["total"] == 3
        assert (await client.users(prefix="al"))["total"] == 1
        assert (await client.pending())["total_pending"] == 4
        assert (await client.history(ALICE, 2))["total"] == 4
        assert (await client.user(ALICE))["retention_days"] == 7
        failed = await client.deliveries(1, status="failed", channel="sms")
        assert (failed["total"], len(failed["notifications"])) == (3, 3)
        identity = failed["notifications"][0]["id"]
        assert (await client.delivery(identity))["error"] == "late"
        assert [row["outcome"] for row in (await client.delivery_status(identity))["attempts"]] == ["failed"]
        assert (await client.dead_letters(reason="http_400"))["total"] == 2
        assert len((await client.providers())["providers"]) == 3
        assert (await client.queues())["dlq_size"] == 3

    talk(story, token="secret")


def test_every_write() -> None:
    async def story(server: FakeServer, client: AdminClient) -> None:
        await client.disconnect(server.cluster.clients[0]["connection_id"])
        assert len(server.cluster.clients) == 2
        assert await client.clear(ALICE) == 3
        assert len(await client.notify([ALICE], {"message": "x"}, "key-1")) == 1
        assert server.bodies[-1] == {"target": [{"id": 1, "login": "alice"}], "message": "x"}
        assert await client.broadcast({"message": "x"}, "key-2") == 2
        assert server.keys == ["key-1", "key-2"]
        deliveries = server.cluster.deliveries
        await client.cancel(deliveries.rows[-1]["id"])
        await client.retry(deliveries.rows[-2]["id"])
        assert [row["status"] for row in deliveries.rows[-2:]] == ["queued", "cancelled"]
        assert (await client.requeue_many({"filter": {"reason": "http_400"}, "dry_run": True}))[0] == 2
        assert (await client.requeue_many({"filter": {"channel": "email"}}))[0] == 0
        await client.requeue(deliveries.dead[0]["id"])
        await client.drop(deliveries.dead[0]["id"])
        assert [row["reason"] for row in deliveries.dead] == ["expired"]
        assert await client.hold("sms", True)
        assert not await client.hold("sms", False)

    talk(story)


def test_read_only_sends_nothing_but_get() -> None:
    async def story(server: FakeServer, client: AdminClient) -> None:
        for write in (
            client.disconnect("x"),
            client.clear(ALICE),
            client.broadcast({}, "k"),
            client.notify([], {}, "k"),
            client.cancel("x"),
            client.retry("x"),
            client.requeue("x"),
            client.requeue_many({}),
            client.drop_many({}),
            client.drop("x"),
            client.hold("sms", True),
        ):
            with pytest.raises(ApiError, match="read-only"):
                await write
        assert not server.requests

    talk(story, read_only=True)


def test_an_unhealthy_server_still_tells_its_health() -> None:
    async def story(server: FakeServer, client: AdminClient) -> None:
        server.cluster.health["status"] = "unavailable"
        assert (await client.health())["status"] == "unavailable"

    talk(story)


@pytest.mark.parametrize(
    ("answer", "failure", "said"),
    [
        (problem(401, "x"), Failure.REFUSED, "token is missing, wrong or expired"),
        (problem(403, "x"), Failure.REFUSED, "lacks the scope admin"),
        (problem(404, "no such user"), Failure.NOT_FOUND, "no such user"),
        (problem(503, "the store is away"), Failure.UNAVAILABLE, "the store is away"),
        (
            problem(422, "bad", [{"path": "message", "message": "is empty"}]),
            Failure.REJECTED,
            "message: is empty (422)",
        ),
        (problem(422, "\x1b[31m"), Failure.REJECTED, "\\x1b[31m (422)"),
        (web.Response(status=302), Failure.STRANGE, "redirects elsewhere (302)"),
        (web.Response(status=500, text="<html>"), Failure.REJECTED, "the server refused (500)"),
        (web.Response(text="<html>"), Failure.STRANGE, "not as notifier does"),
        (web.json_response([1]), Failure.STRANGE, "not as notifier does"),
        (web.Response(text="[" * 100_000), Failure.STRANGE, "not as notifier does"),
    ],
)
def test_failures_are_one_safe_line(answer: web.Response, failure: Failure, said: str) -> None:
    error = failure_of(lambda client: client.metrics(), answer)
    assert error.failure is failure
    assert said in str(error)
    assert "\n" not in str(error)


def test_an_endless_answer_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "ANSWER_MAX", 1000)
    error = failure_of(lambda client: client.metrics(), web.json_response({"x": "y" * 2000}))
    assert error.failure is Failure.STRANGE


def test_nobody_there() -> None:
    async def story(server: FakeServer, client: AdminClient) -> None:
        await server.stop()
        with pytest.raises(ApiError, match="connection refused") as caught:
            await client.metrics()
        assert caught.value.failure is Failure.UNREACHABLE

    talk(story)


@pytest.mark.parametrize("url", ["localhost:8080", "ftp://x", "http://", "http://a:99999", "http://a\x1b[31m", ""])
def test_what_is_no_url(url: str) -> None:
    with pytest.raises(ValueError, match="is no URL such as http://localhost:8080"):
        AdminClient(url)


def test_a_token_that_is_none() -> None:
    with pytest.raises(ValueError, match="the token holds characters") as caught:
        AdminClient("http://localhost:8080", "se\ncret")
    assert "cret" not in str(caught.value)


def test_the_place_leaves_out_what_a_url_may_hide() -> None:
    assert AdminClient("http://user:pass@host:81/path").place == "host:81"


def test_events_come_in_batches() -> None:
    async def story(server: FakeServer, client: AdminClient) -> None:
        stream = client.events()
        assert await anext(stream) == []
        server.emit("client.connected", user_id=1, login="alice")
        kinds: list[str] = []
        while "client.connected" not in kinds:
            kinds += [event.kind for event in await anext(stream)]
        await stream.aclose()

    talk(story)


async def last(subject: Paged, client: AdminClient) -> Snapshot:
    snapshots = [snapshot async for snapshot in subject.load(client) if snapshot is not None]
    return snapshots[-1]


def test_a_table_is_loaded_by_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "PAGE", 2)

    async def story(server: FakeServer, client: AdminClient) -> None:
        subject = Paged(AdminClient.clients, read_clients, "total", ())
        found = [snapshot async for snapshot in subject.load(client)]
        assert [len(snapshot.rows) for snapshot in found if snapshot] == [2, 3]
        pending = await last(Paged(AdminClient.pending, read_pending, "total_pending", ()), client)
        assert (len(pending.rows), pending.total) == (4, 4)

    talk(story)


def test_no_more_than_the_bound_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "PAGE", 2)
    monkeypatch.setattr("tui.subjects.ROWS_MAX", 4)

    async def story(server: FakeServer, client: AdminClient) -> None:
        for number in range(10, 20):
            server.cluster.connect(f"{number}-user{number}")
        loaded = await last(Paged(AdminClient.clients, read_clients, "total", ()), client)
        assert (len(loaded.rows), loaded.total) == (4, 13)

    talk(story)


def test_long_messages_make_fewer_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "PAGE", 2)
    monkeypatch.setattr("tui.subjects.TEXT_MAX", 5000)

    async def story(server: FakeServer, client: AdminClient) -> None:
        for _ in range(10):
            server.cluster.store("1-alice", "x" * 1000)
        loaded = await last(Paged(AdminClient.pending, read_pending, "total_pending", ()), client)
        assert (len(loaded.rows), loaded.total) == (8, 14)

    talk(story)


def test_users_beyond_the_bound_are_found_by_prefix(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "PAGE", 2)
    monkeypatch.setattr("tui.subjects.ROWS_MAX", 4)

    async def story(server: FakeServer, client: AdminClient) -> None:
        for number in range(10, 20):
            server.cluster.connect(f"{number}-user{number}")
        subject = AllUsers()
        subject.prefix = "user19"
        loaded = await last(subject, client)
        assert "19-user19" in {str(row.user) for row in loaded.rows}
        assert (len(loaded.rows), loaded.total) == (5, 13)

    talk(story)
