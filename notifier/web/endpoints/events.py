"""`GET /api/v1/admin/events`: what happens on all instances, as server-sent events."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import NamedTuple, cast

import msgspec
from msgspec import Struct
from sanic import Request
from sanic.response import BaseHTTPResponse

from notifier.domain.fields import one_of, text
from notifier.domain.times import format_time, parse_time
from notifier.errors import ErrorCode, NotifierError
from notifier.live.events import EventFeed, Listener, kind_of
from notifier.live.keyed import OpenByKey
from notifier.web.endpoints.fields import ID, OPERATORS, STREAM_ID, TIME, moment
from notifier.web.http.mount import Call
from notifier.web.http.route import ADMIN, Answer, Endpoints, get

KEEP_ALIVE = 10.0
MAX_LISTENERS = 100
MAX_TYPES = 1000  # characters

LEVELS = ("warning", "error")
PAST_MOST = 500  # events before the present ones
AGAIN_AFTER = 2.5  # seconds from the first look at the past to the second
TOLD_MAX = 2_000  # events remembered until then; beyond that one may come twice

_SAMPLE = (
    f"retry: 1000\n: following\n\nid: {TIME}\nevent: notification.read\n"
    f'data: {{"type":"notification.read","time":"{TIME}","pod_id":"pod-a","user_id":1,"login":"alice",'
    f'"notification_id":"{ID}","stream_id":"{STREAM_ID}"}}\n\n'
)
_TOO_MANY = NotifierError(ErrorCode.RATE_LIMITED, "too many listeners", retry_after=10.0)


class EventsQuery(Struct):
    """The types of events that are wanted, and since when."""

    types: text(0, MAX_TYPES, "Types, separated by commas; all where it is empty.") = ""  # type: ignore[valid-type]
    since: moment("Notable events after it come first.") = ""  # type: ignore[valid-type]
    level: one_of(LEVELS, "The lowest level of `log` events.") = "warning"  # type: ignore[valid-type]


class _Event(Struct):
    time: str = ""
    level: str = ""


_read = msgspec.json.Decoder(_Event).decode


class Earlier(NamedTuple):
    """Notable events of the past as (type, JSON) pairs; the reason why those of other instances are missing, if they
    are."""

    events: list[tuple[str, bytes]]
    away: str = ""


Past = Callable[[str, int], Awaitable[list[bytes]]]


class EventEndpoints(Endpoints):
    """The route of the stream of events."""

    tag, access = OPERATORS, ADMIN

    def __init__(self, feed: EventFeed, opened: OpenByKey, on_listener: Callable[[], None], past: Past) -> None:
        """`opened` ends the streams of a revoked key; `on_listener` is called when one more begins to follow; `past`
        answers the notable events after a time, at most so many."""
        self._past = past
        self._feed = feed
        self._opened = opened
        self._on_listener = on_listener

    @get(
        "/api/v1/admin/events",
        "Follow what happens on all instances, as server-sent events",
        description="`event:` is the type, `data:` a JSON object with `type`, `time`, `pod_id` and what belongs to the "
        "type. Types: `client.connected`, `client.disconnected`, `notification.stored`, `notification.pushed`, "
        "`notification.read`, `notification.cleared`, `notification.marked`, `notification.updated`, "
        "`notification.retracted`, `notification.woken`, `pod.joined`, `pod.left`, `delivery.…` with a status, and the "
        "notable ones, which are kept for a day, at most 1,000 of them: `provider.circuit`, `provider.host_circuit`, "
        "`channel.paused`, `channel.resumed`, `instance.started`, `instance.gone`, `store.replaced`, and `log`, a "
        "warning or an error of any instance, or of the supervisor of several (`level`, `event`, `instance`, `text`). "
        "With `since`, or the header "
        "`Last-Event-ID`, those after that time come first. A follower that is too slow loses the "
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
            since = _utc(query.since) or _utc(request.headers.get("last-event-id", ""))
            await _follow(await _begin(request), listener, query.level, partial(self._earlier, since, types))
        finally:
            self._opened.release(key_id, listener)
            self._feed.leave(listener)

    async def _earlier(self, since: str, types: frozenset[str]) -> Earlier:
        """Notable events since the time that the follower names; none where they name none. While Redis is away those
        of this instance alone."""
        if not since:
            return Earlier([])
        kept, away = [], ""
        try:
            kept = await self._past(since, PAST_MOST)
        except NotifierError as error:
            away = error.message
        kept += [data for data in self._feed.notable if data not in kept and _read(data).time > since]
        return Earlier([(kind, data) for data in kept if (kind := kind_of(data)) in types or not types], away)


def _utc(moment: str) -> str:
    """A time as events carry it; empty where it is none."""
    try:
        return format_time(parse_time(moment[:40])) if moment else ""
    except ValueError:
        return ""


async def _begin(request: Request) -> BaseHTTPResponse:
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    response = await request.respond(content_type="text/event-stream; charset=utf-8", headers=headers)
    await response.send(b"retry: 1000\n: following\n\n")
    return cast(BaseHTTPResponse, response)


async def _follow(
    response: BaseHTTPResponse, listener: Listener, level: str, earlier: Callable[[], Awaitable[Earlier]]
) -> None:
    """Sends the past, then what comes. Looks at the past once more some seconds later, and until Redis answers: other
    instances keep their events within a second, and tell of them only once they know of the follower."""
    told: set[bytes] = set()  # what comes while the past is read is in both
    due, looks = time.monotonic(), 0
    while not listener.ended:
        batch = await listener.take(max(0.0, min(KEEP_ALIVE, due - time.monotonic())))
        if time.monotonic() >= due:
            past = await earlier()
            if past.away and not looks:
                await response.send(b": earlier events are left out: %b\n\n" % past.away.encode())
            batch, looks = [*past.events, *batch], looks + 1
            due = time.monotonic() + AGAIN_AFTER if looks == 1 or past.away else float("inf")
        fresh = [event for event in batch if event[1] not in told]
        if due < float("inf") and len(told) < TOLD_MAX:
            told.update(data for _, data in fresh)
        await response.send(_encode(fresh, listener.missed, level) or b": still here\n\n")
        listener.missed = 0


def _end(request: Request, listener: Listener) -> None:
    """Closes a stream; aborts the connection where unread bytes would hold up the end."""
    listener.end()
    transport = cast(asyncio.Transport | None, request.transport)
    if transport is not None and transport.get_write_buffer_size():
        transport.abort()


def _encode(batch: list[tuple[str, bytes]], missed: int, level: str) -> bytes:
    parts = [_written(kind, data) for kind, data in batch if kind != "log" or level in ("warning", _read(data).level)]
    if missed:
        parts.insert(0, b": %d events left out, this listener is too slow\n\n" % missed)
    return b"".join(parts)


def _written(kind: str, data: bytes) -> bytes:
    return b"id: %b\nevent: %b\ndata: %b\n\n" % (_read(data).time.encode(), kind.encode(), data)
