"""The store's client: one link that is opened again whenever it breaks, and the scripts that run on it."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Awaitable, Callable, Sequence
from importlib.resources import files
from typing import Any

import hiredis

from notifier.errors import ErrorCode, NotifierError
from notifier.store.address import Address
from notifier.store.keys import Keys
from notifier.store.link import Link, LinkLost, OnReply, Reply, open_link, settle, unavailable

REPLY_TIMEOUT = 0.8  # a request is answered 503 within a second (contract §3)
CONNECT_TIMEOUT = 0.8
RETRY_FOR = 0.8
BACKOFF = (0.02, 0.05, 0.1, 0.2, 0.5)

# What the server says when it cannot serve now; any other error reply is a defect of ours and is raised as it is.
REFUSALS = ("LOADING", "READONLY", "OOM", "MISCONF", "MASTERDOWN", "CLUSTERDOWN", "NOREPLICAS", "BUSY ", "TRYAGAIN")

log = logging.getLogger("notifier.store")


class Script:
    """A Lua script of `store/scripts/`, with the functions that it shares with others put before it."""

    def __init__(self, name: str, keys: Keys) -> None:
        folder = files("notifier.store").joinpath("scripts")
        parts = (keys.lua_prelude, folder.joinpath("lib.lua").read_text(), folder.joinpath(f"{name}.lua").read_text())
        self.name = name
        self.text = "\n".join(parts)
        self.sha = hashlib.sha1(self.text.encode(), usedforsecurity=False).hexdigest()


class Redis:
    """Commands and scripts on one Redis server. Every failure to reach it is `NotifierError(unavailable)`."""

    def __init__(self, address: Address, keys: Keys, *, reply_timeout: float = REPLY_TIMEOUT) -> None:
        self.address = address
        self.keys = keys
        self._timeout = reply_timeout
        self._scripts: dict[str, Script] = {}
        self._link: Link | None = None
        self._task: asyncio.Task[None] | None = None
        self._up = asyncio.Event()
        self._broken = asyncio.Event()
        self.prepare: Callable[[Link], Awaitable[None]] | None = None
        self.on_reply_seconds: Callable[[float], None] | None = None

    @property
    def up(self) -> bool:
        """Whether the server can be reached now."""
        return self._up.is_set()

    def script(self, name: str) -> Script:
        """The script of that name; loaded into the server at each connect."""
        if name not in self._scripts:
            self._scripts[name] = Script(name, self.keys)
        return self._scripts[name]

    async def start(self) -> None:
        """Begins to connect, and goes on trying for ever; returns at once.

        `prepare`, where set, is run on each new link before anybody else may use it.
        """
        self._task = asyncio.create_task(self._keep_connected(), name="redis")

    async def wait_up(self, timeout: float) -> bool:
        """Waits until connected, for at most `timeout` seconds; whether it is."""
        try:
            await asyncio.wait_for(self._up.wait(), timeout)
        except TimeoutError:
            return False
        return True

    async def stop(self) -> None:
        """Closes the connection."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if self._link is not None:
            self._link.close()

    def send(self, command: tuple[Any, ...], on_reply: OnReply) -> None:
        """Queues a command; `on_reply` gets the reply, a `hiredis.ReplyError` or a `LinkLost`."""
        if self._link is None:
            raise unavailable("not connected")
        self._link.send(command, on_reply)

    def send_script(self, script: Script, key: str, args: Sequence[Any], on_reply: OnReply) -> None:
        """Queues a script, routed by `key`; `on_reply` as in `send`."""

        def check(reply: Reply) -> None:
            if isinstance(reply, hiredis.ReplyError) and str(reply).startswith("NOSCRIPT"):
                self.send(("EVAL", script.text, 1, key, *args), on_reply)
            else:
                on_reply(reply)

        self.send(("EVALSHA", script.sha, 1, key, *args), check)

    async def call(self, *command: Any) -> Reply:
        """The reply to one command."""
        future: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self.send(command, lambda reply: resolve(future, reply))
        return await future

    async def run(self, script: Script, key: str, *args: Any) -> Reply:
        """The result of a script, routed by `key`."""
        future: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self.send_script(script, key, args, lambda reply: resolve(future, reply))
        return await future

    async def run_again(self, script: Script, key: str, *args: Any) -> Reply:
        """As `run`, and once more when the connection broke meanwhile: only for scripts that may be repeated.

        Takes at most about a second in all.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + RETRY_FOR
        while True:
            if await self.wait_up(max(0.0, deadline - loop.time())):
                try:
                    async with asyncio.timeout_at(deadline):
                        return await self.run(script, key, *args)
                except TimeoutError:
                    raise unavailable("no reply in time") from None
                except LinkLost:
                    continue
            raise unavailable("not connected")

    async def call_many(self, commands: Sequence[tuple[Any, ...]]) -> list[Reply]:
        """The replies to commands that leave together, in their order; error replies stand in the list."""
        if not commands:
            return []
        future: asyncio.Future[list[Reply]] = asyncio.get_running_loop().create_future()
        replies: list[Reply] = []

        def collect(reply: Reply) -> None:
            replies.append(reply)
            if len(replies) == len(commands):
                settle(future, replies)

        for command in commands:
            self.send(command, collect)
        answers = await future
        for answer in answers:
            if isinstance(answer, LinkLost):
                raise answer
        return answers

    async def open_reader(self, reply_timeout: float) -> Link:
        """A link of its own for blocking reads; the caller closes it."""
        try:
            return await open_link(self.address, reply_timeout, CONNECT_TIMEOUT, lambda link: None)
        except (OSError, TimeoutError, hiredis.ReplyError) as error:
            raise unavailable(str(error) or type(error).__name__) from error

    async def _keep_connected(self) -> None:
        failures = 0
        while True:
            try:
                await self._connect()
                failures = 0
                await self._broken.wait()
                log.warning("redis.lost", extra={"address": str(self.address)})
            except (OSError, TimeoutError, NotifierError, hiredis.ReplyError) as error:
                if failures == 0:
                    log.warning("redis.unreachable", extra={"address": str(self.address), "error": _brief(error)})
                await asyncio.sleep(BACKOFF[min(failures, len(BACKOFF) - 1)])
                failures += 1

    async def _connect(self) -> None:
        self._broken.clear()
        link = await open_link(self.address, self._timeout, CONNECT_TIMEOUT, self._lost)
        for script in self._scripts.values():
            await link.call("SCRIPT", "LOAD", script.text)
        if self.prepare is not None:
            await self.prepare(link)
        link.on_reply_seconds = self.on_reply_seconds
        self._link = link
        self._up.set()
        log.info("redis.connected", extra={"address": str(self.address)})

    def _lost(self, link: Link) -> None:
        if link is self._link:
            self._link = None
            self._up.clear()
        self._broken.set()


def resolve(future: asyncio.Future[Reply], reply: Reply) -> None:
    """Gives a reply to a future; an error reply as the one error type."""
    settle(future, as_error(reply) if isinstance(reply, hiredis.ReplyError) else reply)


def as_error(reply: Reply) -> NotifierError:
    """What stands in a reply's place, as the one error type."""
    if isinstance(reply, NotifierError):
        return reply
    if isinstance(reply, hiredis.ReplyError) and str(reply).startswith(REFUSALS):
        return unavailable(str(reply).split(" ", 1)[0])
    return NotifierError(ErrorCode.INTERNAL, f"the store answered {str(reply)[:200]}")


def _brief(error: Exception) -> str:
    return (str(error) or type(error).__name__)[:200]
