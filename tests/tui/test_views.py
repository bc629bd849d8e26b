"""Clients, Users, Pending, History, Instances and Events, each with what it alone does."""

from __future__ import annotations

import pytest

from tests.tui.fake_server import FakeCluster, small_cluster
from tests.tui.support import Stage, play
from tui.details.notification import NotificationDetail
from tui.details.record import RecordDetail
from tui.details.user import OneUserDetail
from tui.screens.clients import Clients
from tui.screens.history import UserHistory
from tui.widgets.table import Table

SIZES = [(80, 24), (120, 36)]


@pytest.mark.parametrize("size", SIZES)
def test_clients(size: tuple[int, int]) -> None:
    async def story(stage: Stage) -> None:
        await stage.view("2", "3 connections", "1-alice", "192.168.7.20", "pod-b", "2-bob")
        if size[0] > 100:
            assert "293.0 KiB" in stage.screen
        stage.cluster.connect("5-eve")
        stage.server.emit("client.connected", user_id=5, login="eve")
        await stage.sees("4 connections", "5-eve")

    play(story, size=size)


@pytest.mark.parametrize("size", SIZES)
def test_users(size: tuple[int, int]) -> None:
    async def story(stage: Stage) -> None:
        await stage.view("3", "3 users", "● online", "○ away")
        first = next(line for line in stage.lines if "alice" in line)
        assert first.split()[-2:] == ["2", "3"]
        assert stage.table.listing.visible[0].user.login == "alice"

    play(story, size=size)


def test_users_that_are_not_loaded_are_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tui.client.PAGE", 10)
    monkeypatch.setattr("tui.subjects.ROWS_MAX", 20)
    cluster = small_cluster()
    for number in range(100, 200):
        cluster.inboxes[f"{number}-user{number}"] = []

    async def story(stage: Stage) -> None:
        await stage.view("3", "20 users loaded, 103 in all")
        await stage.press("slash")
        await stage.type("user199")
        await stage.sees("1 of 21 users loaded, 103 in all", "199  user199")

    play(story, cluster=cluster)


@pytest.mark.parametrize("size", SIZES)
def test_pending(size: tuple[int, int]) -> None:
    async def story(stage: Stage) -> None:
        await stage.view("4", "4 unread notifications", "waiting for carol", "billing", "order 2 is on its way")
        stage.cluster.store("2-bob", "news for bob")
        stage.server.emit("notification.stored", user_id=2, login="bob")
        await stage.sees("5 unread notifications", "news for bob")

    play(story, size=size)


def test_pending_with_nothing_waiting() -> None:
    async def story(stage: Stage) -> None:
        await stage.view("4", "Nothing is waiting: all is read")

    play(story, cluster=FakeCluster(pods=small_cluster().pods, health={"status": "ok", "components": {}}))


@pytest.mark.parametrize("size", SIZES)
def test_history_of_a_typed_user(size: tuple[int, int]) -> None:
    async def story(stage: Stage) -> None:
        await stage.view("5", "Type a user such as 1-alice")
        await stage.type("alice")
        await stage.press("enter")
        await stage.sees("alice names no user; write id-login")
        await stage.press(*["backspace"] * 5)
        await stage.type("1:alice")
        await stage.press("enter")
        await stage.sees("4 notifications", "● unread", "✓ read", "old one")
        assert "names no user" not in stage.screen
        assert isinstance(stage.app.focused, Table)
        await stage.press("o")
        assert not isinstance(stage.app.focused, Table)
        await stage.press("escape")
        await stage.until(lambda: isinstance(stage.app.focused, Table))

    play(story, size=size)


def test_history_from_another_view_and_of_an_unknown_user() -> None:
    async def story(stage: Stage) -> None:
        await stage.view("3", "3 users")
        await stage.press("h")
        await stage.sees("4 notifications", "old one")
        assert isinstance(stage.page, UserHistory)
        await stage.view("2", "3 connections")
        await stage.press("end", "h")
        await stage.sees("This inbox is empty", "2-bob")
        stage.cluster.store("2-bob", "just came")
        stage.server.emit("notification.stored", user_id=2, login="bob")
        await stage.sees("just came")

    play(story)


@pytest.mark.parametrize("size", SIZES)
def test_pods(size: tuple[int, int]) -> None:
    async def story(stage: Stage) -> None:
        await stage.view("6", "2 instances", "pod-a", "● up", "1.0.0")
        await stage.press("enter")
        await stage.sees("Locks held", "Bus entries waiting", '"pod_id": "pod-a"')
        assert isinstance(stage.page, RecordDetail)
        await stage.press("y")
        assert stage.app.clipboard == "pod-a"
        await stage.press("c")
        assert '"heartbeat_age_s": 3.2' in stage.app.clipboard
        await stage.press("escape")
        await stage.sees("2 instances")

    play(story, size=size)


def test_a_new_pod_shows_at_once() -> None:
    async def story(stage: Stage) -> None:
        await stage.view("6", "2 instances")
        stage.cluster.pods.append(stage.cluster.pods[0] | {"pod_id": "pod-c"})
        stage.server.emit("pod.joined", pod="pod-c")
        await stage.sees("3 instances", "pod-c")

    play(story)


