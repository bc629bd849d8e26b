"""The life of what inboxes hold, an advice: the default of 15 minutes is short for an inbox that is to be kept."""

from __future__ import annotations

from notifier.doctor.findings import Finding, note, ok
from notifier.domain.times import format_duration

KEPT = 86_400.0  # seconds; less is no inbox that a person finds again tomorrow


def check_keeping(ttl: float, most: int) -> Finding:
    """NOTIFICATION_TTL in seconds, and STREAM_MAXLEN."""
    found = f"{most} notifications for each user, each for {format_duration(ttl)}, or its ttl or the user's retention"
    if ttl >= KEPT:
        return ok("keeping", found)
    cure = "set NOTIFICATION_TTL (1s-365d) where people are to find their notifications later"
    return note("keeping", found, cure)
