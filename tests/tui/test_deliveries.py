"""Deliveries: the list and its filter, one delivery with its attempts, cancel and retry."""

from __future__ import annotations

import pytest

from tests.tui.answers import problem
from tests.tui.fake_deliveries import CANCELLABLE, RETRYABLE
from tests.tui.fake_server import FakeCluster, small_cluster
from tests.tui.support import Stage, play
from tui.deliveries import model
from tui.details.delivery import DeliveryDetail
from tui.details.user import OneUserDetail
from tui.dialogs.confirm import Confirm

SIGNS = ("○ queued", "▲ retrying", "✕ failed", "◌ expired", "– cancelled", "◐ processing", "◔ scheduled", "✓ sent")


def status_of(stage: Stage, place: int) -> str:
    return str(stage.cluster.deliveries.rows[place]["status"])


@pytest.mark.parametrize("size", [(80, 24), (120, 36)])
def test_the_list_follows_the_events(size: tuple[int, int]) -> None:
    async def story(stage: Stage) -> None:
        await stage.view("9", "10 deliveries", *SIGNS, "ada@example.com", "421 try again", "1/3", "no such number")
        stage.cluster.deliveries.add("queued", "push", "a-new-one")
        stage.server.emit("delivery.queued", id="x", channel="push", priority="normal")
        await stage.sees("11 deliveries", "a-new-one")
        assert max(map(len, stage.lines)) <= size[0]

    play(story, size=size)


def test_terms_of_the_filter_are_asked_of_the_server_and_words_are_looked_for_here() -> None:
    async def story(stage: Stage) -> None:
        await stage.view("9", "10 deliveries")
        await stage.press("slash")
        await stage.type("status:failed channel:sms")
        await stage.sees("3 deliveries")
        await stage.type(" late")
        await stage.sees("1 of 3 deliveries")
        assert [row.error for row in stage.table.listing.visible] == ["late"]
        assert stage.asked("GET", "/api/v1/notifications?page=1&limit=100&status=failed&channel=sms") == 1
        await stage.press("escape")
        await stage.sees("10 deliveries")

    play(story)


def test_what_the_filter_cannot_mean_is_said() -> None:
    async def story(stage: Stage) -> None:
        await stage.view("9", "10 deliveries")
        await stage.press("slash")
        await stage.type("status:foo")
        await stage.sees("✕ no such status")
        await stage.press("escape")
        stage.server.refuse["/api/v1/notifications"] = problem(422, "channel: must be one of sms, email")
        await stage.press("slash")
        await stage.type("channel:fax")
        await stage.sees("✕ channel: must be one of")
        assert len(stage.table.listing.loaded) == 10
        stage.server.refuse.clear()
        stage.server.emit("delivery.sent", id="x", channel="sms", priority="low")
        await stage.sees("0 deliveries", "No delivery passes this filter; esc drops it")

    play(story, size=(80, 24))


def test_f_goes_through_the_statuses() -> None:
    async def story(stage: Stage) -> None:
        await stage.view("9", "10 deliveries")
        for seen in ("status:failed", "status:retrying"):
            await stage.press("f")
            await stage.sees(seen)
        await stage.counts("1 delivery")
        for _ in range(7):
            await stage.press("f")
        await stage.sees("10 deliveries")

    play(story)


@pytest.mark.parametrize("size", [(80, 24), (200, 50)])
def test_an_unknown_term_says_so_in_full_and_names_those_there_are(size: tuple[int, int]) -> None:
    async def story(stage: Stage) -> None:
        await stage.view("9", "10 deliveries")
        stage.burst("/", "nonsense:foo")
        await stage.sees("✕ no term nonsense:", "terms: status, channel, recipient, user, since, until")

    play(story, size=size)


def test_while_the_server_is_asked_the_old_number_does_not_stand() -> None:
    async def story(stage: Stage) -> None:
        await stage.view("9", "10 deliveries")
        with stage.server.holding("/api/v1/notifications"):
            stage.burst("/", "00000000-0000-0000-0000-000000000000")
            await stage.counts("asking the server …")
        await stage.sees("No delivery has this id")

    play(story)


