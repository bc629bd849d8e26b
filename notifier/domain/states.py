"""The states of a notification in a person's inbox: seen, read, archived, acted on, snoozed; and filters over them."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, NamedTuple

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from notifier.domain.fields import Category, Source, text
from notifier.domain.times import format_time

MARKS = ("seen", "read", "unread", "archived", "unarchived", "acted")
SNOOZE_LEAST, SNOOZE_MOST = 60.0, 30 * 86400.0  # seconds
MAX_IDS = 100

_packed = re.compile(rb"([srazx])([0-9]{1,16})").findall
_decode = msgspec.json.decode

As = Literal["seen", "read", "unread", "archived", "unarchived", "acted"]


class Marks(NamedTuple):
    """Unix ms at which a notification was seen, read, archived and acted on, and until which it is snoozed."""

    seen: int | None = None
    read: int | None = None
    archived: int | None = None
    snoozed: int | None = None
    acted: int | None = None


class Kept(NamedTuple):
    """A notification in an inbox with its states; `payload` is None once it has expired."""

    stream_id: str
    notification_id: str
    read: bool
    marks: Marks
    payload: bytes | None

    @property
    def seen(self) -> bool:
        """True once it was shown: reading and acting imply it."""
        return self.read or self.marks.seen is not None

    @property
    def beyond_read(self) -> bool:
        """True for an entry whose states `read` alone does not tell."""
        marks = self.marks
        return bool(marks.archived or marks.snoozed or marks.acted or (marks.seen and not self.read))


class Counts(NamedTuple):
    """Counts of a main list, what is neither archived nor snoozed, and the inbox's revision."""

    unread: int
    unseen: int
    total: int
    rev: int


def unpack_marks(packed: bytes | None) -> Marks:
    """Marks from `s<ms>r<ms>a<ms>z<ms>x<ms>`, any of which may be absent."""
    found = {letter: int(ms) for letter, ms in _packed(packed or b"")}
    return Marks(found.get(b"s"), found.get(b"r"), found.get(b"a"), found.get(b"z"), found.get(b"x"))


def kept(
    stream_id: bytes, notification_id: bytes, state: bytes | None, packed: bytes | None, payload: bytes | None = None
) -> Kept:
    """An entry as the store answers it."""
    marks = unpack_marks(packed)
    read = state == b"read" or (state is not None and marks.read is not None)
    return Kept(stream_id.decode(), notification_id.decode(), read, marks, payload)


_SHOWN = ("title", "url", "category", "priority", "data")


def shown(entry: Kept) -> dict[str, Any]:
    """An entry as the API shows it: the push shape with its states, revision and key; raises `ValueError` where it has
    expired."""
    said = said_in(entry)
    more = {"revision": said.get("revision", 1)} | ({"key": said["key"]} if "key" in said else {})
    return _pushed(entry, said) | times_of(entry) | more


def updated(entry: Kept) -> dict[str, Any]:
    """An entry in the push shape with its revision; raises `ValueError` where it has expired."""
    said = said_in(entry)
    return _pushed(entry, said) | {"revision": said.get("revision", 1)}


def said_in(entry: Kept) -> dict[str, Any]:
    """The members of an entry's payload; raises `ValueError` where it has expired."""
    if entry.payload is None:
        raise ValueError("expired")
    said: dict[str, Any] = _decode(entry.payload)
    return said


def _pushed(entry: Kept, said: dict[str, Any]) -> dict[str, Any]:
    item = {"notification_id": entry.notification_id, "stream_id": entry.stream_id, "message": said["message"]}
    item |= {"created_at": said.get("created_at", ""), "source": said.get("source", "")}
    item |= {name: said[name] for name in _SHOWN if name in said}
    return item | {"status": "read" if entry.read else "unread", "read": entry.read}


def times_of(entry: Kept) -> dict[str, str | None]:
    """The states of an entry as times, null for those that it is not in."""
    marks = entry.marks
    return {
        "seen_at": _time(marks.seen or (marks.read or marks.acted if entry.read else None)),
        "read_at": _time(marks.read if entry.read else None),
        "archived_at": _time(marks.archived),
        "snoozed_until": _time(marks.snoozed),
        "acted_at": _time(marks.acted),
    }


def _time(ms: int | None) -> str | None:
    return None if ms is None else format_time(ms / 1000)


class InboxFilter(Struct, forbid_unknown_fields=True, kw_only=True):
    """A choice of notifications; the main list where nothing is said."""

    status: Literal["all", "unread", "read"] = "all"
    seen: bool | UnsetType = UNSET
    archived: Literal["exclude", "include", "only"] = "exclude"
    snoozed: Literal["exclude", "only"] = "exclude"
    category: Category | UnsetType = UNSET
    source: Source | UnsetType = UNSET
    q: (
        Annotated[
            text(1, 256, "Text within the message or the title, in any case."),  # type: ignore[valid-type]
            Meta(),
        ]
        | UnsetType
    ) = UNSET

    def takes(self, entry: Kept) -> bool:
        """True for an entry of which it speaks. What has expired is in no list."""
        return entry.payload is not None and self._takes_state(entry) and self._takes_words(entry.payload)

    def _takes_state(self, entry: Kept) -> bool:
        if self.status != "all" and (self.status == "read") != entry.read:
            return False
        if self.seen is not UNSET and self.seen != entry.seen:
            return False
        if self.archived != "include" and (self.archived == "only") != (entry.marks.archived is not None):
            return False
        return (self.snoozed == "only") == (entry.marks.snoozed is not None)

    def _takes_words(self, payload: bytes) -> bool:
        if self.category is UNSET and self.source is UNSET and self.q is UNSET:
            return True
        said = _decode(payload)
        if self.category is not UNSET and said.get("category", "") != self.category:
            return False
        if self.source is not UNSET and said.get("source", "") != self.source:
            return False
        words = f"{said['message']}\n{said.get('title', '')}".casefold()
        return self.q is UNSET or str(self.q).casefold() in words
