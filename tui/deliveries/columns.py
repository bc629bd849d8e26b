"""The columns of the tables of deliveries, dead letters, providers and queues."""

from __future__ import annotations

from tui import humanise
from tui.columns import counted, since
from tui.deliveries.model import Attempt, DeadLetter, Delivery, Provider, Reason
from tui.listing import Column, Listing
from tui.times import TIMES

STATUS_SIGNS = {
    "scheduled": "◔ scheduled",
    "queued": "○ queued",
    "processing": "◐ processing",
    "retrying": "▲ retrying",
    "sent": "✓ sent",
    "failed": "✕ failed",
    "cancelled": "– cancelled",
    "expired": "◌ expired",
}
STATUS_TONES = {"sent": "good", "retrying": "warn", "expired": "warn", "failed": "bad", "cancelled": "dim"}
_OUTCOME_SIGNS = {"sent": "✓ sent", "retry": "▲ retry", "failed": "✕ failed"}
_OUTCOME_TONES = {"sent": "good", "retry": "warn", "failed": "bad"}
_CIRCUIT_SIGNS = {"closed": "● closed", "half_open": "◐ half-open", "open": "✕ open"}
_CIRCUIT_ORDER = {"open": 0, "half_open": 1, "closed": 2}
_CIRCUIT_TONES = {"closed": "good", "half_open": "warn", "open": "bad"}


HELD_BY = {
    "circuit_open": "circuit",
    "rate_limited": "limited",
    "channel_paused": "paused",
    "store_away": "store away",
}


def status_of(row: Delivery) -> str:
    """The status; of one that is held, what holds it: a circuit, a limit, a paused channel."""
    if row.held:
        return f"‖ {HELD_BY.get(row.waiting_for, row.waiting_for)}"
    return STATUS_SIGNS.get(row.status, row.status)


def tone_of(row: Delivery) -> str:
    """The meaning of the status."""
    return "warn" if row.held else STATUS_TONES.get(row.status, "")


DELIVERIES: tuple[Column[Delivery], ...] = (
    Column("age", "Age", lambda row: since(row.created_at), lambda row: -(row.created_at or 0), 6, right=True),
    Column(
        "status",
        "Status",
        status_of,
        lambda row: row.status,
        12,
        tone=tone_of,
    ),
    Column("channel", "Channel", lambda row: row.channel, lambda row: row.channel, 7),
    Column("priority", "Prio", lambda row: row.priority, lambda row: row.priority, 6, rank=2),
    Column("to", "To", lambda row: row.to[:300], lambda row: row.to, 16, flex=2),
    Column(
        "retries",
        "Retries",
        lambda row: f"{row.retries}/{row.max_retries}",
        lambda row: row.retries,
        7,
        right=True,
        largest_first=True,
        tone=lambda row: "" if row.retries else "dim",
    ),
    Column("provider", "Provider", lambda row: row.provider, lambda row: row.provider, 12, flex=1, rank=3),
    Column(
        "said",
        "Error or text",
        lambda row: row.said[:300],
        lambda row: row.said,
        14,
        flex=3,
        rank=1,
        tone=lambda row: "warn" if row.error else "dim",
    ),
)

ATTEMPTS: tuple[Column[Attempt], ...] = (
    Column("number", "No", lambda row: str(row.number), lambda row: row.number, 3, right=True),
    Column("time", "Time", lambda row: humanise.clock(row.at), lambda row: row.at or 0, 10, zoned=True),
    Column("provider", "Provider", lambda row: row.provider, lambda row: row.provider, 12, flex=1),
    Column(
        "outcome",
        "Outcome",
        lambda row: _OUTCOME_SIGNS.get(row.outcome, row.outcome),
        lambda row: row.outcome,
        8,
        tone=lambda row: _OUTCOME_TONES.get(row.outcome, ""),
    ),
    Column(
        "latency",
        "Latency",
        lambda row: humanise.milliseconds(row.latency),
        lambda row: row.latency or 0,
        7,
        right=True,
        largest_first=True,
    ),
    Column("error", "Error", lambda row: row.error[:300], lambda row: row.error, 20, flex=3),
)

