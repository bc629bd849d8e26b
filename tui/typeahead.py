"""Type-ahead: one key at a time, however fast they come.

Textual hands a key to the widget that has the focus at that moment, and what the key asks for (a field, a dialog,
another view) comes about some messages later. Of pasted text, or of keys that a slow line delivers in one piece, the
next key would be taken by the old widget: `/queue` filtered nothing and quit. So the next key waits until everything
that the last one asked for has come about.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any

from textual.app import App
from textual.command import CommandPalette
from textual.events import Event, Key
from textual.message_pump import MessagePump
from textual.widgets import Input, TextArea

WAITING_MAX = 10_000  # keys kept; more than anybody types ahead, and a bound for what is held down
CALM = 3  # rounds in which no message was left over, until all has come about
_ROUND_MAX = 0.25  # seconds after which a round is given up: a widget that was just removed answers no more


class Typeahead:
    """Gives out keys and pastes in order, each once the last one has had its effect."""

    def __init__(self, app: App[Any], give: Callable[[Event], Awaitable[None]]) -> None:
        """`give` lets the app handle one; it runs among the app's own messages."""
        self._app = app
        self._give = give
        self._waiting: deque[Event] = deque()
        self._settling: asyncio.Task[None] | None = None

    @property
    def busy(self) -> bool:
        """True while a key has not had its whole effect yet."""
        return self._settling is not None

    async def take(self, event: Event) -> None:
        """Handles it now, or keeps it until its turn; beyond `WAITING_MAX` it is dropped."""
        if not self.busy:
            await self._handle(event)
        elif len(self._waiting) < WAITING_MAX:
            self._waiting.append(event)

    def forget(self) -> None:
        """Drops what waits: it was typed before the dialog that now asks could be seen, or behind a key without
        effect."""
        self._waiting.clear()

    async def _handle(self, event: Event) -> None:
        self._settling = asyncio.create_task(self._settle())
        await self._give(event)
        if self._is_text(event):
            while self._waiting and self._is_text(self._waiting[0]):
                await self._give(self._waiting.popleft())

    def _is_text(self, event: Event) -> bool:
        """True for a character of a field: it opens nothing, so that the next one need not wait for its effect."""
        return isinstance(event, Key) and event.is_printable and isinstance(self._app.focused, Input | TextArea)

    async def _settle(self) -> None:
        await settled(self._app)
        if self._waiting and self._app.is_running:
            self._app.call_later(self._handle, self._waiting.popleft())
        else:
            self._settling = None


async def settled(app: App[Any]) -> None:
    """Waits until no message is under way among the app and the widgets of the screen in front."""
    calm = 0
    while calm < CALM and app.is_running and app.screen_stack:
        pumps: list[MessagePump] = [app, *app.screen.walk_children(with_self=True)]
        await _round(pumps)
        calm = calm + 1 if _quiet(app, pumps) else 0


async def _round(pumps: list[MessagePump]) -> None:
    """Each handles all that it holds now."""
    passed = asyncio.Event()
    left = 0

    def pass_by() -> None:
        nonlocal left
        left -= 1
        if not left:
            passed.set()

    for pump in pumps:
        left += pump.call_later(pass_by)
    try:
        async with asyncio.timeout(_ROUND_MAX):
            await passed.wait()
    except TimeoutError:
        return


def _quiet(app: App[Any], pumps: list[MessagePump]) -> bool:
    if any(pump.message_queue_size for pump in pumps) or not app.screen_stack:
        return False
    front = app.screen
    if isinstance(front, CommandPalette):  # Enter takes the first of what was found
        return all(worker.is_finished for worker in app.workers if worker.node is front)
    return bool(getattr(front, "ready", front.is_mounted))
