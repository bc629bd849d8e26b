"""`GET /api/v1/admin/events`: what happens on all pods, as server-sent events."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import cast

from sanic import Blueprint, Request

from notifier.errors import ErrorCode, NotifierError
from notifier.live.events import EventFeed, Listener
from notifier.live.keyed import OpenByKey
from notifier.web.auth import caller_of
from notifier.web.requests import Query

KEEP_ALIVE = 10.0
MAX_LISTENERS = 100


def events_door(feed: EventFeed, opened: OpenByKey, on_listener: Callable[[], None]) -> Blueprint:
    """The route of the stream of events; `on_listener` is called when one more begins to follow."""
    door = Blueprint("events", url_prefix="/api/v1/admin")

    @door.get("/events")
    async def events(request: Request) -> None:
        query = Query(request, "types")
        types = frozenset(filter(None, query.text("types", most=1000).split(",")))
        query.done()
        if feed.listeners >= MAX_LISTENERS:
            raise NotifierError(ErrorCode.RATE_LIMITED, "too many listeners", retry_after=10.0)
        listener = feed.listen(types)  # before the first wait: many requests at once cannot all find room
        on_listener()
        key_id = caller_of(request).key_id
        opened.hold(key_id, listener, partial(_end, request, listener))
        try:
            await _follow(request, listener)
        finally:
            opened.release(key_id, listener)
            feed.leave(listener)

    return door


async def _follow(request: Request, listener: Listener) -> None:
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    response = await request.respond(content_type="text/event-stream; charset=utf-8", headers=headers)
    await response.send(b"retry: 1000\n: following\n\n")
    while not listener.ended:
        batch = await listener.take(KEEP_ALIVE)
        await response.send(_encode(batch, listener.missed) if batch else b": still here\n\n")
        listener.missed = 0


def _end(request: Request, listener: Listener) -> None:
    """Ends a stream; at once where its client does not read, and the end would wait behind what is unread."""
    listener.end()
    transport = cast(asyncio.Transport | None, request.transport)
    if transport is not None and transport.get_write_buffer_size():
        transport.abort()


def _encode(batch: list[tuple[str, bytes]], missed: int) -> bytes:
    parts = [b"event: %b\ndata: %b\n\n" % (kind.encode(), data) for kind, data in batch]
    if missed:
        parts.insert(0, b": %d events left out, this listener is too slow\n\n" % missed)
    return b"".join(parts)
