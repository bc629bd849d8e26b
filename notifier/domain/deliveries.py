"""A delivery: a checked request for one, its record, and the JSON that the API shows of it."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any, NamedTuple

import msgspec

from notifier.domain.channels import PRIORITIES
from notifier.domain.checks import text_problem
from notifier.domain.status import Status

MAX_BATCH = 1000
MAX_CONTENT = 8192
MAX_SUBJECT = 256
MAX_USER_ID = 128
MAX_RETRIES = 10
MAX_KEY = 255
_BY_NUMBER = {0: "low", 1: "normal", 2: "high", 3: "high"}

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]").search
_encode = msgspec.json.Encoder().encode


class Draft(NamedTuple):
    """A valid request for a delivery, not yet stored.

    `recipient` or `user_id` may be empty, not both; times are RFC 3339 or None; `max_retries` None means the default.
    """

    channel: str
    recipient: str
    user_id: str
    content: str
    subject: str
    data: dict[str, Any]
    priority: str
    scheduled_at: str | None
    expires_at: str | None
    max_retries: int | None
    idempotency_key: str | None
    created_at: str | None = None


class Attempt(msgspec.Struct, frozen=True):
    """One try through one provider: `outcome` is `sent`, `retry` or `failed`; `at` is RFC 3339, the latency in ms."""

    at: str
    provider: str
    outcome: str
    error: str
    latency_ms: float


class Record(NamedTuple):
    """A delivery as it is stored: `document` is the answer to its creation, the rest is what has changed since.

    Times are RFC 3339, None where there is none. `held_by` is what put it back untried, `held_since` when that began.
    """

    document: bytes
    status: Status
    retry_count: int
    updated_at: str
    next_retry_at: str | None = None
    scheduled_at: str | None = None
    sent_at: str | None = None
    provider: str | None = None
    provider_message_id: str | None = None
    error: str | None = None
    held_by: str | None = None
    held_since: str | None = None


class Wait(NamedTuple):
    """The thing that a delivery waits for, and since when (RFC 3339)."""

    reason: str
    since: str


class _WaitFields(msgspec.Struct):
    waiting_for: str
    since: str


class _Born(msgspec.Struct):
    status: Status
    updated_at: str


_born = msgspec.json.Decoder(_Born).decode


class Filter(NamedTuple):
    """The filters of a list; empty texts filter nothing. Times are Unix ms."""

    status: str = ""
    channel: str = ""
    recipient: str = ""
    user: str = ""
    start: int | None = None
    end: int | None = None


def document_of(
    draft: Draft, delivery_id: str, status: Status, batch_id: str | None, max_retries: int, now: str
) -> bytes:
    """The answer to the creation of a delivery; `now` is RFC 3339."""
    shown: dict[str, Any] = {"id": delivery_id, "channel": draft.channel, "recipient": draft.recipient}
    optional = {
        "user_id": draft.user_id,
        "subject": draft.subject,
        "data": draft.data,
        "scheduled_at": draft.scheduled_at,
        "expires_at": draft.expires_at,
        "batch_id": batch_id,
    }
    shown |= {
        "content": draft.content,
        "priority": draft.priority,
        "status": status,
        "retry_count": 0,
        "max_retries": max_retries,
        "created_at": draft.created_at or now,
        "updated_at": now,
    }
    return _encode(shown | {name: value for name, value in optional.items() if value})


def wait_of(record: Record, paused: bool) -> Wait | None:
    """The wait of a delivery; None while it is tried, and when it has ended. `paused` is its channel's state."""
    match record.status:
        case Status.SCHEDULED if record.held_by is None:
            return Wait("not_due", record.updated_at)
        case Status.RETRYING:
            return Wait("backoff", record.updated_at)
        case Status.QUEUED if paused:
            return Wait("channel_paused", record.held_since or record.updated_at)
        case Status.SCHEDULED | Status.QUEUED:
            return Wait(record.held_by or "in_queue", record.held_since or record.updated_at)
        case _:
            return None


def shown_at_first(document: bytes, paused: bool) -> bytes:
    """The answer to a creation with what the delivery waits for; `paused`: its channel is held."""
    born = _born(document)
    wait = wait_of(Record(document, born.status, 0, born.updated_at), paused)
    return document if wait is None else document[:-1] + b"," + _encode(_WaitFields(wait.reason, wait.since))[1:]


def shown_record(record: Record, paused: Collection[str] = ()) -> dict[str, Any]:
    """A delivery as the API shows it now; `paused` are the channels that are held."""
    shown: dict[str, Any] = msgspec.json.decode(record.document)
    wait = wait_of(record, shown.get("channel") in paused)
    if wait is not None:
        shown |= {"waiting_for": wait.reason, "since": wait.since}
    shown |= {"status": record.status, "retry_count": record.retry_count, "updated_at": record.updated_at}
    for name in ("next_retry_at", "scheduled_at", "sent_at", "provider", "provider_message_id", "error"):
        value = getattr(record, name)
        if value is not None:
            shown[name] = value
    return shown


def priority_of(value: object) -> str | None:
    """The priority in a request: a word, or a number of 0-3 (0 low, 1 normal, 2 and 3 high); None when it is none."""
    if type(value) is int:
        return _BY_NUMBER.get(value)
    return value if type(value) is str and value in PRIORITIES else None


def priority_problem(value: object) -> str | None:
    """A priority as a word."""
    return None if value in PRIORITIES else "must be high, normal or low"


def key_problem(value: object) -> str | None:
    """An idempotency key: 1-255 printable ASCII characters."""
    if type(value) is str and 1 <= len(value) <= MAX_KEY and value.isascii() and value.isprintable():
        return None
    return f"must be 1-{MAX_KEY} printable ASCII characters"


def user_problem(value: object) -> str | None:
    """A user of deliveries: any text of 1-128 characters without controls and line breaks. Joiners and the like are
    letters' own (U+200D in Hindi), and stay."""
    problem = text_problem(value, 1, MAX_USER_ID)
    if problem is None and _CONTROL(str(value)):
        problem = "must not hold control characters"
    return problem
