"""Plays a story on a dashboard in memory, against a fake server."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

from textual._compositor import Compositor
from textual._context import visible_screen_stack
from textual.css.model import RuleSet
from textual.css.query import NoMatches
from textual.css.stylesheet import Stylesheet
from textual.events import Key
from textual.keys import _character_to_key
from textual.pilot import Pilot

from tests.tui.fake_server import FakeCluster, FakeServer
from tui.app import Dashboard
from tui.client import AdminClient
from tui.figures import Figures, History
from tui.page import Page
from tui.preferences import Preferences
from tui.widgets.key_bar import KeyBar
from tui.widgets.status_bar import StatusBar
from tui.widgets.table import Table
from tui.widgets.words import Words

DEADLINE = 10.0
KEYS = {"enter", "escape", "tab", "up", "down", "home", "end", "pagedown", "pageup", "backspace", "space"}
TURNS = 30


class PageIsInTheMaking(Exception):
    """Its widgets are not there yet: `until` waits on."""


class Stage:
    """The server, the app, and what a person sees and does."""

    def __init__(self, server: FakeServer, app: Dashboard, pilot: Pilot[Any]) -> None:
        self.server, self.app, self.pilot = server, app, pilot
        self.cluster = server.cluster

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)

    async def type(self, text: str) -> None:
        await self.pilot.press(*text)

    def burst(self, *keys: str) -> None:
        """Keys that arrive in one piece, as pasted text or a slow line delivers them: `burst("/", "queue", "enter")`.

        What is no name of a key is typed character by character.
        """
        for key in keys:
            named = key in KEYS or key.partition("+")[0] in ("ctrl", "shift", "alt")
            for each in [key] if named else key:
                name = each if named else _character_to_key(each)
                self.app.post_message(Key(name, None if named else each))

    async def until(self, holds: Callable[[], Any], said: str = "") -> None:
        """Waits until it holds; fails with what the screen shows."""
        loop = asyncio.get_running_loop()
        end = loop.time() + DEADLINE
        while not self._holds(holds):
            assert loop.time() < end, f"{said or 'it'} did not come about on\n{self.screen}"
            await self.pilot.pause(0.01)

    def _holds(self, holds: Callable[[], Any]) -> bool:
        try:
            return bool(holds())
        except (PageIsInTheMaking, NoMatches):
            return False

    async def sees(self, *texts: str) -> None:
        for text in texts:
            await self.until(lambda text=text: text in self.screen, repr(text))

    async def asks(self, question: str) -> None:
        """Waits for a dialog whose question begins so, however it is broken into lines."""

        def asked() -> bool:
            return any(words.plain.startswith(question) for words in self.app.screen.query(".question").results(Words))

        await self.until(asked, repr(question))

    async def counts(self, said: str) -> None:
        """Waits until the line over the table begins with exactly this count."""

        def summary() -> str:
            return self.page.query_one(".filter-summary", Words).plain.partition("  ")[0]

        await self.until(lambda: summary() == said, repr(said))

    async def view(self, key: str, *texts: str) -> None:
        """Goes to a view by its key and waits for what it shows."""
        await self.press(key)
        await self.sees(*texts)

    @property
    def page(self) -> Page:
        if self.app.page is None:
            raise PageIsInTheMaking
        return self.app.page

    @property
    def table(self) -> Table[Any]:
        table = self.page.table
        assert table is not None
        return table

    @property
    def lines(self) -> list[str]:
        return [strip.text.rstrip() for strip in self.app.screen._compositor.render_strips()]

    @property
    def screen(self) -> str:
        return "\n".join(self.lines)

    @property
    def status(self) -> str:
        return self.page.query_one(StatusBar).plain

    @property
    def keys(self) -> str:
        return self.page.query_one(KeyBar).plain

    @property
    def toasts(self) -> list[str]:
        return [toast.message for toast in self.app._notifications]

    def words(self, selector: str) -> str:
        return self.app.screen.query_one(selector, Words).plain

    def asked(self, method: str, start: str) -> int:
        """The number of requests of this method and start of path."""
        return sum(done == method and path.startswith(start) for done, path in self.server.requests)


def fill(history: History) -> None:
    """A minute of figures that move."""
    history._samples.clear()
    for second in range(60):
        row = {"connections": second % 7, "pending": 5, "sent": second * 40, "pushed": second * 90, "acked": second}
        row["latency_ms"] = {"p50": 1, "p95": 5, "p99": 9}
        history.add(Figures.read(row, at=time.monotonic() - 60 + second))


async def _soon(min_sleep: float = 0, max_sleep: float = 0) -> None:
    """Stands for Textual's wait until the processor is idle, 40 ms and more a key: enough turns of the loop for a key
    to go from widget to widget, however busy the machine is. What comes from the server stories wait for."""
    for _ in range(TURNS):
        await asyncio.sleep(0)


_render_update = Compositor.render_update


def _unseen(compositor: Compositor, full: bool = False, screen_stack: Any = None, simplify: bool = False) -> Any:
    """Stands for the picture that Textual makes of every change and, without a terminal, throws away.

    What a story looks at is drawn when it looks; a screenshot asks for a `full` picture.
    """
    if full:
        return _render_update(compositor, full, screen_stack, simplify)
    visible_screen_stack.set(screen_stack or [])
    compositor._dirty_regions.clear()
    return None


_parse_rules = Stylesheet._parse_rules
_rules: dict[tuple[object, ...], list[RuleSet]] = {}


def _rules_once(sheet: Stylesheet, css: str, read_from: Any, *more: Any, **named: Any) -> list[RuleSet]:
    """Stands for Textual's parser: every dashboard would parse the same style sheets anew, a fifth of its start."""
    key = (css, read_from, more, *named.items(), tuple(sheet._variables.items()))
    if key not in _rules:
        _rules[key] = _parse_rules(sheet, css, read_from, *more, **named)
    return _rules[key]


