"""Events of the cluster as values, and the bounded tail of them."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from tui.model import UserKey, user_of
from tui.record import Json, Raw, Read, Row, Text, Whole, moment_in, text

TAIL_MAX = 5_000
LOGS_MAX = 1_000  # kept beside the others, which come in thousands
LOG = "log"
# What is seldom and says that something changed: the server keeps it for a day.
NOTABLE = ("provider.", "channel.", "instance.", "pod.", "store.", LOG)
EVENT_MAX = 8 * 1024  # characters of JSON; a longer event is counted as left out
_WHICH = ("type", "time", "pod_id", "user_id", "login", "connection_id", "notification_id", "stream_id")
_KNOWN = frozenset((*_WHICH, "source", "message", "remote", "pod"))
_OF_DELIVERY = frozenset(("id", "channel", "priority"))


def _user(row: Json) -> UserKey | None:
    return user_of(row) if "login" in row else None


@dataclass(frozen=True, slots=True)
class Event(Read):
    """One thing that happened; `number` and `kind` are given, and `number` counts up as they arrive here."""

    number: Whole
    kind: Annotated[str, text, "type"]
    at: Annotated[float | None, moment_in, "time"]
    pod_id: Text
    user: Annotated[UserKey | None, Row(_user)]
    raw: Raw

    @property
    def notification_id(self) -> str:
        """The notification it is about, or nothing."""
        return text(self.raw, "notification_id")

    @property
    def delivery_id(self) -> str:
        """The delivery it is about, or nothing."""
        return text(self.raw, "id") if self.kind.startswith("delivery.") else ""

    @property
    def stream_id(self) -> str:
        """The notification's place in its inbox, or nothing."""
        return text(self.raw, "stream_id")

    @property
    def identity(self) -> str:
        """The id that `y` copies: of the notification or delivery, else the connection, else the instance."""
        return self.notification_id or self.delivery_id or text(self.raw, "connection_id") or self.pod_id

    @property
    def owner(self) -> UserKey | None:
        """The user it belongs to."""
        return self.user

    @property
    def notable(self) -> bool:
        """True for what is seldom and says that something changed."""
        return self.kind.startswith(NOTABLE)

    @property
    def level(self) -> str:
        """`warning` or `error` of a log line, or nothing."""
        return text(self.raw, "level") if self.kind == LOG else ""

    @property
    def told_by(self) -> str:
        """The instance; of a log line perhaps a process beside the instances, such as a supervisor."""
        return (text(self.raw, "instance") if self.kind == LOG else "") or self.pod_id

    @property
    def named(self) -> str:
        """The event that a log line tells of, such as `redis.silent`."""
        return text(self.raw, "event")

    @property
    def said(self) -> str:
        """The text of a log line."""
        return text(self.raw, "text")

    @property
    def who(self) -> str:
        """The user key, or nothing."""
        return "" if self.user is None else str(self.user)

    @property
    def what(self) -> str:
        """The rest in a few words, for every type, also for types that did not exist when this was written."""
        raw = self.raw
        if self.kind == LOG:
            return "  ".join(part for part in (self.level, self.named, self.said) if part)
        said = [text(raw, "source"), text(raw, "message"), text(raw, "pod"), text(raw, "remote")]
        said += [text(raw, "channel"), text(raw, "priority")] if self.delivery_id else []
        known = _KNOWN | _OF_DELIVERY if self.delivery_id else _KNOWN
        more = [f"{name}={_plain(value)}" for name, value in raw.items() if name not in known]
        ids = [(self.notification_id or self.delivery_id or text(raw, "connection_id"))[:8]]
        return "  ".join(part for part in said + more + ids if part)

    @property
    def haystack(self) -> str:
        """The text that a filter searches, in lower case."""
        raw = self.raw
        ids = f"{text(raw, 'notification_id')} {self.delivery_id} {text(raw, 'connection_id')}"
        return f"{self.kind} {self.who} {self.told_by} {self.what} {ids}".lower()


class Tail:
    """The newest events, at most `TAIL_MAX`, and counts of all that came."""

    def __init__(self) -> None:
        self._events: deque[Event] = deque(maxlen=TAIL_MAX)
        self._logs: deque[Event] = deque(maxlen=LOGS_MAX)
        self.newest = ""  # the time of the newest event, as the server wrote it
        self.arrived = 0
        self.left_out = 0

    def add(self, kind: str, data: str) -> str:
        """Takes the JSON of an event. Returns its type, or nothing where it is no event or too long to keep."""
        event = self._read(kind, data)
        if event is None:
            self.left_out += 1
            return ""
        self.arrived += 1
        (self._logs if event.kind == LOG else self._events).append(event)
        self.newest = max(self.newest, text(event.raw, "time"))
        return event.kind

    def newest_first(self) -> list[Event]:
        """The events kept, newest first."""
        return list(reversed(self._events))

    def logs(self) -> list[Event]:
        """The log lines kept, newest first."""
        return list(reversed(self._logs))

    def of_user(self, user: UserKey) -> list[Event]:
        """The events of one user that are still kept, oldest first."""
        return [event for event in self._events if event.user == user]

    def of_delivery(self, identity: str) -> list[Event]:
        """The events of one delivery that are still kept, oldest first."""
        return [event for event in self._events if identity and event.delivery_id == identity]

    def about(self, notification_id: str) -> list[Event]:
        """The events of one notification that are still kept, oldest first."""
        return [event for event in self._events if notification_id and event.notification_id == notification_id]

    def _read(self, kind: str, data: str) -> Event | None:
        row = _decoded(data) if len(data) <= EVENT_MAX else None
        if row is None:
            return None
        return Event.read(row, number=self.arrived + 1, kind=text(row, "type") or kind)


def _decoded(data: str) -> Json | None:
    try:
        row = json.loads(data)
    except (ValueError, RecursionError):
        return None
    return row if isinstance(row, Mapping) else None


def _plain(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)[:80]
