"""Following an inbox by a door, over an HTTP answer without an end, or a WebSocket that speaks another protocol."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, NoReturn, cast

from sanic import Request
from sanic.response import BaseHTTPResponse

from notifier.domain.access import Caller
from notifier.domain.ids import stream_position
from notifier.domain.users import User
from notifier.live.connection import NEVER, Position
from notifier.live.follower import SocketFollower, StreamFollower, Translate
from notifier.web.doors.base import House
from notifier.web.http.protocol import check_upgrade, take_over

EVERYTHING = 1_000_000  # more than any inbox holds


@contextmanager
def streaming(
    house: House, request: Request, user: User, caller: Caller, beat: float = NEVER
) -> Iterator[StreamFollower]:
    """Follows an inbox while an answer is written. Wait for `begun`, send the history, `go_live`, then `take` on.

    Raises `NotifierError` (`rate_limited`, `unavailable`) before anything is written.
    """
    make = partial(StreamFollower, beat=beat, cut=partial(_cut, request))
    follower = house.sockets.admit_as(make, user, request.ip, caller)
    follower.remote = request.ip
    house.sockets.begin(follower)
    try:
        yield follower
    finally:
        follower.leave()


def follow_by_socket(
    house: House,
    request: Request,
    user: User,
    caller: Caller,
    translate: Translate,
    history: Callable[[SocketFollower], Awaitable[None]],
    beat: float = NEVER,
) -> NoReturn:
    """Upgrades a request. `history(follower)` waits for `begun`, says what comes first, and ends with `go_live`;
    `translate` makes texts of each document since. Raises `NotifierError` before the upgrade."""
    check_upgrade(request, "")
    make = partial(SocketFollower, beat=beat, translate=translate)
    follower = house.sockets.admit_as(make, user, request.ip, caller)
    take_over(request, follower, None, lambda: house.sockets.follow(follower, history(follower)))


async def history(house: House, user: User, until: Position, after: str | None = None) -> list[dict[str, Any]]:
    """The notifications of an inbox behind a stream id, or all, up to and including `until`; the oldest first."""
    items = await house.service.inbox(user, EVERYTHING, after=after)
    return [item for item in reversed(items) if stream_position(item["stream_id"]) <= until]


async def begin_answer(request: Request, media: str) -> BaseHTTPResponse:
    """The answer of that type to a request, which has no end."""
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    response = cast(BaseHTTPResponse, await request.respond(content_type=media, headers=headers))
    request.ctx.on_begun()
    return response


def _cut(request: Request) -> None:
    transport = cast(asyncio.Transport | None, request.transport)
    if transport is not None:
        transport.abort()
