"""Times as the API writes them (RFC 3339, UTC, milliseconds) and durations as people write them."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import lru_cache

_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)", re.ASCII).fullmatch
_DURATION = re.compile(r"(\d{1,12}(?:\.\d{1,6})?)(ms|s|m|h|d)?", re.ASCII).fullmatch
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, None: 1.0}


def format_time(unix_seconds: float) -> str:
    """`2024-01-01T12:00:00.000Z` for a Unix time in seconds; milliseconds are cut, not rounded."""
    millis = int(unix_seconds * 1000 + 1e-3)  # a double holds today's seconds to 0.5 µs only
    return f"{_second(millis // 1000)}.{millis % 1000:03d}Z"


@lru_cache(maxsize=8)  # every request of a second asks for the same one
def _second(unix_seconds: int) -> str:
    return datetime.fromtimestamp(unix_seconds, UTC).isoformat()[:-6]


def normalise_time(text: str) -> str | None:
    """An RFC 3339 time of any offset as UTC with milliseconds; None when it is none.

    A leap second (`:60`) is refused: neither Python's nor JavaScript's clock can hold one.
    """
    if not _RFC3339(text):
        return None
    if len(text) == 24 and text[10] == "T" and text[-1] == "Z" and text[17] < "6" and _is_minute(text[:16]):
        return text  # as this API writes it
    try:
        moment = datetime.fromisoformat(text.upper())
        return format_time(moment.timestamp())
    except (ValueError, OverflowError):
        return None


def parse_time(text: str) -> float:
    """Unix seconds of an RFC 3339 time, to the millisecond; raises `ValueError` when it is none."""
    normal = normalise_time(text)
    if normal is None:
        raise ValueError(text[:64])
    return datetime.fromisoformat(normal).timestamp()


@lru_cache(maxsize=64)
def _is_minute(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def format_duration(seconds: float) -> str:
    """`15m` for 900 seconds: a whole number of the largest unit that fits, as `parse_duration` takes it."""
    for unit, length in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds >= length and seconds % length == 0:
            return f"{seconds // length:.0f}{unit}"
    return f"{seconds:g}s"


def parse_duration(text: str) -> float | None:
    """Seconds of `500ms`, `5s`, `15m`, `24h`, `7d` or a bare number of seconds; None when it is none."""
    match = _DURATION(text)
    return float(match[1]) * _SECONDS[match[2]] if match else None
