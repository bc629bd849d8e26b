"""Messages from the poller and the views to the app, which alone decides what follows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from textual.message import Message

from tui.actions import Action, Choice
from tui.model import Record, UserKey
from tui.problems import Problem
from tui.record import Json
from tui.why import About


class LinkChanged(Message):
    """The server went away, came back, or its retry is due at another time."""


class FiguresArrived(Message):
    """The world has new figures."""


class ClusterArrived(Message):
    """The world has new instances and health."""


class ProblemsArrived(Message):
    """The world has another list of problems, or has it no longer; `begun` are the grave ones that are new."""

    def __init__(self, begun: list[Problem]) -> None:
        super().__init__()
        self.begun = begun


class EventsArrived(Message):
    """The tail has new events."""


class SnapshotArrived(Message):
    """A subject's data came."""

    def __init__(self, subject: object, value: object) -> None:
        super().__init__()
        self.subject = subject
        self.value = value


class SnapshotFailed(Message):
    """A subject's data could not be had; what is shown stays."""

    def __init__(self, subject: object, reason: str, gone: bool) -> None:
        super().__init__()
        self.subject = subject
        self.reason = reason
        self.gone = gone


@dataclass
class ShowView(Message):
    """Go to a view."""

    view: str


@dataclass
class OpenPlace(Message):
    """Go to a view, and there to the row of this id, or only to the view where it is empty."""

    view: str
    id: str = ""


@dataclass
class OpenUser(Message):
    """Drill down to a user."""

    user: UserKey


@dataclass
class OpenWhy(Message):
    """Drill down to the timeline of something."""

    about: About


@dataclass
class OpenHistory(Message):
    """Go to the history of a user."""

    user: UserKey


@dataclass
class OpenNotification(Message):
    """Drill down to a notification."""

    user: UserKey
    notification_id: str
    stream_id: str


@dataclass
class OpenDelivery(Message):
    """Drill down to a delivery; `known` is what the row knew of it."""

    id: str
    known: Json | None = None


@dataclass
class OpenDeliveries(Message):
    """Go to the deliveries that pass a filter."""

    needle: str


@dataclass
class OpenRecord(Message):
    """Drill down to anything else: its facts, and all of it as JSON."""

    heading: str
    facts: list[tuple[str, str]]
    raw: object


@dataclass
class CopyText(Message):
    """Copy text to the clipboard; `what` names it."""

    what: str
    text: str


@dataclass
class ChooseRecipients(Message):
    """Add users to those to send to, and go there if asked."""

    users: list[UserKey]
    go: bool


@dataclass
class Operate(Message):
    """Do something that cannot be undone, after asking; `done` is called once it is done."""

    action: Action
    done: Callable[[], None] | None = None


@dataclass
class ChooseOne(Message):
    """Have one of several operations chosen, then do it, after asking; `done` is called once it is done."""

    heading: str
    choices: Sequence[Choice]
    done: Callable[[], None] | None = None


@dataclass
class SendNow(Message):
    """Send a notification; to all connected where `users` is None. The same `key` again stores nothing twice."""

    users: list[UserKey] | None
    content: Json
    key: str


@dataclass
class WriteRows(Message):
    """Write rows to a file; `what` names them in the file's name."""

    rows: Sequence[Record]
    what: str


class PaneTurned(Message):
    """The pane beside lists was put up or away."""


class RefreshNow(Message):
    """Fetch what is shown again."""