@pytest.mark.parametrize("size", SIZES)
def test_events_are_followed_until_one_moves_away(size: tuple[int, int]) -> None:
    async def story(stage: Stage) -> None:
        await stage.view("7", "Nothing has happened")
        stage.server.emit("notification.stored", user_id=1, login="alice", source="orders", message="first")
        await stage.sees("1 event, newest first", "orders  first", "1-alice")
        stage.server.emit("notification.stored", user_id=1, login="alice", source="orders", message="second")
        await stage.sees("orders  second")
        assert stage.table.selected.number == 2
        await stage.press("down")
        stage.server.emit("client.connected", user_id=2, login="bob", remote="10.0.0.9")
        await stage.sees("client.connected", "10.0.0.9")
        assert stage.table.selected.number == 1

    play(story, size=size)


def test_events_filter_live_and_count_what_was_left_out() -> None:
    async def story(stage: Stage) -> None:
        await stage.view("7", "Nothing has happened")
        await stage.press("slash")
        await stage.type("connected")
        await stage.press("enter")
        stage.server.emit("notification.pushed", 338, user_id=1, login="alice")
        stage.server.emit("client.connected", 2, user_id=1, login="alice")
        await stage.sees("2 of 340 events")
        stage.server.emit_raw(b": 412 events left out, this listener is too slow\n\n")
        stage.server.emit("client.connected", user_id=1, login="alice")
        await stage.sees("3 of 341 events", "412 left out: too many to follow")

    play(story)


def test_an_event_opens_its_notification_or_itself() -> None:
    async def story(stage: Stage) -> None:
        await stage.view("7")
        row = stage.cluster.inboxes["1-alice"][0]
        facts = {"user_id": 1, "login": "alice", "notification_id": row["notification_id"], "stream_id": row["id"]}
        stage.server.emit("notification.pushed", **facts)
        await stage.sees("notification.pushed")
        await stage.press("enter")
        await stage.sees("order 0 is on its way", "notification.pushed")
        assert isinstance(stage.page, NotificationDetail)
        await stage.press("escape")
        stage.server.emit("provider.circuit", provider="twilio", state="open")
        await stage.sees("provider.circuit")
        await stage.press("home", "enter")
        await stage.sees('"provider": "twilio"', "provider=twilio  state=open")
        assert isinstance(stage.page, RecordDetail)

    play(story)


@pytest.mark.parametrize("size", SIZES)
def test_a_user_with_devices_pending_history_owner_and_retention(size: tuple[int, int]) -> None:
    async def story(stage: Stage) -> None:
        await stage.view("2", "3 connections")
        await stage.press("enter")
        await stage.sees("User 1-alice", "● online", "lock owner pod-a", "retention 7 days", "stored 4")
        await stage.sees("Devices 2", "Pending 3", "History 4", "192.168.7.20", "✓ read")
        assert isinstance(stage.page, OneUserDetail)
        assert stage.table.id == "devices"
        await stage.press("tab", "enter")
        await stage.until(lambda: isinstance(stage.page, NotificationDetail))
        await stage.sees("order 2 is on its way")
        await stage.press("escape")
        await stage.until(lambda: isinstance(stage.page, OneUserDetail))
        assert stage.table.id == "unread-rows"
        await stage.press("escape")
        await stage.until(lambda: isinstance(stage.page, Clients))

    play(story, size=size)


def test_a_user_is_kept_fresh_and_may_be_unknown() -> None:
    async def story(stage: Stage) -> None:
        await stage.view("3", "3 users")
        await stage.press("end", "enter")
        await stage.sees("User 2-bob", "Nothing is waiting", "retention as the server's default")
        stage.cluster.store("2-bob", "news for bob")
        stage.server.emit("notification.stored", user_id=2, login="bob")
        await stage.sees("Pending 1", "news for bob")
        del stage.cluster.inboxes["2-bob"]
        await stage.press("r")
        await stage.sees("not known to the server")

    play(story)


def test_a_notification_with_its_payload_and_its_times() -> None:
    cluster = small_cluster()
    row = cluster.store("3-carol", "with data", title="Parcel", data={"order": 4711})

    async def story(stage: Stage) -> None:
        await stage.view("4", "5 unread")
        await stage.press("slash")
        await stage.type("with data")
        await stage.press("enter", "enter")
        await stage.sees("State", "unread", "Created", "Stored", " UTC, 1 h ago", '"order": 4711', '"title": "Parcel"')
        facts = {"user_id": 3, "login": "carol", "notification_id": row["notification_id"], "stream_id": row["id"]}
        stage.server.emit("notification.read", **facts)
        await stage.sees("notification.read")
        await stage.press("y")
        assert stage.app.clipboard == row["notification_id"]
        await stage.press("c")
        assert '"order": 4711' in stage.app.clipboard
        cluster.inboxes["3-carol"].clear()
        await stage.press("r")
        await stage.sees("no longer in the inbox")
        assert '"order": 4711' in stage.screen
        await stage.press("u")
        await stage.sees("User 3-carol")

    play(story, cluster=cluster)


def test_drilling_down_without_end_is_bounded() -> None:
    async def story(stage: Stage) -> None:
        await stage.view("4", "4 unread")
        await stage.press("enter")
        for _ in range(8):
            await stage.sees("Stream id")
            await stage.press("u")
            await stage.sees("Devices", "lock owner")
            await stage.press("tab", "tab", "enter")
        assert len(stage.app.screen_stack) <= 10
        await stage.view("1", "Latency")
        assert len(stage.app.screen_stack) == 2

    play(story)
