"""The columns of the tables that more than one page shows."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from tui import humanise
from tui.events import Event
from tui.listing import Column, Listing
from tui.model import Instance
from tui.times import TIMES

Row = TypeVar("Row")

_STATE_SIGNS = {"up": "● up", "late": "▲ late", "gone": "✕ gone"}
_STATE_TONES = {"up": "good", "late": "warn", "gone": "bad"}
_STATE_ORDER = ("gone", "late", "up")
_EVENT_TONES = {"client.disconnected": "dim", "notification.cleared": "warn", "pod.left": "bad", "pod.joined": "good"}
_EVENT_TONES |= {
    "channel.paused": "warn",
    "channel.resumed": "good",
    "instance.started": "good",
    "instance.gone": "bad",
}
_EVENT_TONES |= {"store.replaced": "bad"}
_LEVEL_SIGNS = {"warning": "▲ warning", "error": "✕ error"}
_LEVEL_TONES = {"warning": "warn", "error": "bad"}
_EVENT_TONES |= {"delivery.sent": "good", "delivery.retrying": "warn", "delivery.expired": "warn"}


def since(moment: float | None) -> str:
    """The time since a moment in unix seconds, in words."""
    return humanise.span(None if moment is None else TIMES.now() - moment)


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


INSTANCES: tuple[Column[Instance], ...] = (
    Column("instance", "Instance", lambda row: row.pod_id, lambda row: row.pod_id, 12, flex=1),
    Column(
        "state",
        "State",
        lambda row: _STATE_SIGNS[row.state],
        lambda row: (_STATE_ORDER.index(row.state), row.pod_id),
        7,
        tone=lambda row: _STATE_TONES[row.state],
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
    Column(
        "time", "Time", lambda row: humanise.clock(row.at), lambda row: row.number, 10, largest_first=True, zoned=True
    ),
    Column("kind", "Event", lambda row: row.kind, lambda row: row.kind, 21, tone=event_tone),
    Column("user", "User", lambda row: row.who, lambda row: row.who, 12, flex=1),
    Column("instance", "Instance", lambda row: row.pod_id, lambda row: row.pod_id, 8, rank=1),
    Column("what", "What", lambda row: row.what[:300], lambda row: row.what, 26, flex=3),
)


LOG: tuple[Column[Event], ...] = (
    EVENTS[0],
    Column(
        "level",
        "Level",
        lambda row: _LEVEL_SIGNS.get(row.level, row.level),
        lambda row: row.level,
        9,
        tone=lambda row: _LEVEL_TONES.get(row.level, ""),
    ),
    Column("instance", "Instance", lambda row: row.told_by, lambda row: row.told_by, 8, flex=1, rank=1),
    Column("event", "Event", lambda row: row.named, lambda row: row.named, 18, flex=1),
    Column("said", "Text", lambda row: row.said[:400], lambda row: row.said, 26, flex=4),
)


def instances() -> Listing[Instance]:
    """Instances, those gone first, then those late: what is wrong must not hide under what is well."""
    return Listing(INSTANCES, lambda row: row.pod_id, lambda row: row.haystack, "state")


def log() -> Listing[Event]:
    """Log lines, as they come: newest first."""
    return Listing(LOG, lambda row: row.number, lambda row: row.haystack)


def tail() -> Listing[Event]:
    """Events, as they come: newest first."""
    return Listing(EVENTS, lambda row: row.number, lambda row: row.haystack)
