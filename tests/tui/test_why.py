"""`e` shows why: one timeline of all that is known of a user, a notification or a delivery."""

from __future__ import annotations

import time

import pytest

from tests.tui.answers import rfc3339
from tests.tui.fake_server import FakeCluster, small_cluster
from tests.tui.support import Stage, play
from tui.details.delivery import DeliveryDetail
from tui.details.notification import NotificationDetail
from tui.details.user import OneUserDetail
from tui.details.why import WhyDetail
from tui.events import Event
from tui.model import UserKey
from tui.why import AboutDelivery, AboutNotification, AboutUser, Step, about_of, in_order


def held() -> FakeCluster:
    cluster = small_cluster()
    since = rfc3339(time.time() - 90)
    row = cluster.deliveries.add(
        "scheduled", "push", "0f3a", waiting_for="circuit_open", since=since, user_id="1-alice"
    )
    cluster.deliveries.tried(row, "retry", "fcm", "\x1b[31m503", 1800.0)
    row["retry_count"] = 1
    row["next_retry_at"] = rfc3339(time.time() + 40)
    return cluster


async def asks_why(stage: Stage, *seen: str) -> None:
    await stage.press("e")
    await stage.until(lambda: isinstance(stage.page, WhyDetail))
    await stage.sees(*seen)


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
def test_why_a_delivery_waits(size: tuple[int, int]) -> None:
    async def story(stage: Stage) -> None:
        await stage.view("9", "11 deliveries")
        before = stage.page
        await asks_why(
            stage,
            "delivery: ‖ circuit, 1 of 3 retries used",
            "channel push: circuit open, 3 waiting, 218 held (circuit_open)",
            "next try",
            "begins to wait: circuit_o",
            "retry by fcm after 1.8 s",
            "\\x1b[31m503",
            "accepted for push, 0f3a",
        )
        assert (
            stage.screen.index("next try") < stage.screen.index("begins to wait") < stage.screen.index("accepted for")
        )
        await stage.press("escape")
        await stage.until(lambda: stage.page is before)

    play(story, size=size, cluster=held())


def test_why_a_delivery_failed() -> None:
    async def story(stage: Stage) -> None:
        await stage.view("0", "3 dead letters")
        await stage.press("tab", "e")
        await stage.until(lambda: isinstance(stage.page, WhyDetail))
        await stage.sees("dead letter", "expired after 1 try", "delivery: ✕ failed: late", "failed by twilio")

    play(story)


def test_why_from_the_pages_of_each() -> None:
    async def story(stage: Stage) -> None:
        await stage.view("9", "11 deliveries")
        await stage.press("enter")
        await stage.until(lambda: isinstance(stage.page, DeliveryDetail))
        await asks_why(stage, "Why delivery ", "circuit open")
        await stage.press("escape", "escape")
        await stage.view("4", "4 unread notifications")
        await stage.press("enter")
        await stage.until(lambda: isinstance(stage.page, NotificationDetail))
        await asks_why(stage, "Why notification ", "notification: unread", "stored from ", "notifications unread")
        await stage.press("escape", "escape", "u")
        await stage.until(lambda: isinstance(stage.page, OneUserDetail))

    play(story, cluster=held())


def test_why_a_user_has_not_read() -> None:
    async def story(stage: Stage) -> None:
        await stage.view("3", "3 users")
        await asks_why(
            stage,
            "Why 1-alice",
            "user 1-alice: connected 2 times; 3 notifications unread",
            "opened from 192.168.7.20 on pod-b",
            "stored from orders: order 2 is on its way (unread)",
            "old one (read)",
            "push to 0f3a: ‖ circuit",
        )
        stage.server.emit("notification.pushed", user_id=1, login="alice", notification_id="x" * 36)
        stage.cluster.store("1-alice", "one more")
        await stage.sees("one more", "notification.pushed")

    play(story, cluster=held())


def test_a_step_leads_on() -> None:
    async def story(stage: Stage) -> None:
        await stage.view("3", "3 users")
        await asks_why(stage, "Why 1-alice", "old one (read)")
        rows = stage.table.listing.visible
        stage.table.select(next(place for place, row in enumerate(rows) if "old one" in row.said))
        await stage.press("enter")
        await stage.until(lambda: isinstance(stage.page, NotificationDetail))
        await stage.press("escape")
        await stage.until(lambda: isinstance(stage.page, WhyDetail))
        rows = stage.table.listing.visible
        stage.table.select(next(place for place, row in enumerate(rows) if row.about.startswith("delivery")))
        await stage.press("e")
        await stage.sees("Why delivery ")

    play(story, cluster=held())


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
def test_a_users_page_has_the_timeline_too(size: tuple[int, int]) -> None:
    async def story(stage: Stage) -> None:
        await stage.view("3", "3 users")
        await stage.press("enter")
        await stage.until(lambda: isinstance(stage.page, OneUserDetail))
        await stage.press(*["tab"] * 3)
        await stage.sees("Timeline", "connected 2 times", "opened from")

    play(story, size=size, cluster=held())


def test_what_is_gone_is_said_to_be() -> None:
    async def story(stage: Stage) -> None:
        await stage.view("4", "4 unread notifications")
        row = stage.table.selected
        assert row is not None
        stage.cluster.inboxes[str(row.user)].clear()
        await asks_why(stage, "no longer known: no longer in the inbox")

    play(story)


def test_nothing_to_explain_is_said() -> None:
    async def story(stage: Stage) -> None:
        await stage.view("7", "Nothing has happened")
        await stage.press("e")
        await stage.until(lambda: "there is no user, notification or delivery here" in stage.keys)

    play(story)


def test_events_are_about_the_nearest() -> None:
    def event(kind: str, **raw: object) -> Event:
        return Event.read(raw, number=1, kind=kind)

    alice = {"user_id": 1, "login": "alice"}
    assert about_of(event("delivery.sent", id="7", **alice)) == AboutDelivery("7")
    assert about_of(event("notification.read", notification_id="n", stream_id="1-0", **alice)) == AboutNotification(
        UserKey(1, "alice"), "n", "1-0"
    )
    assert about_of(event("client.connected", **alice)) == AboutUser(UserKey(1, "alice"))
    assert about_of(event("store.replaced")) is None
    assert about_of(object()) is None


def test_now_stands_between_what_is_to_come_and_what_was() -> None:
    now = time.time()
    steps = [Step(now - 5, "a", "was"), Step(None, "a", "now"), Step(now + 50, "a", "comes")]
    assert [step.said for step in in_order(steps)] == ["comes", "now", "was"]
