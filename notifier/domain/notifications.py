"""A notification of the inbox: the checks of requests to `/notify`, and the bytes that travel.

The fields that all recipients of one request share are encoded once (`Content.fragment`); the payload in Redis and
the frame to the browser are that fragment between two short pieces. Encoding per recipient instead cost 6 µs each.
"""

from __future__ import annotations

import re
import unicodedata
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
from notifier.domain.times import normalise_time, parse_time
from notifier.domain.users import ID_EXPECTED, LOGIN_EXPECTED, User, is_user_id, normalise_login

MAX_TARGETS = 1000
MAX_MESSAGE = 8192
MAX_SOURCE = 128
MAX_TITLE = 256
MAX_CATEGORY = 64
MAX_PAYLOAD = 128 * 1024  # bytes; twice what the longest request makes, with every character escaped
MIN_TTL = 1.0
MAX_TTL = 365 * 86400.0
MAX_OWN_KEY = 128
MAX_DELAY = 15 * 86400.0  # seconds until a notification that is to come later
ON_SAME = ("bump", "replace", "keep")

_encode = msgspec.json.Encoder().encode
_own_end = re.compile(
    rb',"target":\{"id":[0-9]+,"login":"(?:[^"\\]|\\.)*"\}(?:,"ttl":(?:"[^"\\]*"|[0-9.eE+-]+))?'
    rb'(?:,"key":"(?:[^"\\]|\\.)*")?\}',
    re.DOTALL,
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


class Terms(Struct, frozen=True):
    """The terms of a request that is not stored at once as a new notification: its `key` (empty: none), what becomes of
    an earlier one of that key, and the Unix ms when it is to come (None: now). `sender` is the name of the caller, to
    whom keys belong."""

    sender: str
    key: str
    on_same: str
    deliver_at: int | None


class Draft(Struct, frozen=True):
    """A valid request: its targets without repeats, in the order given, and their content; `terms` where it has a key
    or is to come later."""

    targets: list[User]
    content: Content
    terms: Terms | None = None


def read_notify_request(body: object, now: str, faults: Faults | None = None, sender: str = "") -> Draft:
    """The draft in a decoded request body; `now` is the time (RFC 3339) that `created_at` defaults to, `sender` the
    caller's name.

    Raises `NotifierError(invalid)` that names every bad field, beside what `faults` holds of the rest of the request.
    """
    faults = faults or Faults()
    fields = _object(body, faults)
    targets = _read_targets(fields.get("target"), faults)
    content = _read_content(fields, now, faults)
    terms = None if _TERMS.isdisjoint(fields) else _read_terms(fields, now, sender, faults)
    if faults or content is None:
        raise invalid(faults)
    return Draft(targets, content, terms)


def _read_terms(fields: dict[str, Any], now: str, sender: str, faults: Faults) -> Terms | None:
    if "on_same" in fields and "key" not in fields:
        faults.add("on_same", "needs a key")
    deliver_at = fields.get("deliver_at")
    due = None if deliver_at is None or time_problem(deliver_at) else round(parse_time(deliver_at) * 1000)
    if due is not None and due > (parse_time(now) + MAX_DELAY) * 1000:
        faults.add("deliver_at", f"must be within {MAX_DELAY / 86400:.0f} days")
    if faults:
        return None
    return Terms(sender, fields.get("key", ""), fields.get("on_same", ON_SAME[0]), due)


def payload_end(user: User, content: Content) -> bytes:
    """The end of a payload, behind the content's fragment."""
    return b',"target":{"id":%d,"login":%b}%b}' % (user.id, _encode(user.login), content.tail)


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


def own_key_problem(value: object) -> str | None:
    """The key of what a notification is about: 1-128 characters, none of them a control character."""
    problem = text_problem(value, 1, MAX_OWN_KEY)
    if problem is None and any(unicodedata.category(char) == "Cc" for char in str(value)):
        return "must not hold control characters"
    return problem


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
    "key": own_key_problem,
    "on_same": lambda value: None if value in ON_SAME else f"must be one of {', '.join(ON_SAME)}",
    "deliver_at": time_problem,
}
_KNOWN = _CHECKS.keys() | {"target"}
_TERMS = frozenset(("key", "on_same", "deliver_at"))
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
    tail = b',"key":' + _encode(fields["key"]) if "key" in fields else b""
    if "ttl" not in fields:
        return Content(fragment, tail, None, message, source)
    ttl = fields["ttl"]
    tail = b',"ttl":' + _encode(ttl) + tail
    return Content(fragment, tail, round(seconds_of(ttl) * 1000), message, source)  # type: ignore[operator]
