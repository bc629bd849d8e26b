"""Text from outside in every view: shown as it is, never obeyed."""

from __future__ import annotations

import pytest
from textual.events import Paste

from tests.tui.fake_server import FakeCluster, small_cluster
from tests.tui.support import Stage, play
from tui.dialogs.confirm import Confirm

ESCAPES = "\x1b[31m\x1b]0;owned\x07\x9b2J"
HOSTILE = [
    "[/nope]",
    "[@click=app.quit]click[/]",
    "[bold red]x[/bold red]",
    ESCAPES,
    "\u202egnp.exe",
    "a\nb\tc",
    "\ud800",
    "$primary",
]


def poisoned(*texts: str) -> FakeCluster:
    """A cluster in which each text stands wherever text from outside can."""
    cluster = FakeCluster(health=small_cluster().health, metrics=small_cluster().metrics)
    for text in texts:
        key = f"7-{text}"
        cluster.connect(key, remote=text, pod_id=text, connection_id=text)
        cluster.store(key, text, source=text, title=text, data={text: text})
        cluster.pods.append({"pod_id": text, "version": text, "heartbeat_age_s": 1})
        deliveries = cluster.deliveries
        row = deliveries.add(text, text, text, content=text, priority=text, user_id=key, error=text)
        deliveries.tried(row, text, text, text)
        deliveries.dead.append({"id": row["id"], "channel": text, "recipient": text, "reason": text, "error": text})
        deliveries.provider(text, text, text)
        deliveries.queue(text)
    everything = "".join(texts)
    components = {text: {"status": text, "detail": text} for text in texts}
    cluster.health = {"status": everything, "components": components}
    cluster.metrics |= {"version": everything, "pod_id": everything}
    return cluster


def obeyed(screen: str) -> list[str]:
    return [char for char in screen if not char.isprintable() and char != "\n"]


QUESTIONS = [
    ("2", "D", "Disconnect 1 connection of"),
    ("0", "R", "Requeue 1 dead letter"),
    ("minus", "P", "the channel"),
]
OPENED = [
    ("2", "enter"),
    ("3", "h"),
    ("4", "enter"),
    ("6", "enter"),
    ("7", "enter"),
    ("9", "enter"),
    ("minus", "enter"),
]


async def every_row(stage: Stage, view: str, key: str) -> None:
    """Goes to a view as often as there are texts, and from a row of each on by a key."""
    await stage.press(view, "escape")
    await stage.until(lambda: stage.app.page is stage.app.views[stage_view(stage, view)])
    await stage.until(lambda: stage.table.listing.visible)
    many = len(stage.table.listing.visible)
    for place in range(0, many, many // len(HOSTILE)):
        await stage.press(view, "escape")
        await stage.until(lambda: stage.app.page is stage.app.views[stage_view(stage, view)])
        before = stage.page
        stage.table.select(place)
        await stage.press(key)
        await stage.until(lambda before=before: stage.app.page not in (None, before))
        await stage.until(lambda: settled(stage))
        assert not obeyed(stage.screen)


def stage_view(stage: Stage, key: str) -> str:
    return next(view.tab.view for view in stage.app.views.values() if view.tab.key == key)


def settled(stage: Stage) -> bool:
    """True where the page in front has what it wanted."""
    return not any(word in stage.screen for word in ("loading …", "Loading …"))


@pytest.mark.slow
def test_every_view_shows_it_and_lives() -> None:
    async def story(stage: Stage) -> None:
        for text in HOSTILE:
            for kind in ("notification.stored", "client.connected", "delivery.failed", text):
                facts = {"user_id": 7, "login": text, "message": text, "source": text, "pod": text}
                stage.server.emit(kind, notification_id=text, id=text, channel=text, priority=text, **facts)
        await stage.until(lambda: stage.app.world.tail.arrived == 4 * len(HOSTILE))
        for key in (*"12346718905", "minus"):
            await stage.press(key, "escape")
            await stage.until(lambda: settled(stage))
            assert not obeyed(stage.screen)
        for view, key in OPENED:
            await every_row(stage, view, key)
        assert stage.app.is_running

    play(story, cluster=poisoned(*HOSTILE))


@pytest.mark.parametrize(("view", "key", "question"), QUESTIONS)
def test_no_question_is_led_astray(view: str, key: str, question: str) -> None:
    async def story(stage: Stage) -> None:
        await stage.press(view, "escape")
        await stage.until(lambda: stage.page.table and stage.table.listing.visible)
        for place in range(len(HOSTILE)):
            stage.table.select(place)
            await stage.press("y", "c", key)
            await stage.sees(question)
            assert not obeyed(stage.screen)
            await stage.press("escape")
            await stage.until(lambda: not isinstance(stage.app.screen, Confirm))

    play(story, cluster=poisoned(*HOSTILE))


def test_it_is_shown_as_escapes() -> None:
    async def story(stage: Stage) -> None:
        await stage.view("4", "\\x1b[31m\\x1b]0;owned\\x07\\x9b2J")
        await stage.press("enter")
        await stage.sees("\\u001b[31m")

    play(story, cluster=poisoned(ESCAPES), size=(200, 50))


@pytest.mark.parametrize("text", ["[/nope]", "[@click=app.quit]"])
def test_markup_is_text(text: str) -> None:
    async def story(stage: Stage) -> None:
        await stage.view("2", f"7-{text}")
        row = next(line for line in stage.lines if f"7-{text}" in line)
        place = stage.lines.index(row)
        await stage.pilot.click(offset=(row.index(text) + 2, place))
        await stage.press("enter")
        await stage.sees(f"User 7-{text}")
        await stage.pilot.click(offset=(stage.lines[2].index(text) + 2, 2))
        assert stage.app.is_running

    play(story, cluster=poisoned(text))


def test_what_is_pasted_into_a_field_cannot_drive_the_terminal() -> None:
    async def story(stage: Stage) -> None:
        await stage.view("8", "What was sent is listed here")
        stage.page.query_one("#message").focus()
        stage.app.post_message(Paste(f"one\n{ESCAPES}\ttwo"))
        await stage.sees("[31m]0;owned")
        assert not obeyed(stage.screen)

    play(story)
