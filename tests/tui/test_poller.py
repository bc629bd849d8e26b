"""The poller, which keeps the world fresh: reconnects, coalesced news, and one subject at a time."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

import pytest
from textual.message import Message

from tests.tui.answers import problem
from tests.tui.fake_server import FakeServer
from tui import poller as poller_module
from tui.client import AdminClient
from tui.inbox.subjects import Inbox, read_clients
from tui.link import State
from tui.messages import EventsArrived, LinkChanged, SnapshotArrived, SnapshotFailed
from tui.model import UserKey
from tui.poller import Poller
from tui.subjects import Paged
from tui.world import World


class Work:
    """A poller at work on a fake server, and what it posted."""

    def __init__(self, server: FakeServer, client: AdminClient) -> None:
        self.server = server
        self.world = World(client.place)
        self.posted: list[Message] = []
        self.poller = Poller(client, self.world, self.posted.append, chance=lambda: 0.5)

    def count(self, kind: type[Message]) -> int:
        return sum(isinstance(message, kind) for message in self.posted)

    async def until(self, holds: Callable[[], object]) -> None:
        async with asyncio.timeout(10):
            while not holds():
                await asyncio.sleep(0.01)


def work(story: Callable[[Work], Awaitable[None]]) -> None:
    async def run() -> None:
        async with FakeServer() as server, AdminClient(server.url) as client:
            made = Work(server, client)
            task = asyncio.create_task(made.poller.run())
            try:
                await made.until(lambda: made.world.following and made.world.instances)
                await story(made)
            finally:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task

    asyncio.run(run())


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(poller_module, "PULSE", 0.05)
    monkeypatch.setattr(poller_module, "GAP", 0.05)
    monkeypatch.setattr("tui.link.BACKOFF", (0.05, 0.1))


def clients() -> Paged:
    return Paged(AdminClient.clients, read_clients, "total", ("client.",), 60.0)


def test_a_request_that_hangs_holds_up_no_other_page() -> None:
    async def story(made: Work) -> None:
        slow, quick = Inbox(UserKey(1, "alice")), Inbox(UserKey(3, "carol"))
        with made.server.holding("/api/v1/admin/history"):
            made.poller.watch(slow)
            await made.until(lambda: any("/history" in path for _, path in made.server.requests))
            clients = Paged(AdminClient.clients, read_clients, "total", ())
            made.poller.watch(clients)
            await made.until(lambda: any(isinstance(m, SnapshotArrived) and m.subject is clients for m in made.posted))
        made.poller.watch(quick)
        await made.until(lambda: any(isinstance(m, SnapshotArrived) and m.subject is quick for m in made.posted))
        assert not any(isinstance(m, SnapshotArrived) and m.subject is slow for m in made.posted)

    work(story)


def test_it_fills_the_world() -> None:
    async def story(made: Work) -> None:
        await made.until(lambda: made.world.history.latest)
        assert made.world.health is not None
        assert made.world.health.status == "ok"
        assert made.world.link.state is State.LIVE

    work(story)


def test_it_says_that_the_server_went_away_and_comes_back_by_itself() -> None:
    async def story(made: Work) -> None:
        await made.server.stop()
        await made.until(lambda: made.world.link.state is State.OFFLINE)
        assert made.world.link.reason == "connection refused"
        assert not made.world.following
        await made.server.start()
        await made.until(lambda: made.world.link.live and made.world.following)
        assert made.count(LinkChanged) >= 3

    work(story)


@pytest.mark.parametrize(("status", "state"), [(503, State.UNAVAILABLE), (401, State.REFUSED), (500, State.OFFLINE)])
def test_answers_that_are_refusals(status: int, state: State) -> None:
    async def story(made: Work) -> None:
        made.server.refuse["/api/v1/metrics"] = problem(status, "no")
        await made.until(lambda: made.world.link.state is state)
        made.server.refuse.clear()
        await made.until(lambda: made.world.link.live)

    work(story)


def test_events_are_announced_together() -> None:
    async def story(made: Work) -> None:
        for _ in range(20):
            made.server.emit("notification.pushed", 100, user_id=1, login="alice")
        await made.until(lambda: made.world.tail.arrived == 2000)
        await made.until(lambda: made.count(EventsArrived) > 0)
        assert made.count(EventsArrived) < 20

    work(story)


def test_what_the_server_left_out_is_counted() -> None:
    async def story(made: Work) -> None:
        made.server.emit_raw(b": 412 events left out, this listener is too slow\n\n")
        await made.until(lambda: made.world.tail.left_out == 412)

    work(story)


def test_an_event_makes_the_subject_stale_and_others_do_not() -> None:
    async def story(made: Work) -> None:
        made.poller.watch(clients())
        await made.until(lambda: made.count(SnapshotArrived) == 1)
        made.server.emit("notification.stored", user_id=1, login="alice")
        await made.until(lambda: made.world.tail.arrived == 1)
        made.server.emit("client.connected", user_id=1, login="alice")
        await made.until(lambda: made.count(SnapshotArrived) == 2)

    work(story)


@pytest.mark.parametrize("kind", ["instance.gone", "provider.circuit", "channel.paused", "store.replaced"])
def test_an_event_that_may_be_a_problem_has_them_asked_for_at_once(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(poller_module, "ALARM", 600.0)

    async def story(made: Work) -> None:
        await made.until(lambda: made.world.problems.answered_at)
        made.server.cluster.cockpit.trouble(kind, "x", "it burns")
        made.server.emit(kind)
        await made.until(lambda: made.world.problems.grave)

    work(story)


def test_only_the_last_subject_is_fetched() -> None:
    async def story(made: Work) -> None:
        first, second = clients(), Inbox(UserKey(1, "alice"))
        made.poller.watch(first)
        made.poller.watch(second)
        await made.until(lambda: made.count(SnapshotArrived) == 1)
        arrived = [message for message in made.posted if isinstance(message, SnapshotArrived)]
        assert arrived[0].subject is second

    work(story)


def test_while_paused_only_what_is_asked_for_is_fetched() -> None:
    async def story(made: Work) -> None:
        made.poller.watch(clients())
        await made.until(lambda: made.count(SnapshotArrived) == 1)
        made.poller.pause(True)
        made.server.emit("client.connected", user_id=1, login="alice")
        await made.until(lambda: made.world.tail.arrived == 1)
        before = len(made.world.history.samples())
        await made.until(lambda: len(made.world.history.samples()) > before + 3)
        assert made.count(SnapshotArrived) == 1
        made.poller.refresh()
        await made.until(lambda: made.count(SnapshotArrived) == 2)
        made.poller.pause(False)
        await made.until(lambda: made.count(SnapshotArrived) == 3)

    work(story)


def test_a_subject_that_is_not_there() -> None:
    async def story(made: Work) -> None:
        made.server.refuse["/api/v1/admin/history"] = problem(404, "no such user")
        made.poller.watch(Inbox(UserKey(9, "nobody")))
        await made.until(lambda: made.count(SnapshotFailed) == 1)
        failed = next(message for message in made.posted if isinstance(message, SnapshotFailed))
        assert failed.gone
        assert failed.reason == "no such user"

    work(story)


def test_a_stream_that_is_refused_leaves_the_rest_at_work() -> None:
    async def story(made: Work) -> None:
        made.server.refuse["/api/v1/admin/events"] = problem(429, "too many listeners")
        for queue in made.server.listeners:
            queue.put_nowait(None)
        await made.until(lambda: not made.world.following)
        before = len(made.world.history.samples())
        await made.until(lambda: len(made.world.history.samples()) > before + 3)
        assert made.world.link.live

    work(story)
