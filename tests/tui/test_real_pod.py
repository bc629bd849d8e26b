"""The dashboard against the program itself: what the fake server stands for is true of the real one."""

from __future__ import annotations

from contextlib import asynccontextmanager
from types import SimpleNamespace

import pytest

from tests.support import Inbox, notify
from tests.tui.support import Stage, quickly
from tui.app import Dashboard, _probe
from tui.client import AdminClient, ApiError, Failure
from tui.details.notification import NotificationDetail
from tui.details.user import OneUserDetail
from tui.dialogs.confirm import Confirm
from tui.preferences import Preferences

ADMIN = "the-operators-own-token"
BOB = {"id": 2, "login": "bob"}


@pytest.fixture
def look(tmp_path):
    """Opens a dashboard on a pod: `async with look(client) as stage`."""

    @asynccontextmanager
    async def opened(client, size=(120, 36), token=None, there=True):
        admin = AdminClient(f"http://127.0.0.1:{client.port}", token)
        app = Dashboard(admin, preferences=Preferences(tmp_path / "tui.json"))
        with quickly():
            async with app.run_test(size=size) as pilot:
                stage = Stage(SimpleNamespace(cluster=None), app, pilot)
                if there:
                    await stage.until(lambda: app.world.following and app.world.pods and app.world.history.latest)
                yield stage

    return opened


def figures(stage):
    """Two figures of the overview's strip by their names."""
    names, values = stage.words("#figures").split("\n")
    ends = {name: names.index(name) + len(name) for name in ("Conns", "Unread")}
    return {name: values[:end].split()[-1] for name, end in ends.items()}


@pytest.mark.parametrize("size", [(80, 24), (120, 36)])
async def test_the_overview_counts_what_there_is(loop, client, look, size):
    await Inbox.open(client)
    await Inbox.open(client)
    await notify(client, "waits for bob", targets=[BOB])
    async with look(client, size) as stage:
        await stage.sees("pod-a", "● up", "● live", "health ● ok", "redis", "Queues 0", "● sms", "0 dead letters")
        await stage.until(lambda: figures(stage) == {"Conns": "2", "Unread": "1"})
        await notify(client, "one more", targets=[BOB])
        await stage.until(lambda: figures(stage)["Unread"] == "2")


async def test_a_client_is_there_as_soon_as_it_connects(loop, client, look):
    async with look(client) as stage:
        await stage.view("2", "Nobody is connected")
        inbox = await Inbox.open(client)
        await stage.sees("1-alice", "127.0.0.1", "pod-a")
        await stage.press("D")
        await stage.sees("Disconnect 1 connection of 1-alice from 127.0.0.1?")
        await stage.press("enter")
        await stage.until(lambda: not isinstance(stage.app.screen, Confirm))
        await stage.press("D")
        await stage.sees("Disconnect 1 connection")
        await stage.press("y")
        await stage.sees("Nobody is connected")
        assert await inbox.closed()


async def test_a_user_opens_with_all_that_is_known(loop, client, look):
    inbox = await Inbox.open(client)
    await notify(client, "is on its way", source="orders")
    push = await inbox.receive("notification.push")
    async with look(client) as stage:
        await stage.view("3", "● online", "alice")
        await stage.press("enter")
        await stage.until(lambda: isinstance(stage.page, OneUserDetail))
        await stage.sees("lock owner pod-a", "Devices 1", "Pending 1", "History 1", "is on its way", "● unread")
        await inbox.read(push)
        await stage.sees("Pending 0", "✓ read")
        await stage.press("escape")
        await stage.sees("● online")


async def test_a_notification_opens_with_its_payload_and_times(loop, client, look):
    async with look(client) as stage:
        await stage.view("4", "Nothing is waiting: all is read")
        await notify(client, "hello", source="orders", targets=[BOB])
        await stage.sees("2-bob", "orders", "hello")
        await stage.press("enter")
        await stage.until(lambda: isinstance(stage.page, NotificationDetail))
        await stage.sees('"message": "hello"', "Stored", "notification.stored", "on pod-a")


async def test_clearing_tells_the_user(loop, client, look):
    inbox = await Inbox.open(client)
    await notify(client, "never mind")
    push = await inbox.receive("notification.push")
    async with look(client) as stage:
        await stage.view("4", "never mind")
        await stage.press("X")
        await stage.sees("Clear 1 unread notification of 1-alice?")
        await stage.press("y")
        await stage.sees("Nothing is waiting: all is read")
    cleared = await inbox.receive("notification.push")
    assert (cleared["notification_id"], cleared["status"]) == (push["notification_id"], "auto_cleared")


