"""Values in Redis that are of no use here: counted by kind, and each key named in the log once.

Another program, an older version or a hand on the keys may leave anything under any name. Scripts set aside what is of
the wrong type (`notif:spoilt:<key>`, kept for 15 days) and remove what cannot be read; readers leave it out.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

MOST_NAMED = 1_000  # keys remembered as named; beyond them the oldest may be named again
OTHER = "other"
# What a key holds by how it begins, the most specific first; for metrics.
_BEGINNINGS = {
    "notif:{delivery}:record:": "record",
    "notif:{delivery}:queue:": "queue",
    "notif:{delivery}:session": "session",
    "notif:{delivery}:circuit:": "circuit",
    "notif:{delivery}:rate:": "rate",
    "notif:{delivery}:user_rate:": "rate",
    "notif:{delivery}:": "delivery",
    "stream:user:": "stream",
    "notification_state:": "state",
    "notif:marks:": "state",
    "notif:keys:": "state",
    "notif:rev:": "state",
    "notification:": "payload",
    "notif:lock:": "lock",
    "notif:route:": "route",
    "notif:sole:": "lock",
    "notif:retention:": "retention",
    "notif:cleared:": "cleared",
    "notif:limit:": "limit",
    "notif:idem:": "idempotency",
    "notif:bus:": "bus",
    "notif:pods:hb": "heartbeat",
    "notif:pod:": "pod",
    "notif:events": "events",
    "notif:fence": "fence",
    "notif:totals": "totals",
    "notif:api_keys": "api_keys",
    "notif:device": "device",
    "notif:link_secret": "secret",
}

KINDS = frozenset({*_BEGINNINGS.values(), "entry", "group", "index"})

log = logging.getLogger("notifier.store")


def kind_of(key: str) -> str:
    """The word for what a key holds, `other` for none of ours."""
    return next((kind for beginning, kind in _BEGINNINGS.items() if key.startswith(beginning)), OTHER)


class Spoilt:
    """The record of damaged values that readers and scripts found."""

    def __init__(self) -> None:
        self.on_found: Callable[[str], None] = lambda kind: None
        self.counts: dict[str, int] = {}
        self._named: dict[str, None] = {}

    def note(self, kind: str, key: str, why: str = "") -> None:
        """Counts a value under `kind` (a word of `KINDS`), and names its key in the log unless that was done before."""
        kind = kind if kind in KINDS else OTHER
        self.counts[kind] = self.counts.get(kind, 0) + 1
        self.on_found(kind)
        if key in self._named:
            return
        self._named[key] = None
        if len(self._named) > MOST_NAMED:
            del self._named[next(iter(self._named))]
        log.warning("store.spoilt", extra={"kind": kind, "key": key[:300], "why": why[:200]})

    def told_by_script(self, texts: list[bytes]) -> None:
        """Notes what a script mended: `kind key` each."""
        for text in texts:
            kind, _, key = text.decode("utf-8", "replace").partition(" ")
            self.note(kind, key, "mended")


def integer(value: object, otherwise: int = 0) -> int:
    """A number that Redis keeps as text; `otherwise` where there is none, or no integer of a sane length."""
    if isinstance(value, int):
        return value
    if isinstance(value, bytes) and len(value) <= 20 and value.removeprefix(b"-").isdigit():
        return int(value)
    return otherwise
