"""Problems, search, figures by the minute, talkers and channels for the fake server, with the contract's shapes."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from tests.tui.answers import ADMIN, Json, problem, rfc3339


@dataclass
class FakeCockpit:
    """The facts that the server knows of itself; tests write into it. None is a server that is older than the path."""

    problems: list[Json] | None = field(default_factory=list)
    channels: list[Json] | None = field(default_factory=list)
    queues: list[Json] = field(default_factory=list)  # of the deliveries: there channels are paused
    past: list[Json] = field(default_factory=list)  # events before the present ones
    history: Json | None = None
    talkers: Json | None = field(default_factory=dict)
    doors: Json | None = field(default_factory=lambda: {"doors": [], "keys": []})
    names: list[Json] | None = field(default_factory=list)
    batches: dict[str, Json] = field(default_factory=dict)

    def trouble(self, kind: str, subject: str, text: str, severity: str = "critical", **more: Any) -> Json:
        row: Json = {"kind": kind, "severity": severity, "subject": subject, "text": text, "value": None}
        row |= {"threshold": None, "since": rfc3339(time.time() - 540), "open": {"view": "overview", "id": None}}
        assert self.problems is not None
        self.problems.append(row | more)
        return self.problems[-1]

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get(f"{ADMIN}/problems", self._problems),
            web.get(f"{ADMIN}/channels", self._channels),
            web.get(f"{ADMIN}/history/metrics", self._history),
            web.get(f"{ADMIN}/talkers", self._talkers),
            web.get(f"{ADMIN}/doors", self._doors),
            web.get(f"{ADMIN}/find", self._find),
            web.get("/api/v1/batches/{id}", self._batch),
        ]

    def name(self, kind: str, identity: str, label: str = "", **more: Any) -> Json:
        """Something that can be found."""
        row: Json = {"kind": kind, "id": identity, "label": label or identity, "at": None, "user_id": None}
        assert self.names is not None
        self.names.append(row | {"login": None} | more)
        return self.names[-1]

    def channel(self, name: str, **more: Any) -> Json:
        row: Json = {"channel": name, "paused": False, "waiting": 0, "held": 0, "held_reason": None, "retrying": 0}
        row |= {"scheduled": 0, "processing": 0, "per_second_out": 0.0, "ok_ratio": None, "p95_ms": None}
        assert self.channels is not None
        self.channels.append(row | {"dead_last_hour": 0, "circuit": "closed"} | more)
        return self.channels[-1]

    async def _channels(self, request: web.Request) -> web.Response:
        if self.channels is None:
            return problem(404, "no such path")
        paused = {row["channel"]: row["paused"] for row in self.queues}
        return web.json_response({"channels": [row | {"paused": paused[row["channel"]]} for row in self.channels]})

    def happened(self, kind: str, seconds_ago: float, **facts: Any) -> Json:
        """Something notable that the server still knows of."""
        self.past.append({"type": kind, "time": rfc3339(time.time() - seconds_ago), "pod_id": "pod-a", **facts})
        return self.past[-1]

    def earlier(self, request: web.Request) -> bytes:
        """The events after the one that was the last, as they stand in the stream."""
        since = request.headers.get("Last-Event-ID", "9")
        told = [row for row in self.past if row["time"] > since]
        lines = [f"id: {row['time']}\nevent: {row['type']}\ndata: {json.dumps(row)}\n\n" for row in told]
        return "".join(lines).encode()

    async def _history(self, request: web.Request) -> web.Response:
        if self.history is None:
            return problem(404, "no such path")
        many = int(request.query["minutes"])
        series = {name: values[-many:] for name, values in self.history["series"].items()}
        start = rfc3339(60 * (time.time() // 60 - many + 1))
        return web.json_response(self.history | {"step_seconds": 60, "from": start, "series": series})

    async def _talkers(self, request: web.Request) -> web.Response:
        if self.talkers is None:
            return problem(404, "no such path")
        minutes = int(request.query["minutes"])
        counted = {kind: found.get(minutes, []) for kind, found in self.talkers.items()}
        none: Json = {kind: [] for kind in ("source", "user", "caller", "address")}
        return web.json_response(none | counted | {"minutes": minutes})

    async def _doors(self, request: web.Request) -> web.Response:
        return problem(404, "no such path") if self.doors is None else web.json_response(self.doors)

    async def _find(self, request: web.Request) -> web.Response:
        if self.names is None:
            return problem(404, "no such path")
        typed = request.query["q"].lower()
        found = [
            row for row in self.names if row["id"].lower().startswith(typed) or (row["login"] or "").startswith(typed)
        ]
        return web.json_response({"results": found[: int(request.query["limit"])]})

    async def _batch(self, request: web.Request) -> web.Response:
        found = self.batches.get(request.match_info["id"])
        return web.json_response(found) if found else problem(404, "there is no such batch")

    async def _problems(self, request: web.Request) -> web.Response:
        if self.problems is None:
            return problem(404, "no such path")
        return web.json_response({"problems": self.problems, "checked_at": rfc3339(time.time())})


def some_channels() -> FakeCockpit:
    """One channel of each state."""
    found = FakeCockpit()
    rates = {"per_second_out": 12.4, "ok_ratio": 0.998, "p95_ms": 120.0}
    found.channel("sms", waiting=1237, retrying=31, scheduled=4, dead_last_hour=3, **rates)
    found.channel("email", waiting=88, held=88, held_reason="channel_paused")
    found.channel("push", waiting=3, held=218, held_reason="circuit_open", circuit="open", ok_ratio=0.0, p95_ms=919.0)
    found.channel("webhook", circuit="half_open", ok_ratio=0.75)
    found.channel("inapp", ok_ratio=1.0, per_second_out=0.4)
    return found


def a_day() -> Json:
    """Figures of a day that ends now: an outage of ten minutes, a spike, and two events."""
    many = 1440
    quiet: list[float | None] = [60.0 * (10 + minute % 7) for minute in range(many)]
    quiet[-40:-30] = [None] * 10
    series: dict[str, list[float | None]] = {name: list(quiet) for name in ("accepted", "pushed", "acked")}
    for name in ("connections", "queued", "held", "p99_ms", "store_ms", "loop_lag_ms", "sent", "failed", "dead"):
        series[name] = [None if value is None else float(minute % 9) for minute, value in enumerate(quiet)]
    series["p99_ms"][-5] = 900.0
    marks = [{"at": rfc3339(time.time() - 1800), "kind": "restart", "text": "pod-b"}]
    marks.append({"at": rfc3339(time.time() - 600), "kind": "circuit_open", "text": "push-1"})
    return {"series": series, "marks": marks}
