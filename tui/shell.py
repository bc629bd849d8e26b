"""The shell of the dashboard: keys in their order, remarks, themes and signals, whatever page is in front."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

from textual.binding import BindingType
from textual.command import CommandPalette, Provider
from textual.events import Event, Key, Paste
from textual.screen import ModalScreen
from textual.widgets import Input, TextArea
from textual.worker import Worker

from tui.commands import available, bind, key_name
from tui.dialogs.help import Help
from tui.everywhere import EVERYWHERE, PAGE_ACTIONS
from tui.messages import CopyText, PaneTurned, RefreshNow, WriteRows
from tui.navigation import Navigator
from tui.page import Page, Setting
from tui.palette import Actions
from tui.preferences import Preferences
from tui.safe import without_controls
from tui.screens import find_views
from tui.terminal import Title
from tui.themes import DARK, DEFAULT, LIGHT, OWN, PLAIN
from tui.times import TIMES
from tui.typeahead import Typeahead
from tui.widgets.table import Table
from tui.writing import write_rows

AT_ONCE = ("ctrl+c", "ctrl+q")  # keys that leave wait for no other
_BELL = {True: "The bell rings when a problem begins; ^g silences it", False: "The bell is silent"}
SIGNALS = ("SIGTERM", "SIGHUP", "SIGINT", "SIGQUIT")  # each ends the dashboard with 128 and its number


class Shell(Navigator):
    """The app without a server behind it. `asking` is the question asked of the server, which Escape gives up."""

    CSS_PATH = Path(__file__).with_name("tui.tcss")  # of this folder, also for the apps made of it elsewhere
    TITLE = "notifier"
    BINDING_GROUP_TITLE = "Everywhere"
    COMMANDS: ClassVar[set[type[Provider] | Callable[[], type[Provider]]]] = {Actions}
    BINDINGS: ClassVar[list[BindingType]] = [*bind(EVERYWHERE)]
    ALLOW_SELECT = False
    PAGE_ACTIONS: ClassVar[frozenset[str]] = PAGE_ACTIONS

    def __init__(self, setting: Setting, preferences: Preferences) -> None:
        # Without colour the terminal's own two serve; Textual would paint shades of grey instead.
        super().__init__(ansi_color=True if "NO_COLOR" in os.environ else None)
        self.setting = setting
        self.views = {view.tab.view: view(setting) for view in find_views()}
        self.typed = Typeahead(self, self._give)
        self.asking: Worker[None] | None = None
        self.title_line = Title(self._send_to_terminal)
        self._preferences = preferences

    async def show_first(self) -> None:
        """Puts the first view up, in the theme and the zone."""
        TIMES.turn(self._preferences.local_time)
        self.setting.beside = self._preferences.beside
        self._put_on_theme()
        for name, view in self.views.items():
            self.install_screen(view, name)
        await self.push_screen(next(iter(self.views)))

    def _put_on_theme(self) -> None:
        """The remembered theme, or the default."""
        for theme in OWN:
            self.register_theme(theme)
        remembered = self._preferences.theme
        self.theme = PLAIN if self.no_color else remembered if remembered in self.available_themes else DEFAULT
        # At once: what is mounted now reads the theme's colours.
        self.refresh_css(animate=False)

    def _send_to_terminal(self, sequence: str) -> None:
        if self._driver is not None and not self.is_headless:
            self._driver.write(sequence)

    def catch_signals(self) -> None:
        """Every way out restores the terminal. Where signals cannot be caught (Windows, not the main thread) they end
        the process as they do any."""
        loop = asyncio.get_running_loop()
        for name in SIGNALS:
            number = getattr(signal, name, None)
            if number is not None:
                with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):
                    loop.add_signal_handler(number, self._ended_by, number)

    def _ended_by(self, number: int) -> None:
        self.exit(return_code=128 + number)

    async def on_event(self, event: Event) -> None:
        """Keys and pasted text wait for their turn; what comes back from a widget is on its way already."""
        if isinstance(event, Key | Paste) and not event.is_forwarded and getattr(event, "key", "") not in AT_ONCE:
            await self.typed.take(event)
        else:
            await super().on_event(event)

    async def _give(self, event: Event) -> None:
        """Hands a key or a paste to the mode in front. While a question is asked of the server, only Escape counts."""
        if self.asking is not None:
            if isinstance(event, Key) and event.key == "escape":
                self.asking.cancel()
            return
        if isinstance(event, Paste):
            if not isinstance(self.focused, Input | TextArea):
                self.note("pasted text goes into a field; / opens the filter")
                return
            # A field would write control characters to the terminal, and keep the first line alone.
            text = without_controls(event.text)
            event.text = " ".join(text.split("\n")) if isinstance(self.focused, Input) else text
        await super().on_event(event)

    def on_key(self, event: Key) -> None:
        """Says so where a key does nothing."""
        if not self.screen_stack:  # the last keys of a burst, while the program leaves
            return
        found = self.screen.active_bindings.get(event.key)
        if found is None or not found.enabled:
            self.note(self._nothing(event.key))
            self.typed.forget()  # what was typed behind it was meant for what it did not open

    def _nothing(self, key: str) -> str:
        page = self.page
        if self.setting.read_only and page is not None and page.writes(key):
            return f"{key_name(key)}: this dashboard is read-only"
        where = "" if isinstance(self.screen, ModalScreen) else "; ? lists the keys"
        return f"{key_name(key)} does nothing here{where}"

    def on_copy_text(self, message: CopyText) -> None:
        """Copies through the terminal (OSC 52)."""
        self.copy_to_clipboard(message.text.encode("utf-8", "replace").decode())
        self.inform(f"Copied {message.what}")

    def on_pane_turned(self, message: PaneTurned) -> None:
        """Remembers it."""
        if problem := self._preferences.remember_beside(self.setting.beside):
            self.inform(f"The pane will not be remembered: {problem}", bad=True)

    def on_write_rows(self, message: WriteRows) -> None:
        """Asks for a file, and writes the rows to it."""
        self.run_worker(write_rows(self, message), group="write", exclusive=True)

    def action_help(self) -> None:
        """Lists the keys of the page in front."""
        if isinstance(self.screen, Page):
            self.push_screen(Help(available(self.screen)))

    def action_next_theme(self) -> None:
        """Dark to light, anything else to dark."""
        self.choose_theme(LIGHT.name if self.theme == DARK.name else DARK.name)

    def action_turn_zone(self) -> None:
        """Local time or UTC."""
        local = TIMES.zone is not None
        TIMES.turn(local)
        self._show_times()
        if problem := self._preferences.remember_zone(local):
            self.inform(f"The zone will not be remembered: {problem}", bad=True)

    def _show_times(self) -> None:
        page = self.page
        if page is not None:
            for table in page.query(Table):
                table.rows_changed()
                table.refresh()  # the header names the zone
            page.show_world()
            page.post_message(RefreshNow())
        self.note(f"times are shown in {'UTC' if TIMES.zone else 'local time'}")

    def action_toggle_bell(self) -> None:
        """Rings once as a sample where it is on from now on."""
        rings = not self._preferences.bell
        problem = self._preferences.remember_bell(rings)
        self.inform(f"The bell will not be remembered: {problem}" if problem else _BELL[rings], bad=bool(problem))
        if rings:
            self.bell()

    def choose_theme(self, name: str) -> None:
        """Shows and remembers a theme."""
        if self.no_color:
            self.inform("NO_COLOR is set: there is nothing to choose")
            return
        self.theme = name
        if problem := self._preferences.remember_theme(name):
            self.inform(f"The theme will not be remembered: {problem}", bad=True)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """A dialog keeps the keys of the page below to itself."""
        front = self.screen_stack[-1] if self.screen_stack else None
        # The palette is a modal screen too, but it is there to offer them.
        dialog = isinstance(front, ModalScreen) and not isinstance(front, CommandPalette)
        return not (dialog and action in self.PAGE_ACTIONS)
