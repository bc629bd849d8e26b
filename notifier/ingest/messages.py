"""Parses Kafka messages into deliveries, or into dead letters with a reason."""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

from notifier.domain.checks import time_problem
from notifier.domain.deliveries import Draft
from notifier.domain.delivery_requests import read_draft
from notifier.domain.ids import derived_id
from notifier.domain.times import normalise_time
from notifier.errors import FieldError
from notifier.service.accept import Undeliverable

MAX_ID = 255
MAX_RAW = 1024  # bytes of an unreadable message that are kept
MAX_ERROR = 500
# Any secret would do, and none is needed: the same message must have the same id on every pod, for ever.
SEED = "6e6f7469666965722f6b61666b612f31"
ZERO_TIME = "0001-01-01T00:00:00"  # how Go writes a time that nobody set

_FIELDS = (
    ("type", "channel"),
    ("body", "content"),
    ("title", "subject"),
    ("user_id", "user_id"),
    ("recipient", "recipient"),
    ("data", "data"),
    ("priority", "priority"),
    ("expires_at", "expires_at"),
)
_OUTER_NAMES = {inner: outer for outer, inner in _FIELDS}


class Source(NamedTuple):
    """The place of a message. `timestamp` (ms) is part of it: a topic made anew counts its offsets from 0 again."""

    topic: str
    partition: int
    offset: int
    timestamp: int


class Message(msgspec.Struct):
    """The fields that are read; any others are skipped unseen. What they hold is checked as a request's is."""

    id: Any = None
    user_id: Any = None
    recipient: Any = None
    type: Any = None
    title: Any = None
    body: Any = None
    data: Any = None
    priority: Any = None
    created_at: Any = None
    expires_at: Any = None


_decode = msgspec.json.Decoder(Message).decode


def read_message(raw: bytes | None, source: Source) -> tuple[str, Draft] | Undeliverable:
    """The id and the draft of a delivery, or what goes to the dead-letter queue instead."""
    if raw is None:
        return undeliverable(source, b"", "kafka_malformed", "the message has no value")
    try:
        message = _decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        return undeliverable(source, raw, "kafka_malformed", str(error))
    draft = _draft(message)
    if isinstance(draft, list):
        reason = "kafka_invalid" if message.recipient or message.user_id else "kafka_no_address"
        return undeliverable(source, raw, reason, "; ".join(f"{path}: {problem}" for path, problem in draft))
    return _id_of(message, source), draft


def undeliverable(source: Source, raw: bytes, reason: str, error: str) -> Undeliverable:
    """The dead letter of a message. Its id derives from its place: a message corrected later, under the same
    `id`, is another one."""
    text = raw[:MAX_RAW].decode("utf-8", "replace").replace("\0", "\ufffd") + ("…" if len(raw) > MAX_RAW else "")
    document = {"topic": source.topic, "partition": source.partition, "offset": source.offset, "raw": text}
    return Undeliverable(_place_id(source), document, reason, error[:MAX_ERROR])


def _id_of(message: Message, source: Source) -> str:
    if _is_unset(message.id):
        return _place_id(source)
    return derived_id(SEED, f"id\n{source.topic}\n{message.id}")


def _place_id(source: Source) -> str:
    return derived_id(SEED, f"at\n{source.topic}\n{source.partition}\n{source.offset}\n{source.timestamp}")


def _draft(message: Message) -> Draft | list[FieldError]:
    body: dict[str, Any] = {"channel": "push"}  # as at /send
    for outer, inner in _FIELDS:
        value = getattr(message, outer)
        if not (_is_unset(value) or (outer == "expires_at" and _is_zero_time(value))):
            body[inner] = value
    if type(message.user_id) is int:
        body["user_id"] = str(message.user_id)
    draft = read_draft(body)
    errors = [(_OUTER_NAMES.get(path, path), problem) for path, problem in draft] if isinstance(draft, list) else []
    errors += _own_errors(message)
    if errors or isinstance(draft, list):
        return [FieldError(path, problem) for path, problem in errors]
    if _is_unset(message.created_at) or _is_zero_time(message.created_at):
        return draft
    return draft._replace(created_at=normalise_time(message.created_at))


def _own_errors(message: Message) -> list[tuple[str, str]]:
    """Faults of the fields that no other endpoint has."""
    errors = []
    if not _is_unset(message.id) and not _is_id(message.id):
        errors.append(("id", f"must be an integer or a string of at most {MAX_ID} characters"))
    if not _is_unset(message.created_at) and (problem := time_problem(message.created_at)):
        errors.append(("created_at", problem))
    return errors


def _is_id(value: object) -> bool:
    return type(value) is int or (type(value) is str and len(value) <= MAX_ID)


def _is_unset(value: object) -> bool:
    """True for a field without a value: producers in languages without optional values write it all the same."""
    return value is None or value == ""


def _is_zero_time(value: object) -> bool:
    return type(value) is str and value.startswith(ZERO_TIME)
