"""One frame of a view, without a terminal: as text, as a picture, or as JSON."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from textual.pilot import Pilot

from tui.app import Dashboard
from tui.page import Page
from tui.problems import Knowledge
from tui.safe import safe
from tui.times import TIMES
from tui.world import World

FORMATS = ("text", "svg", "json")
PATIENCE = 15.0  # seconds until a frame is given up
SETTLED = 5.0  # seconds of figures that the overview needs: instances report in lumps, and rates of one second jump
PROBLEMS, NO_FRAME = 1, 3  # exit codes; 0: none of both


_FONTS = re.compile(r"@font-face\s*\{[^}]*\}\s*")
_FAMILY = "ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', 'Liberation Mono', monospace"


class NoFrame(Exception):
    """The frame could not be taken; the text says why."""


class Snapshot:
    """Opens a view, waits until its data are there, and keeps the frame."""

    def __init__(self, app: Dashboard, view: str, form: str) -> None:
        """Raises `ValueError` where there is no such view."""
        if view not in app.views:
            raise ValueError(f"there is no view {safe(view)!r}; there are {', '.join(app.views)}")
        self._app, self._view, self._form = app, view, form
        self.frame = ""
        self.problems: list[str] = []

    def take(self, size: tuple[int, int]) -> str:
        """The frame, of so many columns and lines. Raises `NoFrame`."""
        self._app.run(headless=True, size=size, auto_pilot=self._play)
        if not self.frame:
            raise NoFrame(self._missing() or "the dashboard ended")
        return self.frame

    async def _play(self, pilot: Pilot[Any]) -> None:
        try:
            async with asyncio.timeout(PATIENCE):
                await self._until(lambda: self._app.page is not None)
                await self._app.run_action(f"view('{self._view}')")
                await self._until(lambda: not self._missing())
                await pilot.pause()
                self._keep()
        except TimeoutError:
            pass
        finally:
            self._app.exit()

    async def _until(self, holds: Callable[[], bool]) -> None:
        while not holds():
            if self._app.world.link.stale:
                raise TimeoutError
            await asyncio.sleep(0.05)

    def _missing(self) -> str:
        """The part that is not there yet, in words; nothing where all is."""
        world, page = self._app.world, self._app.page
        if world.link.stale:
            return f"{world.link.state.value}: {world.link.reason}"
        if world.health is None or not world.history.samples() or self._rates_jump():
            return "no figures came in time"
        if world.problems.knowledge(time.monotonic()) is Knowledge.AWAITED:
            return "the list of problems did not come in time"
        wanted = page is not None and page.subject is not None and not page.loaded
        return "the view's data did not come in time" if wanted else ""

    def _rates_jump(self) -> bool:
        """True while too few figures came for the rates of the overview."""
        samples = self._app.world.history.samples()
        return self._view == "overview" and samples[-1].figures.at - samples[0].figures.at < SETTLED

    def _keep(self) -> None:
        page = self._app.page
        if page is None:
            return
        self.problems = problems_of(self._app.world, time.monotonic())
        page.show_world()
        page.refresh()
        match self._form:
            case "svg":
                self.frame = self_contained(self._app.export_screenshot(title=f"notifier {self._app.world.url}"))
            case "json":
                self.frame = json.dumps(self._facts(page), ensure_ascii=False, indent=2, default=dict) + "\n"
            case _:
                self.frame = "\n".join(lines_of(self._app)) + "\n"

    def _facts(self, page: Page) -> dict[str, object]:
        world = self._app.world
        latest = world.history.latest
        return {
            "server": world.url,
            "view": self._view,
            "at": TIMES.now(),
            "problems": self.problems,
            "health": None if world.health is None else world.health.status,
            "figures": {} if latest is None else asdict(latest.figures),
            "rows": [] if page.table is None else [row.raw for row in page.table.listing.visible],
            "lines": lines_of(self._app),
        }


def self_contained(svg: str) -> str:
    """The picture without the fonts that it would load from elsewhere: any of one width will do."""
    return _FONTS.sub("", svg).replace("font-family: Fira Code, monospace", f"font-family: {_FAMILY}")


def lines_of(app: Dashboard) -> list[str]:
    """The screen's lines without their colours."""
    return [strip.text.rstrip() for strip in app.screen._compositor.render_strips()]


def problems_of(world: World, now: float) -> list[str]:
    """The states that somebody should look at, in words; of an older server, which has no list of them, what its health
    and its instances say."""
    if world.problems.knowledge(now) is Knowledge.KNOWN:
        return [problem.said for problem in world.problems.grave]
    parts = world.health.components if world.health is not None else ()
    found = [f"{part.name} {part.status}" for part in parts if part.status not in ("ok", "off")]
    return found + [f"{row.pod_id} {row.state}" for row in world.instances if row.state != "up"]
