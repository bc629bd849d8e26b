"""The history of one user's notifications."""

from __future__ import annotations

from collections.abc import Iterable

from textual.containers import Horizontal
from textual.widget import Widget
from textual.widgets import Input

from tui.commands import Command, bind
from tui.inbox import columns
from tui.inbox.model import Entry
from tui.inbox.subjects import Inbox
from tui.listing import Listing
from tui.messages import RefreshNow
from tui.model import UserKey
from tui.page import CLEAR, MARK, USER_COMMANDS, Page, Setting
from tui.safe import safe
from tui.view import TABLE_COMMANDS, TableView
from tui.widgets.tabs import Tab
from tui.widgets.words import Words

CHOOSE = Command("o", "choose", "other user", "Type the user whose history to show", footer=True)


class UserInput(Input):
    """Enter shows the history, Escape goes back to the table."""

    BINDINGS = bind((Command("escape", "leave", "back", "Back to the table", footer=True),))

    def action_leave(self) -> None:
        """Back to the table."""
        self.screen.focus_next()


class UserHistory(TableView):
    """One inbox, newest first. The user is typed here, or comes from another view by `h`."""

    tab = Tab("history", "5", "History")
    COMMANDS_HERE = (*TABLE_COMMANDS, CHOOSE, MARK, *USER_COMMANDS, CLEAR)
    BINDINGS = bind(COMMANDS_HERE)
    AUTO_FOCUS = ""  # the field or the table, see `on_mount`
    news = True
    noun = "notifications"
    empty = "This inbox is empty"

    def __init__(self, setting: Setting, user: UserKey | None = None) -> None:
        """With a `user` it shows that user's history from the start."""
        super().__init__(setting)
        self._chosen = user
        if user is not None:
            self.subject = Inbox(user)

    @property
    def crumb(self) -> str:
        """The name in the trail of pages."""
        return f"History of {self.user}" if self._chosen else self.tab.title

    def listing(self) -> Listing[Entry]:
        """One inbox."""
        return columns.history()

    def above(self) -> Iterable[Widget]:
        """The line with the user's name."""
        with Horizontal(id="whose"):
            yield Words(("User ", "$foreground-muted"), classes="field-name")
            shown = safe(str(self._chosen)) if self._chosen else ""
            yield UserInput(shown, placeholder="1-alice, then ⏎", compact=True, max_length=160)
            yield Words(id="whose-said")

    def prepare(self) -> None:
        """Waits for a user."""
        (self.query_one(UserInput) if self.user is None else self.main_table).focus()
        if self.user is None:
            self.main_table.empty = "Type a user such as 1-alice, or press h on a row of another view"

    def choose(self, user: UserKey) -> None:
        """Shows this user's history."""
        self._say("")
        if self.user != user:
            self.loaded = False
            self.subject = Inbox(user)
            self.asked = True
            self.rows.replace([])
            self.main_table.empty = "Loading …"
            self.main_table.rows_changed(asked=True)
        self.query_one(UserInput).value = safe(str(user))
        self.main_table.focus()

    @property
    def user(self) -> UserKey | None:
        """The one whose history stands here."""
        return self.subject.user if isinstance(self.subject, Inbox) else None

    def action_choose(self) -> None:
        """Goes to the field."""
        self.query_one(UserInput).focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Takes the user that was typed."""
        user = UserKey.parse(event.value)
        if user is None:
            self._say(f"{safe(event.value)} names no user; write id-login, such as 1-alice")
            return
        self.choose(user)
        self.post_message(Page.Shown())
        self.post_message(RefreshNow())

    def _say(self, text: str) -> None:
        self.query_one("#whose-said", Words).say((text, "$text-error"))
