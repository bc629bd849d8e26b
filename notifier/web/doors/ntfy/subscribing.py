"""The subscribe side of ntfy's protocol (server/server.go, docs/subscribe/api.md): a person's own inbox."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

import msgspec
from sanic import HTTPResponse, Request

from notifier.domain.access import Caller
from notifier.domain.users import User
from notifier.errors import ErrorCode, NotifierError
from notifier.live.connection import Position
from notifier.live.follower import Document, SocketFollower
from notifier.web.doors.base import json_answer, named_user
from notifier.web.doors.following import EVERYTHING, begin_answer, follow_by_socket, history, streaming
from notifier.web.doors.ntfy.dialect import NtfyDoor, token_of
from notifier.web.doors.ntfy.feed import Event, Feed
from notifier.web.doors.ntfy.parameters import Parameters
from notifier.web.doors.ntfy.wanted import Wanted, read_wanted

KEEPALIVE = 45.0  # seconds, as ntfy's own
_TOLD = ("message", "message_clear", "message_delete")

_encode = msgspec.json.Encoder().encode


class Form(NamedTuple):
    """A form of the stream: its media type, and an event in it."""

    media: str
    write: Callable[[Event], bytes]


def _line(event: Event) -> bytes:
    return _encode(event) + b"\n"


def _server_sent(event: Event) -> bytes:
    # Signs of the stream itself have a name, so that a page's `onmessage` is not called for them.
    name = b"" if event["event"] in _TOLD else b"event: %b\n" % event["event"].encode()
    return name + b"data: %b\n\n" % _encode(event)


def _raw(event: Event) -> bytes:
    text = event["message"].replace("\n", " ") if event["event"] == "message" else ""
    return f"{text}\n".encode()


JSON = Form("application/x-ndjson; charset=utf-8", _line)
SSE = Form("text/event-stream; charset=utf-8", _server_sent)
RAW = Form("text/plain; charset=utf-8", _raw)


class Subscribing(NtfyDoor):
    """Inboxes followed, and marked from the app."""

    async def subscribe_json(self, request: Request, topics: str) -> HTTPResponse | None:
        """`GET /{topics}/json`: a line of JSON for each event."""
        return await self._subscribe(request, topics, JSON)

    async def subscribe_sse(self, request: Request, topics: str) -> HTTPResponse | None:
        """`GET /{topics}/sse`: server-sent events."""
        return await self._subscribe(request, topics, SSE)

    async def subscribe_raw(self, request: Request, topics: str) -> HTTPResponse | None:
        """`GET /{topics}/raw`: a line of text for each message, an empty one for any other event."""
        return await self._subscribe(request, topics, RAW)

    async def check_access(self, request: Request, topics: str) -> HTTPResponse:
        """`GET /{topics}/auth`: 200 for whom the topics' messages may be shown to."""
        await self._reader(request, self._wanted(request, topics))
        return json_answer({"success": True})

    async def subscribe_ws(self, request: Request, topics: str) -> None:
        """`GET /{topics}/ws`: a text frame of JSON for each event."""
        wanted = self._wanted(request, topics)
        caller, user = await self._reader(request, wanted)
        feed = await self._feed(user, wanted)

        def translate(document: Document) -> Iterable[bytes]:
            return map(_encode, feed.of(document))

        async def begin(follower: SocketFollower) -> None:
            past = feed.past(await self._history(user, wanted, await follower.begun()))
            for event in (feed.opened(), *past):
                await follower.say(_encode(event))
            follower.go_live()

        follow_by_socket(self.house, request, user, caller, translate, begin, KEEPALIVE)

    async def mark_read(self, request: Request, signed: str) -> HTTPResponse:
        """`POST /a/{signed}`: the action "Mark read" of a message."""
        if self.house.read_links is None:
            raise NotifierError(ErrorCode.NOT_FOUND, "there are no such links here: see NTFY_READ_ACTION")
        user, notification_id = await self.house.read_links.open(signed)
        await self.service.states.mark_one(user.key, "read", notification_id)
        return json_answer({"success": True})

    async def _subscribe(self, request: Request, topics: str, form: Form) -> HTTPResponse | None:
        wanted = self._wanted(request, topics)
        caller, user = await self._reader(request, wanted)
        feed = await self._feed(user, wanted)
        if wanted.poll:
            past = feed.past(await self._history(user, wanted, None))
            return HTTPResponse(b"".join(map(form.write, past)), 200, content_type=form.media)
        with streaming(self.house, request, user, caller, KEEPALIVE) as follower:
            past = feed.past(await self._history(user, wanted, await follower.begun()))
            response = await begin_answer(request, form.media)
            await response.send(b"".join(map(form.write, (feed.opened(), *past))))
            follower.go_live()
            while documents := await follower.take():
                text = b"".join(form.write(event) for document in documents for event in feed.of(document))
                if text:
                    await response.send(text)
        return None

    def _wanted(self, request: Request, topics: str) -> Wanted:
        given = Parameters({}, request.headers.get, request.query_args)
        return read_wanted(topics, given, self.service.now())

    async def _reader(self, request: Request, wanted: Wanted) -> tuple[Caller, User]:
        """The person whose inbox it is; raises `NotifierError(forbidden)` where a topic names another's."""
        named = [user for topic in wanted.topics if (user := named_user(topic)) is not None]
        caller, user = await self.service.reader(token_of(request), named[0] if named else None)
        if any(other != user for other in named):
            raise NotifierError(ErrorCode.FORBIDDEN, "a topic names another user's inbox")
        return caller, user

    async def _feed(self, user: User, wanted: Wanted) -> Feed:
        links = self.house.read_links
        return Feed(user, wanted, self.service.now, None if links is None else await links.maker(user))

    async def _history(self, user: User, wanted: Wanted, until: Position | None) -> list[Mapping[str, Any]]:
        """The notifications up to a position, the oldest first; with `scheduled` those that are to come behind them."""
        if until is None:
            found: list[Mapping[str, Any]] = (await self.service.inbox(user, EVERYTHING))[::-1]
        else:
            found = list(await history(self.house, user, until))
        if wanted.scheduled:
            found += await self.service.to_come(user)
        return found
