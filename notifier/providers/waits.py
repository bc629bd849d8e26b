"""`Retry-After` as services write it (RFC 9110 §10.2.3)."""

from __future__ import annotations

import re
from datetime import UTC, datetime

MAX_WAIT = 86400.0
MAX_LENGTH = 256  # characters that are looked at: a few headers of one answer
MAX_OFFSET = 14 * 3600  # seconds; no clock on earth is further from GMT

_VALUES = re.compile(r"(?:[A-Za-z]+,)?[^,]+").findall  # a date may hold a comma after its day
_SECONDS = re.compile(r"[0-9]+(?:\.[0-9]*)?").fullmatch  # fractions are no standard, and are sent


def retry_after(text: str, now: float) -> float | None:
    """Seconds to wait, 0 to a day, given as a number or as a date of any form of HTTP; None where it says neither.

    Of several headers, joined by commas, the longest wait counts. `now` is Unix seconds.
    """
    waits = [_wait(value.strip(), now) for value in _VALUES(text[:MAX_LENGTH])]
    return max((wait for wait in waits if wait is not None), default=None)


def _wait(value: str, now: float) -> float | None:
    seconds = float(value) if _SECONDS(value) else _until(value, now)
    return None if seconds is None else min(MAX_WAIT, max(0.0, seconds))


def _until(value: str, now: float) -> float | None:
    """Seconds until a date. One without a zone (asctime) is GMT, as every date of HTTP (RFC 9110 §5.6.7)."""
    from email.utils import parsedate_tz  # 0.3 MB, for few servers

    try:
        parts = parsedate_tz(value)
        if parts is None or abs(parts[9] or 0) > MAX_OFFSET:
            return None
        moment = datetime(*parts[:5], min(59, parts[5]), tzinfo=UTC)  # a leap second is written as 60
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return moment.timestamp() - (parts[9] or 0) - now
