"""Channels at a glance: what waits, what is held and why, what goes out and how well. No I/O but the request."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from typing import Annotated

from tui import humanise
from tui.client import AdminClient, ApiError, Failure
from tui.deliveries.model import Provider, Queue, Queues, queue_of
from tui.listing import Column, Listing
from tui.model import Ownerless
from tui.record import Flag, Json, Number, Raw, Read, Text, number_in, rows, text

REASONS = {"circuit_open": "open", "channel_paused": "paused", "rate_limited": "limit", "store_away": "store"}
_CIRCUITS = {"closed": "● closed", "half_open": "◐ half", "open": "✕ open"}
_TONES = {"closed": "good", "half_open": "warn", "open": "bad"}
_WORST = ("open", "half_open", "closed")


@dataclass(frozen=True, slots=True)
class Channel(Ownerless, Read):
    """A channel over all instances, as a row of `GET channels`; a number that the server does not tell is None.

    The age of the `oldest` that waits, in seconds, is given: `GET queues` tells it.
    """

    channel: Text
    paused: Flag
    waiting: Number
    held: Number
    reason: Annotated[str, text, "held_reason"]
    retrying: Number
    scheduled: Number
    out: Annotated[float | None, number_in, "per_second_out"]
    ok: Annotated[float | None, number_in, "ok_ratio"]
    p95: Annotated[float | None, number_in, "p95_ms"]
    dead: Annotated[float | None, number_in, "dead_last_hour"]
    circuit: Text
    oldest: Annotated[float | None, number_in, "oldest_age_s"]
    raw: Raw

    @property
    def identity(self) -> str:
        """The id that `y` copies."""
        return self.channel

    @property
    def state(self) -> str:
        """`paused`, else the state of its worst circuit."""
        return "paused" if self.paused else self.circuit

    @property
    def trouble(self) -> tuple[bool, float, str]:
        """The order in which those that need a look come first."""
        return self.state in ("", "closed"), -(self.held or 0), self.channel

    @property
    def haystack(self) -> str:
        """The text that a filter searches, in lower case."""
        return f"{self.channel} {self.state} {self.reason if self.held else ''}".lower()


@dataclass(frozen=True)
class ChannelTable:
    """Every channel, and of all of them together the deliveries that are not due and the dead letters."""

    channels: list[Channel]
    scheduled: int
    dead: int


@dataclass(frozen=True)
class AllChannels:
    """Every channel with the age of its oldest. An older server's are made of its queues and providers, and lack what
    those do not tell."""

    topics: tuple[str, ...] = ("delivery.", "provider.")
    interval: float = 5.0

    async def load(self, client: AdminClient) -> AsyncIterator[ChannelTable]:
        """All of them, in one go."""
        queues = Queues.read(await client.queues())
        try:
            answer = rows(await client.channels(), "channels")
        except ApiError as error:
            if error.failure is not Failure.NOT_FOUND:
                raise
            answer = await _of_older(client, queues)
        found = [Channel.read(row, oldest=_oldest(queues.of(text(row, "channel")))) for row in answer]
        yield ChannelTable(found, queues.scheduled, queues.dead)


def _oldest(queue: Queue | None) -> float | None:
    return None if queue is None else queue.oldest


async def _of_older(client: AdminClient, queues: Queues) -> list[Json]:
    found = [Provider.read(row, paused=False) for row in rows(await client.providers(), "providers")]
    return [_made(queue, [row for row in found if queue_of(row.channel) == queue.channel]) for queue in queues.queues]


def _made(queue: Queue, providers: Iterable[Provider]) -> Json:
    states = {row.state for row in providers}
    circuit = next((state for state in _WORST if state in states), "closed")
    return {"channel": queue.channel, "paused": queue.paused, "waiting": queue.waiting, "circuit": circuit}


def _held(row: Channel) -> str:
    if not row.held:
        return humanise.short(row.held)
    return f"{humanise.short(row.held)} {REASONS.get(row.reason, row.reason)}".strip()


def _share(ratio: float | None) -> str:
    """A share in percent; only where nothing failed is it 100."""
    if ratio is None:
        return humanise.NONE
    return "100" if ratio >= 1 else f"{min(99, int(ratio * 100))}"


def _number(name: str, title: str, width: int, rank: int, tone: str = "") -> Column[Channel]:
    """A count, dim where it is none."""
    return Column(
        name,
        title,
        lambda row: humanise.short(getattr(row, name)),
        lambda row: getattr(row, name) or 0,
        width,
        right=True,
        rank=rank,
        largest_first=True,
        tone=lambda row: tone if getattr(row, name) else "dim",
    )


COLUMNS: tuple[Column[Channel], ...] = (
    Column("channel", "Channel", lambda row: row.channel, lambda row: row.channel, 7),
    Column(
        "state",
        "Circuit",
        lambda row: "‖ paused" if row.paused else _CIRCUITS.get(row.circuit, row.circuit or humanise.NONE),
        lambda row: row.trouble,
        8,
        tone=lambda row: "warn" if row.paused else _TONES.get(row.circuit, ""),
    ),
    _number("waiting", "Waits", 5, 0),
    Column(
        "held",
        "Held",
        _held,
        lambda row: row.held or 0,
        10,
        right=True,
        largest_first=True,
        tone=lambda row: "warn" if row.held else "dim",
    ),
    _number("retrying", "Retry", 5, 2, "warn"),
    _number("scheduled", "Later", 5, 4),
    Column(
        "out",
        "Out/s",
        lambda row: humanise.rate(row.out),
        lambda row: row.out or 0,
        5,
        right=True,
        rank=1,
        largest_first=True,
        tone=lambda row: "" if row.out else "dim",
    ),
    Column(
        "ok",
        "Ok%",
        lambda row: _share(row.ok),
        lambda row: 2.0 if row.ok is None else row.ok,
        3,
        right=True,
        rank=3,
        tone=lambda row: "dim" if row.ok is None else "good" if row.ok >= 1 else "warn" if row.ok >= 0.5 else "bad",
    ),
    Column(
        "p95",
        "p95",
        lambda row: humanise.milliseconds(row.p95),
        lambda row: row.p95 or 0,
        6,
        right=True,
        rank=3,
        largest_first=True,
    ),
    _number("dead", "Dead/h", 6, 2, "bad"),
    Column(
        "oldest",
        "Oldest",
        lambda row: humanise.span(row.oldest),
        lambda row: row.oldest or 0,
        6,
        right=True,
        rank=5,
        largest_first=True,
        tone=lambda row: "" if row.oldest else "dim",
    ),
)


def channels() -> Listing[Channel]:
    """Channels, those with trouble first."""
    return Listing(COLUMNS, lambda row: row.channel, lambda row: row.haystack, "state")
