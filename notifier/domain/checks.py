"""Checks of single values. Each answers None when the value is good, else what was expected."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import msgspec

from notifier.domain.times import normalise_time, parse_duration

MAX_URL = 2048
MAX_DATA_BYTES = 4096
MAX_DEPTH = 100  # levels of JSON; far fewer than what Python's stack allows, wherever it is looked at

_encode = msgspec.json.Encoder().encode

_CONTAINERS = (dict, list)
_SURROGATE = re.compile("[\ud800-\udfff]").search
_URL = re.compile(r"(/|[A-Za-z][A-Za-z0-9+.\-]*://)[^\s\x00-\x20\x7f]*").fullmatch
_SCRIPT_SCHEMES = ("javascript:", "vbscript:", "data:")


def text_problem(value: object, least: int, most: int) -> str | None:
    """A string of `least` … `most` characters, any but NUL and lone surrogates (neither survives every client)."""
    if type(value) is not str:
        return "must be a string"
    if not least <= len(value) <= most:
        return (
            f"must have {least}-{most} characters, has {len(value)}"
            if least
            else f"must have at most {most} characters"
        )
    if "\0" in value or (not value.isascii() and _SURROGATE(value)):
        return "must not hold NUL or lone surrogates"
    return None


def url_problem(value: object) -> str | None:
    """An absolute URL or a path from the root; none that a page would run as a script when it is followed."""
    problem = text_problem(value, 1, MAX_URL)
    if problem is None and not (_URL(str(value)) and not str(value).lower().startswith(_SCRIPT_SCHEMES)):
        problem = "must be an absolute URL or begin with /"
    return problem


def time_problem(value: object) -> str | None:
    """An RFC 3339 time with an offset."""
    if type(value) is str and normalise_time(value) is not None:
        return None
    return "must be an RFC 3339 time such as 2024-01-01T12:00:00Z"


def seconds_of(value: object) -> float | None:
    """Seconds of a duration given as text or as a number; None when it is neither."""
    if type(value) is str:
        return parse_duration(value)
    return float(value) if type(value) in (int, float) and abs(value) < 1e12 else None  # type: ignore[arg-type]


def duration_problem(value: object, least: float, most: float) -> str | None:
    """A duration of `least` … `most` seconds."""
    seconds = seconds_of(value)
    if seconds is None or not least <= seconds <= most:
        return f"must be a duration of {least:.0f}s-{most / 86400:.0f}d, such as 15m"
    return None


def data_problem(value: object) -> str | None:
    """An object of at most 4 KiB as JSON."""
    if type(value) is not dict:
        return "must be an object"
    if is_too_deep(value):
        return f"must be nested at most {MAX_DEPTH} levels deep"
    try:
        size = len(_encode(value))  # first: what is larger is not looked through
    except UnicodeEncodeError:
        return "must not hold NUL or lone surrogates"
    if size > MAX_DATA_BYTES:
        return f"must have at most {MAX_DATA_BYTES} bytes as JSON"
    return "must not hold NUL or lone surrogates" if bad_text_within(value) else None


def is_too_deep(value: object) -> bool:
    """True for a JSON value with lists and objects within each other beyond `MAX_DEPTH` levels."""
    level: list[Any] = [value]
    for _ in range(MAX_DEPTH):
        parts = (item.values() if type(item) is dict else item for item in level if type(item) in _CONTAINERS)
        level = [child for part in parts for child in part if type(child) in _CONTAINERS]
        if not level:
            return False
    return True


def bad_text_within(value: object) -> bool:
    """True for a JSON value with a string, at any depth, that holds NUL or a lone surrogate."""
    return any("\0" in text or _SURROGATE(text) for text in _texts(value))


def _texts(value: object) -> Iterator[str]:
    pending = [value]
    while pending:
        item = pending.pop()
        if isinstance(item, str):
            yield item
        elif isinstance(item, dict):
            pending.extend(item.keys())
            pending.extend(item.values())
        elif isinstance(item, list):
            pending.extend(item)