def test_m_loads_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tui.client.DELIVERIES_PAGE", 5)
    monkeypatch.setattr("tui.deliveries.subjects.DELIVERIES_PAGE", 5)
    monkeypatch.setattr("tui.deliveries.subjects.AT_FIRST", 5)
    cluster = small_cluster()
    for number in range(13):
        cluster.deliveries.add("sent", "email", f"user{number}@example.com")

    async def story(stage: Stage) -> None:
        await stage.view("9", "5 deliveries loaded, 23 in all")
        await stage.press("m")
        await stage.sees("10 deliveries loaded, 23 in all")
        assert len({row.id for row in stage.table.listing.loaded}) == 10

    play(story, cluster=cluster)


def test_no_deliveries_say_how_one_is_made() -> None:
    async def story(stage: Stage) -> None:
        await stage.view("9", "No deliveries yet; notifier send --channel email")
        await stage.press("enter", "X", "R", "y", "c", "u", "h", "d")
        await stage.sees("No deliveries yet")

    play(story, cluster=FakeCluster(pods=small_cluster().pods, health=small_cluster().health))


@pytest.mark.parametrize("size", [(80, 24), (120, 36)])
def test_a_delivery_opens_with_its_attempts(size: tuple[int, int]) -> None:
    async def story(stage: Stage) -> None:
        await stage.view("9", "10 deliveries")
        await stage.press("down", "enter")
        await stage.sees("▲ retrying", "Attempts 1", "421 try again later", "1.8 s", "1 of 3", "Next try", "smtp")
        row = stage.cluster.deliveries.rows[-2]
        stage.cluster.deliveries.tried(row, "sent", "ses", latency=48.0)
        row["status"] = "sent"
        stage.server.emit("delivery.sent", id=row["id"], channel="email", priority="normal")
        await stage.sees("✓ sent", "Attempts 2", "ses", "48 ms")
        await stage.press("y")
        assert stage.app.clipboard == row["id"]
        await stage.press("c")
        assert '"outcome": "sent"' in stage.app.clipboard
        await stage.press("escape")
        await stage.sees("10 deliveries")

    play(story, size=size)


def test_a_delivery_leads_to_its_user_and_a_user_to_deliveries() -> None:
    async def story(stage: Stage) -> None:
        await stage.view("9", "10 deliveries")
        await stage.press("end", "enter")
        await stage.sees("Attempts 1", "✓ sent")
        await stage.press("u")
        await stage.until(lambda: isinstance(stage.page, OneUserDetail))
        await stage.sees("User 1-alice")
        await stage.press("d")
        await stage.sees("user:1-alice")
        await stage.counts("1 delivery")

    play(story)


def test_an_event_opens_its_delivery_and_one_that_has_expired_says_so() -> None:
    async def story(stage: Stage) -> None:
        await stage.view("7", "Nothing has happened")
        row = stage.cluster.deliveries.rows[0]
        stage.server.emit("delivery.sent", id=row["id"], channel="sms", priority="high")
        await stage.sees("delivery.sent", f"sms  high  {row['id'][:8]}")
        await stage.press("enter")
        await stage.sees("Attempts 1")
        assert isinstance(stage.page, DeliveryDetail)
        stage.cluster.deliveries.rows.remove(row)
        await stage.press("r")
        await stage.sees("no such delivery", "+905551234567")

    play(story)


def test_cancel_names_it_and_the_answer_is_no_by_default() -> None:
    async def story(stage: Stage) -> None:
        await stage.view("9", "10 deliveries")
        await stage.press("X")
        await stage.asks("Cancel 1 delivery, sms to +905551234567, queued now? It will not be sent.")
        await stage.press("enter")
        await stage.until(lambda: not isinstance(stage.app.screen, Confirm))
        assert status_of(stage, -1) == "queued"
        await stage.press("X")
        await stage.asks("Cancel 1 delivery")
        await stage.press("y")
        await stage.until(lambda: any("Cancelled 1 delivery" in said for said in stage.toasts))
        assert status_of(stage, -1) == "cancelled"
        await stage.press("X")
        await stage.until(lambda: any("Not done: it is cancelled" in said for said in stage.toasts))
        assert not isinstance(stage.app.screen, Confirm)

    play(story)


