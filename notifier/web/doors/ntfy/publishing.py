"""The publish side of ntfy's protocol (server/server.go, docs/publish.md)."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from sanic import HTTPResponse, Request

from notifier.domain.deliveries import key_problem
from notifier.domain.doors import ntfy_id
from notifier.domain.ids import random_id
from notifier.domain.times import format_time
from notifier.domain.users import User
from notifier.errors import NotifierError
from notifier.service.doors import Stored, Visitor
from notifier.web.doors.base import json_answer, named_user
from notifier.web.doors.ntfy.dialect import NtfyDoor, allowed
from notifier.web.doors.ntfy.feed import id_of
from notifier.web.doors.ntfy.marking import mark_own
from notifier.web.doors.ntfy.parameters import Parameters, read_json
from notifier.web.doors.ntfy.posts import Post, key_of, message_of, read_post
from notifier.web.doors.ntfy.refusals import Refusal

is_id = re.compile(r"[0-9A-Za-z]{12}").fullmatch
_is_topic = re.compile(r"[-_A-Za-z0-9]{1,64}").fullmatch


class Publishing(NtfyDoor):
    """Notifications in, changed, marked read and taken back by their sender."""

    async def publish(self, request: Request, topic: str, sequence: str = "") -> HTTPResponse:
        """`PUT|POST /{topic}`, with a sequence id behind it, and `/{topic}/publish|send|trigger`: the body is text."""
        body = b"" if request.method == "GET" else request.body
        return await self._publish(request, topic, {}, body, sequence)

    async def publish_json(self, request: Request) -> HTTPResponse:
        """`PUT|POST /`: all in one JSON body; further parameters may be headers."""
        topic, own = read_json(request.body)
        if not _is_topic(topic):
            raise Refusal(40009)
        return await self._publish(request, topic, own, own.pop("message", "").encode("utf-8", "replace"), "")

    async def clear(self, request: Request, topic: str, sequence: str) -> HTTPResponse:
        """`PUT /{topic}/{sequence}/clear`: marks it read for those whom its sender reaches, or in the own inbox."""
        if await mark_own(self.service, request, allowed(topic), sequence):
            return self._told("message_clear", topic, sequence)
        visitor, targets = await self._whom(request, topic)
        key = await self._key(visitor, targets, topic, sequence)
        await asyncio.gather(*(self.service.clear(visitor, user, key) for user in targets))
        return self._told("message_clear", topic, sequence)

    async def delete(self, request: Request, topic: str, sequence: str) -> HTTPResponse:
        """`DELETE /{topic}/{sequence}`: takes it back, also before its time has come."""
        visitor, targets = await self._whom(request, topic)
        key = await self._key(visitor, targets, topic, sequence)
        await asyncio.gather(*(self.service.retract(visitor, user, key) for user in targets))
        return self._told("message_delete", topic, sequence)

    async def _whom(self, request: Request, topic: str) -> tuple[Visitor, tuple[User, ...]]:
        """The visitor, and the users that the topic stands for."""
        named = named_user(allowed(topic))
        visitor = await self.visitor(request)
        return visitor, self.service.targets_of(visitor, named)

    async def _publish(
        self, request: Request, topic: str, own: dict[str, str], body: bytes, sequence: str
    ) -> HTTPResponse:
        visitor, targets = await self._whom(request, topic)
        given = Parameters(own, request.headers.get, request.query_args)
        now = self.service.now()
        post = read_post(topic, given, body, sequence, now)
        if post.sequence:
            await self._key(visitor, targets, topic, post.sequence)
        stored = await self.service.publish(visitor, targets, post.said, _once_of(request))
        if post.due is not None and not post.sequence:  # it is in no inbox yet, where its id would be found
            key = key_of(topic, ntfy_id(stored[0].notification_id))
            await asyncio.gather(*(self.service.name(visitor, one, key) for one in stored))
        return json_answer(await self._message(post, stored[0], topic, now))

    async def _key(self, visitor: Visitor, targets: Sequence[User], topic: str, sequence: str) -> str:
        """The key of a sequence id, which may be the id of a message that had none (docs/publish.md)."""
        key = key_of(topic, sequence)
        if is_id(sequence):
            meant = partial(_is_message, topic, sequence)
            await asyncio.gather(*(self.service.adopt(visitor, user, key, meant) for user in targets))
        return key

    async def _message(self, post: Post, stored: Stored, topic: str, now: float) -> dict[str, Any]:
        """The answer: the message as its subscribers see it."""
        said = {"created_at": format_time(now)} | post.said
        message = message_of({"notification_id": stored.notification_id, **said}, topic)
        del message["id"]
        life = await self.service.life_of(stored) if post.kept else None
        expires = {} if life is None else {"expires": int(now + life)}
        return {"id": await self._id(post, stored), "time": message.pop("time")} | expires | message

    async def _id(self, post: Post, stored: Stored) -> str:
        """The id by which subscribers get it: what changes a line of theirs has another than the line had."""
        if post.sequence and post.due is None:
            with contextlib.suppress(NotifierError):  # it has gone since, or the store has
                return id_of(await self.service.states.one(stored.user.key, stored.notification_id))
        return ntfy_id(stored.notification_id)

    def _told(self, event: str, topic: str, sequence: str) -> HTTPResponse:
        identity, now = ntfy_id(random_id()), int(self.service.now())
        return json_answer({"id": identity, "time": now, "event": event, "topic": topic, "sequence_id": sequence})


def _is_message(topic: str, identity: str, item: Mapping[str, Any]) -> bool:
    """True for what this door took for a topic, and answered with this id."""
    return identity in (ntfy_id(item["notification_id"]), id_of(item)) and message_of(item, "")["topic"] == topic


def _once_of(request: Request) -> str | None:
    """The sender's own name of a request, which ntfy does not know: our API's header, for who sets it."""
    given = request.headers.get("idempotency-key", request.headers.get("x-idempotency-key"))
    if given is not None and key_problem(given):
        raise Refusal(40000, f"Idempotency-Key {key_problem(given)}")
    return None if given is None else str(given)
