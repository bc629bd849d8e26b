"""One user: devices, what is unread, the inbox, who reads the stream, how long things are kept."""

from __future__ import annotations

from collections.abc import Iterable

from textual.widget import Widget

from tui import humanise
from tui.commands import bind
from tui.details.detail import BACK, Detail
from tui.inbox import columns
from tui.inbox.model import UserFacts
from tui.inbox.subjects import UNKNOWN, OneUser, UserDetail
from tui.model import UserKey
from tui.page import ADD, CLEAR, COMPOSE, COPY_ID, COPY_JSON, DISCONNECT, HISTORY, MARK, USER_DELIVERIES, WHY, Setting
from tui.safe import safe
from tui.why import ENTRIES_MAX, of_user, timeline
from tui.widgets.table import Table
from tui.widgets.words import Part, Words


class OneUserDetail(Detail):
    """Four tables; Tab goes from one to the next, and the one with the focus has the most room."""

    COMMANDS_HERE = (BACK, WHY, COPY_ID, COPY_JSON, MARK, HISTORY, USER_DELIVERIES, COMPOSE, ADD, DISCONNECT, CLEAR)
    BINDINGS = bind(COMMANDS_HERE)

    def __init__(self, setting: Setting, user: UserKey) -> None:
        super().__init__(setting)
        self.subject = OneUser(user)
        self._user = user
        self._filled = False
        self._devices = columns.devices()
        self._unread = columns.history()
        self._inbox = columns.history()
        self._steps = timeline()

    @property
    def crumb(self) -> str:
        """The name in the trail of pages."""
        return str(self._user)

    @property
    def user(self) -> UserKey | None:
        """The user."""
        return self._user

    def body(self) -> Iterable[Widget]:
        """Facts over the tables."""
        yield Words(("User ", "$foreground-muted"), (safe(str(self._user)), "bold"), classes="heading")
        yield Words(("loading …", "$foreground-muted"), id="user-facts")
        yield Table(self._devices, "Not connected", id="devices", classes="stacked")
        yield Table(self._unread, "Nothing is waiting", id="unread-rows", classes="stacked")
        yield Table(self._inbox, "The inbox is empty", id="inbox", classes="stacked")
        yield Table(self._steps, "Nothing is known", id="steps", classes="stacked")

    def prepare(self) -> None:
        """Names the tables."""
        self._entitle(0, 0, 0)

    def show_snapshot(self, value: UserDetail) -> None:
        """Fills it."""
        facts = UserFacts.read(value.facts, user=self._user)
        unread = [entry for entry in value.entries if entry.state in ("unread", "seen")]
        self._devices.replace(facts.connections)
        self._unread.replace(unread)
        self._inbox.replace(value.entries, value.stored)
        self._steps.replace(of_user(facts, value.entries[:ENTRIES_MAX], value.deliveries))
        for table in self.query(Table):
            table.rows_changed()
        # The first two take no more room than they need; the inbox has the rest.
        for name, listing in (("devices", self._devices), ("unread-rows", self._unread)):
            self.query_one(f"#{name}").styles.max_height = max(4, len(listing.visible) + 3)
        self._focus_first()
        self._entitle(len(facts.connections), facts.pending, facts.stored)
        self.query_one("#user-facts", Words).say(*_facts(facts))

    def show_failure(self, reason: str, gone: bool) -> None:
        """Says why there is nothing."""
        said = f"not known to the server: {UNKNOWN}" if gone else reason
        self.query_one("#user-facts", Words).say((said, "$text-warning"))

    def _focus_first(self) -> None:
        """Once, when the first data come: to the first table that has rows."""
        if not self._filled:
            self._filled = True
            next((table for table in self.query(Table) if table.listing.visible), self.query(Table).first()).focus()

    def _entitle(self, devices: int, unread: int, stored: int) -> None:
        self.query_one("#devices").border_title = f"Devices {devices:,}"
        self.query_one("#unread-rows").border_title = f"Pending {unread:,}"
        self.query_one("#inbox").border_title = f"History {stored:,}"
        self.query_one("#steps").border_title = "Timeline"


def _facts(facts: UserFacts) -> list[Part]:
    days = facts.retention_days
    kept = f"{humanise.plural(days, 'day')}" if days is not None else "as the server's default"
    online = ("● online", "bold $text-success") if facts.connections else ("○ away", "$foreground-muted")
    return [
        online,
        ("   lock owner ", "$foreground-muted"),
        (safe(facts.lock_owner) or "none", ""),
        ("   retention ", "$foreground-muted"),
        (kept, ""),
        ("   stored ", "$foreground-muted"),
        (f"{facts.stored:,}", ""),
    ]
