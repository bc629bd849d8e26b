"""The states of notifications in history and on a user's page; `m` marks them, after a choice and a question."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.tui.answers import problem, rfc3339
from tests.tui.support import Stage, play
from tui.dialogs.choose import Choose
from tui.dialogs.confirm import Confirm

NOW = rfc3339(time.time())
SEEN = {"seen_at": NOW}
READ = SEEN | {"read_at": NOW, "read": True, "status": "read"}
STATES: dict[str, dict[str, Any]] = {
    "seen": SEEN,
    "archived": READ | {"archived_at": NOW},
    "acted": READ | {"acted_at": NOW},
    "snoozed": {"snoozed_until": rfc3339(time.time() + 7200)},
}


def fill(stage: Stage) -> None:
    """An unread notification of alice's, and one in each state, the newest first in the order of `STATES`."""
    stage.cluster.store("1-alice", "a parcel is here")
    for state, members in reversed(STATES.items()):
        stage.cluster.store("1-alice", f"one that is {state}").update(members)


async def history(stage: Stage, needle: str) -> None:
    """Alice's history, with the row selected that a filter finds."""
    await stage.view("3", "3 users")
    await stage.press("h")
    await stage.sees("order 0 is on its way")
    await stage.press("slash")
    await stage.type(needle)
    await stage.press("enter")
    await stage.sees("1 of ")


async def choose(stage: Stage, key: str, heading: str) -> None:
    await stage.press("m")
    await stage.sees(heading)
    assert isinstance(stage.app.screen, Choose)
    await stage.press(key)


@pytest.mark.parametrize("state", STATES)
def test_history_shows_each_state_and_finds_it(state: str) -> None:
    async def story(stage: Stage) -> None:
        fill(stage)
        await history(stage, f"one {state}")
        await stage.sees(state, f"one that is {state}")

    play(story)


@pytest.mark.parametrize(
    ("key", "mark", "shown"),
    [("s", "seen", "● seen"), ("r", "read", "✓ read"), ("a", "archived", "✓ archived"), ("x", "acted", "✓ acted")],
)
def test_a_mark_is_chosen_asked_for_and_made(key: str, mark: str, shown: str) -> None:
    async def story(stage: Stage) -> None:
        fill(stage)
        await history(stage, "parcel")
        await choose(stage, key, "Mark 1 notification of 1-alice, unread now, as")
        await stage.asks(f"Mark 1 notification, “a parcel is here” of 1-alice, unread now, as {mark}?")
        assert isinstance(stage.app.screen, Confirm) and stage.server.bodies == []
        await stage.press("y")
        await stage.until(lambda: f"Marked 1 notification of 1-alice as {mark}" in stage.toasts)
        await stage.sees(shown)
        row = next(row for row in stage.cluster.inboxes["1-alice"] if "parcel" in row["payload"]["message"])
        assert stage.server.bodies == [{"as": mark, "ids": [row["notification_id"]]}]

    play(story)


def test_with_the_arrows_and_enter() -> None:
    async def story(stage: Stage) -> None:
        fill(stage)
        await history(stage, "one archived")
        await stage.press("m")
        await stage.sees("archived now, as")
        await stage.press("down", "down", "down", "down", "enter")
        await stage.asks("Mark 1 notification, “one that is archived” of 1-alice, archived now, as unarchived?")
        await stage.press("y")
        await stage.sees("✓ read")

    play(story)


def test_on_the_page_of_a_user() -> None:
    async def story(stage: Stage) -> None:
        fill(stage)
        await stage.view("3", "3 users")
        await stage.press("enter")
        await stage.sees("Devices 2", "● seen", "○ snoozed")
        assert [row.message for row in stage.app.screen.query_one("#unread-rows").listing.visible] == [  # type: ignore[attr-defined]
            "one that is seen",
            "a parcel is here",
            *(f"order {number} is on its way" for number in (2, 1, 0)),
        ], "what is snoozed does not wait"
        await stage.press("m")
        await stage.until(lambda: "there is no notification here" in stage.keys)
        await stage.press("tab")
        await choose(stage, "r", "seen now, as")
        await stage.asks("Mark 1 notification, “one that is seen” of 1-alice, seen now, as read?")
        await stage.press("y")
        await stage.until(lambda: "Marked 1 notification of 1-alice as read" in stage.toasts)

    play(story, size=(120, 50))


def test_on_the_page_of_a_notification() -> None:
    async def story(stage: Stage) -> None:
        fill(stage)
        await history(stage, "one acted")
        await stage.press("enter")
        await stage.sees("Acted", "Read ", "Seen ")
        await choose(stage, "u", "acted now, as")
        await stage.until(lambda: "Not done: it is acted, and stays read" in stage.toasts)
        await choose(stage, "x", "acted now, as")
        await stage.until(lambda: "There is nothing to do" in stage.toasts)
        assert stage.server.bodies == []

    play(story)


def test_the_timeline_tells_marks_and_snoozes() -> None:
    async def story(stage: Stage) -> None:
        fill(stage)
        await history(stage, "one archived")
        await stage.press("e")
        await stage.sees("marked seen", "marked read", "marked archived")
        await stage.press("escape", "escape")
        await history(stage, "one snoozed")
        await stage.press("e")
        await stage.sees("snoozed until")

    play(story)


@pytest.mark.parametrize("keys", [("escape",), ("a", "n"), ("a", "escape")])
def test_giving_up_changes_nothing(keys: tuple[str, ...]) -> None:
    async def story(stage: Stage) -> None:
        fill(stage)
        await history(stage, "parcel")
        await stage.press("m")
        await stage.sees("unread now, as")
        await stage.press(keys[0])
        for key in keys[1:]:
            await stage.asks("Mark 1 notification, ")
            await stage.press(key)
        await stage.until(lambda: not isinstance(stage.app.screen, Choose | Confirm))
        assert stage.server.bodies == []

    play(story)


def test_what_has_gone_meanwhile_is_said() -> None:
    async def story(stage: Stage) -> None:
        fill(stage)
        await history(stage, "parcel")
        await stage.press("m")
        await stage.sees("unread now, as")
        stage.cluster.inboxes["1-alice"].clear()
        await stage.press("a")
        await stage.until(lambda: "Not done: no such notification in this inbox" in stage.toasts)

    play(story)


def test_a_refusal_is_said() -> None:
    async def story(stage: Stage) -> None:
        fill(stage)
        await history(stage, "parcel")
        await choose(stage, "a", "unread now, as")
        await stage.asks("Mark 1 notification, ")
        stage.server.refuse["/api/v1/inbox/mark"] = problem(503, "the store is away")
        await stage.press("y")
        await stage.until(lambda: "Not done: the store is away" in stage.toasts)

    play(story)


def test_keys_typed_in_one_go_choose_and_do_not_answer() -> None:
    async def story(stage: Stage) -> None:
        fill(stage)
        await history(stage, "parcel")
        stage.burst("m", "a", "y")
        await stage.asks("Mark 1 notification, ")
        assert isinstance(stage.app.screen, Confirm) and stage.server.bodies == []

    play(story)


def test_read_only_marks_nothing() -> None:
    async def story(stage: Stage) -> None:
        fill(stage)
        await history(stage, "parcel")
        await stage.press("m")
        assert "mark" not in stage.keys and not isinstance(stage.app.screen, Choose)

    play(story, read_only=True)
