"""The dashboard against the program itself: what the fake server stands for is true of the real one."""

from __future__ import annotations

import pytest

from tests.support import Inbox, notify
from tui.client import AdminClient, ApiError, Failure
from tui.details.notification import NotificationDetail
from tui.details.user import OneUserDetail
from tui.dialogs.confirm import Confirm
from tui.probe import probe

ADMIN = "the-operators-own-token"
BOB = {"id": 2, "login": "bob"}


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
        await stage.sees(
            "pod-a", "● up", "● live", "● ok", "redis", "Channels, 0 waiting", "● closed", "0 dead letters"
        )
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
        await stage.view("7", "1 event", "instance.started")
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


async def test_without_its_token_nothing_is_shown(loop, guarded):
    for token in (None, "guess"):
        with pytest.raises(ApiError, match=r"\(401\)") as caught:
            await probe(AdminClient(f"http://127.0.0.1:{guarded.port}", token))
        assert caught.value.failure is Failure.REFUSED


@pytest.fixture
async def observing(loop, guarded):
    """A key that may look at all and change nothing."""
    body = {"name": "wall", "scopes": ["observe"]}
    headers = {"Authorization": f"Bearer {ADMIN}"}
    answer = await guarded.post("/api/v1/admin/keys", json=body, headers=headers)
    assert answer.status_code in (200, 201)
    return answer.json()["key"]


async def test_a_key_with_the_scope_observe_sees_every_view_and_changes_nothing(loop, guarded, look, observing):
    async with look(guarded, token=observing) as stage:
        await stage.sees("● live", "pod-a", "sms      ● closed")
        for name, view in stage.app.views.items():
            await stage.app.action_view(name)
            await stage.until(lambda view=view: stage.page is view and (view.subject is None or view.loaded))
        assert stage.app.world.following
        await stage.view("minus", "inapp", "providers")
        await stage.press("P")
        await stage.asks("Pause the channel ")
        await stage.press("y")
        await stage.until(lambda: any("this token may look and change nothing (403)" in t for t in stage.toasts))


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
    assert "connection refused" in await probe(AdminClient(f"http://127.0.0.1:{port}"))
    async with look(client, size, there=False) as stage:
        await stage.sees("✕ offline, retrying in", "nothing seen yet", "Latency ms", "Channels", "–")
        await stage.view("3", "3 User")
        await start_pod("pod-b", server_addr=f"127.0.0.1:{port}")
        await stage.sees("● live", "0 users")


async def deliver(client, content, **more):
    """Creates a delivery; its id. Without more it goes to an inbox, where it always arrives."""
    body = {"channel": "inapp", "recipient": "2-bob", "content": content} | more
    response = await client.post("/api/v1/notifications", json=body)
    assert response.status_code == 201, response.text
    return response.json()["id"]


@pytest.fixture
def deaf(loop, start_pod):
    """A pod whose e-mail provider refuses everything for good, at once, and whose e-mail is not retried."""
    return loop.run_until_complete(start_pod(provider_email="simulator://?success=0&latency=1ms"))


async def test_deliveries_are_listed_opened_and_cancelled(loop, client, look):
    later = "2099-01-01T00:00:00Z"
    identity = await deliver(client, "some day", scheduled_at=later)
    async with look(client) as stage:
        await stage.view("9", "1 delivery", "◔ scheduled", "2-bob", "some day")
        await deliver(client, "at once")
        await stage.sees("2 deliveries", "✓ sent", "at once")
        await stage.press("slash", *"status:scheduled")
        await stage.counts("1 delivery")
        await stage.press("enter", "X")
        await stage.asks("Cancel 1 delivery, inapp to 2-bob, scheduled now?")
        await stage.press("y")
        await stage.until(lambda: any("Cancelled 1 delivery" in said for said in stage.toasts))
        await stage.press("escape")
        await stage.sees("– cancelled")
        await stage.press("end", "enter")
        await stage.sees(f"Delivery {identity}", "– cancelled", "Not tried yet", "Due")
        await stage.press("R")
        await stage.until(lambda: any("only scheduled, retrying and failed" in said for said in stage.toasts))


async def test_what_the_filter_asks_the_server_understands(loop, client, look):
    await deliver(client, "hello", user_id="2-bob")
    async with look(client) as stage:
        await stage.view("9", "1 delivery")
        for typed in ("channel:inapp since:1h", "user:2-bob until:2099-01-01", "recipient:2-bob status:sent"):
            await stage.press("slash", *typed)
            await stage.counts("1 delivery")
            await stage.press("escape")
        await stage.press("slash", *"channel:fax")
        await stage.sees("✕ channel: must be one of")


def failures(stage):
    """The number of deliveries that the dashboard has seen fail."""
    return sum(event.kind == "delivery.failed" for event in stage.app.world.tail.newest_first())


async def test_dead_letters_are_requeued_and_dropped(loop, deaf, look):
    async with look(deaf) as stage:
        for number in range(3):
            await deliver(deaf, f"text {number}", channel="email", recipient=f"user{number}@example.com", max_retries=0)
        await stage.until(lambda: failures(stage) == 3)
        await stage.view("0", "3 dead letters", "email", "user2@example.com")
        await stage.press("R")
        await stage.asks("Requeue 3 dead letters of email with the reason")
        await stage.press("y")
        await stage.until(lambda: "Requeued 3 dead letters" in stage.toasts)
        await stage.until(lambda: failures(stage) == 6)  # they fail again
        await stage.press("r")
        await stage.counts("3 dead letters")
        await stage.press("tab", "X")
        await stage.asks("Drop 1 dead letter, email to user")
        await stage.press("y")
        await stage.counts("2 dead letters")
        await stage.press("enter")
        await stage.sees("✕ failed", "Attempts 2", "simulator")


async def test_providers_queues_and_a_paused_channel(loop, deaf, look):
    async with look(deaf, (80, 24)) as stage:
        await stage.sees("email", "inapp", "● closed", "0 scheduled, 0 dead letters")
        await stage.view("minus", "simulator", "● closed", "push:ios", "● on")
        await stage.press("slash", *"inapp", "enter", "P")
        await stage.asks("Pause the channel inapp? 0 deliveries wait now")
        await stage.press("y")
        await stage.sees("‖ paused")
        await deliver(deaf, "waits")
        await stage.view("1", "Channels, 1 waiting", "‖ paused")
        await stage.view("minus", "‖ paused")
        await stage.press("P")
        await stage.asks("Resume the channel inapp? 1 delivery will be sent.")
        await stage.press("y")
        await stage.view("9", "✓ sent")
        await stage.view("7", "delivery.sent")
        for number in range(6):
            await deliver(deaf, "no", channel="email", recipient=f"user{number}@example.com")
        await stage.press("minus", "escape")
        await stage.sees("✕ open")


async def test_a_notification_is_marked_as_its_user_would(loop, client, look):
    inbox = await Inbox.open(client, login="alice&events=states,counts")
    await notify(client, "is on its way")
    async with look(client) as stage:
        await stage.view("3", "● online", "alice")
        await stage.press("h")
        await stage.sees("is on its way", "● unread")
        for key, mark, shown in (("s", "seen", "● seen"), ("a", "archived", "✓ archived")):
            await stage.press("m")
            await stage.sees("Mark 1 notification of 1-alice")
            await stage.press(key)
            await stage.asks("Mark 1 notification, “is on its way” of 1-alice")
            await stage.press("y")
            await stage.sees(shown)
            while (message := await inbox.receive())["type"] != "notification.state" or not message["data"][mark]:
                pass
        await stage.press("enter")
        await stage.sees("Seen", "Read", "Archived")
