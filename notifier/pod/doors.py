"""Figures of other programs' protocols: requests by door, and when each key was last used, over all instances."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from notifier.domain.doors import DOORS
from notifier.live.peers import Peers
from notifier.telemetry.metrics import Metrics

QUESTION = "doors"
OUTCOMES = ("accepted", "refused", "limited", "failed")
KEYS_MAX = 2_000  # whose last use is remembered; a store has 1,000 keys

Row = dict[str, Any]


class DoorFigures:
    """Counts of this instance, and of all that it asks. What ended with an instance is not among them."""

    def __init__(self, metrics: Metrics, peers: Peers, now: Callable[[], float]) -> None:
        """`now` is Redis' time in Unix seconds."""
        self._metrics = metrics
        self._peers = peers
        self._now = now
        self._used: dict[str, float] = {}
        peers.answers(QUESTION, self._own)

    def used(self, key_id: str) -> None:
        """A key let a request in."""
        self._used.pop(key_id, None)
        self._used[key_id] = self._now()
        if len(self._used) > KEYS_MAX:
            del self._used[next(iter(self._used))]

    def _own(self) -> Row:
        rows = self._metrics.labelled["door_requests"]
        counts = {door: {outcome: rows.get((door, outcome), 0) for outcome in OUTCOMES} for door in DOORS}
        return {"requests": counts, "used": dict(self._used)}

    async def read(self) -> tuple[dict[str, Row], dict[str, float]]:
        """Requests by door and outcome, and the last use (Unix seconds) of keys by their ids."""
        total: dict[str, Row] = {door: dict.fromkeys(OUTCOMES, 0) for door in DOORS}
        used: dict[str, float] = {}
        for answer in await self._peers.ask(QUESTION):
            for door, counts in answer["requests"].items():
                for outcome, count in counts.items():
                    total.setdefault(door, {})[outcome] = total.get(door, {}).get(outcome, 0) + count
            for key_id, at in answer["used"].items():
                used[key_id] = max(at, used.get(key_id, 0.0))
        return total, used
