"""The bus: one capped stream per pod, on which the others tell it what it needs to know at once.

A message on the bus is a hint or a copy; the truth is in the users' streams, where a pod that missed some catches up.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from functools import partial
from typing import Any, TypeAlias

import hiredis
import msgspec
from msgspec import Struct

from notifier.domain.ids import stream_position
from notifier.errors import NotifierError
from notifier.store.presence import BUS_TTL
from notifier.store.redis.client import Redis, as_error
from notifier.store.redis.link import Link

MAXLEN = 20_000
BLOCK = 1.0  # seconds that a read waits for messages
REPLY_TIMEOUT = BLOCK + 1.5  # a reply that was lost is noticed by its silence, and caught up with well within 5 s
READ_COUNT = 256
NEAR_TRIM = MAXLEN - 2 * READ_COUNT  # a bus that is still so long after a read may have lost its oldest entries
POST_AGAIN = 1.0  # seconds after which what a store refused is posted again; after a break it is at once
LOST_MAX = 10_000  # users of lost messages that are remembered per pod; beyond it they are all of that pod's users

log = logging.getLogger("notifier.store")


class News(Struct, tag="news", frozen=True):
    """Users whose stream has something new; for the pod that holds their locks."""

    users: list[str]


class Forward(Struct, tag="forward", frozen=True):
    """Text frames for a user's connections: stream id ("" for what is no push) and text. `before` is the stream id of
    what the sender handed out before them: who has not had that has missed a message. `to` says for which connections
    those are that are no push (all, `states` or `plain` ones); `changed` are pairs of stream and notification id that
    took another state."""

    user: str
    messages: list[tuple[str, bytes]]
    before: str = "0-0"
    to: str = ""
    changed: list[tuple[bytes, bytes]] = []


class Behind(Struct, tag="behind", frozen=True):
    """Users about whom messages were lost; who has connections of theirs is to read on. `everyone`: all users."""

    users: list[str]
    everyone: bool = False


class Orphan(Struct, tag="orphan", frozen=True):
    """A user whose lock was let go; for pods that have connections of the user."""

    user: str


class Cleared(Struct, tag="cleared", frozen=True):
    """A user some of whose notifications expired unread; for the pod that holds the lock."""

    user: str


class Ask(Struct, tag="ask", frozen=True):
    """A question to the pod, to be answered on the bus of `reply_to`."""

    question: str
    ticket: str
    reply_to: str
    arguments: dict[str, Any]


class Answer(Struct, tag="answer", frozen=True):
    """The answer to an `Ask`."""

    ticket: str
    result: Any


class Listening(Struct, tag="listening", frozen=True):
    """Somebody follows the cluster's events; they are to be published for the next seconds."""

    seconds: float


class Arrived(Struct, tag="arrived", frozen=True):
    """A pod that has begun to read its bus; what was posted to it before may be lost. `first`: it has just started, and
    an earlier incarnation may have died between storing and posting."""

    pod: str
    first: bool = False


Message: TypeAlias = News | Forward | Behind | Orphan | Cleared | Ask | Answer | Listening | Arrived

_encode = msgspec.msgpack.Encoder().encode
_decoder = msgspec.msgpack.Decoder(list[Message])


