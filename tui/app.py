"""The dashboard: joins client, poller, world and pages, and is the only one that knows them all."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable
from typing import ClassVar

from textual.binding import BindingType
from textual.command import CommandPalette, Provider
from textual.events import Event, Key, Paste
from textual.screen import ModalScreen
from textual.widgets import Input, TextArea
from textual.worker import Worker

from tui import humanise
from tui.client import AdminClient, ApiError
from tui.commands import Command, available, bind, key_name
from tui.dialogs.confirm import Confirm
from tui.dialogs.help import Help
from tui.messages import (
    ChooseRecipients,
    ClusterArrived,
    CopyText,
    EventsArrived,
    FiguresArrived,
    LinkChanged,
    Operate,
    RefreshNow,
    SendNow,
    SnapshotArrived,
    SnapshotFailed,
)
from tui.navigation import Navigator
from tui.page import Page, Setting
from tui.palette import Actions
from tui.poller import Poller
from tui.preferences import Preferences
from tui.probe import probe
from tui.safe import safe, without_controls
from tui.screens import find_views
from tui.screens.send import Send
from tui.themes import DARK, DEFAULT, LIGHT, OWN, PLAIN
from tui.typeahead import Typeahead
from tui.world import World

AT_ONCE = ("ctrl+c", "ctrl+q")  # keys that leave wait for no other
SIGNALS = ("SIGTERM", "SIGHUP", "SIGINT", "SIGQUIT")  # each ends the dashboard with 128 and its number
EVERYWHERE = (
    Command("question_mark", "help", "help", "All keys that work here", footer=True),
    Command("ctrl+p", "command_palette", "find", "Find any action by name", footer=True, priority=True),
    Command("space", "pause", "pause", "Pause what moves, or go on", footer=True),
    Command("r", "refresh", "refresh", "Fetch what is shown now; try a lost server at once"),
    Command("t", "next_theme", "theme", "Dark or light, remembered"),
    Command("q,ctrl+c", "quit", "quit", "Leave the dashboard", footer=True, shown="q ^c"),
    *(
        Command(view.tab.key, f"view('{view.tab.view}')", view.tab.title, f"Go to {view.tab.title}")
        for view in find_views()
    ),
)

_PAGE_ACTIONS = frozenset({"view", "help", "pause", "refresh", "next_theme", "quit", "command_palette"})


class Dashboard(Navigator):
    """The program. Its return code is that of the command."""

    CSS_PATH = "tui.tcss"
    TITLE = "notifier"
    BINDING_GROUP_TITLE = "Everywhere"
    COMMANDS: ClassVar[set[type[Provider] | Callable[[], type[Provider]]]] = {Actions}
    BINDINGS: ClassVar[list[BindingType]] = [*bind(EVERYWHERE)]
    ALLOW_SELECT = False

    def __init__(self, client: AdminClient, read_only: bool = False, preferences: Preferences | None = None) -> None:
        """`client` is opened and closed here."""
        # Without colour the terminal's own two serve; Textual would paint shades of grey instead.
        super().__init__(ansi_color=True if "NO_COLOR" in os.environ else None)
        self._client = client
        self._preferences = preferences or Preferences()
        self.world = World(client.place)
        self._poller = Poller(client, self.world, self.post_message)
        self._typed = Typeahead(self, self._give)
        self._asking: Worker[None] | None = None
        self._paused_at: float | None = None
        self._arrived_then = 0
        self.setting = Setting(self.world, [view.tab for view in find_views()], read_only)
        self.views = {view.tab.view: view(self.setting) for view in find_views()}

    async def on_mount(self) -> None:
        """Puts the first view up and begins to look."""
        for theme in OWN:
            self.register_theme(theme)
        remembered = self._preferences.theme
        self.theme = PLAIN if self.no_color else remembered if remembered in self.available_themes else DEFAULT
        # At once: what is mounted now reads the theme's colours.
        self.refresh_css(animate=False)
        for name, view in self.views.items():
            self.install_screen(view, name)
        await self.push_screen(next(iter(self.views)))
        self._catch_signals()
        self.set_interval(1.0, self._tick)
        self.run_worker(self._work(), group="poller")

    async def on_event(self, event: Event) -> None:
        """Keys and pasted text wait for their turn; what comes back from a widget is on its way already."""
        if isinstance(event, Key | Paste) and not event.is_forwarded and getattr(event, "key", "") not in AT_ONCE:
            await self._typed.take(event)
        else:
            await super().on_event(event)

    async def _give(self, event: Event) -> None:
        """Hands a key or a paste to the mode in front. While a question is asked of the server, only Escape counts."""
        if self._asking is not None:
            if isinstance(event, Key) and event.key == "escape":
                self._asking.cancel()
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
        found = self.screen.active_bindings.get(event.key)
        if found is None or not found.enabled:
            self.note(self._nothing(event.key))

    def _nothing(self, key: str) -> str:
        page = self.page
        if self.setting.read_only and page is not None and page.writes(key):
            return f"{key_name(key)}: this dashboard is read-only"
        where = "" if isinstance(self.screen, ModalScreen) else "; ? lists the keys"
        return f"{key_name(key)} does nothing here{where}"

    # What comes from the poller goes down to the page in front, unless paused.

    def on_link_changed(self, message: LinkChanged) -> None:
        """Said even while paused."""
        self._tick()

    def on_figures_arrived(self, message: FiguresArrived) -> None:
        """New figures."""
        if self.page is not None and not self.paused:
            self.page.show_figures()

    def on_cluster_arrived(self, message: ClusterArrived) -> None:
        """New instances and health."""
        self._tick()
        if self.page is not None and not self.paused:
            self.page.show_cluster()

    def on_events_arrived(self, message: EventsArrived) -> None:
        """New events."""
        if self.page is not None and not self.paused:
            self.page.show_events()

    def on_snapshot_arrived(self, message: SnapshotArrived) -> None:
        """Data for the page, if it is still the one that wants it."""
        if self.page is not None and self.page.subject is message.subject:
            self.page.arrived(message.value)

    def on_snapshot_failed(self, message: SnapshotFailed) -> None:
        """No data."""
        if self.page is not None and self.page.subject is message.subject:
            self.page.show_failure(safe(message.reason), message.gone)

    # What comes from the pages.

    def on_page_shown(self, message: Page.Shown) -> None:
        """Another page is in front, or it wants another subject."""
        page = self.page
        if page is not None:
            page.show_world()
            page.show_trail(self._trail())
            self._tick()
            self._poller.watch(page.subject)

    async def on_choose_recipients(self, message: ChooseRecipients) -> None:
        """Adds users to those to send to."""
        view = self.views["send"]
        if isinstance(view, Send):
            many = view.add(message.users)
            if message.go:
                await self._show_view("send")
            else:
                self.inform(f"{humanise.plural(many, 'user')} to send to; 8 goes there")

    def on_copy_text(self, message: CopyText) -> None:
        """Copies through the terminal (OSC 52)."""
        self.copy_to_clipboard(message.text.encode("utf-8", "replace").decode())
        self.inform(f"Copied {message.what}")

    def on_operate(self, message: Operate) -> None:
        """Asks, then does it."""
        self._asking = self.run_worker(self._operate(message), group="operate", exclusive=True)
        self._tick()

    def on_send_now(self, message: SendNow) -> None:
        """Sends."""
        sending = self.run_worker(self._send(message), group="send", exclusive=True)
        self._asking = sending if message.users is None else None

    def on_refresh_now(self, message: RefreshNow) -> None:
        """Fetches what is shown."""
        self._poller.refresh()

    # What keys do everywhere.

    def action_help(self) -> None:
        """Lists the keys of the page in front."""
        if isinstance(self.screen, Page):
            self.push_screen(Help(available(self.screen)))

    def action_pause(self) -> None:
        """Stops what moves, or lets it go on."""
        self._paused_at = None if self.paused else time.monotonic()
        self._arrived_then = self.world.tail.arrived
        self._poller.pause(self.paused)
        if not self.paused and self.page is not None:
            self.page.show_world()
        self._tick()

    def action_refresh(self) -> None:
        """Fetches what is shown."""
        self._poller.refresh()

    def action_next_theme(self) -> None:
        """Dark to light, anything else to dark."""
        self.choose_theme(LIGHT.name if self.theme == DARK.name else DARK.name)

    def choose_theme(self, name: str) -> None:
        """Shows and remembers a theme."""
        if self.no_color:
            self.inform("NO_COLOR is set: there is nothing to choose")
            return
        self.theme = name
        if problem := self._preferences.remember_theme(name):
            self.inform(f"The theme will not be remembered: {problem}", bad=True)

    @property
    def paused(self) -> bool:
        """True while refreshes are paused."""
        return self._paused_at is not None

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """A dialog keeps the keys of the page below to itself."""
        front = self.screen_stack[-1] if self.screen_stack else None
        # The palette is a modal screen too, but it is there to offer them.
        dialog = isinstance(front, ModalScreen) and not isinstance(front, CommandPalette)
        return not (dialog and action in _PAGE_ACTIONS)

    def _catch_signals(self) -> None:
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

    async def _work(self) -> None:
        async with self._client:
            await self._poller.run()

    async def _operate(self, wish: Operate) -> None:
        action = wish.action
        try:
            question = await action.question(self._client)
            if question is None:
                self.inform("There is nothing to do")
            elif await self._confirmed(question):
                self.inform(await action.perform(self._client))
                if wish.done is not None:
                    wish.done()
                self._poller.refresh()
        except ApiError as error:
            self.inform(f"Not done: {error}", bad=True)
        finally:
            self._asked()

    async def _confirmed(self, question: str) -> bool:
        """Asks; keys typed before the question stood there do not answer it."""
        self._asked()
        self._typed.forget()
        answer: bool = await self.push_screen_wait(Confirm(question))
        return answer

    def _asked(self) -> None:
        self._asking = None
        self._tick()

    async def _send(self, message: SendNow) -> None:
        view = self.views["send"]
        if not isinstance(view, Send):
            return
        try:
            if message.users is not None:
                results = await self._client.notify(message.users, message.content, message.key)
                view.show_sent(results, f"✓ accepted for {humanise.plural(len(results), 'user')}")
            elif await self._confirmed(self._broadcast_question()):
                many = await self._client.broadcast(message.content, message.key)
                view.show_sent([], f"✓ accepted for {humanise.plural(many, 'connected user')}")
            else:
                view.say("not sent", "$foreground-muted")
        except ApiError as error:
            view.say(f"✕ not sent: {error}")

    def _broadcast_question(self) -> str:
        sample = self.world.history.latest
        many = humanise.plural(sample.figures.connections, "connection") if sample else "an unknown number"
        return f"Send to everybody who is connected, {many} now?"

    def _tick(self) -> None:
        if self.page is not None:
            self.page.tell(time.monotonic(), self._paused_words())

    def _paused_words(self) -> str:
        if self._asking is not None:
            return "asking the server, esc gives up"
        if self._paused_at is None:
            return ""
        waiting = self.world.tail.arrived - self._arrived_then
        return f"PAUSED {humanise.span(time.monotonic() - self._paused_at)}, {humanise.plural(waiting, 'event')} since"


def run(url: str, token: str | None, read_only: bool) -> int:
    """Runs the dashboard until it is left; the exit code. What the user got wrong is one line on stderr, and 1."""
    try:
        away = asyncio.run(probe(AdminClient(url, token, read_only)))
    except (ValueError, ApiError) as error:
        return _refuse(str(error))
    except KeyboardInterrupt:
        return _refuse("interrupted")
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        return _refuse(away or "the dashboard needs a terminal; for scripts there is the admin API")
    app = Dashboard(AdminClient(url, token, read_only), read_only)
    app.run()
    return app.return_code or 0


def _refuse(said: str) -> int:
    print(f"notifier: {safe(said)}", file=sys.stderr)
    return 1
