"""What the admin API answers, as values. No I/O; every reader takes any JSON and never raises on its shape."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

Json = Mapping[str, Any]
_NOTHING: Json = {}
_YEAR_9999 = 253_402_300_799.0
_USER_KEY = re.compile(r"([1-9][0-9]{0,15})[-:](.+)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class UserKey:
    """An inbox user: `id` and `login`; as text `1-alice`."""

    id: int
    login: str

    def __str__(self) -> str:
        return f"{self.id}-{self.login}"

    @classmethod
    def parse(cls, text: str) -> UserKey | None:
        """The user that `1-alice` or `1:alice` names, or None."""
        found = _USER_KEY.fullmatch(text.strip())
        return cls(int(found[1]), found[2]) if found else None


class Record(Protocol):
    """What every row of a table can do."""

    @property
    def identity(self) -> str:
        """What `y` copies."""
        ...

    @property
    def owner(self) -> UserKey | None:
        """The user it belongs to."""
        ...

    @property
    def haystack(self) -> str:
        """What a filter searches, in lower case."""
        ...

    @property
    def raw(self) -> Json:
        """All of it, as it came."""
        ...


class Ownerless:
    """A row that belongs to no user."""

    __slots__ = ()

    @property
    def owner(self) -> UserKey | None:
        """None."""
        return None


@dataclass(frozen=True, slots=True)
class Client:
    """One open connection; times in unix seconds."""

    connection_id: str
    user: UserKey
    pod_id: str
    remote: str
    connected_at: float | None
    last_seen: float | None
    sent: int
    acked: int
    buffered: int
    raw: Json

    @classmethod
    def read(cls, row: Json) -> Client:
        """From a row of `GET clients`."""
        return cls(
            text(row, "connection_id"),
            user_of(row),
            text(row, "pod_id"),
            text(row, "remote"),
            moment(row.get("connected_at")),
            moment(row.get("last_seen")),
            whole(row, "sent"),
            whole(row, "acked"),
            whole(row, "buffered"),
            row,
        )

    @property
    def identity(self) -> str:
        """What `y` copies."""
        return self.connection_id

    @property
    def owner(self) -> UserKey | None:
        """The user it belongs to."""
        return self.user

    @property
    def haystack(self) -> str:
        """What a filter searches, in lower case."""
        return f"{self.user} {self.remote} {self.pod_id} {self.connection_id}".lower()


@dataclass(frozen=True, slots=True)
class User:
    """A user known to the server, with how many connections and unread notifications."""

    user: UserKey
    connections: int
    pending: int
    raw: Json

    @classmethod
    def read(cls, row: Json) -> User:
        """From a row of `GET users`."""
        return cls(user_of(row), whole(row, "connections"), whole(row, "pending"), row)

    @property
    def identity(self) -> str:
        """What `y` copies."""
        return str(self.user)

    @property
    def owner(self) -> UserKey | None:
        """The user it belongs to."""
        return self.user

    @property
    def haystack(self) -> str:
        """What a filter searches, in lower case."""
        return str(self.user).lower()


@dataclass(frozen=True, slots=True)
class Entry:
    """One notification in an inbox; `payload` is None once it has expired. `stored_at` is when it was accepted, in
    unix seconds: the first half of a stream id is that in milliseconds."""

    user: UserKey
    stream_id: str
    notification_id: str
    payload: Json | None
    status: str
    stored_at: float | None
    raw: Json

    @classmethod
    def read(cls, user: UserKey, row: Json) -> Entry:
        """From a row of `GET history` or `GET pending`."""
        found = row.get("payload")
        payload = found if isinstance(found, Mapping) else None
        identity = text(row, "notification_id") or text(payload or _NOTHING, "notification_id")
        status = text(row, "status") or ("read" if row.get("read") is True else "unread")
        stream_id = text(row, "id")
        return cls(user, stream_id, identity, payload, status, stream_moment(stream_id), row)

    @property
    def message(self) -> str:
        """The message, or what became of it."""
        return "(expired)" if self.payload is None else text(self.payload, "message")

    @property
    def source(self) -> str:
        """Who sent it."""
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
    def identity(self) -> str:
        """What `y` copies."""
        return self.notification_id or self.stream_id

    @property
    def owner(self) -> UserKey | None:
        """The user it belongs to."""
        return self.user

    @property
    def haystack(self) -> str:
        """What a filter searches, in lower case."""
        return f"{self.user} {self.status} {self.source} {self.message} {self.notification_id}".lower()


@dataclass(frozen=True, slots=True)
class Pod(Ownerless):
    """One serving process; `alive` is None where the server does not say."""

    pod_id: str
    version: str
    started_at: float | None
    heartbeat_age: float | None
    connections: int
    locks: int
    bus_lag: int
    alive: bool | None
    raw: Json

    @classmethod
    def read(cls, row: Json) -> Pod:
        """From a row of `GET pods`."""
        alive = row.get("alive")
        return cls(
            text(row, "pod_id"),
            text(row, "version"),
            moment(row.get("started_at")),
            number(row.get("heartbeat_age_s")),
            whole(row, "connections"),
            whole(row, "locks"),
            whole(row, "bus_lag"),
            alive if isinstance(alive, bool) else None,
            row,
        )

    @property
    def state(self) -> str:
        """`up`, `late` (no heartbeat for two intervals of 30 s) or `gone`."""
        if self.alive is False:
            return "gone"
        return "late" if (self.heartbeat_age or 0.0) > 60.0 else "up"

    @property
    def identity(self) -> str:
        """What `y` copies."""
        return self.pod_id

    @property
    def haystack(self) -> str:
        """What a filter searches, in lower case."""
        return f"{self.pod_id} {self.version} {self.state}".lower()


@dataclass(frozen=True, slots=True)
class UserFacts:
    """All that the server knows of one user."""

    user: UserKey
    connections: list[Client]
    pending: int
    stored: int
    lock_owner: str
    retention_days: int | None

    @classmethod
    def read(cls, user: UserKey, row: Json) -> UserFacts:
        """From `GET users/{key}`."""
        days = number(row.get("retention_days"))
        return cls(
            user,
            [Client.read(each) for each in rows(row, "connections")],
            whole(row, "pending"),
            whole(row, "stored"),
            text(row, "lock_owner"),
            None if days is None else int(days),
        )


def rows(row: Json, name: str) -> list[Json]:
    """The objects in a list member; anything else in it is left out."""
    found = row.get(name)
    return [each for each in found if isinstance(each, Mapping)] if isinstance(found, list) else []


def text(row: Json, name: str) -> str:
    """A string member, or nothing."""
    found = row.get(name)
    return found if isinstance(found, str) else ""


def whole(row: Json, name: str) -> int:
    """A number member as an integer, or 0."""
    return int(number(row.get(name)) or 0)


def number(value: object) -> float | None:
    """A finite number, or None."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value if abs(value) < 1e18 and not math.isnan(value) else None


def moment(value: object) -> float | None:
    """Unix seconds of an RFC 3339 time or of a number, or None where it is neither."""
    seconds = _parsed(value) if isinstance(value, str) else number(value)
    return seconds if seconds is not None and 0 <= seconds <= _YEAR_9999 else None


def stream_moment(stream_id: str) -> float | None:
    """Unix seconds at which a stream entry was added, by its id."""
    head = stream_id.partition("-")[0]
    return moment(int(head) / 1000) if head.isascii() and head.isdigit() and len(head) < 16 else None


def user_of(row: Json) -> UserKey:
    """The user that `user_id` and `login` name."""
    return UserKey(whole(row, "user_id"), text(row, "login"))


def _parsed(value: str) -> float | None:
    try:
        return datetime.fromisoformat(value).timestamp()
    except (ValueError, OverflowError, OSError):
        return None
