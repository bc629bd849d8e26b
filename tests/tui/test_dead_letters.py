"""Dead letters by reason; requeue and drop of one and of many."""

from __future__ import annotations

import time

import pytest

from tests.tui.answers import rfc3339
from tests.tui.fake_server import FakeCluster, small_cluster
from tests.tui.support import Stage, play
from tui.deliveries import actions
from tui.details.delivery import DeliveryDetail
from tui.dialogs.confirm import Confirm
from tui.widgets.table import Table


async def letters(stage: Stage) -> None:
    await stage.view("0", "3 dead letters", "Reasons")


@pytest.mark.parametrize("size", [(80, 24), (120, 36)])
def test_a_reason_shows_its_letters_alone(size: tuple[int, int]) -> None:
    async def story(stage: Stage) -> None:
        await letters(stage)
        assert [(row.count, row.reason) for row in stage.table.listing.visible] == [(2, "http_400"), (1, "expired")]
        await stage.press("enter")
        await stage.sees("2 dead letters, sms: http_400, esc shows all", "no such number")
        assert stage.table.id == "table"
        await stage.until(lambda: len(stage.table.listing.visible) == 2)
        await stage.press("enter")
        await stage.until(lambda: isinstance(stage.page, DeliveryDetail))
        await stage.sees("✕ failed", "Attempts 1")
        await stage.press("escape", "escape")
        await stage.sees("3 dead letters")
        assert max(map(len, stage.lines)) <= size[0]

    play(story, size=size)


def test_requeue_of_a_reason_counts_by_a_dry_run_before_asking() -> None:
    async def story(stage: Stage) -> None:
        await letters(stage)
        await stage.press("R")
        await stage.asks("Requeue 2 dead letters of sms with the reason http_400?")
        assert (stage.cluster.deliveries.dry_runs, len(stage.cluster.deliveries.dead)) == (1, 3)
        await stage.press("enter")
        await stage.until(lambda: not isinstance(stage.app.screen, Confirm))
        assert stage.asked("POST", "/api/v1/admin/dlq/requeue") == 1
        await stage.press("R")
        await stage.asks("Requeue 2 dead letters")
        await stage.press("y")
        await stage.counts("1 dead letter")
        assert "Requeued 2 dead letters" in stage.toasts

    play(story)


def test_requeue_of_all_and_of_none() -> None:
    async def story(stage: Stage) -> None:
        await letters(stage)
        await stage.press("A")
        await stage.asks("Requeue 3 dead letters of every reason?")
        await stage.press("y")
        await stage.sees("No dead letters: nothing has been given up")
        await stage.press("A")
        await stage.until(lambda: "There is nothing to do" in stage.toasts)

    play(story)


def test_one_letter_is_requeued_or_dropped() -> None:
    async def story(stage: Stage) -> None:
        await letters(stage)
        await stage.press("tab", "R")
        await stage.asks("Requeue 1 dead letter, sms to +905550000007, expired?")
        await stage.press("y")
        await stage.sees("2 dead letters")
        await stage.press("X")
        await stage.asks("Drop 1 dead letter, sms to +905550000006, http_400? It cannot be requeued any more.")
        await stage.press("enter")
        await stage.until(lambda: not isinstance(stage.app.screen, Confirm))
        assert len(stage.cluster.deliveries.dead) == 2
        await stage.press("X")
        await stage.asks("Drop 1 dead letter")
        await stage.press("y")
        await stage.counts("1 dead letter")

    play(story)


@pytest.mark.parametrize(
    ("key", "asked", "done"),
    [
        ("X", "Drop 2 dead letters of sms", "Dropped 2 dead letters"),
        ("R", "Requeue 2 dead letters of sms", "Requeued 2 dead letters"),
    ],
)
def test_what_comes_after_the_question_is_spared(key: str, asked: str, done: str) -> None:
    async def story(stage: Stage) -> None:
        await letters(stage)
        await stage.press(key)
        await stage.asks(asked)
        late = stage.cluster.deliveries.add("failed")
        stage.cluster.deliveries.bury(late, "http_400")
        stage.cluster.deliveries.dead[-1]["failed_at"] = rfc3339(time.time() + 60)
        await stage.press("y")
        await stage.until(lambda: done in stage.toasts)
        assert [row["reason"] for row in stage.cluster.deliveries.dead] == ["expired", "http_400"]

    play(story)


