"""The frame of every full screen: status, tabs, a body, keys; and the actions on the selected row."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, ClassVar, cast

from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.css.query import NoMatches
from textual.message import Message
from textual.screen import Screen
from textual.widget import Widget

from tui.actions import Action
from tui.beside import facts_of
from tui.commands import Command, allowed, bind
from tui.deliveries.actions import CancelDelivery, HoldChannel, RetryDelivery
from tui.deliveries.channels import Channel
from tui.deliveries.model import Delivery, Provider
from tui.inbox.actions import ClearPending, DisconnectOne, DisconnectUser, marks_of
from tui.inbox.model import Client, Entry, User
from tui.messages import (
    ChooseOne,
    ChooseRecipients,
    CopyText,
    OpenDeliveries,
    OpenHistory,
    OpenNotification,
    OpenRecord,
    OpenUser,
    OpenWhy,
    Operate,
    WriteRows,
)
from tui.model import Record, UserKey
from tui.subjects import Subject
from tui.why import About, AboutUser, about_of
from tui.widgets.key_bar import KeyBar
from tui.widgets.small_notice import LEAST, SmallNotice
from tui.widgets.status_bar import StatusBar
from tui.widgets.table import Table
from tui.widgets.tabs import Tab, Tabs
from tui.world import World

COPY_ID = Command("y", "copy_id", "copy", "Copy the id of what is selected", footer=True)
COPY_JSON = Command("c", "copy_json", "copy JSON", "Copy what is selected as JSON")
USER = Command("u", "user", "user", "Open the user it belongs to")
WHY = Command("e", "why", "why", "Why it is as it is: one timeline of all that is known", footer=True)
HISTORY = Command("h", "history", "history", "Show the history of the user", footer=True)
COMPOSE = Command("n", "compose(True)", "notify", "Write a notification to the user", writes=True)
ADD = Command("a", "compose(False)", "add", "Add the user to those to send to", writes=True)
MARK = Command(
    "m", "mark", "mark", "Mark the notification as seen, read, archived …; asks first", footer=True, writes=True
)
DISCONNECT = Command("D", "disconnect", "disconnect", "Disconnect it; asks first", footer=True, writes=True)
CLEAR = Command("X", "clear", "clear", "Clear what the user has unread; asks first", footer=True, writes=True)
CANCEL = Command("X", "cancel", "cancel", "Cancel the delivery; asks first", footer=True, writes=True)
RETRY = Command("R", "retry", "retry", "Try the delivery again at once; asks first", footer=True, writes=True)
HOLD = Command("P", "hold", "pause channel", "Pause or resume the channel; asks first", footer=True, writes=True)
DELIVERIES = Command("d", "deliveries", "deliveries", "Show the deliveries of the user or channel", footer=True)
WRITE = Command("w", "write_rows", "write", "Write the rows shown to a new file: CSV or JSON lines")
USER_DELIVERIES = replace(DELIVERIES, footer=False)
ROW_COMMANDS = (COPY_ID, COPY_JSON)
USER_COMMANDS = (WHY, *ROW_COMMANDS, USER, HISTORY, COMPOSE, ADD, USER_DELIVERIES)


@dataclass
class Setting:
    """The parts that every page is given."""

    world: World
    tabs: list[Tab]
    read_only: bool
    beside: bool = True  # the selected row stands in full beside the list, where there is room


FRAME_COMMANDS = (
    Command("tab", "field_after", "next", "To the next table or field", footer=True),
    Command("shift+tab", "field_before", "previous", "To the table or field before"),
    WRITE,
    Command("ctrl+c", "app.quit", "quit", "Leave the dashboard"),
)


class Page(Screen[None]):
    """A full screen. Values come in by the `show_…` methods; wishes go up as messages."""

    COMMANDS_HERE: ClassVar[tuple[Command, ...]] = ()
    BINDINGS = bind(FRAME_COMMANDS)
    AUTO_FOCUS = "Table"
    BINDING_GROUP_TITLE = "On this page"
    active_tab = ""
    ready = False  # whether its widgets are there to be filled
    subject: Subject | None = None
    loaded = False  # data have come since the page was made, or since it wants another subject
    _waited = False

    class Shown(Message):
        """The page came to the front."""

    class Left(Message):
        """The operator wants to go back to where they came from; with `views` also from one view to another."""

        def __init__(self, views: bool = False) -> None:
            super().__init__()
            self.views = views

    def __init__(self, setting: Setting) -> None:
        super().__init__()
        self.setting = setting
        self.world = setting.world

    def compose(self) -> ComposeResult:
        """The frame, with the body in it."""
        yield StatusBar(id="status")
        yield Tabs(self.setting.tabs, self.active_tab)
        with Vertical(id="body"):
            yield from self.body()
        yield SmallNotice(id="small")
        yield KeyBar()

    def on_mount(self) -> None:
        """Prepares the widgets; a page that was left while it was being made has not all of them."""
        if self in self.app.screen_stack:
            self.prepare()

    def prepare(self) -> None:
        """Names the widgets and shows at once what is known."""

    def body(self) -> Iterable[Widget]:
        """The widgets in the middle."""
        return ()

    def show_figures(self) -> None:
        """The world has new figures."""

    def show_cluster(self) -> None:
        """The world has new instances and health."""

    def show_problems(self) -> None:
        """The world has another list of problems."""

    def show_events(self) -> None:
        """The world has new events."""

    def show_snapshot(self, value: Any) -> None:
        """The subject's data."""

    def show_failure(self, reason: str, gone: bool) -> None:
        """The subject's data could not be had; `gone`: there is no such thing."""

    def show_world(self) -> None:
        """Everything at once, as after a pause."""
        self.show_figures()
        self.show_cluster()
        self.show_problems()
        self.show_events()

    @property
    def crumb(self) -> str:
        """The name in the trail of pages."""
        return ""

    def show_trail(self, trail: list[str]) -> None:
        """The pages through which this one was reached, itself the last."""
        self.query_one(Tabs).show_trail(trail)

    def note(self, said: str) -> None:
        """A remark on what was just typed."""
        self.query_one(KeyBar).note(said)

    def writes(self, key: str) -> bool:
        """True for a key that would change something if it were allowed."""
        return any(command.writes and key in command.keys.split(",") for command in self.COMMANDS_HERE)

    def action_back(self) -> None:
        """Back to where one came from."""
        self.post_message(self.Left())

    def action_field_after(self) -> None:
        """To the next table or field."""
        self.focus_next()

    def action_field_before(self) -> None:
        """To the table or field before."""
        self.focus_previous()

    def action_view_before(self) -> None:
        """Back to the page before this view."""
        self.post_message(self.Left(views=True))

    def tell(self, now: float, paused: str) -> None:
        """The state of the connection at `now` (monotonic seconds)."""
        self.query_one(StatusBar).tell(self.world, now, self.setting.read_only, paused)
        self.set_class(self.world.link.stale, "-stale")
        self._say_when_it_waits()
        if self.has_class("-small"):
            self.query_one(SmallNotice).tell(self.world, self.size)

    def _say_when_it_waits(self) -> None:
        """A page for which nothing has come says why, in place of `Loading …`; once the server answers it loads."""
        link = self.world.link
        waits = link.stale and not self.loaded
        if waits:
            self.show_failure(f"{link.state.value}: {link.reason}", False)
        elif self._waited and not self.loaded:
            self.show_failure("Loading …", False)
        self._waited = waits

    def arrived(self, value: Any) -> None:
        """The subject's data came."""
        self.loaded = True
        self.show_snapshot(value)

    def on_screen_resume(self) -> None:
        """Says that it is in front; by then its widgets are mounted."""
        self.ready = True
        self.post_message(self.Shown())

    def on_resize(self, event: events.Resize) -> None:
        """Gives way to a notice where there is no room."""
        small = event.size.width < LEAST.width or event.size.height < LEAST.height
        before = self.classes
        self.set_class(small, "-small", update=False)
        self.set_class(event.size.height >= 32, "-tall", update=False)
        if self.classes != before:
            self.app.update_styles(self)  # once: it takes as long as all else in showing a page
        if small and self.ready:
            self.query_one(SmallNotice).tell(self.world, event.size)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Takes away what writes where one only reads, and Tab where there is nowhere to go."""
        if action in ("field_after", "field_before"):
            return len(self.focus_chain) > 1
        named = f"{action}({parameters[0]})" if parameters else action
        return allowed(self.COMMANDS_HERE, named, self.setting.read_only)

    @property
    def table(self) -> Table[Any] | None:
        """The table with the focus, else the first."""
        if isinstance(self.focused, Table):
            return self.focused
        try:
            return self.query(Table).first()
        except NoMatches:
            return None

    @property
    def record(self) -> Record | None:
        """The selected row, or None."""
        return None if self.table is None else cast("Record | None", self.table.selected)

    @property
    def user(self) -> UserKey | None:
        """The user whom the page or the selected row is about."""
        return None if self.record is None else self.record.owner

    @property
    def delivery_id(self) -> str:
        """The delivery that the page or the selected row is, or nothing."""
        return self.record.id if isinstance(self.record, Delivery) else ""

    @property
    def channel(self) -> str:
        """The channel that the selected row is or serves, or nothing."""
        row = self.record
        return row.channel if isinstance(row, Channel) else row.queue if isinstance(row, Provider) else ""

    @property
    def table_name(self) -> str:
        """The name of the table with the focus, for a file: one word of ASCII."""
        named = self.table.id if self.table is not None and self.table.id != "table" else self.active_tab
        return named or "rows"

    def open_row(self, row: Any) -> None:
        """Drills down."""
        if isinstance(row, Entry):
            self.post_message(OpenNotification(row.user, row.notification_id, row.stream_id))
        elif isinstance(row, Client | User):
            self.post_message(OpenUser(row.user))
        else:
            self.post_message(OpenRecord(row.identity, self.facts_of(row), row.raw))

    def facts_of(self, row: Any) -> list[tuple[str, str]]:
        """The facts that the page of a record begins with."""
        return facts_of(row)

    def on_table_empty_handed(self, event: Table.EmptyHanded) -> None:
        """Enter, where no row is selected."""
        event.stop()
        self.without("row")

    def on_table_opened(self, event: Table.Opened) -> None:
        """Enter, or a double click."""
        event.stop()
        self.open_row(event.row)

    def operate(self, action: Action) -> None:
        """Asks for something to be done to the selected row, which may go by that."""
        self.post_message(Operate(action, self.acted_on()))

    def acted_on(self) -> Callable[[], None] | None:
        """The call for when something was done to the selected row."""
        table = self.table
        key = None if table is None or table.selected is None else table.listing.key(table.selected)
        return None if table is None or key is None else partial(table.acted_on, key)

    def without(self, what: str) -> None:
        """Says why a key did nothing: there is no `what` here."""
        gone = self.table is not None and self.table.gone
        self.note("the selected row is gone; move to select another" if gone else f"there is no {what} here")

    def action_copy_id(self) -> None:
        """Copies the id of what is selected."""
        if self.record is not None:
            self.post_message(CopyText(self.record.identity, self.record.identity))
        else:
            self.without("row")

    def action_copy_json(self) -> None:
        """Copies what is selected as JSON."""
        if self.record is not None:
            self.post_message(CopyText(f"{self.record.identity} as JSON", as_json(self.record.raw)))
        else:
            self.without("row")

    def action_write_rows(self) -> None:
        """Writes the rows shown to a file."""
        rows = [] if self.table is None else list(self.table.listing.visible)
        if rows:
            self.post_message(WriteRows(rows, self.table_name))
        else:
            self.without("row")

    def action_user(self) -> None:
        """Opens the user."""
        if self.user is not None:
            self.post_message(OpenUser(self.user))
        else:
            self.without("user")

    @property
    def about(self) -> About | None:
        """The thing that the page or the selected row is about, if it has a timeline."""
        return about_of(self.record) or (AboutUser(self.user) if self.user else None)

    def action_why(self) -> None:
        """Opens the timeline."""
        if self.about is not None:
            self.post_message(OpenWhy(self.about))
        else:
            self.without("user, notification or delivery")

    def action_history(self) -> None:
        """Goes to the user's history."""
        if self.user is not None:
            self.post_message(OpenHistory(self.user))
        else:
            self.without("user")

    def action_compose(self, go: bool) -> None:
        """Adds the user to those to send to."""
        if self.user is not None:
            self.post_message(ChooseRecipients([self.user], go))
        else:
            self.without("user")

    @property
    def entry(self) -> Entry | None:
        """The notification that the page or the selected row is."""
        return self.record if isinstance(self.record, Entry) else None

    def action_mark(self) -> None:
        """Asks for a mark for the notification."""
        entry = self.entry
        if entry is not None and entry.notification_id:
            heading = f"Mark 1 notification of {entry.user}, {entry.state} now, as"
            self.post_message(ChooseOne(heading, marks_of(entry), self.acted_on()))
        else:
            self.without("notification")

    def action_disconnect(self) -> None:
        """Disconnects the selected connection, or all of the user's."""
        if isinstance(self.record, Client):
            row = self.record
            self.operate(DisconnectOne(row.connection_id, row.user, row.remote))
        elif self.user is not None:
            self.operate(DisconnectUser(self.user))
        else:
            self.without("connection")

    def action_clear(self) -> None:
        """Clears what the user has unread."""
        if self.user is not None:
            self.operate(ClearPending(self.user))
        else:
            self.without("user")

    def action_deliveries(self) -> None:
        """Goes to the deliveries of the channel or the user."""
        if self.channel:
            self.post_message(OpenDeliveries(f"channel:{self.channel}"))
        elif self.user is not None:
            self.post_message(OpenDeliveries(f"user:{self.user}"))
        else:
            self.without("user or channel")

    def action_cancel(self) -> None:
        """Cancels the delivery."""
        if self.delivery_id:
            self.operate(CancelDelivery(self.delivery_id))
        else:
            self.without("delivery")

    def action_retry(self) -> None:
        """Tries the delivery again."""
        if self.delivery_id:
            self.operate(RetryDelivery(self.delivery_id))
        else:
            self.without("delivery")

    def action_hold(self) -> None:
        """Pauses the channel, or lets it go on."""
        if self.channel:
            self.operate(HoldChannel(self.channel))
        else:
            self.without("channel")


def as_json(value: object) -> str:
    """JSON for people; what no encoding can carry is replaced."""
    text = json.dumps(value, ensure_ascii=False, indent=2, default=dict)
    return text.encode("utf-8", "replace").decode()
