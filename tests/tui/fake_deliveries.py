"""Deliveries, dead letters, providers and queues for the fake server, with the contract's shapes."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from tests.tui.answers import ADMIN, Json, page_of, problem, rfc3339

DELIVERIES = "/api/v1/notifications"
CANCELLABLE = ("scheduled", "queued", "retrying")
RETRYABLE = ("scheduled", "retrying", "failed")


@dataclass
class FakeDeliveries:
    """The deliveries that the fake server knows; tests write into it."""

    rows: list[Json] = field(default_factory=list)
    attempts: dict[str, list[Json]] = field(default_factory=dict)
    dead: list[Json] = field(default_factory=list)
    providers: list[Json] = field(default_factory=list)
    queues: list[Json] = field(default_factory=list)
    dry_runs: int = 0

    def add(self, status: str = "queued", channel: str = "sms", recipient: str = "+905551234567", **more: Any) -> Json:
        """A delivery, newer than all before."""
        at = rfc3339(time.time() - 300 + len(self.rows))
        row: Json = {
            "id": str(uuid.uuid4()),
            "channel": channel,
            "recipient": recipient,
            "content": f"text {len(self.rows)}",
            "priority": "normal",
            "status": status,
            "retry_count": 0,
            "max_retries": 3,
            "created_at": at,
            "updated_at": at,
        }
        self.rows.append(row | more)
        return self.rows[-1]

    def tried(self, row: Json, outcome: str, provider: str = "twilio", error: str = "", latency: float = 120.0) -> None:
        tries = self.attempts.setdefault(row["id"], [])
        tries.append({"at": rfc3339(time.time() - 60), "provider": provider, "outcome": outcome, "error": error})
        tries[-1]["latency_ms"] = latency
        row |= {"provider": provider, "error": error} if error else {"provider": provider}

    def bury(self, row: Json, reason: str) -> Json:
        """Makes a dead letter of a delivery."""
        row["status"] = "failed"
        entry: Json = {name: row[name] for name in ("id", "channel", "recipient")}
        entry |= {"reason": reason, "error": row.get("error", ""), "attempts": len(self.attempts.get(row["id"], []))}
        self.dead.append(entry | {"failed_at": rfc3339(time.time() - 30)})
        return self.dead[-1]

    def queue(self, channel: str, **more: Any) -> Json:
        row: Json = {"channel": channel, "paused": False, "high": 0, "normal": 0, "low": 0, "processing": 0}
        self.queues.append(row | {"workers": 5, "oldest_age_s": None} | more)
        return self.queues[-1]

    def provider(self, name: str, channel: str, state: str = "closed", **more: Any) -> Json:
        row: Json = {"name": name, "channel": channel, "state": state, "failures": 0, "open_until": None}
        row |= {"sent": 0, "failed": 0, "rate_per_s": 0.0, "latency_ms": {"p50": None, "p95": None, "p99": None}}
        self.providers.append(row | more)
        return self.providers[-1]

    def routes(self) -> list[web.RouteDef]:
        """The routes."""
        return [
            web.get(DELIVERIES, self._listing),
            web.get(f"{DELIVERIES}/{{id}}", self._one),
            web.get(f"{DELIVERIES}/{{id}}/status", self._status),
            web.delete(f"{DELIVERIES}/{{id}}", self._cancel),
            web.post(f"{ADMIN}/notifications/{{id}}/retry", self._retry),
            web.get(f"{ADMIN}/dlq", self._dead_letters),
            web.post(f"{ADMIN}/dlq/{{verb:requeue|drop}}", self._many),
            web.post(f"{ADMIN}/dlq/{{id}}/requeue", self._requeue),
            web.delete(f"{ADMIN}/dlq/{{id}}", self._drop),
            web.post(f"{ADMIN}/channels/{{channel}}/{{what:pause|resume}}", self._hold),
            web.get(f"{ADMIN}/providers", self._providers),
            web.get(f"{ADMIN}/queues", self._queues),
        ]

    def _found(self, request: web.Request) -> Json | None:
        return next((row for row in self.rows if row["id"] == request.match_info["id"]), None)

    async def _listing(self, request: web.Request) -> web.Response:
        query = request.query
        found = [row for row in reversed(self.rows) if _passes(row, query)]
        page, limit = int(query.get("page", 1)), int(query.get("limit", 20))
        if limit > 100:
            return problem(422, "limit must be at most 100")
        shown = found[(page - 1) * limit : page * limit]
        return web.json_response({"notifications": shown, "page": page, "limit": limit, "total": len(found)})

    async def _one(self, request: web.Request) -> web.Response:
        row = self._found(request)
        return web.json_response(row) if row else problem(404, "there is no such notification")

    async def _status(self, request: web.Request) -> web.Response:
        row = self._found(request)
        if row is None:
            return problem(404, "there is no such notification")
        attempts = self.attempts.get(row["id"], [])
        return web.json_response({"id": row["id"], "status": row["status"], "attempts": attempts})

    async def _cancel(self, request: web.Request) -> web.Response:
        return self._moved(self._found(request), CANCELLABLE, "cancelled", 204)

    async def _retry(self, request: web.Request) -> web.Response:
        return self._moved(self._found(request), RETRYABLE, "queued", 202)

    def _moved(self, row: Json | None, before: tuple[str, ...], after: str, status: int) -> web.Response:
        if row is None:
            return problem(404, "there is no such notification")
        if row["status"] not in before:
            return problem(409, f"this one is {row['status']}")
        row["status"] = after
        return web.Response(status=status)

    def _picked(self, reason: str, channel: str) -> list[Json]:
        return [row for row in self.dead if reason in ("", row["reason"]) and channel in ("", row["channel"])]

    async def _dead_letters(self, request: web.Request) -> web.Response:
        groups: dict[tuple[str, str], int] = {}
        for row in self.dead:
            groups[row["reason"], row["channel"]] = groups.get((row["reason"], row["channel"]), 0) + 1
        reasons = [{"reason": reason, "channel": channel, "count": n} for (reason, channel), n in groups.items()]
        picked = self._picked(request.query.get("reason", ""), request.query.get("channel", ""))
        return web.json_response(page_of(request, "entries", picked[::-1]) | {"reasons": reasons})

    async def _many(self, request: web.Request) -> web.Response:
        body, verb = await request.json(), request.match_info["verb"]
        wanted = body.get("filter", {})
        picked = self._picked(wanted.get("reason", ""), wanted.get("channel", ""))
        picked = [row for row in picked if row["id"] in body.get("ids", [row["id"]])]
        picked = [row for row in picked if row.get("failed_at", "") <= body.get("before", "9")]
        picked = [row for row in picked if row["channel"] or verb == "drop"]
        if body.get("expected") not in (None, len(picked)):
            return problem(409, f"there are {len(picked)} of them, not {body['expected']}: count again")
        dry = body.get("dry_run", False)
        self.dry_runs += dry
        self.dead = self.dead if dry else [row for row in self.dead if row not in picked]
        before = body.get("before") or rfc3339(time.time())
        done = "requeued" if verb == "requeue" else "dropped"
        return web.json_response({done: len(picked), "dry_run": dry, "before": before})

    def _letter(self, request: web.Request) -> Json | None:
        return next((row for row in self.dead if row["id"] == request.match_info["id"]), None)

    async def _requeue(self, request: web.Request) -> web.Response:
        row = self._letter(request)
        if row is None:
            return problem(404, "there is no such dead letter")
        self.dead.remove(row)
        return web.json_response({"requeued": 1}, status=202)

    async def _drop(self, request: web.Request) -> web.Response:
        row = self._letter(request)
        if row is None:
            return problem(404, "there is no such dead letter")
        self.dead.remove(row)
        return web.Response(status=204)

    async def _hold(self, request: web.Request) -> web.Response:
        found = [row for row in self.queues if row["channel"] == request.match_info["channel"]]
        if not found:
            return problem(404, "there is no such channel")
        found[0]["paused"] = request.match_info["what"] == "pause"
        return web.json_response({"channel": found[0]["channel"], "paused": found[0]["paused"]})

    async def _providers(self, request: web.Request) -> web.Response:
        return web.json_response({"providers": self.providers})

    async def _queues(self, request: web.Request) -> web.Response:
        scheduled = sum(row["status"] == "scheduled" for row in self.rows)
        return web.json_response({"queues": self.queues, "scheduled": scheduled, "dlq_size": len(self.dead)})


def _passes(row: Json, query: Any) -> bool:
    same = all(
        query.get(name, row.get(name)) == row.get(name) for name in ("status", "channel", "recipient", "user_id")
    )
    return same and query.get("from", "") <= row["created_at"] <= query.get("to", "9")


def some_deliveries() -> FakeDeliveries:
    """One of every status, two reasons for dead letters, a paused channel and an open circuit."""
    found = FakeDeliveries()
    found.queue("sms", high=2, normal=1204, low=31, processing=5, oldest_age_s=42.0)
    found.queue("email", paused=True, normal=88, oldest_age_s=720.0)
    for channel in ("push", "webhook", "inapp"):
        found.queue(channel)
    latency = {"p50": 48.0, "p95": 120.0, "p99": 1300.0}
    found.provider("twilio", "sms", sent=4210, failed=3, rate_per_s=12.4, latency_ms=latency)
    until = rfc3339(time.time() + 25)
    found.provider("smtp", "email", "open", failures=5, open_until=until, sent=90, failed=5, latency_ms=latency)
    found.provider("apns", "push:ios", "half_open", failures=5, sent=1, failed=5)
    found.add("sent", sent_at=rfc3339(time.time()), user_id="1-alice")
    found.tried(found.rows[-1], "sent")
    found.add("scheduled", "email", "ada@example.com", scheduled_at=rfc3339(time.time() + 3600))
    found.add("processing", "push", "0f3a")
    found.add("cancelled", "webhook", "https://example.com/hook")
    found.add("expired", "inapp", "1-alice")
    for reason, error in (("http_400", "the number is not valid"), ("http_400", "no such number"), ("expired", "late")):
        found.add("failed", "sms", f"+90555{len(found.rows):07}")
        found.tried(found.rows[-1], "failed", error=error)
        found.bury(found.rows[-1], reason)
    found.add("retrying", "email", "bob@example.com", retry_count=1, next_retry_at=rfc3339(time.time() + 20))
    found.tried(found.rows[-1], "retry", "smtp", "421 try again later", 1800.0)
    found.add("queued", user_id="2-bob")
    return found
