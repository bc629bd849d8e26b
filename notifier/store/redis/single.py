"""One server, or the master that Sentinel names: a link that is opened again whenever it breaks."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import hiredis

from notifier.errors import NotifierError
from notifier.store.keys import Keys
from notifier.store.redis.address import Address
from notifier.store.redis.client import BACKOFF, CONNECT_TIMEOUT, REPLY_TIMEOUT, Redis, brief, refusal_in
from notifier.store.redis.link import Link, OnReply, Reply, open_link, unavailable
from notifier.store.redis.script import Script
from notifier.store.redis.sentinel import check_is_master

LOOK_FOR_MASTER = 0.5  # seconds between two questions to Sentinel while connected
PREFIX = "notifier-"  # of the names by which a server lists our connections

log = logging.getLogger("notifier.store")


class SingleRedis(Redis):
    """A store that is one server at a time."""

    def __init__(
        self,
        address: Address,
        keys: Keys,
        *,
        locate: Callable[[], Awaitable[Address]] | None = None,
        reply_timeout: float = REPLY_TIMEOUT,
    ) -> None:
        """`locate`, where given, is asked for the address before each connect: the master's, as Sentinel knows it."""
        super().__init__(keys)
        self.address = address
        self._locate = locate
        self._timeout = reply_timeout
        self._link: Link | None = None
        self._task: asyncio.Task[None] | None = None
        self._broken = asyncio.Event()
        self._left: tuple[int, str] | None = None  # the id and name that the last link's client had at the server

    async def start(self) -> None:
        self.begin()

    def begin(self) -> None:
        """As `start`, for one of several servers."""
        self._task = asyncio.create_task(self._keep_connected(), name="redis")

    def share_scripts(self, scripts: dict[str, Script]) -> None:
        """Loads another client's scripts at each connect."""
        self._scripts = scripts

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if self._link is not None:
            self._link.close()

    def send(self, command: tuple[Any, ...], on_reply: OnReply) -> None:
        if self._link is None:
            raise unavailable("not connected")
        self._link.send(command, on_reply)

    def send_script(self, script: Script, key: str, args: Sequence[Any], on_reply: OnReply) -> None:
        def check(reply: Reply) -> None:
            reply = self._unwrap(reply)
            if not isinstance(reply, hiredis.ReplyError):
                on_reply(reply)
            elif str(reply).startswith("NOSCRIPT"):
                self.send(("EVAL", script.text, len(keys), *keys, *args), lambda again: on_reply(self._unwrap(again)))
            else:
                self.note_refusal(reply)
                on_reply(reply)

        keys = self.keys.script_keys(key)
        self.send(("EVALSHA", script.sha, len(keys), *keys, *args), check)

    def send_block(self, data: bytes, count: int, on_replies: OnReply) -> None:
        """Queues a transaction, packed: `count` commands that leave in one write. `on_replies` gets their replies, or a
        `LinkLost`. Raises `NotifierError(unavailable)`."""
        if self._link is None:
            raise unavailable("not connected")
        self._link.send_block(data, count, on_replies)

    def note_refusal(self, reply: Reply) -> None:
        """Remembers an error of a server that takes no writes, and leaves one that is no master any more."""
        self._note(reply)
        self._leave_if_demoted(reply)

    def send_off(self, key: str) -> None:
        if self._link is not None:
            self._link.write_out()

    def before_leaving(self, work: Callable[[], None]) -> None:
        if self._link is None:
            super().before_leaving(work)
        else:
            self._link.before_leaving(work)

    async def open_reader(self, key: str, reply_timeout: float) -> Link:
        try:
            return await open_link(self.address, reply_timeout, CONNECT_TIMEOUT, lambda link: None)
        except (OSError, TimeoutError, hiredis.ReplyError) as error:
            raise unavailable(brief(error)) from error

    def servers(self) -> Mapping[str, Redis]:
        return {str(self.address): self}

    async def _keep_connected(self) -> None:
        failures = 0
        while True:
            try:
                await self._connect()
                failures = 0
                await self._until_broken()
                log.warning("redis.lost", extra={"address": str(self.address)})
            except (OSError, TimeoutError, NotifierError, hiredis.ReplyError) as error:
                if failures == 0:
                    log.warning("redis.unreachable", extra={"address": str(self.address), "error": brief(error)})
                await asyncio.sleep(BACKOFF[min(failures, len(BACKOFF) - 1)])
                failures += 1

    async def _until_broken(self) -> None:
        """Waits for the end of the link, and ends it when Sentinel names another master.

        A failover that somebody asked for breaks no connection: the old master takes writes for ten seconds more, until
        Sentinel makes it a replica, and forgets them then.
        """
        while self._locate is not None and not self._broken.is_set():
            try:
                async with asyncio.timeout(LOOK_FOR_MASTER):
                    await self._broken.wait()
            except TimeoutError:
                if self._link is not None and await self._has_moved(self._locate):
                    self._link.close()
        await self._broken.wait()

    async def _has_moved(self, locate: Callable[[], Awaitable[Address]]) -> bool:
        try:
            return await locate() != self.address
        except ConnectionError:  # no sentinel to ask says nothing against the master
            return False

    async def _connect(self) -> None:
        self._broken.clear()
        if self._locate is not None:
            self.address = await self._locate()
        link = await open_link(self.address, self._timeout, CONNECT_TIMEOUT, self._lost)
        try:
            await self._end_last(link)
            await self._make_ready(link)
        except BaseException:
            link.close()
            raise
        link.on_reply_seconds = self.on_reply_seconds
        self._link = link
        self._up.set()
        log.info("redis.connected", extra={"address": str(self.address)})
        self.on_back()
        if self.on_connected is not None:
            self.on_connected()

    async def _end_last(self, link: Link) -> None:
        """Has the server drop what it may still hold of the last link: a server that stood still would carry it out
        after we have caught up, and hand out notifications to nobody.

        By name, not only by its number: a server that was restarted gives the numbers anew.
        """
        name, before = PREFIX + uuid.uuid4().hex, self._left
        asked = [link.call("CLIENT", "ID"), link.call("CLIENT", "SETNAME", name)]
        if before is not None:
            asked.append(link.call("CLIENT", "LIST", "ID", before[0]))
        self._left = None
        try:
            identity, _, *listed = await _all(asked)
            self._left = (identity, name)
            if before is not None and f" name={before[1]} ".encode() in listed[0]:
                await link.call("CLIENT", "KILL", "ID", before[0])
        except hiredis.ReplyError as error:
            # A user that may not do this (NOPERM). Then the fencing number, which is raised at each connect, keeps late
            # commands from handing out anything (`inherits` in lib.lua), and what they store is read soon after.
            log.debug("redis.not_ended", extra={"error": brief(error)})
            self.may_store_late = True

    async def _make_ready(self, link: Link) -> None:
        if self._locate is not None:
            await check_is_master(link)
        # All at once: one after the other they would take twenty round trips, ten seconds over a slow network.
        await asyncio.gather(*(link.call("SCRIPT", "LOAD", script.text) for script in self._scripts.values()))
        if self.prepare is not None:
            await self.clock.measure(lambda: link.call("TIME"))
            await self.prepare(link.call)

    def _leave_if_demoted(self, reply: Reply) -> None:
        """A failover leaves us with a server that takes no writes any more: the next connect finds the new master."""
        if self._locate is not None and self._link is not None and refusal_in(reply) == "READONLY":
            self._link.close()

    def _lost(self, link: Link) -> None:
        if link is self._link:
            self._link = None
            self._up.clear()
            self.on_break()
        self._broken.set()


async def _all(asked: Sequence[Awaitable[Reply]]) -> list[Reply]:
    """The replies to commands that leave together; raises the first error once all have come."""
    replies = await asyncio.gather(*asked, return_exceptions=True)
    for reply in replies:
        if isinstance(reply, BaseException):
            raise reply
    return replies
