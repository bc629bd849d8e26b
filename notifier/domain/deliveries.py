"""A delivery: what a request may say, and what the API shows of it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec

from notifier.domain.addresses import address_problem
from notifier.domain.checks import data_problem, text_problem, time_problem
from notifier.domain.faults import MAX_NAMED, Faults, invalid, no_object
from notifier.domain.status import Status
from notifier.domain.times import normalise_time, parse_time
from notifier.errors import FieldError

CHANNELS = ("sms", "email", "push", "webhook", "inapp")
PRIORITIES = ("high", "normal", "low")
PLATFORMS = ("ios", "android", "web", "email", "sms")
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

    Times are RFC 3339, None where there is none.
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


class Filter(NamedTuple):
    """What a list is to hold; empty texts filter nothing. Times are Unix ms."""

    status: str = ""
    channel: str = ""
    recipient: str = ""
    user: str = ""
    start: int | None = None
    end: int | None = None


def read_delivery(body: object, faults: Faults | None = None) -> Draft:
    """The draft in a decoded request body; raises `NotifierError(invalid)` that names every bad field, beside what
    `faults` holds of the rest of the request."""
    faults = faults or Faults()
    draft = _read(body, faults)
    if draft is None:
        raise invalid(faults)
    return draft


def read_item(body: object, most: int = MAX_NAMED) -> Draft | list[FieldError]:
    """The draft of one item of a batch, or what is wrong with it: `most` fields are named, the others counted."""
    faults = Faults(most)
    draft = _read(body, faults)
    return faults.listed() if draft is None else draft


def read_batch(body: object, faults: Faults | None = None) -> list[object]:
    """The items of a batch, unread; raises `NotifierError(invalid)`, as `read_delivery`, for what is not theirs alone,
    and then names their bad fields too."""
    faults = faults or Faults()
    if type(body) is not dict:
        raise no_object(faults)
    items: Any = body.get("notifications")
    fine = type(items) is list and 1 <= len(items) <= MAX_BATCH
    if not fine:
        faults.add("notifications", f"must be a list of 1-{MAX_BATCH} notifications")
    faults.add_unknown(body, {"notifications"})
    if not faults:
        return list(items)
    for index, item in enumerate(items if fine else ()):
        within = Faults()
        _read(item, within)
        faults.add_within(within, f"notifications[{index}]")
    raise invalid(faults)


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


def shown_record(record: Record) -> dict[str, Any]:
    """A delivery as the API shows it now."""
    shown: dict[str, Any] = msgspec.json.decode(record.document)
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


def _integer_problem(value: object) -> str | None:
    if type(value) is int and 0 <= value <= MAX_RETRIES:
        return None
    return f"must be an integer of 0-{MAX_RETRIES}"


def _subject_problem(value: object) -> str | None:
    return text_problem(value, 0, MAX_SUBJECT)


_CHECKS: dict[str, Callable[[object], str | None]] = {
    "channel": lambda value: None if value in CHANNELS else f"must be one of {', '.join(CHANNELS)}",
    "recipient": lambda value: text_problem(value, 1, 4096),
    "user_id": user_problem,
    "content": lambda value: text_problem(value, 1, MAX_CONTENT),
    "subject": _subject_problem,
    "title": _subject_problem,
    "data": data_problem,
    "priority": lambda value: None if priority_of(value) else "must be high, normal or low, or 0-3",
    "scheduled_at": time_problem,
    "expires_at": time_problem,
    "max_retries": _integer_problem,
    "idempotency_key": key_problem,
}


_SEND = {name: name for name in ("user_id", "priority", "data", "channel", "recipient", "idempotency_key")}
_SEND |= {"title": "subject", "body": "content"}


def _read(body: object, faults: Faults) -> Draft | None:
    if type(body) is not dict:
        faults.add("", "must be a JSON object")
        return None
    for name in ("channel", "content"):
        if name not in body:
            faults.add(name, "is required")
    good: dict[str, Any] = {}
    for name, check in _CHECKS.items():
        if name not in body:
            continue
        if problem := check(body[name]):
            faults.add(name, problem)
        else:
            good[name] = body[name]
    _check_together(body, good, faults)
    faults.add_unknown(body, _CHECKS.keys())
    return None if faults else _draft(body)


def read_send(body: object, faults: Faults | None = None) -> Draft:
    """The draft in a request to `/send`: `user_id`, `title`, `body`, `priority`, `data`, and perhaps `channel` (push)
    and `recipient`. Raises `NotifierError(invalid)` as `read_delivery`."""
    faults, within = faults or Faults(), Faults()
    if type(body) is not dict:
        raise no_object(faults)
    for name in ("user_id", "body"):
        if name not in body:
            faults.add(name, "is required")
    renamed = {inner: body[outer] for outer, inner in _SEND.items() if outer in body}
    renamed.setdefault("channel", "push")
    for name in ("user_id", "content"):  # named above where they are missing
        renamed.setdefault(name, "1-a")
    draft = _read(renamed, within)
    faults.add_all(within, {"content": "body", "subject": "title"})
    faults.add_unknown(body, _SEND.keys())
    if draft is None or faults:
        raise invalid(faults)
    return draft


def _check_together(body: dict[str, Any], good: dict[str, Any], faults: Faults) -> None:
    """Names what is wrong between fields; `good` holds those of the body that are well by themselves, so that one bad
    field hides no other's errors."""
    if "subject" in body and "title" in good:
        faults.add("title", "is another name of subject: give one of them")
    _check_recipient(body, good, faults)
    if "expires_at" in good and "scheduled_at" in good and not _is_before(good["scheduled_at"], good["expires_at"]):
        faults.add("expires_at", "must be later than scheduled_at")


def _check_recipient(body: dict[str, Any], good: dict[str, Any], faults: Faults) -> None:
    channel = good.get("channel")
    if "recipient" in body:
        problem = address_problem(channel, good["recipient"]) if channel and "recipient" in good else None
        if problem is not None:
            faults.add("recipient", problem)
    elif channel == "webhook":
        faults.add("recipient", "is required: a webhook goes to a URL")
    elif "user_id" not in body:
        faults.add("recipient", "is required where there is no user_id")
    elif channel == "inapp" and "user_id" in good and (problem := address_problem("inapp", good["user_id"])):
        faults.add("user_id", problem)


def _is_before(first: str, second: str) -> bool:
    return parse_time(first) < parse_time(second)


def _draft(body: dict[str, Any]) -> Draft:
    scheduled, expires = body.get("scheduled_at"), body.get("expires_at")
    return Draft(
        channel=body["channel"],
        recipient=body.get("recipient", ""),
        user_id=body.get("user_id", ""),
        content=body["content"],
        subject=body.get("subject", body.get("title", "")),
        data=body.get("data", {}),
        priority=priority_of(body.get("priority", "normal")) or "normal",
        scheduled_at=normalise_time(scheduled) if scheduled is not None else None,
        expires_at=normalise_time(expires) if expires is not None else None,
        max_retries=body.get("max_retries"),
        idempotency_key=body.get("idempotency_key"),
    )