DEAD_LETTERS: tuple[Column[DeadLetter], ...] = (
    Column("age", "Failed", lambda row: since(row.failed_at), lambda row: -(row.failed_at or 0), 6, right=True),
    Column("channel", "Channel", lambda row: row.channel or humanise.NONE, lambda row: row.channel, 7),
    Column("to", "To", lambda row: row.recipient[:300] or humanise.NONE, lambda row: row.recipient, 16, flex=2),
    counted("attempts", "Tries", lambda row: row.attempts, 5),
    Column(
        "reason", "Reason", lambda row: row.reason[:300], lambda row: row.reason, 14, flex=1, tone=lambda row: "bad"
    ),
    Column("error", "Error", lambda row: row.error[:300], lambda row: row.error, 14, flex=3, rank=1),
)

REASONS: tuple[Column[Reason], ...] = (
    counted("count", "Letters", lambda row: row.count, 9),
    Column("channel", "Channel", lambda row: row.channel or humanise.NONE, lambda row: row.channel, 7),
    Column(
        "reason", "Reason", lambda row: row.reason[:300], lambda row: row.reason, 20, flex=1, tone=lambda row: "bad"
    ),
)


def _until(row: Provider) -> str:
    return humanise.NONE if row.open_until is None else humanise.span(row.open_until - TIMES.now())


def _latency(name: str, rank: int) -> Column[Provider]:
    return Column(
        name,
        name,
        lambda row: humanise.milliseconds(getattr(row.latency, name)),
        lambda row: getattr(row.latency, name) or 0,
        7,
        right=True,
        rank=rank,
        largest_first=True,
    )


PROVIDERS: tuple[Column[Provider], ...] = (
    Column("provider", "Provider", lambda row: row.name, lambda row: row.name, 11, flex=1),
    Column("channel", "Channel", lambda row: row.channel, lambda row: row.channel, 12),
    Column(
        "state",
        "Circuit",
        lambda row: _CIRCUIT_SIGNS.get(row.state, row.state),
        lambda row: (_CIRCUIT_ORDER.get(row.state, 0), row.channel, row.name),
        11,
        tone=lambda row: _CIRCUIT_TONES.get(row.state, ""),
    ),
    Column("until", "Tries in", _until, lambda row: row.open_until or 0, 8, right=True, rank=3),
    counted(
        "failures", "In a row", lambda row: row.failures, 8, rank=2, tone=lambda row: "warn" if row.failures else "dim"
    ),
    Column(
        "queue",
        "Queue",
        lambda row: "‖ paused" if row.paused else "● on",
        lambda row: not row.paused,
        8,
        tone=lambda row: "warn" if row.paused else "",
    ),
    counted("sent", "Sent", lambda row: row.sent, 6, rank=2),
    # Both since the start: a failure of last week is no alarm. What fails now is `In a row` and the circuit.
    counted("failed", "Failed", lambda row: row.failed, 6, rank=1, tone=lambda row: "" if row.failed else "dim"),
    Column(
        "rate",
        "Rate/s",
        lambda row: humanise.rate(row.rate),
        lambda row: row.rate or 0,
        6,
        right=True,
        largest_first=True,
    ),
    _latency("p50", 5),
    _latency("p95", 0),
    _latency("p99", 0),
)


def deliveries() -> Listing[Delivery]:
    """Deliveries, as the server orders them: newest first."""
    return Listing(DELIVERIES, lambda row: row.id, lambda row: row.haystack)


def attempts() -> Listing[Attempt]:
    """The attempts of one delivery, in their order."""
    return Listing(ATTEMPTS, lambda row: row.number, lambda row: row.haystack)


def dead_letters() -> Listing[DeadLetter]:
    """Dead letters, as the server orders them: newest first."""
    return Listing(DEAD_LETTERS, lambda row: row.id, lambda row: row.haystack)


def reasons() -> Listing[Reason]:
    """Groups of dead letters, the largest first."""
    return Listing(REASONS, lambda row: (row.reason, row.channel), lambda row: row.haystack, "count")


def providers() -> Listing[Provider]:
    """Providers, as the server orders them: by channel."""
    return Listing(PROVIDERS, lambda row: (row.channel, row.name), lambda row: row.haystack, "state")
