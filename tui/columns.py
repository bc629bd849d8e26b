"""The columns of the tables that more than one page shows."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from tui import humanise
from tui.events import Event
from tui.listing import Column, Listing
from tui.model import Client, Entry, Pod, User

Row = TypeVar("Row")

_STATUS_SIGNS = {"unread": "● unread", "read": "✓ read", "auto_cleared": "○ cleared"}
_STATUS_TONES = {"unread": "warn", "read": "good", "auto_cleared": "dim"}
_POD_SIGNS = {"up": "● up", "late": "▲ late", "gone": "✕ gone"}
_POD_TONES = {"up": "good", "late": "warn", "gone": "bad"}
_EVENT_TONES = {"client.disconnected": "dim", "notification.cleared": "warn", "pod.left": "bad", "pod.joined": "good"}
_EVENT_TONES |= {"delivery.sent": "good", "delivery.retrying": "warn", "delivery.expired": "warn"}


def since(moment: float | None) -> str:
    """How long ago a moment in unix seconds was."""
    return humanise.span(None if moment is None else time.time() - moment)


def counted(
    name: str,
    title: str,
    number: Callable[[Row], float | None],
    width: int,
    rank: int = 0,
    tone: Callable[[Row], str] | None = None,
) -> Column[Row]:
    """A column of numbers, which begins with the largest when it is sorted by; see `Column`."""
    return Column(
        name,
        title,
        lambda row: humanise.count(number(row)),
        number,
        width,
        right=True,
        rank=rank,
        largest_first=True,
        tone=tone,
    )


CLIENTS: tuple[Column[Client], ...] = (
    Column("user", "User", lambda row: str(row.user), lambda row: (row.user.login, row.user.id), 14, flex=3),
    Column("remote", "From", lambda row: row.remote, lambda row: row.remote, 15, flex=1, rank=1),
    Column("pod", "Pod", lambda row: row.pod_id, lambda row: row.pod_id, 8, flex=1, rank=2),
    Column("age", "Open", lambda row: since(row.connected_at), lambda row: -(row.connected_at or 0), 6, right=True),
    Column("seen", "Seen", lambda row: since(row.last_seen), lambda row: -(row.last_seen or 0), 6, right=True, rank=3),
    counted("sent", "Sent", lambda row: row.sent, 7),
    counted("acked", "Acked", lambda row: row.acked, 7),
    Column(
        "buffered",
        "Buffer",
        lambda row: humanise.size(row.buffered),
        lambda row: row.buffered,
        9,
        right=True,
        rank=4,
        largest_first=True,
        tone=lambda row: "warn" if row.buffered > 256 * 1024 else "" if row.buffered else "dim",
    ),
)

USERS: tuple[Column[User], ...] = (
    Column("id", "Id", lambda row: str(row.user.id), lambda row: row.user.id, 10, right=True),
    Column("login", "Login", lambda row: row.user.login, lambda row: row.user.login, 20, flex=1),
    Column(
        "state",
        "State",
        lambda row: "● online" if row.connections else "○ away",
        lambda row: row.connections == 0,
        8,
        tone=lambda row: "good" if row.connections else "dim",
    ),
    counted("connections", "Devices", lambda row: row.connections, 9),
    counted("pending", "Unread", lambda row: row.pending, 8, tone=lambda row: "warn" if row.pending else "dim"),
)

_STORED: Column[Entry] = Column(
    "stored",
    "Time UTC",
    lambda row: humanise.clock(row.stored_at),
    lambda row: row.stored_at or 0,
    10,
    largest_first=True,
)
_AGE: Column[Entry] = Column(
    "age", "Age", lambda row: since(row.stored_at), lambda row: -(row.stored_at or 0), 6, right=True, rank=2
)
_USER: Column[Entry] = Column(
    "user", "User", lambda row: str(row.user), lambda row: (row.user.login, row.user.id), 14, flex=1
)
_STATUS: Column[Entry] = Column(
    "status",
    "Status",
    lambda row: _STATUS_SIGNS.get(row.status, row.status),
    lambda row: row.status,
    10,
    tone=lambda row: _STATUS_TONES.get(row.status, ""),
)
_SOURCE: Column[Entry] = Column("source", "Source", lambda row: row.source, lambda row: row.source, 12, rank=1)
_MESSAGE: Column[Entry] = Column(
    "message",
    "Message",
    lambda row: row.message[:300],
    lambda row: row.message,
    30,
    flex=4,
    tone=lambda row: "dim" if row.payload is None else "",
)
_DEVICE: Column[Client] = Column(
    "connection", "Connection", lambda row: row.connection_id, lambda row: row.connection_id, 9, flex=1
)
DEVICES = (_DEVICE, *CLIENTS[1:])
PENDING = (_STORED, _AGE, _USER, _SOURCE, _MESSAGE)
HISTORY = (_STORED, _AGE, _STATUS, _SOURCE, _MESSAGE)

PODS: tuple[Column[Pod], ...] = (
    Column("pod", "Pod", lambda row: row.pod_id, lambda row: row.pod_id, 12, flex=1),
    Column(
        "state",
        "State",
        lambda row: _POD_SIGNS[row.state],
        lambda row: row.state,
        7,
        tone=lambda row: _POD_TONES[row.state],
    ),
    Column(
        "beat", "Beat", lambda row: humanise.span(row.heartbeat_age), lambda row: row.heartbeat_age or 0, 6, right=True
    ),
    counted("connections", "Conns", lambda row: row.connections, 7),
    Column("locks", "Locks", lambda row: humanise.count(row.locks), lambda row: row.locks, 7, right=True, rank=1),
    counted("lag", "Bus lag", lambda row: row.bus_lag, 9, rank=2),
    Column("up", "Up", lambda row: since(row.started_at), lambda row: -(row.started_at or 0), 6, right=True, rank=3),
    Column("version", "Version", lambda row: row.version, lambda row: row.version, 10, rank=4),
)


def event_tone(event: Event) -> str:
    """The meaning of an event; failures of any kind are bad."""
    if event.kind in ("provider.circuit", "provider.host_circuit"):
        return {"closed": "good", "half_open": "warn"}.get(str(event.raw.get("state")), "bad")
    if event.kind.endswith(".failed"):
        return "bad"
    return _EVENT_TONES.get(event.kind, "good" if event.kind == "client.connected" else "")


EVENTS: tuple[Column[Event], ...] = (
    Column("time", "Time UTC", lambda row: humanise.clock(row.at), lambda row: row.number, 10, largest_first=True),
    Column("kind", "Event", lambda row: row.kind, lambda row: row.kind, 21, tone=event_tone),
    Column("user", "User", lambda row: row.who, lambda row: row.who, 12, flex=1),
    Column("pod", "Pod", lambda row: row.pod_id, lambda row: row.pod_id, 8, rank=1),
    Column("what", "What", lambda row: row.what[:300], lambda row: row.what, 26, flex=3),
)


def clients() -> Listing[Client]:
    """Connections, by user."""
    return Listing(CLIENTS, lambda row: row.connection_id, lambda row: row.haystack, "user")


def devices() -> Listing[Client]:
    """The connections of one user, oldest first."""
    return Listing(DEVICES, lambda row: row.connection_id, lambda row: row.haystack, "age")


def users() -> Listing[User]:
    """Users, those with most unread first."""
    return Listing(USERS, lambda row: row.user, lambda row: row.haystack, "pending")


def pending() -> Listing[Entry]:
    """Unread notifications, newest first."""
    return Listing(PENDING, lambda row: (row.user, row.stream_id), lambda row: row.haystack, "stored")


def history() -> Listing[Entry]:
    """One inbox, newest first."""
    return Listing(HISTORY, lambda row: row.stream_id, lambda row: row.haystack, "stored")


def pods() -> Listing[Pod]:
    """Pods, by name."""
    return Listing(PODS, lambda row: row.pod_id, lambda row: row.haystack, "pod")


def tail() -> Listing[Event]:
    """Events, as they come: newest first."""
    return Listing(EVENTS, lambda row: row.number, lambda row: row.haystack)
