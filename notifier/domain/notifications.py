"""A notification of the inbox: the checks of requests to `/notify`, and the bytes that travel.

The fields that all recipients of one request share are encoded once (`Content.fragment`); the payload in Redis and
the frame to the browser are that fragment between two short pieces. Encoding per recipient instead cost 6 µs each.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from notifier.domain.checks import (
    data_problem,
    duration_problem,
    is_too_deep,
    seconds_of,
    text_problem,
    time_problem,
    url_problem,
)
from notifier.domain.deliveries import priority_problem
from notifier.domain.faults import Faults, invalid, no_object
from notifier.domain.times import normalise_time
from notifier.domain.users import ID_EXPECTED, LOGIN_EXPECTED, User, is_user_id, normalise_login

MAX_TARGETS = 1000
MAX_MESSAGE = 8192
MAX_SOURCE = 128
MAX_TITLE = 256
MAX_CATEGORY = 64
MAX_PAYLOAD = 128 * 1024  # bytes; twice what the longest request makes, with every character escaped
MIN_TTL = 1.0
MAX_TTL = 365 * 86400.0

_encode = msgspec.json.Encoder().encode
_own_end = re.compile(
    rb',"target":\{"id":[0-9]+,"login":"(?:[^"\\]|\\.)*"\}(?:,"ttl":(?:"[^"\\]*"|[0-9.eE+-]+))?\}', re.DOTALL
).fullmatch


class Content(Struct, frozen=True):
    """The content of a request, the same for all of its targets.

    `fragment` is the members `"message":…,"created_at":…,"source":…` (and the options shown) of a JSON object, without
    braces; `tail` the member `,"ttl":…` that only the payload carries, or nothing; `ttl_ms` the life that the request
    asks for, None when it asks for none.
    """

    fragment: bytes
    tail: bytes
    ttl_ms: int | None
    message: str
    source: str


class Draft(Struct, frozen=True):
    """A valid request: its targets without repeats, in the order given, and their content."""

    targets: list[User]
    content: Content


def read_notify_request(body: object, now: str, faults: Faults | None = None) -> Draft:
    """The draft in a decoded request body; `now` is the time (RFC 3339) that `created_at` defaults to.

    Raises `NotifierError(invalid)` that names every bad field, beside what `faults` holds of the rest of the request.
    """
    faults = faults or Faults()
    fields = _object(body, faults)
    targets = _read_targets(fields.get("target"), faults)
    content = _read_content(fields, now, faults)
    if faults or content is None:
        raise invalid(faults)
    return Draft(targets, content)


def payload_json(notification_id: str, user: User, content: Content) -> bytes:
    """The payload as `notification:{uuid}` holds it."""
    member = target_json(user.id, user.login)
    return payload_of(notification_id.encode(), content.fragment, member, content.tail)


def target_json(user_id: int, login: str) -> bytes:
    """The member `"target":…` that a payload and the answer to a request carry."""
    return b'"target":{"id":%d,"login":%b}' % (user_id, _encode(login))


def payload_of(notification_id: bytes, fragment: bytes, target: bytes, tail: bytes = b"") -> bytes:
    """The payload in its pieces: `target` is made by `target_json`, the others as in `Content`."""
    return b'{"notification_id":"%b",%b,%b%b}' % (notification_id, fragment, target, tail)


def answer_json(targets: Sequence[bytes], notification_ids: Sequence[bytes]) -> bytes:
    """The answer to a request: each target, made by `target_json`, with the id of its notification."""
    if len(targets) == 1:
        return b'{"results":[{%b,"notification_id":"%b"}]}' % (targets[0], notification_ids[0])
    pairs = zip(targets, notification_ids, strict=True)
    return b'{"results":[%b]}' % b",".join([b'{%b,"notification_id":"%b"}' % pair for pair in pairs])


class _Payload(Struct):
    """The members of a payload that can be shown, whoever wrote it; others are ignored."""

    message: str
    created_at: str = ""
    source: str = ""
    title: str = ""
    url: str = ""
    category: str = ""
    priority: str = ""
    data: dict[str, Any] = {}


def is_payload(payload: bytes) -> bool:
    """True for stored bytes that are the payload of a notification: JSON of the right shape, at most 128 KiB."""
    try:
        return len(payload) <= MAX_PAYLOAD and not is_too_deep(_decode_payload(payload).data)
    except (msgspec.MsgspecError, ValueError, RecursionError):  # UTF-8 that is none is a ValueError
        return False


def fragment_of(payload: bytes) -> bytes:
    """The shared members of a payload, as `Content.fragment`; of bytes that `is_payload` takes."""
    end = payload.rfind(b',"target":{"id":')
    own = end >= _FRAGMENT_START and payload.startswith(b'{"notification_id":"') and _own_end(payload, end)
    if own and payload[_FRAGMENT_START - 2 : _FRAGMENT_START] == b'",':
        return payload[_FRAGMENT_START:end]
    return _foreign_fragment(payload)


def _foreign_fragment(payload: bytes) -> bytes:
    """The same of a payload that another writer laid out in another order."""
    fields = msgspec.json.decode(payload)
    if type(fields) is not dict or type(fields.get("message")) is not str:
        raise ValueError("no payload of a notification")
    return _encode({name: fields.get(name, "") for name in _ALWAYS} | {n: fields[n] for n in _SHOWN if n in fields})[
        1:-1
    ]


def _object(body: object, faults: Faults) -> dict[str, Any]:
    if type(body) is not dict:
        raise no_object(faults)
    return body


def _read_targets(value: object, faults: Faults) -> list[User]:
    if type(value) is not list or not 1 <= len(value) <= MAX_TARGETS:
        faults.add("target", f"must be a list of 1-{MAX_TARGETS} users")
        return []
    users: dict[User, None] = {}
    for index, item in enumerate(value):
        user = _read_user(item, index, faults)
        if user is not None:
            users[user] = None
    return list(users)


def _read_user(item: object, index: int, faults: Faults) -> User | None:
    if type(item) is not dict:
        faults.add(f"target[{index}]", "must be an object with id and login")
        return None
    number, text = item.get("id"), item.get("login")
    login = normalise_login(text) if type(text) is str else None
    if login is not None and is_user_id(number) and len(item) == 2:
        return User(number, login)  # type: ignore[arg-type]
    if not is_user_id(number):
        faults.add(f"target[{index}].id", ID_EXPECTED)
    if login is None:
        faults.add(f"target[{index}].login", LOGIN_EXPECTED)
    faults.add_unknown(item, _OF_USER, f"target[{index}].")
    return None


_CHECKS: dict[str, Callable[[object], str | None]] = {
    "message": lambda value: text_problem(value, 1, MAX_MESSAGE),
    "created_at": time_problem,
    "source": lambda value: text_problem(value, 0, MAX_SOURCE),
    "title": lambda value: text_problem(value, 0, MAX_TITLE),
    "url": url_problem,
    "category": lambda value: text_problem(value, 0, MAX_CATEGORY),
    "priority": priority_problem,
    "data": data_problem,
    "ttl": lambda value: duration_problem(value, MIN_TTL, MAX_TTL),
}
_KNOWN = _CHECKS.keys() | {"target"}
_OF_USER = frozenset(("id", "login"))
_ALWAYS = ("message", "created_at", "source")
_SHOWN = ("title", "url", "category", "priority", "data")
_decode_payload = msgspec.json.Decoder(_Payload).decode
_FRAGMENT_START = len('{"notification_id":"",') + 36


def _read_content(fields: dict[str, Any], now: str, faults: Faults) -> Content | None:
    before = faults.count
    if "message" not in fields:
        faults.add("message", "is required")
    for name, check in _CHECKS.items():
        if name in fields and (problem := check(fields[name])):
            faults.add(name, problem)
    faults.add_unknown(fields, _KNOWN)
    return content_of(fields, now) if faults.count == before else None


def content_of(fields: Mapping[str, Any], now: str) -> Content:
    """The content in the checked fields of a request; `now` is the time (RFC 3339) that `created_at` defaults to."""
    message, source = fields["message"], fields.get("source", "")
    created_at = fields.get("created_at")
    shared: dict[str, Any] = {
        "message": message,
        "created_at": now if created_at is None else normalise_time(created_at),
        "source": source,
    }
    for name in _SHOWN:
        if name in fields:
            shared[name] = fields[name]
    fragment = _encode(shared)[1:-1]
    if "ttl" not in fields:
        return Content(fragment, b"", None, message, source)
    ttl = fields["ttl"]
    return Content(fragment, b',"ttl":' + _encode(ttl), round(seconds_of(ttl) * 1000), message, source)  # type: ignore[operator]
