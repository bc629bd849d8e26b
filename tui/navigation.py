"""The way through the pages: views, drill-downs, the trail to the page in front, and the way back."""

from __future__ import annotations

from textual.app import App

from tui.details.delivery import DeliveryDetail
from tui.details.notification import NotificationDetail
from tui.details.record import RecordDetail
from tui.details.user import OneUserDetail
from tui.details.why import WhyDetail
from tui.messages import (
    OpenDeliveries,
    OpenDelivery,
    OpenHistory,
    OpenNotification,
    OpenPlace,
    OpenRecord,
    OpenUser,
    OpenWhy,
    ShowView,
)
from tui.page import Page, Setting
from tui.safe import safe
from tui.screens.deliveries import Deliveries
from tui.screens.history import UserHistory
from tui.view import View

BASE = 2  # Textual's own blank screen and the first view
DEPTH_MAX = 8  # pages on top of each other; the next one takes the place of the last


class Navigator(App[int]):
    """The app as far as it goes from page to page. `views` are installed screens by their names."""

    setting: Setting
    views: dict[str, View]

    def note(self, said: str) -> None:
        """A remark on what was just typed, in the line of the keys; over a dialog, a line that goes away."""
        page = self.page
        if page is not None and page is self.screen:
            page.note(said)
        else:
            self.inform(said)

    @property
    def page(self) -> Page | None:
        """The page in front, be it under a dialog; None while it is being made, and once all is taken down."""
        page = next((screen for screen in reversed(self.screen_stack) if isinstance(screen, Page)), None)
        return page if page is not None and page.ready and self.is_running else None

    def inform(self, said: str, bad: bool = False) -> None:
        """A line that goes away by itself."""
        self.notify(safe(said), severity="error" if bad else "information", timeout=6 if bad else 3, markup=False)

    async def on_show_view(self, message: ShowView) -> None:
        """Goes to a view."""
        await self._show_view(message.view)

    def on_open_place(self, message: OpenPlace) -> None:
        """Drills down to a view, on a page of its own, and to a row in it."""
        view = self.views.get(message.view)
        if view is None:
            self.note(f"this dashboard has no view {message.view}")
            return
        page = type(view)(self.setting)
        if message.id:
            page.point_at(message.id)
        self._drill(page)

    def on_open_user(self, message: OpenUser) -> None:
        """Drills down to a user."""
        self._drill(OneUserDetail(self.setting, message.user))

    def on_open_notification(self, message: OpenNotification) -> None:
        """Drills down to a notification."""
        page = NotificationDetail(self.setting, message.user, message.notification_id, message.stream_id)
        self._drill(page)

    def on_open_delivery(self, message: OpenDelivery) -> None:
        """Drills down to a delivery."""
        self._drill(DeliveryDetail(self.setting, message.id, message.known))

    def on_open_deliveries(self, message: OpenDeliveries) -> None:
        """Drills down to deliveries: a page of its own, so that the view keeps its filter and its selection."""
        self._drill(Deliveries(self.setting, message.needle))

    def on_open_record(self, message: OpenRecord) -> None:
        """Drills down to anything else."""
        self._drill(RecordDetail(self.setting, message.heading, message.facts, message.raw))

    def on_open_why(self, message: OpenWhy) -> None:
        """Drills down to a timeline."""
        self._drill(WhyDetail(self.setting, message.about))

    def on_open_history(self, message: OpenHistory) -> None:
        """Drills down to a user's history."""
        self._drill(UserHistory(self.setting, message.user))

    def on_page_left(self, message: Page.Left) -> None:
        """Back to the page below, which stands as it was left. A view of its own key was not come to from a row: there
        Escape says which key goes back."""
        if len(self.screen_stack) <= BASE:
            self.note("this is the first view; q leaves")
        elif message.views or self.screen not in self.views.values():
            self.pop_screen()
        else:
            self.note("backspace goes back to the view before this one")

    async def action_view(self, name: str) -> None:
        """Goes to a view."""
        await self._show_view(name)

    async def _show_view(self, name: str) -> None:
        """On top of what is there, so that there is a way back; to one that is there already, back to it."""
        view = self.views[name]
        while view in self.screen_stack and self.screen is not view:
            await self.pop_screen()
        if self.screen is view:
            return
        while len(self.screen_stack) > DEPTH_MAX:
            await self.pop_screen()
        await self.push_screen(name)

    def _drill(self, page: Page) -> None:
        page.active_tab = self._tab
        if len(self.screen_stack) > DEPTH_MAX:
            self.switch_screen(page)
        else:
            self.push_screen(page)

    def _trail(self) -> list[str]:
        """The page in front and those it was reached through, from the last view on."""
        trail: list[str] = []
        for screen in reversed(self.screen_stack):
            if isinstance(screen, Page):
                trail.insert(0, safe(screen.crumb))
                if screen in self.views.values():
                    break
        return trail

    @property
    def _tab(self) -> str:
        return self.page.active_tab if self.page is not None else ""
