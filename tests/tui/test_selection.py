"""The selection is a key: through refreshes, sorting, filtering and paging, in every list."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.e2e.watch import VIEWS
from tests.tui.fake_server import FakeCluster, small_cluster
from tests.tui.support import Stage, play
from tui.dialogs.confirm import Confirm


def crowd() -> FakeCluster:
    cluster = small_cluster()
    for number in range(10, 70):
        cluster.connect(f"{number}-user{number}")
        cluster.store(f"{number}-user{number}", f"hello {number}")
        cluster.pods.append(cluster.pods[0] | {"pod_id": f"pod-{number}"})
        cluster.deliveries.provider(f"p{number}", "sms")
        cluster.deliveries.bury(cluster.deliveries.add("failed", recipient=f"+9055500000{number}"), f"r{number}")
    return cluster


def lose_client(cluster: FakeCluster, row: object) -> None:
    cluster.clients[:] = [each for each in cluster.clients if each != row.raw]  # type: ignore[attr-defined]


def lose_entry(cluster: FakeCluster, row: object) -> None:
    inbox = cluster.inboxes[str(row.user)]  # type: ignore[attr-defined]
    inbox[:] = [each for each in inbox if each["id"] != row.stream_id]  # type: ignore[attr-defined]


def lose_delivery(cluster: FakeCluster, row: object) -> None:
    for rows in (cluster.deliveries.rows, cluster.deliveries.dead):
        rows[:] = [each for each in rows if each["id"] != row.id]  # type: ignore[attr-defined]


def lose_user(cluster: FakeCluster, row: object) -> None:
    del cluster.inboxes[str(row.user)]  # type: ignore[attr-defined]


def lose_provider(cluster: FakeCluster, row: object) -> None:
    cluster.deliveries.providers[:] = [each for each in cluster.deliveries.providers if each["name"] != row.name]  # type: ignore[attr-defined]


LISTS: list[tuple[str, str, Callable[[FakeCluster, object], None]]] = [
    ("2", "63 connections", lose_client),
    ("3", "63 users", lose_user),
    ("4", "64 unread notifications", lose_entry),
    ("9", "70 deliveries", lose_delivery),
    ("0", "63 dead letters", lose_delivery),
    ("minus", "63 providers", lose_provider),
]


@pytest.mark.parametrize(("view", "seen", "lose"), LISTS)
def test_a_row_that_goes_is_said_to_be_gone_and_nothing_is_done_to_another(
    view: str, seen: str, lose: Callable[[FakeCluster, object], None]
) -> None:
    cluster = crowd()

    async def story(stage: Stage) -> None:
        await stage.view(view, seen)
        if view == "0":
            await stage.press("tab")
        await stage.press(*["down"] * 5)
        row = stage.table.selected
        lose(cluster, row)
        await stage.press("r")
        await stage.sees("✕ the selected row is gone")
        assert stage.table.selected is None
        await stage.press("X", "D", "R", "P", "y", "enter")
        assert not isinstance(stage.app.screen, Confirm)
        assert stage.page is stage.app.views[stage.page.active_tab]
        assert stage.app.clipboard == ""
        await stage.sees("the selected row is gone; move to select another")
        await stage.press("down")
        assert stage.table.selected is not None
        await stage.until(lambda: "the selected row is gone " not in stage.screen)

    play(story, cluster=cluster)


@pytest.mark.parametrize(("view", "seen"), [(view, seen) for view, seen, _ in LISTS])
def test_a_row_stays_selected_while_it_is_sorted_filtered_and_refreshed(view: str, seen: str) -> None:
    async def story(stage: Stage) -> None:
        await stage.view(view, seen)
        if view == "0":
            await stage.press("tab")
        table = stage.table
        await stage.press(*["down"] * 20)
        key = table.listing.key(table.selected)
        for keys in (("s",), ("i",), ("s",), ("r",), ("i",)):
            await stage.press(*keys)
            assert table.listing.key(table.selected) == key
        stage.burst("/", "nothing of this kind", "enter")
        await stage.until(lambda: not table.listing.visible)
        assert table.selected is None
        await stage.press("escape")
        await stage.until(lambda: len(table.listing.visible) >= 63)
        assert table.listing.key(table.selected) == key

    play(story, cluster=crowd())


@pytest.mark.parametrize(
    ("view", "seen"),
    [("9", "50 deliveries loaded, 70 in all"), ("4", "64 unread"), ("2", "63 conn"), ("3", "63 users")],
)
def test_a_refresh_never_shrinks_what_was_paged_in(monkeypatch: pytest.MonkeyPatch, view: str, seen: str) -> None:
    monkeypatch.setattr("tui.client.PAGE", 10)
    monkeypatch.setattr("tui.client.DELIVERIES_PAGE", 10)
    monkeypatch.setattr("tui.deliveries.subjects.DELIVERIES_PAGE", 10)
    monkeypatch.setattr("tui.deliveries.subjects.AT_FIRST", 50)
    counts: list[int] = []

    async def story(stage: Stage) -> None:
        await stage.view(view, seen)
        table, replace = stage.table, stage.table.listing.replace
        await stage.press(*["pagedown"] * 3)
        key = table.listing.key(table.selected)

        def replaced(rows: list[object], total: int | None = None) -> None:
            counts.append(len(rows))
            replace(rows, total)

        monkeypatch.setattr(table.listing, "replace", replaced)
        for turn in range(3):
            await stage.press("r")
            await stage.until(lambda turn=turn: len(counts) > turn)
        assert set(counts) == {len(table.listing.loaded)}
        assert table.listing.key(table.selected) == key

    play(story, cluster=crowd())


def test_a_selected_row_that_expires_unread_stays_in_sight_and_is_known_to_the_watch() -> None:
    pending = next(view for view in VIEWS if view.key == "4")

    async def story(stage: Stage) -> None:
        await stage.view("4", "64 unread notifications")
        await stage.press("pagedown", "pagedown")
        row, named = stage.table.selected, pending.named(stage.lines)
        assert str(row.user) in named
        stored = next(each for each in stage.cluster.inboxes[str(row.user)] if each["id"] == row.stream_id)
        stored["payload"] = None  # so it is listed until the janitor removes it
        await stage.press("r")
        await stage.until(lambda: stage.table.selected.message == "(expired)")
        assert stage.table.selected.stream_id == row.stream_id
        assert not stage.table.gone
        assert pending.named(stage.lines) == named
        await stage.press("up")
        assert pending.named(stage.lines) not in ("", named)

    play(story, cluster=crowd())


def test_the_filter_selects_the_first_match_and_dropping_it_the_old_row() -> None:
    async def story(stage: Stage) -> None:
        await stage.view("3", "63 users")
        await stage.press(*["down"] * 30)
        before = stage.table.selected
        stage.burst("/", "alice", "enter")
        await stage.counts("1 of 63 users")
        assert stage.table.selected.user.login == "alice"
        await stage.press("escape")
        await stage.counts("63 users")
        assert stage.table.selected == before

    play(story, cluster=crowd())


def test_what_one_does_to_a_row_selects_the_next() -> None:
    async def story(stage: Stage) -> None:
        await stage.view("0", "3 dead letters")
        await stage.press("tab", "X")
        await stage.asks("Drop 1 dead letter")
        await stage.press("y")
        await stage.counts("2 dead letters")
        assert stage.table.selected is not None

    play(story)


@pytest.mark.parametrize(("view", "many"), [("9", 3), ("0", 3), ("4", 3), ("7", 3)])
def test_what_comes_on_top_out_of_sight_is_counted(view: str, many: int) -> None:
    cluster = crowd()

    async def story(stage: Stage) -> None:
        if view == "7":
            stage.server.emit("client.connected", 60, user_id=1, login="alice")
        await stage.press(view)
        await stage.until(lambda: len(stage.page.rows.visible) >= 60)
        if view == "0":
            await stage.press("tab")
        await stage.press("pagedown", "pagedown")
        key = stage.table.listing.key(stage.table.selected)
        for _ in range(3):
            row = cluster.deliveries.add("failed")
            cluster.deliveries.bury(row, "late")
            cluster.store("1-alice", "one more")
        stage.server.emit("notification.stored", 3, user_id=69, login="user69")
        stage.server.emit("delivery.failed", 0, id="x", channel="sms")
        await stage.press("r")
        await stage.sees(f"▲ {many} new, g shows them")
        assert stage.table.listing.key(stage.table.selected) == key
        await stage.press("g")
        await stage.until(lambda: "new, g shows them" not in stage.screen)

    play(story, cluster=cluster)