def test_retry_from_the_page_of_a_delivery_and_a_lost_race_is_said() -> None:
    async def story(stage: Stage) -> None:
        await stage.view("9", "10 deliveries")
        await stage.press("down", "enter")
        await stage.sees("Attempts 1")
        await stage.press("R")
        await stage.asks("Retry 1 delivery, email to bob@example.com, retrying now? It is queued at once.")
        await stage.press("y")
        await stage.sees("○ queued")
        stage.cluster.deliveries.rows[-2]["status"] = "failed"
        await stage.press("R")
        await stage.sees("failed now?")
        stage.cluster.deliveries.rows[-2]["status"] = "sent"
        await stage.press("y")
        await stage.until(lambda: any("Not done: this one is sent" in said for said in stage.toasts))

    play(story)


def test_read_only_changes_nothing_here() -> None:
    async def story(stage: Stage) -> None:
        for view, seen in (
            ("9", "10 deliveries"),
            ("0", "3 dead letters"),
            ("minus", "3 providers"),
            ("1", "Channels"),
        ):
            await stage.view(view, seen)
            await stage.press("X", "R", "A", "P", "tab", "X", "R", "A", "P")
            assert not isinstance(stage.app.screen, Confirm)
            assert "asks first" not in stage.keys
        await stage.view("9", "10 deliveries")
        await stage.press("enter")
        await stage.sees("Attempts")
        await stage.press("X", "R")
        assert not isinstance(stage.app.screen, Confirm)
        assert all(method == "GET" for method, _ in stage.server.requests)

    play(story, read_only=True)


def test_what_can_be_cancelled_and_retried_is_what_the_server_says() -> None:
    """The fake has the contract's two lists of its own; the real pod's test has the server's."""
    assert (model.CANCELLABLE, model.RETRYABLE) == (CANCELLABLE, RETRYABLE)


def test_an_exact_id_is_found_beyond_what_is_loaded_and_an_unknown_one_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tui.client.DELIVERIES_PAGE", 5)
    monkeypatch.setattr("tui.deliveries.subjects.DELIVERIES_PAGE", 5)
    monkeypatch.setattr("tui.deliveries.subjects.AT_FIRST", 5)

    async def story(stage: Stage) -> None:
        await stage.view("9", "5 deliveries loaded, 10 in all")
        stage.burst("/", stage.cluster.deliveries.rows[0]["id"], "enter")
        await stage.counts("1 delivery")
        await stage.sees("✓ sent")
        await stage.press("escape")
        await stage.sees("5 deliveries loaded, 10 in all")
        stage.burst("/", "00000000-0000-4000-8000-000000000000", "enter")
        await stage.sees("No delivery has this id")

    play(story)


def test_what_is_held_says_what_holds_it() -> None:
    cluster = small_cluster()
    since = "2024-01-01T12:00:00Z"
    cluster.deliveries.add("scheduled", "push", "0f3a", waiting_for="circuit_open", since=since)

    async def story(stage: Stage) -> None:
        await stage.view("9", "11 deliveries", "‖ circuit")
        await stage.press("enter")
        await stage.until(lambda: "‖ circuit" in stage.words("#heading"))
        await stage.sees("Waits for  circuit_open, since 2024-01-01 12:00:00.000 UTC")
        await stage.press("X")
        await stage.asks("Cancel 1 delivery, push to 0f3a, held (circuit) now?")

    play(story, cluster=cluster)


def test_m_says_when_there_are_no_more() -> None:
    async def story(stage: Stage) -> None:
        await stage.view("9", "10 deliveries")
        await stage.press("m")
        await stage.sees("all are loaded")

    play(story)
