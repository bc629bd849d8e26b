"""Write to chosen users, or to all who are connected."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable
from dataclasses import dataclass

from textual.containers import Horizontal
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Button, Checkbox, Input, TextArea

from tui.commands import Command, bind
from tui.listing import Column, Listing
from tui.messages import SendNow
from tui.model import UserKey
from tui.page import COPY_ID, COPY_JSON, HISTORY, USER, Setting
from tui.record import Json, rows, text, whole
from tui.safe import safe
from tui.view import BEFORE, View
from tui.widgets.table import Table
from tui.widgets.tabs import Tab
from tui.widgets.words import Words

TARGETS_MAX = 1000
MESSAGE_MAX = 8192
TO_MAX = 200_000
SEND = Command("ctrl+s", "send", "send", "Send what is written", footer=True, writes=True, priority=True)
LEAVE = Command("escape", "leave", "leave field", "Leave the field, so that keys act again; then back", footer=True)
_EVERYBODY = {False: "all connected: no", True: "all connected: yes"}
_READ_ONLY = "This dashboard is read-only: nothing can be sent."


@dataclass(frozen=True, slots=True)
class Sent:
    """One result: for whom, and the notification's id."""

    owner: UserKey
    identity: str
    raw: Json

    @property
    def haystack(self) -> str:
        """The text that a filter searches, in lower case."""
        return f"{self.owner} {self.identity}"


_COLUMNS: tuple[Column[Sent], ...] = (
    Column("user", "Accepted for", lambda row: str(row.owner), lambda row: str(row.owner), 20, flex=1),
    Column("id", "Notification", lambda row: row.identity, lambda row: row.identity, 36),
)


class Tick(Checkbox):
    """A box that holds a mark where it is ticked, and nothing where it is not; Textual draws an X in both."""

    @property
    def BUTTON_INNER(self) -> str:  # type: ignore[override]
        """The mark."""
        return "✓" if self.value else " "


class Send(View):
    """A form, and under it what became of it."""

    tab = Tab("send", "8", "Send")
    COMMANDS_HERE = (SEND, LEAVE, BEFORE, COPY_ID, COPY_JSON, USER, HISTORY)
    BINDINGS = bind(COMMANDS_HERE)
    AUTO_FOCUS = "#to"

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        self._sent: Listing[Sent] = Listing(_COLUMNS, lambda row: row.owner, lambda row: row.haystack)
        self._to = ""
        self._key = ""
        self._keyed: object = None

    def body(self) -> Iterable[Widget]:
        """Top to bottom."""
        off = self.setting.read_only
        with Horizontal(classes="field"):
            yield Words(("To", "$foreground-muted"), classes="field-name")
            yield Input(self._to, placeholder="1-alice 2-bob …", id="to", compact=True, max_length=TO_MAX, disabled=off)
            yield Tick(_EVERYBODY[False], id="everybody", compact=True, disabled=off)
        with Horizontal(classes="field"):
            yield Words(("Source", "$foreground-muted"), classes="field-name")
            yield Input("dashboard", id="source", compact=True, max_length=128, disabled=off)
            yield Words(("Title", "$foreground-muted"), classes="field-name")
            yield Input(placeholder="none", id="title", compact=True, max_length=256, disabled=off)
        yield TextArea(id="message", disabled=off, tab_behavior="focus", soft_wrap=True, compact=True)
        with Horizontal(id="send-line"):
            yield Button("Send", id="send", variant="primary", compact=True, disabled=off)
            yield Words((_READ_ONLY if off else "", "bold"), id="said")
        yield Table(self._sent, "What was sent is listed here", id="sent")

    def prepare(self) -> None:
        """Names the message's field."""
        self.query_one("#message").border_title = "Message"

    def add(self, users: Iterable[UserKey]) -> int:
        """Adds users to those to send to, also before the form is made; how many there are then."""
        field = self.query_one("#to", Input) if self.ready else None
        chosen, _ = _users(field.value if field else self._to)
        chosen = list(dict.fromkeys([*chosen, *users]))[:TARGETS_MAX]
        self._to = " ".join(safe(str(user)) for user in chosen)
        if field:
            field.value = self._to
        return len(chosen)

    def show_sent(self, results: list[Json], said: str) -> None:
        """Lists the results."""
        self._key = ""
        found = [Sent(_target(row), text(row, "notification_id"), row) for row in results]
        self._sent.replace(found)
        self.query_one("#sent", Table).rows_changed()
        self.say(said, "bold $text-success")

    def say(self, said: str, style: str = "bold $text-error") -> None:
        """One line beside the button."""
        self.query_one("#said", Words).say((safe(said), style))

    def action_leave(self) -> None:
        """Away from the field; from none, back to where one came from."""
        if self.query_one("#sent", Table).has_focus:
            self.action_back()
        else:
            self.query_one("#sent", Table).focus()

    def action_send(self) -> None:
        """Checks what is written, and asks for it to be sent."""
        users, wrong = _users(self.query_one("#to", Input).value)
        everybody = self.query_one("#everybody", Checkbox).value
        message = self.query_one("#message", TextArea).text
        if problem := _problem(users, wrong, everybody, message):
            self.say(f"✕ {problem}")
            return
        self.say("sending …", "$foreground-muted")
        wanted = None if everybody else users
        content = self._content(message)
        self.post_message(SendNow(wanted, content, self._key_for((wanted, content))))

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """The same as the key."""
        event.stop()
        self.action_send()

    def on_checkbox_changed(self, event: Checkbox.Changed) -> None:
        """Says in words what is ticked, and greys the field that no longer counts."""
        event.checkbox.label = Content(_EVERYBODY[event.value])
        self.query_one("#to", Input).disabled = event.value

    def _content(self, message: str) -> dict[str, str]:
        fields = {name: self.query_one(f"#{name}", Input).value.strip() for name in ("source", "title")}
        return {"message": message} | {name: value for name, value in fields.items() if value}

    def _key_for(self, wanted: object) -> str:
        """The key of this very notification: a second try after a lost answer must not store it twice."""
        if not self._key or wanted != self._keyed:
            self._key, self._keyed = str(uuid.uuid4()), wanted
        return self._key


def _users(typed: str) -> tuple[list[UserKey], list[str]]:
    words = [word for word in re.split(r"[\s,;]+", typed) if word]
    found = {word: UserKey.parse(word) for word in words}
    return [user for user in found.values() if user], [word for word, user in found.items() if user is None]


def _problem(users: list[UserKey], wrong: list[str], everybody: bool, message: str) -> str:
    if not everybody and wrong:
        return f"{wrong[0]} names no user; write id-login, such as 1-alice"
    if not everybody and not users:
        return "name at least one user, such as 1-alice, or tick all connected"
    if not everybody and len(users) > TARGETS_MAX:
        return f"at most {TARGETS_MAX:,} users at a time, not {len(users):,}"
    if not message.strip():
        return "write a message first"
    return f"at most {MESSAGE_MAX:,} characters, not {len(message):,}" if len(message) > MESSAGE_MAX else ""


def _target(row: Json) -> UserKey:
    targets = rows({"targets": [row.get("target")]}, "targets")
    return UserKey(whole(targets[0], "id"), text(targets[0], "login")) if targets else UserKey(0, "?")
