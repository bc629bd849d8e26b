"""The status machine of a delivery. The scripts in Redis are given this very table, so that there is one truth.

```
            ┌──────────────── defer ◄──────────────────┐
            ▼                                          │
        scheduled ──due──► queued ──lease──► processing ──sent──► sent
            │              │ ▲ ▲               │ │ │
            │              │ │ └───reclaim─────┘ │ └─fail──► failed ──requeue──► queued
            │              │ └──due── retrying ◄─┘retry
            └──cancel──────┴──cancel────┴──► cancelled      each of these four ──expire──► expired
```

`sent` is taken from every unfinished status: an instance that lost its lease and yet has sent records it, and a
delivery that is recorded as sent is never sent again.
"""

from __future__ import annotations

from enum import StrEnum


class Status(StrEnum):
    """Statuses of a delivery."""

    SCHEDULED = "scheduled"
    QUEUED = "queued"
    PROCESSING = "processing"
    RETRYING = "retrying"
    SENT = "sent"
    FAILED = "failed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


class Event(StrEnum):
    """Events in the life of a delivery."""

    DUE = "due"  # its time has come
    LEASE = "lease"  # an instance takes it, to try it
    SENT = "sent"  # a provider took it
    RETRY = "retry"  # the try failed; there will be another
    FAIL = "fail"  # no try is left, or none is of use
    DEFER = "defer"  # a limit or an open circuit: later, and no try is used up
    RECLAIM = "reclaim"  # its lease is over
    CANCEL = "cancel"
    EXPIRE = "expire"
    REQUEUE = "requeue"  # an operator takes it out of the dead-letter queue


S, E = Status, Event

TRANSITIONS: dict[Status, dict[Event, Status]] = {
    S.SCHEDULED: {E.DUE: S.QUEUED, E.SENT: S.SENT, E.CANCEL: S.CANCELLED, E.EXPIRE: S.EXPIRED},
    S.QUEUED: {
        E.LEASE: S.PROCESSING,
        E.SENT: S.SENT,
        E.DEFER: S.SCHEDULED,
        E.FAIL: S.FAILED,
        E.CANCEL: S.CANCELLED,
        E.EXPIRE: S.EXPIRED,
    },
    S.PROCESSING: {
        E.SENT: S.SENT,
        E.RETRY: S.RETRYING,
        E.FAIL: S.FAILED,
        E.DEFER: S.SCHEDULED,
        E.RECLAIM: S.QUEUED,
        E.EXPIRE: S.EXPIRED,
    },
    S.RETRYING: {E.DUE: S.QUEUED, E.SENT: S.SENT, E.CANCEL: S.CANCELLED, E.EXPIRE: S.EXPIRED},
    S.SENT: {},
    S.FAILED: {E.REQUEUE: S.QUEUED},
    S.CANCELLED: {},
    S.EXPIRED: {},
}
FINAL = frozenset({S.SENT, S.FAILED, S.CANCELLED, S.EXPIRED})


def after(status: Status, event: Event) -> Status | None:
    """The status after an event; None where the event has no meaning, and nothing changes."""
    return TRANSITIONS[status].get(event)


def lua_table() -> str:
    """The same as the Lua tables `AFTER` (status -> event -> status) and `FINAL` (status -> true)."""
    rows = (
        f"{status} = {{{', '.join(f'{event} = {chr(39)}{then}{chr(39)}' for event, then in row.items())}}}"
        for status, row in TRANSITIONS.items()
    )
    final = ", ".join(f"{status} = true" for status in sorted(FINAL))
    return f"local AFTER = {{{', '.join(rows)}}}\nlocal FINAL = {{{final}}}\n"
