"""State of the consumer for health and metrics: written by its thread, read by the event loop."""

from __future__ import annotations

from typing import Any

import msgspec


class State:
    """Plain values, each written whole. `lag` is in messages, of the partitions that this pod has."""

    def __init__(self) -> None:
        self.running = False
        self.paused = ""  # why the partitions are paused, where they are
        self.trouble = ""  # what the topic's brokers said last, while it holds
        self.brokers_up = 0
        self.partitions = 0
        self.lag = 0
        self.stored = 0
        self.buried = 0

    def report(self) -> dict[str, Any]:
        """The component of `/health`."""
        error = self.error
        found: dict[str, Any] = {
            "status": "degraded" if error else "ok",
            "lag": self.lag,
            "partitions": self.partitions,
            "brokers_up": self.brokers_up,
            "stored": self.stored,
            "dead_letters": self.buried,
        }
        return found | ({"error": error} if error else {})

    @property
    def error(self) -> str | None:
        """The reason why nothing is read; None while all is well."""
        if not self.running:
            return "the consumer is not running"
        if self.paused:
            return f"paused: {self.paused}"
        if self.brokers_up == 0:
            return "no broker can be reached"
        return self.trouble or None


class _Broker(msgspec.Struct):
    state: str


class _Statistics(msgspec.Struct):
    brokers: dict[str, _Broker] = {}


_decode = msgspec.json.Decoder(_Statistics).decode


def brokers_up(statistics: str) -> int:
    """Number of connected brokers in librdkafka's statistics."""
    # A group's coordinator is listed once more, as a broker of its own.
    brokers = _decode(statistics).brokers.items()
    return sum(1 for name, broker in brokers if broker.state == "UP" and name != "GroupCoordinator")
