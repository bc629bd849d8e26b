"""Times to come as ntfy's senders write them: Unix seconds, durations, and a few words of English, in UTC."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from notifier.web.doors.ntfy.refusals import Refusal

MIN_DELAY = 10.0  # seconds
MAX_DELAY = 3 * 86400.0

_UNIX = re.compile(r"[0-9]{1,12}", re.ASCII).fullmatch
_PARTS = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(ms|s|m|h)", re.ASCII)
_PART_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_LONG = re.compile(
    r"(?:in\s+)?(\d{1,9})\s*(d|days?|h|hours?|m|mins?|minutes?|s|secs?|seconds?)", re.ASCII | re.IGNORECASE
).fullmatch
_LONG_SECONDS = {"d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0}
_CLOCK = re.compile(r"\b(\d{1,2})(?::(\d\d))?(?::(\d\d))?\s*([ap])\.?m\b\.?|\b(\d{1,2}):(\d\d)(?::(\d\d))?\b", re.ASCII)
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY = re.compile(r"\b(today|tomorrow|mon|tue|wed|thu|fri|sat|sun)(?:sday|nesday|rsday|urday|day)?\b")
_FILLERS = re.compile(r"\b(?:at|on|this|next|in)\b|[,\s]")
_NAMED_TIMES = {"noon": "12:00", "midnight": "00:00"}


def due_at(text: str, now: float) -> float:
    """The Unix seconds that a delay names, 10 seconds to 3 days from `now`; raises `Refusal` (40004-40006)."""
    due = _due(text.strip(), now)
    if due is None:
        raise Refusal(40004)
    if due < int(now + MIN_DELAY):  # clients count in whole seconds
        raise Refusal(40005)
    if due >= int(now + MAX_DELAY) + 1:
        raise Refusal(40006)
    return due


def _due(text: str, now: float) -> float | None:
    if _UNIX(text):
        return float(text) if int(text) >= int(now) else None
    seconds = _seconds(text)
    return _in_words(text.lower(), now) if seconds is None else now + seconds


def _seconds(text: str) -> float | None:
    """`1h30m`, `1.5h`, `2 days`, `in 5 minutes`."""
    if text and not _PARTS.sub("", text):
        return sum(float(number) * _PART_SECONDS[unit] for number, unit in _PARTS.findall(text))
    match = _LONG(text)
    return None if match is None else int(match[1]) * _LONG_SECONDS[match[2][0].lower()]


def _in_words(text: str, now: float) -> float | None:
    """`10am`, `tomorrow, 10am`, `8:30pm monday`; None where there is a word that is none of these."""
    for name, clock in _NAMED_TIMES.items():
        text = text.replace(name, clock)
    clock_found, day_found = _CLOCK.search(text), _DAY.search(text)
    rest = _DAY.sub("", _CLOCK.sub("", text, count=1), count=1)
    if _FILLERS.sub("", rest) or not (clock_found or day_found):
        return None
    base = datetime.fromtimestamp(now, UTC)
    moment = base
    if clock_found is not None:
        hour, minute, second = _clock_of(clock_found)
        if hour > 23 or minute > 59 or second > 59:
            return None
        moment = base.replace(hour=hour, minute=minute, second=second, microsecond=0)
    return _on_day(moment, base, day_found[1] if day_found else "").timestamp()


def _clock_of(match: re.Match[str]) -> tuple[int, int, int]:
    if match[4] is None:
        return int(match[5]), int(match[6]), int(match[7] or 0)
    hour = int(match[1])
    if not 1 <= hour <= 12:
        return 24, 0, 0
    return hour % 12 + (12 if match[4] == "p" else 0), int(match[2] or 0), int(match[3] or 0)


def _on_day(moment: datetime, base: datetime, day: str) -> datetime:
    """The moment on that day; on the next one that is to come where no day is named."""
    if day == "tomorrow":
        return moment + timedelta(days=1)
    if day in _DAYS:
        moment += timedelta(days=(_DAYS.index(day) - base.weekday()) % 7)
        return moment if moment > base else moment + timedelta(days=7)
    return moment if moment > base or day else moment + timedelta(days=1)