class Bus:
    """Sends to the bus of any pod, and reads this pod's own."""

    def __init__(self, redis: Redis, pod: str) -> None:
        self._redis = redis
        self._keys = redis.keys
        self._pod = pod
        self._outgoing: dict[str, list[Message]] = {}
        self._lost: dict[str, _Lost] = {}
        self._timer: asyncio.TimerHandle | None = None

    @property
    def reaches_store(self) -> bool:
        """True while messages that are posted now leave at once."""
        return self._redis.up

    def post(self, pod: str, message: Message) -> None:
        """Queues a message; all that one turn of the loop posts to a pod leaves as one entry."""
        if not self._outgoing:
            asyncio.get_running_loop().call_soon(self._flush)
        self._outgoing.setdefault(pod, []).append(message)

    def _flush(self) -> None:
        outgoing, self._outgoing = self._outgoing, {}
        for pod, messages in outgoing.items():
            # NOMKSTREAM: a pod that is gone has no bus, and must not get one that nobody reads or removes.
            command = ("XADD", self._keys.bus(pod), "NOMKSTREAM", "MAXLEN", "~", MAXLEN, "*", "m", _encode(messages))
            try:
                self._redis.send(command, partial(self._on_posted, pod, messages))
            except NotifierError as error:
                self._on_posted(pod, messages, error)

    def _on_posted(self, pod: str, messages: Sequence[Message], reply: Any) -> None:
        if not isinstance(reply, Exception):
            return
        lost = self._lost.setdefault(pod, _Lost())
        if lost.empty:
            log.warning("bus.not_sent", extra={"pod": pod, "messages": len(messages), "error": str(reply)})
        for message in messages:
            lost.add(message)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(POST_AGAIN, self.post_again)

    def post_again(self) -> None:
        """Says to whom messages were lost which users they were about."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        lost, self._lost = self._lost, {}
        for pod, one in lost.items():
            for message in one.messages():
                self.post(pod, message)

    async def open(self) -> str:
        """Makes this pod's bus; the id after which to read."""
        key = self._keys.bus(self._pod)
        last, _ = await self._redis.call_many(
            [("XADD", key, "MAXLEN", "~", MAXLEN, "*", "m", _encode([])), ("PEXPIRE", key, round(BUS_TTL * 1000))]
        )
        if isinstance(last, hiredis.ReplyError):
            raise as_error(last)
        return str(last.decode())

    async def read(self) -> AsyncIterator[Sequence[Message]]:
        """Batches of messages as they come, for ever; raises `NotifierError(unavailable)` when the store goes.

        The first batch is empty: it says that from now on nothing posted is missed.
        """
        link = await self._redis.open_reader(self._keys.bus(self._pod), REPLY_TIMEOUT)
        try:
            last = await self.open()
            self._forget(last)
            yield []
            while True:
                batches = await self._next(link, last)
                for messages, _ in batches:
                    yield messages
                last = batches[-1][1]
                self._forget(last)
                if len(batches) == READ_COUNT and await self._redis.call("XLEN", self._keys.bus(self._pod)) > NEAR_TRIM:
                    log.warning("bus.trimmed", extra={"pod": self._pod})
                    yield [Behind([], everyone=True)]
        finally:
            link.close()

    def _forget(self, last: str) -> None:
        """Removes what has been read: what is left is the lag."""
        milliseconds, sequence = stream_position(last)
        command = ("XTRIM", self._keys.bus(self._pod), "MINID", f"{milliseconds}-{sequence + 1}")
        self._redis.send(command, _log_failure)

    async def _next(self, link: Link, last: str) -> list[tuple[list[Message], str]]:
        key = self._keys.bus(self._pod)
        while True:
            reply = await link.call("XREAD", "COUNT", READ_COUNT, "BLOCK", round(BLOCK * 1000), "STREAMS", key, last)
            if reply:
                return [(_decode(fields[1]), entry_id.decode()) for entry_id, fields in reply[0][1]]


class _Lost:
    """Messages that were lost on their way to one instance, in the form that makes good for them."""

    def __init__(self) -> None:
        self._users: dict[str, None] = {}
        self._cleared: dict[str, None] = {}
        self._everyone = False

    @property
    def empty(self) -> bool:
        return not (self._users or self._cleared or self._everyone)

    def add(self, message: Message) -> None:
        """Questions and answers are not remembered: who asked has stopped waiting."""
        match message:
            case News(users):
                self._add(users)
            case Behind(users, everyone):
                self._everyone |= everyone
                self._add(users)
            case Forward(user) | Orphan(user):
                self._add([user])
            case Cleared(user) if len(self._cleared) < LOST_MAX:
                self._cleared[user] = None

    def _add(self, users: Sequence[str]) -> None:
        if len(self._users) + len(users) > LOST_MAX:
            self._everyone, self._users = True, {}
        elif not self._everyone:
            self._users.update(dict.fromkeys(users))

    def messages(self) -> list[Message]:
        """To be posted in place of what was lost."""
        behind: list[Message] = [Behind(list(self._users), self._everyone)] if self._users or self._everyone else []
        return [*behind, *(Cleared(user) for user in self._cleared)]


def _decode(data: bytes) -> list[Message]:
    try:
        return _decoder.decode(data)
    except msgspec.MsgspecError as error:  # a pod of another version: its streams still hold the truth
        log.warning("bus.unreadable", extra={"error": str(error)})
        return []


def _log_failure(reply: Any) -> None:
    if isinstance(reply, Exception):
        log.warning("bus.command_failed", extra={"error": str(reply)})