@pytest.mark.parametrize("key", ["X", "R", "A"])
def test_where_the_number_is_another_by_then_nothing_is_done(key: str) -> None:
    async def story(stage: Stage) -> None:
        await letters(stage)
        await stage.press(key)
        await stage.asks("Drop " if key == "X" else "Requeue ")
        del stage.cluster.deliveries.dead[0]
        await stage.press("y")
        await stage.until(lambda: any("count again (409)" in said for said in stage.toasts))
        assert len(stage.cluster.deliveries.dead) == 2

    play(story)


def test_what_was_never_a_delivery_is_shown_and_can_only_be_dropped() -> None:
    cluster = FakeCluster(pods=small_cluster().pods, health=small_cluster().health)
    entry = {"id": "b2f7c0de-0000-4000-8000-000000000001", "channel": "", "recipient": "", "reason": "unreadable"}
    cluster.deliveries.dead.append(entry | {"error": "no JSON", "attempts": 0, "topic": "orders", "offset": 4711})

    async def story(stage: Stage) -> None:
        await stage.view("0", "unreadable", "no JSON")
        for keys in (("R",), ("tab", "R")):
            await stage.press(*keys)
            await stage.until(lambda: any("can only be dropped" in said for said in stage.toasts))
            assert not isinstance(stage.app.screen, Confirm)
            stage.app.clear_notifications()
        await stage.press("enter")
        await stage.sees("no such delivery: its record has expired, or it never was one", '"offset": 4711')
        await stage.press("escape", "X")
        await stage.asks("Drop 1 dead letter, b2f7c0de, unreadable?")
        await stage.press("y")
        await stage.sees("No dead letters: nothing has been given up")

    play(story, cluster=cluster)


def test_a_new_dead_letter_comes_by_itself() -> None:
    async def story(stage: Stage) -> None:
        await letters(stage)
        row = stage.cluster.deliveries.rows[-1]
        stage.cluster.deliveries.bury(row, "timeout")
        stage.server.emit("delivery.failed", id=row["id"], channel="sms", priority="normal")
        await stage.sees("4 dead letters", "timeout")
        assert stage.page.query_one("#reasons", Table).size.height > 2

    play(story, size=(80, 24))


def test_requeue_all_takes_what_the_filter_shows_and_nothing_else() -> None:
    cluster = small_cluster()
    for number in range(20):
        row = cluster.deliveries.add("failed", error="odd" if number % 4 else "flat tyre")
        cluster.deliveries.bury(row, "http_400")

    async def story(stage: Stage) -> None:
        await stage.view("0", "23 dead letters")
        stage.burst("/", "flat tyre", "enter")
        await stage.counts("5 of 23 dead letters")
        gone = next(row for row in cluster.deliveries.dead if row["error"] == "flat tyre")
        cluster.deliveries.dead.remove(gone)  # the screen does not know yet; the server does
        await stage.press("A")
        await stage.asks("Requeue 4 dead letters that match flat tyre? They are tried again.")
        await stage.press("y")
        await stage.until(lambda: "Requeued 4 dead letters" in stage.toasts)
        assert len(cluster.deliveries.dead) == 18
        assert stage.asked("POST", "/api/v1/admin/dlq/requeue") == 2
        assert not any(row["error"] == "flat tyre" for row in cluster.deliveries.dead)

    play(story, cluster=cluster)


def test_requeue_of_what_is_shown_is_bounded_and_leaves_what_could_not_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(actions, "MANY_MAX", 2)
    cluster = small_cluster()
    cluster.deliveries.dead.append({"id": "u", "channel": "", "recipient": "", "reason": "http_400 unreadable"})

    async def story(stage: Stage) -> None:
        await stage.view("0", "4 dead letters")
        stage.burst("tab", "/", "0", "enter")
        await stage.counts("4 of 4 dead letters")
        await stage.press("A")
        await stage.asks(
            "Requeue 2 dead letters that match 0 (the first; 1 more stay) (1 that could not be read stay)? They are"
        )

    play(story, cluster=cluster, size=(200, 40))