async def test_events_are_shown_and_not_obeyed(loop, client, look):
    async with look(client, (160, 36)) as stage:
        await stage.view("7", "Nothing has happened")
        inbox = await Inbox.open(client)
        await notify(client, "\x1b[31m[/nope] [@click=app.quit]\u202egnp", source="[bold]x")
        await inbox.read(await inbox.receive("notification.push"))
        for kind in ("client.connected", "notification.stored", "notification.pushed", "notification.read"):
            await stage.sees(kind)
        await stage.sees("[bold]x", "\\x1b[31m[/nope] [@click=app.quit]\\u202egnp")
        await stage.press("slash", *"nope")
        await stage.sees("1 of ")


async def test_sending_to_users(loop, client, look):
    inbox = await Inbox.open(client)
    async with look(client) as stage:
        await stage.view("8", "What was sent is listed here")
        await stage.type("1-alice 2-bob")
        stage.page.query_one("#message").text = "from the dashboard"
        await stage.press("ctrl+s")
        await stage.sees("accepted for 2 users", "2-bob")
    push = await inbox.receive("notification.push")
    assert (push["message"], push["source"]) == ("from the dashboard", "dashboard")


async def test_sending_to_all_connected(loop, client, look):
    inboxes = [await Inbox.open(client), await Inbox.open(client, 2, "bob")]
    async with look(client) as stage:
        await stage.sees("Connections 2")
        await stage.view("8", "What was sent is listed here")
        stage.page.query_one("#message").text = "to everybody"
        stage.page.query_one("#everybody").value = True
        await stage.press("ctrl+s")
        await stage.sees("Send to everybody who is connected, 2 connections now?")
        await stage.press("y")
        await stage.sees("accepted for 2 connected users")
    assert {(await inbox.receive("notification.push"))["message"] for inbox in inboxes} == {"to everybody"}


async def test_a_long_list_comes_page_by_page(loop, client, look):
    targets = [{"id": number, "login": f"user{number}"} for number in range(1, 1201)]
    for start in range(0, 1200, 400):
        await notify(client, "hello", targets=targets[start : start + 400])
    async with look(client) as stage:
        await stage.view("3", "1,200 users")
        await stage.press("slash", *"user119")
        await stage.sees("11 of 1,200 users")
        await stage.press("escape")
        await stage.view("4", "1,200 unread notifications")


@pytest.fixture
def guarded(loop, start_pod):
    """A pod that asks for tokens."""
    settings = {"auth_mode": "token", "admin_token": ADMIN, "jwt_secret": "0123456789abcdef0123456789abcdef"}
    return loop.run_until_complete(start_pod(**settings))


async def test_the_token_is_sent_on_every_way(loop, guarded, look):
    async with look(guarded, token=ADMIN) as stage:
        await stage.sees("● live", "pod-a")
        await stage.view("3", "0 users")


async def test_without_its_token_the_door_stays_shut(loop, guarded):
    for token in (None, "guess"):
        with pytest.raises(ApiError, match=r"\(401\)") as caught:
            await _probe(AdminClient(f"http://127.0.0.1:{guarded.port}", token))
        assert caught.value.failure is Failure.REFUSED


async def test_a_pod_restarts_under_the_dashboard(loop, client, start_pod, look):
    await notify(client, "hello")
    async with look(client) as stage:
        await stage.view("4", "1-alice")
        port = client.port
        await client.close()
        await stage.sees("✕ offline, retrying in", "1-alice")
        assert stage.page.has_class("-stale")
        await start_pod("pod-b", server_addr=f"127.0.0.1:{port}")
        await stage.press("r")
        await stage.sees("● live")
        assert not stage.page.has_class("-stale")
        await stage.view("6", "pod-b")


@pytest.mark.parametrize("size", [(80, 24), (120, 36)])
async def test_it_waits_for_a_pod_that_is_not_there_yet(loop, client, start_pod, look, size):
    port = client.port
    await client.close()
    assert "connection refused" in await _probe(AdminClient(f"http://127.0.0.1:{port}"))
    async with look(client, size, there=False) as stage:
        await stage.sees("✕ offline, retrying in", "nothing seen yet", "Latency ms", "Queues", "–")
        await stage.view("3", "3 User")
        await start_pod("pod-b", server_addr=f"127.0.0.1:{port}")
        await stage.sees("● live", "0 users")
