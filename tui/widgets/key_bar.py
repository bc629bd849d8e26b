"""The last line: what the keys do here and now, made from the bindings themselves."""

from __future__ import annotations

from textual import events
from textual.app import App
from textual.screen import Screen
from textual.timer import Timer

from tui.commands import Available, available
from tui.safe import safe
from tui.widgets.words import Part, Words, spread

NOTE = 4.0  # seconds that a remark stands


class KeyBar(Words):
    """Those of the app stand at the right end and are never left out."""

    def __init__(self) -> None:
        super().__init__()
        self._ends: list[tuple[int, Available]] = []
        self._note = ""
        self._noted: Timer | None = None

    def note(self, said: str) -> None:
        """Says so in place of the keys, for `NOTE` seconds."""
        if self._noted is not None:
            self._noted.stop()
        self._note = said
        self._noted = self.set_timer(NOTE, self._forget)
        self._draw()

    def on_mount(self) -> None:
        """Follows the bindings."""
        self.screen.bindings_updated_signal.subscribe(self, self._rebound)

    def on_resize(self) -> None:
        """Draws them for the new width."""
        self._draw()

    async def on_click(self, event: events.Click) -> None:
        """Does what stands under the mouse."""
        chosen = next((command for end, command in self._ends if event.x < end), None)
        if chosen is not None:
            await self.app.run_action(chosen.action, chosen.node)

    def _rebound(self, screen: Screen[object]) -> None:
        # The signal also tells of modal screens, whose keys they show themselves.
        if screen is self.screen and self.is_mounted:
            self._draw()

    def _forget(self) -> None:
        self._note = ""
        if self.app.screen_stack:  # not while all is taken down: there is nothing to draw on any more
            self._draw()

    def _draw(self) -> None:
        shown = [command for command in available(self.screen) if command.footer]
        everywhere = [command for command in shown if isinstance(command.node, App)]
        here = [command for command in shown if command not in everywhere]
        width = self.size.width
        room = width - sum(_cells(command) for command in everywhere)
        here = [] if self._note else _fitting(here, room)
        left = [part for command in here for part in _parts(command)]
        left += [(f" {safe(self._note)}", "$text-warning")] if self._note else []
        right = [part for command in everywhere for part in _parts(command)]
        self._ends = _ends(here, 0) + _ends(everywhere, room)
        self.say(*spread(left, right, width))


def _fitting(commands: list[Available], room: int) -> list[Available]:
    kept = []
    for command in commands:
        room -= _cells(command)
        if room < 0:
            break
        kept.append(command)
    return kept


def _ends(commands: list[Available], start: int) -> list[tuple[int, Available]]:
    found = []
    for command in commands:
        start += _cells(command)
        found.append((start, command))
    return found


def _cells(command: Available) -> int:
    return len(command.key) + len(command.label) + 3


def _parts(command: Available) -> list[Part]:
    return [(f" {command.key}", "bold $text-accent"), (f" {command.label} ", "")]
