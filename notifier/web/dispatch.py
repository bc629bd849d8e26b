"""The operators' API of deliveries: dead letters, retries, paused channels, providers, queues."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from sanic import Blueprint, HTTPResponse, Request

from notifier.domain.deliveries import CHANNELS
from notifier.domain.faults import Faults, invalid, no_object
from notifier.service.deliveries import DeliveryService
from notifier.web.audit import audit
from notifier.web.requests import Query, json_body, json_response

MAX_REASON = 64

_encode = msgspec.json.Encoder().encode


Providers = Callable[[], Awaitable[list[dict[str, Any]]]]
Hands = Callable[[], Awaitable[dict[str, int]]]


def dispatch_door(service: DeliveryService, providers: Providers, hands: Hands, now: Callable[[], float]) -> Blueprint:
    """The routes; `providers` tells how those of all pods stand, `hands` how many sends each channel can have at once
    over all pods."""
    door = Blueprint("dispatch", url_prefix="/api/v1/admin")
    _dead_letters(door, service)
    _actions(door, service)
    _figures(door, service, providers, hands, now)
    return door


def _dead_letters(door: Blueprint, service: DeliveryService) -> None:
    @door.get("/dlq")
    async def dead_letters(request: Request) -> HTTPResponse:
        query = Query(request, "reason channel limit cursor")
        reason, channel = query.text("reason", most=MAX_REASON), query.text("channel", most=32)
        limit, cursor = query.limit(), query.text("cursor", most=16)
        query.done()
        page = await service.dead_letters(reason, channel, cursor, limit)
        body = {
            "entries": [_entry(one) for one in page.entries],
            "reasons": [{"reason": r, "channel": c, "count": n} for r, c, n in page.reasons],
            "total": page.total,
            "next_cursor": page.next_cursor,
        }
        return json_response(_encode(body))

    @door.post("/dlq/<delivery_id:str>/requeue")
    async def requeue(request: Request, delivery_id: str) -> HTTPResponse:
        await service.requeue(delivery_id)
        audit(request, "requeue", delivery_id, delivery_id=delivery_id)
        return json_response(_encode({"requeued": 1}), 202)

    @door.post("/dlq/requeue")
    async def requeue_many(request: Request) -> HTTPResponse:
        reason, channel, dry_run = _read_requeue(json_body(request))
        requeued = await service.requeue_many(reason, channel, dry_run)
        if not dry_run:
            audit(request, "requeue", "dead letters", reason=reason, channel=channel, requeued=requeued)
        return json_response(_encode({"requeued": requeued, "dry_run": dry_run}), 202)

    @door.delete("/dlq/<delivery_id:str>")
    async def drop(request: Request, delivery_id: str) -> HTTPResponse:
        await service.drop(delivery_id)
        audit(request, "drop", delivery_id, delivery_id=delivery_id)
        return HTTPResponse(status=204)


def _actions(door: Blueprint, service: DeliveryService) -> None:
    @door.post("/notifications/<delivery_id:str>/retry")
    async def retry(request: Request, delivery_id: str) -> HTTPResponse:
        await service.retry(delivery_id)
        audit(request, "retry", delivery_id, delivery_id=delivery_id)
        return json_response(_encode({"id": delivery_id, "status": "queued"}), 202)

    @door.post("/channels/<channel:str>/pause")
    async def pause(request: Request, channel: str) -> HTTPResponse:
        return await hold(request, channel, True)

    @door.post("/channels/<channel:str>/resume")
    async def resume(request: Request, channel: str) -> HTTPResponse:
        return await hold(request, channel, False)

    async def hold(request: Request, channel: str, paused: bool) -> HTTPResponse:
        await service.pause(channel, paused)
        audit(request, "pause" if paused else "resume", channel)
        return json_response(_encode({"channel": channel, "paused": paused}))


def _figures(
    door: Blueprint, service: DeliveryService, providers: Providers, hands: Hands, now: Callable[[], float]
) -> None:
    @door.get("/providers")
    async def all_providers(request: Request) -> HTTPResponse:
        return json_response(_encode({"providers": await providers()}))

    @door.get("/queues")
    async def queues(request: Request) -> HTTPResponse:
        found, workers, at = await service.queues(), await hands(), now()
        rows = [
            {
                "channel": queue.channel,
                "paused": queue.paused,
                **queue.waiting,
                "processing": queue.leased,
                "workers": workers.get(queue.channel, 0),
                "oldest_age_s": None if queue.oldest is None else round(max(0.0, at - queue.oldest / 1000), 1),
            }
            for queue in found.channels
        ]
        return json_response(_encode({"queues": rows, "scheduled": found.scheduled, "dlq_size": found.dead}))


def _entry(dead: Any) -> dict[str, Any]:
    document = msgspec.json.decode(dead.document)
    source = {name: document[name] for name in ("topic", "partition", "offset", "raw") if name in document}
    return {
        "id": dead.id,
        "channel": dead.channel,
        "recipient": document.get("recipient") or document.get("user_id", ""),
        "reason": dead.reason,
        "error": dead.error,
        "attempts": dead.attempts,
        "failed_at": dead.failed_at,
        **source,
    }


def _read_requeue(body: object) -> tuple[str, str, bool]:
    """Reason, channel and whether only to count; raises `NotifierError(invalid)`."""
    if type(body) is not dict:
        raise no_object()
    faults = Faults()
    wanted, dry_run = body.get("filter", {}), body.get("dry_run", False)
    if type(dry_run) is not bool:
        faults.add("dry_run", "must be true or false")
    if type(wanted) is not dict:
        faults.add("filter", "must be an object with reason, channel or both")
        wanted = {}
    reason, channel = wanted.get("reason", ""), wanted.get("channel", "")
    if type(reason) is not str or len(reason) > MAX_REASON:
        faults.add("filter.reason", f"must be text of at most {MAX_REASON} characters")
    if type(channel) is not str or channel not in ("", *CHANNELS):
        faults.add("filter.channel", f"must be one of {', '.join(CHANNELS)}")
    faults.add_unknown(wanted, {"reason", "channel"}, "filter.")
    faults.add_unknown(body, {"filter", "dry_run"})
    if faults:
        raise invalid(faults)
    return reason, channel, dry_run
