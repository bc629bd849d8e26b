"""Connections, users and notifications as the admin API answers them. No I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from tui.model import UserKey, user_of
from tui.record import Json, Moment, Raw, Read, Row, Text, Whole, moment, number_in, rows, text

_NOTHING: Json = {}
_MARKS = ("seen", "read", "acted", "archived")


@dataclass(frozen=True, slots=True)
class Client(Read):
    """One open connection, as a row of `GET clients`; times in unix seconds."""

    connection_id: Text
    user: Annotated[UserKey, Row(user_of)]
    pod_id: Text
    remote: Text
    connected_at: Moment
    last_seen: Moment
    sent: Whole
    acked: Whole
    buffered: Whole
    raw: Raw

    @property
    def identity(self) -> str:
        """The id that `y` copies."""
        return self.connection_id

    @property
    def owner(self) -> UserKey | None:
        """The user it belongs to."""
        return self.user

    @property
    def haystack(self) -> str:
        """The text that a filter searches, in lower case."""
        return f"{self.user} {self.remote} {self.pod_id} {self.connection_id}".lower()


@dataclass(frozen=True, slots=True)
class User(Read):
    """A user known to the server, as a row of `GET users`."""

    user: Annotated[UserKey, Row(user_of)]
    connections: Whole
    pending: Whole
    raw: Raw

    @property
    def identity(self) -> str:
        """The id that `y` copies."""
        return str(self.user)

    @property
    def owner(self) -> UserKey | None:
        """The user it belongs to."""
        return self.user

    @property
    def haystack(self) -> str:
        """The text that a filter searches, in lower case."""
        return str(self.user).lower()


def _payload(row: Json) -> Json | None:
    found = row.get("payload")
    return found if isinstance(found, Mapping) else None


def _notification_id(row: Json) -> str:
    return text(row, "notification_id") or text(_payload(row) or _NOTHING, "notification_id")


def _status(row: Json) -> str:
    return text(row, "status") or ("read" if row.get("read") is True else "unread")


def stream_moment(stream_id: str) -> float | None:
    """Unix seconds at which a stream entry was added, by its id."""
    head = stream_id.partition("-")[0]
    return moment(int(head) / 1000) if head.isascii() and head.isdigit() and len(head) < 16 else None


def _stored_at(row: Json) -> float | None:
    return stream_moment(text(row, "id"))


@dataclass(frozen=True, slots=True)
class Entry(Read):
    """One notification in an inbox, as a row of `GET history` or `GET pending`; the `user` is given.

    `payload` is None once it has expired. `stored_at` is when it was accepted, in unix seconds: the first half of a
    stream id is that in milliseconds.
    """

    user: Annotated[UserKey, Row(user_of)]
    stream_id: Annotated[str, text, "id"]
    notification_id: Annotated[str, Row(_notification_id)]
    payload: Annotated[Json | None, Row(_payload)]
    status: Annotated[str, Row(_status)]
    stored_at: Annotated[float | None, Row(_stored_at)]
    raw: Raw

    @property
    def message(self) -> str:
        """The message, or what became of it."""
        return "(expired)" if self.payload is None else text(self.payload, "message")

    @property
    def state(self) -> str:
        """The word for what its user did with it: `status`, or `snoozed`, `archived`, `acted`, `seen`."""
        if self.status == "auto_cleared":
            return self.status
        words = (("snoozed_until", "snoozed"), ("archived_at", "archived"), ("acted_at", "acted"))
        found = next((word for name, word in words if text(self.raw, name)), "")
        return found or ("seen" if self.status == "unread" and text(self.raw, "seen_at") else self.status)

    @property
    def marks(self) -> list[tuple[str, float | None]]:
        """`seen`, `read`, `acted`, `archived`, those that it bears, each with the unix seconds of the first time."""
        return [(mark, moment(self.raw.get(f"{mark}_at"))) for mark in _MARKS if text(self.raw, f"{mark}_at")]

    @property
    def snoozed_until(self) -> float | None:
        """Unix seconds when it comes back, None where it is not put off."""
        return moment(self.raw.get("snoozed_until"))

    @property
    def stays_read(self) -> bool:
        """True for what its user archived or acted on."""
        return any(text(self.raw, name) for name in ("archived_at", "acted_at"))

    def is_marked(self, mark: str) -> bool:
        """True where a mark would change nothing."""
        match mark:
            case "read" | "unread":
                return (self.status == "read") == (mark == "read")
            case "seen":
                return self.status == "read" or bool(text(self.raw, "seen_at"))
            case "unarchived":
                return not text(self.raw, "archived_at")
            case _:
                return bool(text(self.raw, f"{mark}_at"))

    @property
    def source(self) -> str:
        """The source that the sender named."""
        return text(self.payload or _NOTHING, "source")

    @property
    def priority(self) -> str:
        """`high`, `normal`, `low`, or nothing."""
        return text(self.payload or _NOTHING, "priority")

    @property
    def created_at(self) -> float | None:
        """When the sender says that it came to be."""
        return moment((self.payload or _NOTHING).get("created_at"))

    @property
    def _words(self) -> str:
        return self.status if self.state == self.status else f"{self.status} {self.state}"

    @property
    def identity(self) -> str:
        """The id that `y` copies."""
        return self.notification_id or self.stream_id

    @property
    def owner(self) -> UserKey | None:
        """The user it belongs to."""
        return self.user

    @property
    def haystack(self) -> str:
        """The text that a filter searches, in lower case."""
        return f"{self.user} {self._words} {self.source} {self.message} {self.notification_id}".lower()


def _connections(row: Json) -> list[Client]:
    return [Client.read(each) for each in rows(row, "connections")]


def _days(row: Json, name: str) -> int | None:
    days = number_in(row, name)
    return None if days is None else int(days)


@dataclass(frozen=True, slots=True)
class UserFacts(Read):
    """All that the server knows of one user, as `GET users/{key}`; the `user` is given."""

    user: Annotated[UserKey, Row(user_of)]
    connections: Annotated[list[Client], Row(_connections)]
    pending: Whole
    stored: Whole
    lock_owner: Text
    retention_days: Annotated[int | None, _days]
