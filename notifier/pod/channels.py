"""Figures of the channels: their queues, what has gone out lately, how quick and how well, over all instances."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any

from notifier.service.deliveries import DeliveryService
from notifier.store.delivery_records import Queue

Row = dict[str, Any]
RATE_SECONDS, RATIO_SECONDS = 10, 60  # over which a rate and a ratio are taken
TRIED = ("sent", "retrying", "failed")
_WORST = {"open": 2, "half_open": 1, "closed": 0}

Growth = Mapping[tuple[str, ...], int]


def told_counts(grown: Callable[[int], Growth]) -> dict[str, list[int]]:
    """Figures of each channel on this instance: sent within ten seconds; sent, retried, failed within a minute."""
    soon, minute = grown(RATE_SECONDS), grown(RATIO_SECONDS)
    channels = {labels[0] for labels in minute}
    return {
        channel: [soon.get((channel, "sent"), 0), *(minute.get((channel, status), 0) for status in TRIED)]
        for channel in sorted(channels)
    }


class ChannelFigures:
    """The table of channels."""

    def __init__(
        self,
        service: DeliveryService,
        counts: Callable[[], Awaitable[list[dict[str, list[int]]]]],
        providers: Callable[[], Awaitable[list[list[Row]]]],
        dead: Callable[[], Awaitable[Mapping[str, int]]],
    ) -> None:
        """`counts` and `providers` ask all instances; `dead` answers the dead letters of the last hour by channel."""
        self._service = service
        self._counts = counts
        self._providers = providers
        self._dead = dead

    async def rows(self) -> list[Row]:
        """The fields of every `ChannelRow`. Raises `NotifierError(unavailable)`."""
        queues = (await self._service.queues()).channels
        counts, providers, dead = await self._counts(), await self._providers(), await self._dead()
        return [
            {**_queue_row(queue), **_rates(queue.channel, counts), "dead_last_hour": dead.get(queue.channel, 0)}
            | _provider_row(queue.channel, [row for rows in providers for row in rows])
            for queue in queues
        ]


def _queue_row(queue: Queue) -> Row:
    held = sum(queue.held.values())
    reason = max(queue.held, key=lambda why: queue.held[why]) if held else None
    waiting = sum(queue.waiting.values())
    if queue.paused:
        held, reason = held + waiting, "channel_paused"
    return {
        "channel": queue.channel,
        "paused": queue.paused,
        "waiting": waiting,
        "held": held,
        "held_reason": reason,
        "retrying": queue.retrying,
        "scheduled": max(0, queue.scheduled - sum(queue.held.values())),
        "processing": queue.leased,
    }


def _rates(channel: str, answers: Sequence[Mapping[str, Sequence[int]]]) -> Row:
    told = [answer[channel] for answer in answers if channel in answer]
    soon, sent, retried, failed = (sum(column) for column in zip(*told, strict=True)) if told else (0, 0, 0, 0)
    tried = sent + retried + failed
    return {
        "per_second_out": round(soon / RATE_SECONDS, 2),
        "ok_ratio": round(sent / tried, 4) if tried else None,
    }


def _provider_row(channel: str, rows: Iterable[Row]) -> Row:
    own = [row for row in rows if row["channel"].partition(":")[0] == channel]
    latencies = sorted(latency for row in own for latency in row["latencies"])
    return {
        "p95_ms": latencies[min(len(latencies) - 1, int(len(latencies) * 0.95))] if latencies else None,
        "circuit": max((row["state"] for row in own), key=lambda state: _WORST[state], default="closed"),
    }
