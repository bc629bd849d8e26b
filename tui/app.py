"""The dashboard: joins client, poller, world and pages, and is the only one that knows them all."""

from __future__ import annotations

import asyncio
import time

from tui import humanise
from tui.client import AdminClient
from tui.going import Going
from tui.messages import (
    ChooseOne,
    ChooseRecipients,
    ClusterArrived,
    EventsArrived,
    FiguresArrived,
    LinkChanged,
    Operate,
    ProblemsArrived,
    RefreshNow,
    SendNow,
    SnapshotArrived,
    SnapshotFailed,
)
from tui.operations import Operations
from tui.page import Page, Setting
from tui.poller import Poller
from tui.preferences import Preferences
from tui.safe import safe
from tui.screens import find_views
from tui.screens.send import Send
from tui.shell import Shell
from tui.widgets.alarm_line import in_words
from tui.world import World


class Dashboard(Shell):
    """The program. Its return code is that of the command."""

    def __init__(self, client: AdminClient, read_only: bool = False, preferences: Preferences | None = None) -> None:
        """`client` is opened and closed here."""
        self.world = World(client.place)
        setting = Setting(self.world, [view.tab for view in find_views()], read_only)
        super().__init__(setting, preferences or Preferences())
        self._client = client
        self._poller = self.make_poller()
        self._operations = Operations(self, client, self.world, self._poller.refresh, self._tick)
        self._going = Going(self, client, self._tick)
        self._paused_at: float | None = None
        self._arrived_then = 0

    def make_poller(self) -> Poller:
        """The duties that keep the world up to date."""
        return Poller(self._client, self.world, self.post_message)

    async def on_mount(self) -> None:
        """Puts the first view up and begins to look."""
        await self.show_first()
        self.catch_signals()
        self.set_interval(1.0, self._tick)
        self.run_worker(self._work(), group="poller")

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

    def on_problems_arrived(self, message: ProblemsArrived) -> None:
        """The first line says so even while paused; the bell rings for what is new, if it is wanted."""
        if message.begun and self._preferences.bell:
            self.bell()
        self._tick()
        if self.page is not None and not self.paused:
            self.page.show_problems()

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

    def on_choose_one(self, message: ChooseOne) -> None:
        """Asks which of several operations."""
        self._operations.choose(message)

    def on_operate(self, message: Operate) -> None:
        """Asks, then does it."""
        self._operations.operate(message)

    def on_send_now(self, message: SendNow) -> None:
        """Sends."""
        view = self.views["send"]
        if isinstance(view, Send):
            self._operations.send(message, view)

    def on_refresh_now(self, message: RefreshNow) -> None:
        """Fetches what is shown."""
        self._poller.refresh()

    def action_goto(self) -> None:
        """Opens the field for anything's name."""
        self._going.begin()

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

    @property
    def paused(self) -> bool:
        """True while refreshes are paused."""
        return self._paused_at is not None

    async def _work(self) -> None:
        async with self._client, asyncio.TaskGroup() as group:
            for duty in (self._poller.run(), *self._client.duties()):
                group.create_task(duty)

    def _tick(self) -> None:
        self.title_line.show(f"{in_words(self.world, time.monotonic())} – notifier {self.world.url}")
        if self.page is not None:
            self.page.tell(time.monotonic(), self._state_words())

    def _state_words(self) -> str:
        if self.asking is not None:
            return "asking the server, esc gives up"
        if self._paused_at is None:
            return self._client.remark
        waiting = self.world.tail.arrived - self._arrived_then
        return f"PAUSED {humanise.span(time.monotonic() - self._paused_at)}, {humanise.plural(waiting, 'event')} since"
