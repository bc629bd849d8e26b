"""Values that go into an inbox and come out of it: items, arrivals, snapshots, outcomes, and the holder of a lock."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from msgspec import Struct

from notifier.domain.entries import Entry
from notifier.domain.states import Counts, Kept
from notifier.domain.users import User

HISTORY = 100  # entries that a new connection is sent
HARD_CAP_FACTOR = 10  # a stream never holds more than ten times STREAM_MAXLEN,
HARD_CAP_BOUNDS = 1_000, 5_000  # but it may hold the first and never more than the second (contract §5)

Announce = Callable[[Sequence["Item"], "Accepted"], None]


class Holder:
    """This pod as locks know it: its name, and the fencing number of this incarnation (0 until the store gave one)."""

    __slots__ = ("fence", "pod")

    def __init__(self, pod: str, fence: int = 0) -> None:
        self.pod = pod
        self.fence = fence


class Arrivals(Struct, frozen=True):
    """The new entries of one user's inbox.

    `fresh` is id, nid, payload (None: the one just accepted, empty: it has expired, 1: it was read over another pod
    before this one handed it out), id, …; `owner` holds the lock (empty: nobody); `others` are the further
    pods with connections of the user.
    """

    owner: bytes
    fresh: list[bytes | int | None]
    others: list[bytes] | None


class Snapshot(NamedTuple):
    """An inbox at the moment a connection began. `entries` are newest first; `cleared` is id, nid, …; the list that it
    comes from has `cleared_items`. `counts` and `states`, of those with marks, where they were asked for."""

    arrivals: Arrivals
    cleared: list[bytes]
    cleared_items: int
    entries: list[Entry]
    pending: int
    total: int
    last_id: bytes
    counts: Counts | None
    states: list[Kept]


class Wanted(NamedTuple):
    """A user whose stream is to be read on, after the id `after`; `dead` is a pod known to be gone, whose lock may be
    taken (empty: none)."""

    user: str
    after: str
    dead: str


class Expired(NamedTuple):
    """Entries that were removed, the unread ones among them, the holder of the lock (empty: nobody), and the instances
    with connections of the user."""

    removed: int
    unread: int
    owner: str
    pods: list[bytes]


class Gone(NamedTuple):
    """Unread entries that were removed without the user: id, nid, … of each; and the other instances of the user."""

    entries: list[bytes]
    others: list[bytes]


class MarkedRead(NamedTuple):
    """Entries marked read: id, nid, … of each; and the other instances of the user."""

    entries: list[bytes]
    others: list[bytes]


class ReadOn(NamedTuple):
    """Entries of a stream after an id, oldest first; `more` where there may be further ones; the last id that it
    gave (empty: there is no stream); who holds the lock; the further pods with connections of the user."""

    owner: bytes
    others: list[bytes]
    last_id: bytes
    entries: list[Entry]
    more: bool


class Item(Struct, frozen=True):
    """One notification to be stored: for whom, its id, its life (None: the user's own) and its payload."""

    user: User
    notification_id: str
    ttl_ms: int | None
    payload: bytes


class Remembered(NamedTuple):
    """The idempotency record of a request: where it is kept, what it must match, and the answer to give again."""

    key: str
    fingerprint: bytes
    nonce: bytes
    answer: bytes
    ttl_ms: int


class Accepted(Struct, frozen=True):
    """The outcome of `accept`: `mismatch`, a `replay` (the first answer), or `stored` with arrivals and a stream id
    per item (empty: an earlier try had stored it), and how many unread ones had to make room."""

    outcome: str
    replay: bytes
    arrivals: list[Arrivals]
    stream_ids: list[bytes]
    trimmed: int


class InboxPolicy(NamedTuple):
    """The default lifetime of a payload, and the number of entries kept per inbox."""

    default_ttl_ms: int
    maxlen: int

    @property
    def cap(self) -> int:
        """The number of entries that no stream exceeds."""
        least, most = HARD_CAP_BOUNDS
        return min(most, max(least, self.maxlen * HARD_CAP_FACTOR))