Story = Callable[[Stage], Awaitable[None]]


def play(
    story: Story,
    *,
    size: tuple[int, int] = (120, 36),
    cluster: FakeCluster | None = None,
    token: str | None = None,
    read_only: bool = False,
    preferences: Path | None = None,
) -> None:
    """Runs the story from a dashboard that is up and follows the events."""

    async def run(folder: str) -> None:
        async with FakeServer(cluster, token) as server:
            kept = Preferences(preferences or Path(folder, "tui.json"))
            app = Dashboard(AdminClient(server.url, token, read_only), read_only, kept)
            async with app.run_test(size=size) as pilot:
                stage = Stage(server, app, pilot)
                await stage.until(lambda: app.world.following and app.world.instances and app.world.history.latest)
                await story(stage)
                await pilot.pause()  # a key still under way would find no screen any more

    with tempfile.TemporaryDirectory() as folder, quickly():
        asyncio.run(run(folder))


@contextmanager
def quickly() -> Iterator[None]:
    """For dashboards under test: no waits for their own sake, and no work that nobody sees."""
    with ExitStack() as replaced:
        for module in ("app", "pilot"):
            replaced.enter_context(patch(f"textual.{module}.wait_for_idle", _soon))
        for name, seconds in (
            ("poller.PULSE", 0.2),
            ("poller.ALARM", 0.1),
            ("poller.GAP", 0.02),
            ("poller.ANNOUNCE", 0.02),
            ("poller.FLOW", 0.02),
            ("dialogs.confirm.UNREAD", 0.0),
        ):
            replaced.enter_context(patch(f"tui.{name}", seconds))
        replaced.enter_context(patch("tui.link.BACKOFF", (0.2,)))
        replaced.enter_context(patch.object(Compositor, "render_update", _unseen))
        replaced.enter_context(patch.object(Stylesheet, "_parse_rules", _rules_once))
        yield
