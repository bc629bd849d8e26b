"""`/api/v1/notifications`, `/api/v1/batches` and `/send`: deliveries for those who send them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import msgspec
from sanic import Blueprint, HTTPResponse, Request

from notifier.domain.deliveries import (
    CHANNELS,
    Filter,
    key_problem,
    read_batch,
    read_delivery,
    read_send,
)
from notifier.domain.faults import Faults
from notifier.domain.status import Status
from notifier.domain.times import parse_time
from notifier.service.accept import Acceptance, AcceptService
from notifier.service.deliveries import DeliveryService
from notifier.service.publish import IdempotencyKey, read_idempotency_key
from notifier.web.auth import caller_of
from notifier.web.errors import quota_headers
from notifier.web.requests import Query, json_body, json_response

T = TypeVar("T")
MAX_LIMIT = 100
DEFAULT_LIMIT = 20
MAX_PAGE = 100_000

_encode = msgspec.json.Encoder().encode


def deliveries_door(accept: AcceptService, service: DeliveryService) -> Blueprint:
    """The routes of single deliveries and of batches."""
    door = Blueprint("deliveries")
    _creating(door, accept)
    _looking(door, service)
    return door


def _creating(door: Blueprint, accept: AcceptService) -> None:
    @door.post("/api/v1/notifications")
    async def create(request: Request) -> HTTPResponse:
        draft, body, key = _read(request, "notifications", read_delivery)
        answer = await accept.create(draft, body, caller_of(request).identity, key)
        return json_response(answer.body, 201, _headers(answer))

    @door.post("/api/v1/notifications/batch")
    async def create_batch(request: Request) -> HTTPResponse:
        items, body, key = _read(request, "batch", read_batch)
        answer = await accept.create_batch(items, body, caller_of(request).identity, key)
        return json_response(answer.body, 201, _headers(answer))

    @door.post("/send")
    async def send(request: Request) -> HTTPResponse:
        draft, body, key = _read(request, "send", read_send)
        answer = await accept.create(draft, body, caller_of(request).identity, key)
        said = msgspec.json.decode(answer.body)
        return json_response(_encode({"id": said["id"], "status": said["status"]}), 202, _headers(answer))


def _looking(door: Blueprint, service: DeliveryService) -> None:
    @door.get("/api/v1/notifications")
    async def listing(request: Request) -> HTTPResponse:
        query = Query(request, "status channel recipient user_id from to page limit")
        wanted = Filter(
            _one_of(query, "status", tuple(Status)),
            _one_of(query, "channel", CHANNELS),
            query.text("recipient", most=4096),
            query.text("user_id", most=160),
            _moment(query, "from"),
            _moment(query, "to"),
        )
        page, limit = _page(query)
        query.done()
        return json_response(_encode(await service.search(wanted, page, limit)))

    @door.get("/api/v1/notifications/<delivery_id:str>")
    async def one(request: Request, delivery_id: str) -> HTTPResponse:
        return json_response(_encode(await service.get(delivery_id)))

    @door.get("/api/v1/notifications/<delivery_id:str>/status")
    async def status(request: Request, delivery_id: str) -> HTTPResponse:
        return json_response(_encode(await service.status(delivery_id)))

    @door.delete("/api/v1/notifications/<delivery_id:str>")
    async def cancel(request: Request, delivery_id: str) -> HTTPResponse:
        await service.cancel(delivery_id)
        return HTTPResponse(status=204)

    @door.get("/api/v1/batches/<batch_id:str>")
    async def batch(request: Request, batch_id: str) -> HTTPResponse:
        query = Query(request, "page limit")
        page, limit = _page(query)
        query.done()
        return json_response(_encode(await service.batch(batch_id, page, limit)))


def _read(request: Request, route: str, read: Callable[[object, Faults], T]) -> tuple[T, object, IdempotencyKey | None]:
    """What a body says, the body, and the key in its header; raises `NotifierError(invalid)` for all of it at once."""
    body, faults = json_body(request), Faults()
    given = request.headers.get("idempotency-key", request.headers.get("x-idempotency-key"))
    key = read_idempotency_key(caller_of(request).identity, route, given, faults)
    own = body.get("idempotency_key") if type(body) is dict and read is not read_batch else None
    if key is not None and own not in (None, key.key) and key_problem(own) is None:
        faults.add("idempotency_key", "differs from the header Idempotency-Key")
    return read(body, faults), body, key


def _headers(answer: Acceptance) -> dict[str, str]:
    headers = {} if answer.quota is None else quota_headers(answer.quota)
    if answer.replayed:
        headers["Idempotent-Replayed"] = "true"
    return headers


def _one_of(query: Query, name: str, known: tuple[str, ...]) -> str:
    value = query.text(name, most=32)
    if value and value not in known:
        query.bad(name, f"must be one of {', '.join(known)}")
    return value


def _moment(query: Query, name: str) -> int | None:
    """A bound of time as Unix ms."""
    value = query.text(name, most=40)
    try:
        return round(parse_time(value) * 1000) if value else None
    except ValueError:
        query.bad(name, "must be an RFC 3339 time such as 2024-01-01T12:00:00Z")
        return None


def _page(query: Query) -> tuple[int, int]:
    return query.integer("page", 1, 1, MAX_PAGE), query.limit(DEFAULT_LIMIT, MAX_LIMIT)
