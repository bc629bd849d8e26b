"""The columns of the tables of connections, users and notifications."""

from __future__ import annotations

from tui import humanise
from tui.columns import counted, since
from tui.inbox.model import Client, Entry, User
from tui.listing import Column, Listing

_STATUS_SIGNS = {"unread": "● unread", "read": "✓ read", "auto_cleared": "○ cleared"}
_STATUS_SIGNS |= {"seen": "● seen", "acted": "✓ acted", "archived": "✓ archived", "snoozed": "○ snoozed"}
_STATUS_TONES = {"unread": "warn", "read": "good", "auto_cleared": "dim"}
_STATUS_TONES |= {"seen": "warn", "acted": "good", "archived": "dim", "snoozed": "dim"}

CLIENTS: tuple[Column[Client], ...] = (
    Column("user", "User", lambda row: str(row.user), lambda row: (row.user.login, row.user.id), 14, flex=3),
    Column("remote", "From", lambda row: row.remote, lambda row: row.remote, 15, flex=1, rank=1),
    Column("instance", "Instance", lambda row: row.pod_id, lambda row: row.pod_id, 8, flex=1, rank=2),
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
    "Time",
    lambda row: humanise.clock(row.stored_at),
    lambda row: row.stored_at or 0,
    10,
    largest_first=True,
    zoned=True,
)
_AGE: Column[Entry] = Column(
    "age", "Age", lambda row: since(row.stored_at), lambda row: -(row.stored_at or 0), 6, right=True
)
_USER: Column[Entry] = Column(
    "user", "User", lambda row: str(row.user), lambda row: (row.user.login, row.user.id), 14, flex=1
)
_STATUS: Column[Entry] = Column(
    "status",
    "Status",
    lambda row: _STATUS_SIGNS.get(row.state, row.state),
    lambda row: row.state,
    10,
    tone=lambda row: _STATUS_TONES.get(row.state, ""),
)
_SOURCE: Column[Entry] = Column("source", "Source", lambda row: row.source, lambda row: row.source, 12, rank=1)
_MESSAGE: Column[Entry] = Column(
    "message",
    "Message",
    lambda row: row.message[:300],
    lambda row: row.message,
    24,
    flex=4,
    tone=lambda row: "dim" if row.payload is None else "",
)
_DEVICE: Column[Client] = Column(
    "connection", "Connection", lambda row: row.connection_id, lambda row: row.connection_id, 9, flex=1
)
DEVICES = (_DEVICE, *CLIENTS[1:])
PENDING = (_STORED, _AGE, _USER, _SOURCE, _MESSAGE)
HISTORY = (_STORED, _AGE, _STATUS, _SOURCE, _MESSAGE)


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
