"""`GET /api/v1/admin/events`: what happens on all instances, as server-sent events."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import cast

from msgspec import Struct
from sanic import Request

from notifier.domain.fields import text
from notifier.errors import ErrorCode, NotifierError
from notifier.live.events import EventFeed, Listener
from notifier.live.keyed import OpenByKey
from notifier.web.endpoints.fields import ID, OPERATORS, STREAM_ID, TIME
from notifier.web.http.mount import Call
from notifier.web.http.route import ADMIN, Answer, Endpoints, get

KEEP_ALIVE = 10.0
MAX_LISTENERS = 100
MAX_TYPES = 1000  # characters

_SAMPLE = (
    "retry: 1000\n: following\n\nevent: notification.read\n"
    f'data: {{"type":"notification.read","time":"{TIME}","pod_id":"pod-a","user_id":1,"login":"alice",'
    f'"notification_id":"{ID}","stream_id":"{STREAM_ID}"}}\n\n'
)
_TOO_MANY = NotifierError(ErrorCode.RATE_LIMITED, "too many listeners", retry_after=10.0)


class EventsQuery(Struct):
    """The types of events that are wanted."""

    types: text(0, MAX_TYPES, "Types, separated by commas; all where it is empty.") = ""  # type: ignore[valid-type]


class EventEndpoints(Endpoints):
    """The route of the stream of events."""

    tag, access = OPERATORS, ADMIN

    def __init__(self, feed: EventFeed, opened: OpenByKey, on_listener: Callable[[], None]) -> None:
        """`opened` ends the streams of a revoked key; `on_listener` is called when one more begins to follow."""
        self._feed = feed
        self._opened = opened
        self._on_listener = on_listener

    @get(
        "/api/v1/admin/events",
        "Follow what happens on all instances, as server-sent events",
        description="`event:` is the type, `data:` a JSON object with `type`, `time`, `pod_id` and what belongs to the "
        "type. Types: `client.connected`, `client.disconnected`, `notification.stored`, `notification.pushed`, "
        "`notification.read`, `notification.cleared`, `pod.joined`, `pod.left`. A follower that is too slow loses the "
        "oldest, and a comment says how many. The stream does not end by itself.",
        answers=(Answer(description="The stream.", body=str, example=_SAMPLE, media="text/event-stream"),),
        failures=(_TOO_MANY,),
        streams=True,
    )
    async def follow_events(self, call: Call, query: EventsQuery) -> None:
        if self._feed.listeners >= MAX_LISTENERS:
            raise NotifierError(ErrorCode.RATE_LIMITED, "too many listeners", retry_after=10.0)
        request, types = call.request, frozenset(filter(None, query.types.split(",")))
        listener = self._feed.listen(types)  # before the first wait: many requests at once cannot all find room
        self._on_listener()
        key_id = call.caller.key_id
        self._opened.hold(key_id, listener, partial(_end, request, listener))
        try:
            await _follow(request, listener)
        finally:
            self._opened.release(key_id, listener)
            self._feed.leave(listener)


async def _follow(request: Request, listener: Listener) -> None:
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    response = await request.respond(content_type="text/event-stream; charset=utf-8", headers=headers)
    await response.send(b"retry: 1000\n: following\n\n")
    while not listener.ended:
        batch = await listener.take(KEEP_ALIVE)
        await response.send(_encode(batch, listener.missed) if batch else b": still here\n\n")
        listener.missed = 0


def _end(request: Request, listener: Listener) -> None:
    """Closes a stream; aborts the connection where unread bytes would hold up the end."""
    listener.end()
    transport = cast(asyncio.Transport | None, request.transport)
    if transport is not None and transport.get_write_buffer_size():
        transport.abort()


def _encode(batch: list[tuple[str, bytes]], missed: int) -> bytes:
    parts = [b"event: %b\ndata: %b\n\n" % (kind.encode(), data) for kind, data in batch]
    if missed:
        parts.insert(0, b": %d events left out, this listener is too slow\n\n" % missed)
    return b"".join(parts)
