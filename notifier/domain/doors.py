"""Doors: other programs' protocols by which notifications come in, and the terms of the keys for them."""

from __future__ import annotations

import re
import secrets
import string
import uuid
from collections.abc import Sequence
from typing import NamedTuple

from notifier.domain.users import User, parse_user_key

DOORS = ("ntfy", "gotify", "apprise", "hooks")
MAX_TO = 100
MAX_SECRET = 256
MAX_RATE = 1_000_000
MAX_WINDOW = 86400.0  # seconds

TOKENS = {
    # Gotify's clients take what begins with A and is 15 long (shoutrrr, pkg/services/push/gotify); ntfy's want tk_ and
    # 29 lower-case letters and digits (ntfy, user/manager.go); Apprise's path takes letters, digits, _ and -.
    "gotify": ("A", 14, string.ascii_letters + string.digits + "-_"),
    "ntfy": ("tk_", 29, string.ascii_lowercase + string.digits),
    "apprise": ("ap_", 40, string.ascii_letters + string.digits),
    "hooks": ("hk_", 40, string.ascii_letters + string.digits),
}
_FORMS = {
    name: re.compile(f"{prefix}[{re.escape(alphabet)}]{{{length}}}").fullmatch
    for name, (prefix, length, alphabet) in TOKENS.items()
}
_RATE = re.compile(r"([1-9][0-9]{0,6})/([1-9][0-9]{0,5})?(s|m|h|d)").fullmatch
_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}

# First segments of a path that no topic may be: those of this server, and those of the foreign protocols.
OWN_PATHS = ("a", "api", "ws", "send", "docs", "health", "metrics", "ratelimit")
OWN_FILES = ("openapi.json", "asyncapi.json", "notifier-client.js")
TO_COME = ("u", "hb", "mcp", "receipts", "hooks")
OF_GOTIFY = ("message", "application", "client", "current", "version", "stream", "image", "plugin", "gotifyinfo")
OF_NTFY = ("v1", "app", "static", "file", "account", "settings", "signup", "login", "announcements", "stats", "admin")
OF_APPRISE = ("notify", "status", "add", "get", "del", "cfg")
RESERVED = frozenset((*OWN_PATHS, *OWN_FILES, *TO_COME, *OF_GOTIFY, *OF_NTFY, *OF_APPRISE, "ntfy", "gotify", "apprise"))

_DIGITS = string.digits + string.ascii_uppercase + string.ascii_lowercase  # base 62, in the order of their bytes
_WHOLE = 22  # digits of a UUID in base 62
_SHOWN = 12  # characters of ntfy's ids

GOTIFY_EPOCH = 1577836800000  # Unix ms of 2020-01-01
GOTIFY_STEP = 1024  # numbers of one ms
_LAST_SEQUENCE = 2**64 - 1


class DoorTerms(NamedTuple):
    """The terms of a door's key: the door, whom it reaches, the category of what comes by it, `rate` (a number and the
    seconds in which it may come, None: no limit), and the secret that signatures are made with (empty: none)."""

    door: str
    to: tuple[User, ...]
    category: str = ""
    rate: tuple[int, float] | None = None
    secret: str = ""


def new_token(door: str) -> str:
    """A new token in the form that the door's clients accept; at least 83 random bits."""
    prefix, length, alphabet = TOKENS[door]
    return prefix + "".join(secrets.choice(alphabet) for _ in range(length))


def has_form(door: str, token: str) -> bool:
    """True for text in the form of a door's tokens."""
    return _FORMS[door](token) is not None


def door_of(token: str) -> str | None:
    """The door whose tokens look like that."""
    return next((door for door in DOORS if has_form(door, token)), None)


def read_rate(text: str) -> tuple[int, float] | None:
    """`60/1m` as (60, 60.0); None where it is no rate, or its window is beyond a day."""
    match = _RATE(text)
    if match is None:
        return None
    window = int(match[2] or 1) * _UNITS[match[3]]
    return (int(match[1]), window) if window <= MAX_WINDOW else None


def rate_problem(value: object) -> str | None:
    """A rate such as `60/1m`: a number, and at most a day."""
    return None if type(value) is str and read_rate(value) else "must be a rate such as 60/1m, within a day at most"


def rate_text(rate: tuple[int, float]) -> str:
    """A rate as `read_rate` reads it."""
    for unit, seconds in reversed(_UNITS.items()):
        if rate[1] % seconds == 0:
            return f"{rate[0]}/{rate[1] / seconds:.0f}{unit}"
    return f"{rate[0]}/{rate[1]:.0f}s"


def to_problem(value: object) -> str | None:
    """The users that a key reaches: 1-100 user keys such as `1-alice`."""
    if type(value) is not list or not 1 <= len(value) <= MAX_TO:
        return f"must be a list of 1-{MAX_TO} users such as 1-alice"
    if not all(type(item) is str and parse_user_key(item) for item in value):
        return "must name users as 1-alice"
    return None


def users_of(keys: Sequence[str]) -> tuple[User, ...]:
    """The users with these keys, each once, in their order."""
    return tuple(dict.fromkeys(user for key in keys if (user := parse_user_key(key)) is not None))


def ntfy_id(notification_id: str) -> str:
    """The 12 characters by which ntfy's clients know a notification: the first of its UUID in base 62."""
    return in_base62(uuid.UUID(notification_id).bytes)


def in_base62(value: bytes) -> str:
    """The first 12 characters of 16 bytes in base 62."""
    number, digits = int.from_bytes(value, "big"), ""
    for _ in range(_WHOLE):
        number, digit = divmod(number, len(_DIGITS))
        digits = _DIGITS[digit] + digits
    return digits[:_SHOWN]


def gotify_id(stream_id: str) -> int:
    """The number by which Gotify's clients know a stream entry: ms since 2020 × 1024 + its sequence, below 2^53 until
    the year 2248. It grows with the stream. A sequence beyond 1,023 in one ms counts as 1,023: rate limits prevent it.
    """
    ms, _, sequence = stream_id.partition("-")
    return max(0, int(ms) - GOTIFY_EPOCH) * GOTIFY_STEP + min(int(sequence), GOTIFY_STEP - 1)


def around_gotify_id(number: int) -> tuple[str, str, str]:
    """The stream id of a Gotify number, and those just below and above it."""
    ms, sequence = divmod(number, GOTIFY_STEP)
    ms += GOTIFY_EPOCH
    below = f"{ms}-{sequence - 1}" if sequence else f"{ms - 1}-{_LAST_SEQUENCE}"
    above = f"{ms}-{sequence + 1}" if sequence < GOTIFY_STEP - 1 else f"{ms + 1}-0"
    return f"{ms}-{sequence}", below, above
