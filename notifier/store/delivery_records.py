"""Records of deliveries, and how the replies of Redis become them (`deliveries.py` asks for them)."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from notifier.domain.channels import PRIORITIES
from notifier.domain.deliveries import Record
from notifier.domain.status import Event, Status
from notifier.domain.times import format_time
from notifier.store.redis.link import Reply
from notifier.store.redis.spoilt import integer

MAX_TIME_MS = 253_402_300_800_000  # the year 10000, which RFC 3339 has no room for


class NewDelivery(NamedTuple):
    """A new delivery as it is stored. Times are Unix ms, None where there is none; `created` may be the source's own.

    `limited_by` is whom the limit per user counts: the user, else the recipient; empty where none counts. `key` is the
    digest of an idempotency key, empty where there is none, `fingerprint` that of the request under it.
    """

    id: str
    document: bytes
    channel: str
    priority: str
    scheduled: int | None
    expires: int | None
    created: int
    accepted: int
    max_retries: int
    user: str
    recipient: str
    limited_by: str
    batch: str = ""
    key: str = ""
    fingerprint: str = ""


class Stored(NamedTuple):
    """The outcome of storing: `outcome` is `stored`, `known` (then with the first one's id and document) or
    `mismatch`; `paused` where the channel is held."""

    outcome: str
    id: str
    document: bytes
    paused: bool = False


class Leased(NamedTuple):
    """A delivery that this owner may try now; `expires` is Unix ms or None. `lease` tells this lease of it from all
    others: one that ran out and the next may both be this owner's."""

    id: str
    lease: str
    document: bytes
    retries: int
    max_retries: int
    expires: int | None
    priority: str
    takeovers: int


class Change(NamedTuple):
    """A delivery and its new status."""

    id: str
    status: Status
    channel: str
    priority: str


class Lease(NamedTuple):
    """The answer to a request for work: `wait` is the seconds until it is worth asking again, None while only news can
    change that (nothing waits, or the channel is paused)."""

    wait: float | None
    leased: list[Leased]
    aside: list[Change]


class LeaseName(NamedTuple):
    """One lease of a delivery: the delivery's id, and the word that tells this lease from its others."""

    id: str
    lease: str


class Moved(NamedTuple):
    """The deliveries that became due, and the channels in whose queues something waits or is under way."""

    changes: list[Change]
    waiting: list[str]


class Changed(NamedTuple):
    """The outcome of an event for one delivery: `change` is None where the event has no meaning for it, `before` is its
    status until then, None where the delivery is not known."""

    change: Change | None
    before: Status | None


class LeaseTerms(NamedTuple):
    """The limits under which a channel is leased: sends per second (0: none), per user (0: none) in `window` seconds,
    and what is done with those over it (`defer` or `drop`)."""

    per_second: int
    per_user: int
    window: float
    policy: str


class Finished(NamedTuple):
    """The outcome of a leased delivery. `wait` is in seconds, for `retry` and `defer`."""

    id: str
    owner: str
    lease: str
    event: Event
    wait: float = 0.0
    reason: str = ""
    error: str = ""
    provider: str = ""
    provider_id: str = ""
    attempts: bytes = b""  # JSON objects joined by commas


HELD_BY = ("circuit_open", "rate_limited")  # what may hold a delivery back untried, as `queues.lua` counts it


class Queue(NamedTuple):
    """One channel's queue: what waits by priority, what is leased, and since when the oldest waits (Unix ms).

    `scheduled` and `retrying` count by status; `held` counts deliveries put back untried, by the reason.
    """

    channel: str
    paused: bool
    scheduled: int
    retrying: int
    held: dict[str, int]
    waiting: dict[str, int]
    leased: int
    oldest: int | None


class Queues(NamedTuple):
    """All queues, the schedule's length, the dead-letter queue's, and how many dead letters came in ten minutes."""

    channels: list[Queue]
    scheduled: int
    dead: int
    dead_recent: int


class Found(NamedTuple):
    """A page of a list, newest first, and how many the list holds; where `exact` is False, at least so many."""

    total: int
    exact: bool
    records: list[Record]


class Tries(NamedTuple):
    """The status of a delivery and its attempts: a JSON list, oldest first."""

    status: Status
    attempts: bytes


class Batch(NamedTuple):
    """The deliveries of a batch by status, and a page of them in their order."""

    statuses: dict[str, int]
    records: list[Record]


class Window(NamedTuple):
    """A user's rate limit: sends counted in the open window, and the seconds until it ends (0: none is open)."""

    used: int
    ends_in: float


class Refused(NamedTuple):
    """A message that never became a delivery, for the dead-letter queue; `document` is a JSON object."""

    id: str
    document: bytes
    reason: str
    error: str


class DeadReason(NamedTuple):
    """Dead letters of one reason; the channel is empty where they never were deliveries."""

    reason: str
    channel: str
    number: int


class DeadLetter(NamedTuple):
    """An entry of the dead-letter queue; `failed_at` is RFC 3339."""

    id: str
    channel: str
    reason: str
    error: str
    attempts: int
    failed_at: str
    document: bytes


def digest(text: str) -> str:
    """SHA-256 of text from outside, 32 hex digits, for use in a key; empty for none."""
    return hashlib.sha256(text.encode()).hexdigest()[:32] if text else ""


def stored_of(item: NewDelivery, result: Reply) -> Stored:
    if result[0] == 1:
        return Stored("stored", item.id, item.document, result[1] == 1)
    if result[0] == 2:
        return Stored("known", result[2].decode(), result[3], result[1] == 1)
    return Stored("mismatch", "", b"")


def leased_of(row: Sequence[bytes]) -> Leased:
    delivery_id, lease, document, retries, most, expires, priority, takeovers = row
    return Leased(
        delivery_id.decode(),
        lease.decode(),
        document,
        integer(retries),
        integer(most),
        integer(expires) or None,
        priority.decode(),
        integer(takeovers),
    )


def changes_of(reply: Reply) -> list[Change]:
    texts = [part.decode() for part in reply]
    return [Change(texts[i], Status(texts[i + 1]), *texts[i + 2 : i + 4]) for i in range(0, len(texts), 4)]


def _time(milliseconds: bytes | None) -> str | None:
    value = integer(milliseconds, -1)
    return format_time(value / 1000) if 0 <= value < MAX_TIME_MS else None


def text_of(value: bytes | None) -> str | None:
    return value.decode("utf-8", "replace") if value else None


def record_of(reply: Reply) -> Record:
    document, status, retries, updated, following, scheduled, sent, provider, provider_id, error, why, since = reply
    return Record(
        document,
        Status(status.decode()),
        integer(retries),
        _time(updated) or "",
        _time(following),
        _time(scheduled),
        _time(sent),
        text_of(provider),
        text_of(provider_id),
        text_of(error),
        text_of(why),
        _time(since),
    )


def queue_of(row: Sequence[Reply]) -> Queue:
    channel, paused, scheduled, retrying, *rest = row
    held, numbers = dict(zip(HELD_BY, rest, strict=False)), rest[len(HELD_BY) :]
    oldest = [int(entry.split(b"-")[0]) for entry in numbers[2::3] if entry]
    waiting = dict(zip(PRIORITIES, numbers[0::3], strict=True))
    kept = (scheduled, retrying, held, waiting, sum(numbers[1::3]), min(oldest, default=None))
    return Queue(channel.decode(), bool(paused), *kept)


def dead_letter_of(delivery_id: str, failed: float, row: Reply) -> DeadLetter:
    channel, reason, error, document, retries, attempts = row
    tries = integer(retries) + 1 if attempts else 0
    return DeadLetter(
        delivery_id,
        text_of(channel) or "",
        text_of(reason) or "",
        text_of(error) or "",
        tries,
        format_time(min(max(0.0, failed), MAX_TIME_MS - 1) / 1000),
        document if document and is_object(document) else b"{}",
    )


def status_of(value: bytes | None) -> Status | None:
    text = text_of(value)
    return Status(text) if text in tuple(Status) else None


def is_json(value: bytes) -> bool:
    try:
        msgspec.json.decode(value)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return False
    return True


def is_object(value: bytes) -> bool:
    return value.startswith(b"{") and is_json(value)
