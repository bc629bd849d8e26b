"""Users, rows of tables, and instances. No I/O."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, Protocol

from tui.record import Json, Moment, Raw, Read, Text, Whole, number_in, text, whole

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
    """A row of any table."""

    @property
    def identity(self) -> str:
        """The id that `y` copies."""
        ...

    @property
    def owner(self) -> UserKey | None:
        """The user it belongs to."""
        ...

    @property
    def haystack(self) -> str:
        """The text that a filter searches, in lower case."""
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


def user_of(row: Json) -> UserKey:
    """The user that `user_id` and `login` name."""
    return UserKey(whole(row, "user_id"), text(row, "login"))


def _alive(row: Json, name: str) -> bool | None:
    found = row.get(name)
    return found if isinstance(found, bool) else None


@dataclass(frozen=True, slots=True)
class Instance(Ownerless, Read):
    """One serving process, as a row of `GET pods`; `alive` is None where the server does not say."""

    pod_id: Text
    version: Text
    started_at: Moment
    heartbeat_age: Annotated[float | None, number_in, "heartbeat_age_s"]
    connections: Whole
    locks: Whole
    bus_lag: Whole
    alive: Annotated[bool | None, _alive]
    raw: Raw

    @property
    def state(self) -> str:
        """`up`, `late` (no heartbeat for two intervals of 30 s) or `gone`."""
        if self.alive is False:
            return "gone"
        return "late" if (self.heartbeat_age or 0.0) > 60.0 else "up"

    @property
    def identity(self) -> str:
        """The id that `y` copies."""
        return self.pod_id

    @property
    def haystack(self) -> str:
        """The text that a filter searches, in lower case."""
        return f"{self.pod_id} {self.version} {self.state}".lower()
