"""The store's client as the rest of the house sees it: commands, scripts, and what becomes of a failure.

How the servers are reached is in `single.py` (one server, or the master of a Sentinel) and `cluster.py`.
"""

from __future__ import annotations

import asyncio
import logging
import re
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Any

import hiredis

from notifier.errors import NotifierError, defect
from notifier.store.keys import Keys
from notifier.store.redis.clock import StoreClock
from notifier.store.redis.link import Link, LinkLost, OnReply, Reply, WritesRefused, settle, unavailable
from notifier.store.redis.script import Script
from notifier.store.redis.spoilt import Spoilt, kind_of

REPLY_TIMEOUT = 0.8  # a request is answered 503 within a second (contract §3)
CONNECT_TIMEOUT = 0.8
RETRY_FOR = 0.8
BACKOFF = (0.02, 0.05, 0.1, 0.2, 0.5)

# What a server says when it cannot serve now, by itself or within a script's error (before Redis 7 behind a hyphen).
# Any other error reply is a defect of ours.
_REFUSAL = re.compile(
    r"(?:^|-)(LOADING|READONLY|OOM|MISCONF|MASTERDOWN|CLUSTERDOWN|NOREPLICAS|BUSY|TRYAGAIN|NOAUTH)\b"
).search

# Those that a server answers while it serves reads, in words.
_NO_WRITES = {
    "OOM": "it is out of memory (maxmemory), or the disk of the embedded one is nearly full",
    "MISCONF": "it cannot save to its disk; is it full?",
    "READONLY": "it is a read-only replica",
    "NOREPLICAS": "it has too few replicas (min-replicas-to-write)",
}
TRIAL_MS = 10_000
MENDED = b"\0mended"  # stands before the result of a script that found something spoilt
SPOILT_LIFE_MS = 15 * 86_400_000  # for which a key set aside is kept

Call = Callable[..., Awaitable[Reply]]

log = logging.getLogger("notifier.store")


class Redis(ABC):
    """Commands and scripts on a store. Every failure to reach it is `NotifierError(unavailable)`."""

    def __init__(self, keys: Keys) -> None:
        """`on_break` is called when replies were lost, before any later reply is given out; `on_back` when commands
        can be sent again, after `prepare`. `may_store_late`: commands of a broken link could not be stopped."""
        self.keys = keys
        self.prepare: Callable[[Call], Awaitable[None]] | None = None
        self.on_reply_seconds: Callable[[float], None] | None = None
        self.on_break: Callable[[], None] = lambda: None
        self.on_back: Callable[[], None] = lambda: None
        self.may_store_late = False
        self.on_connected: Callable[[], None] | None = None
        self.refusal: str | None = None  # why the store refused the last write, or that of a server, None: it did not
        self.spoilt = Spoilt()
        self.clock = StoreClock()
        self._scripts: dict[str, Script] = {}
        self._up = asyncio.Event()

    # -- how the servers are reached

    @abstractmethod
    async def start(self) -> None:
        """Begins to connect, and goes on trying for ever; returns at once.

        `prepare`, where set, is run with a way to call commands before anybody else may use the connection.
        """

    @abstractmethod
    async def stop(self) -> None:
        """Closes all connections."""

    @abstractmethod
    def send(self, command: tuple[Any, ...], on_reply: OnReply) -> None:
        """Queues a command whose first argument is its key; `on_reply` gets the reply, a `hiredis.ReplyError` or a
        `LinkLost`. Raises `NotifierError(unavailable)`."""

    @abstractmethod
    def send_script(self, script: Script, key: str, args: Sequence[Any], on_reply: OnReply) -> None:
        """Queues a script for the server of `key`; `on_reply` as in `send`."""

    @abstractmethod
    def send_off(self, key: str) -> None:
        """Writes what is queued for the server of `key` now, not at the end of this turn of the loop. Never fails."""

    def before_leaving(self, work: Callable[[], None]) -> None:
        """Has `work` done at the end of this turn of the loop, before what has been queued in it leaves."""
        asyncio.get_running_loop().call_soon(work)

    @abstractmethod
    async def open_reader(self, key: str, reply_timeout: float) -> Link:
        """A link of its own to the server of `key`, for blocking reads; the caller closes it."""

    def homes(self) -> Sequence[str]:
        """For every server that takes writes a hash tag whose keys it has."""
        return ("",)

    def servers(self) -> Mapping[str, Redis]:
        """Every server that takes writes, by its address, as a store of its own."""
        return {str(self): self}

    # -- what is made of it

    async def try_writes(self) -> None:
        """Writes to every server, and notes in `refusal` whether all took it: a store that answers may refuse."""
        replies = await self.call_many([("SET", self.keys.trial(home), 1, "PX", TRIAL_MS) for home in self.homes()])
        self.refusal = None
        for reply in replies:
            self._note(reply)

    async def measure_clock(self) -> None:
        """Compares the store's clock with this process'. Raises `NotifierError(unavailable)`."""
        await self.clock.measure(lambda: self.run(self.script("clock/time"), self.keys.delivery("")))

    def _unwrap(self, reply: Reply) -> Reply:
        """The result of a script, apart from what it says that it found spoilt (`common.lua`)."""
        if type(reply) is list and reply and reply[0] == MENDED:
            self.spoilt.told_by_script(reply[2:])
            return reply[1]
        return reply

    def _note(self, reply: Reply) -> None:
        word = refusal_in(reply)
        if word in _NO_WRITES:
            self.refusal = f"refuses writes ({word}): {_NO_WRITES[word]}"

    @property
    def up(self) -> bool:
        """True while the store can be reached."""
        return self._up.is_set()

    async def wait_up(self, timeout: float) -> bool:
        """Waits until the store can be reached, for at most `timeout` seconds; whether it can."""
        try:
            async with asyncio.timeout(timeout):
                await self._up.wait()
        except TimeoutError:
            return False
        return True

    def script(self, name: str) -> Script:
        """The script of that name; loaded into the servers at each connect."""
        if name not in self._scripts:
            self._scripts[name] = Script(name, self.keys)
        return self._scripts[name]

    async def call(self, *command: Any) -> Reply:
        """The reply to one command. A key of another type than the command's is set aside, and the command repeated."""
        (reply,) = await self.call_many([command])
        if isinstance(reply, hiredis.ReplyError):
            raise as_error(reply)
        return reply

    async def run(
        self, script: Script, key: str, *args: Any, at_once: OnReply | None = None, leaves_now: bool = False
    ) -> Reply:
        """The result of a script on the server of `key`.

        `at_once` is called with it before any later reply is looked at, even when nobody waits any more. With
        `leaves_now` the server has it while this turn of the loop goes on.
        """
        future: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()

        def take(reply: Reply) -> None:
            try:
                if at_once is not None and not isinstance(reply, Exception):
                    at_once(reply)
            finally:
                resolve(future, reply)

        self.send_script(script, key, args, take)
        if leaves_now:
            self.send_off(key)
        return await future

    async def run_again(
        self,
        script: Script,
        key: str,
        *args: Any,
        head: Callable[[], Sequence[Any]] = tuple,
        at_once: OnReply | None = None,
    ) -> Reply:
        """As `run`, and once more when the connection broke meanwhile: only for scripts that may be repeated.

        `head` makes the first arguments anew for each try: a reconnect may have changed them.

        Takes at most about a second in all.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + RETRY_FOR
        while True:
            if await self.wait_up(max(0.0, deadline - loop.time())):
                try:
                    async with asyncio.timeout_at(deadline):
                        return await self.run(script, key, *head(), *args, at_once=at_once)
                except TimeoutError:
                    raise unavailable("no reply in time") from None
                except LinkLost:
                    continue
            raise unavailable("not connected")

    async def call_many(self, commands: Sequence[tuple[Any, ...]]) -> list[Reply]:
        """The replies to commands that leave together, in their order; error replies stand in the list.

        A key of another type than its command's is set aside, and the command repeated.
        """
        replies = await self._call_together(commands) if commands else []
        for position, reply in enumerate(replies):
            if isinstance(reply, hiredis.ReplyError) and str(reply).startswith("WRONGTYPE"):
                await self.set_aside(key_of(commands[position]))
                (replies[position],) = await self._call_together([commands[position]])
        return replies

    async def set_aside(self, key: str) -> None:
        """Takes a key out of the way whose value is of no use; it is kept for 15 days."""
        aside = f"{self.keys.spoilt}{key}"
        self.spoilt.note(kind_of(key), key, "set aside")
        # RENAME fails where another pod was faster; what it moved has its life.
        await self._call_together([("RENAME", key, aside), ("PEXPIRE", aside, SPOILT_LIFE_MS)])

    async def _call_together(self, commands: Sequence[tuple[Any, ...]]) -> list[Reply]:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        replies: list[Reply] = [None] * len(commands)
        left = len(commands)

        def collect(position: int, reply: Reply) -> None:
            nonlocal left
            replies[position] = reply
            left -= 1
            if left == 0:
                settle(future, None)

        for position, command in enumerate(commands):
            self.send(command, partial(collect, position))
        await future
        for answer in replies:
            if isinstance(answer, NotifierError):
                raise answer
        return replies


def key_of(command: tuple[Any, ...]) -> str:
    """The key that a command is about."""
    return str(command[1])


def resolve(future: asyncio.Future[Reply], reply: Reply) -> None:
    """Gives a reply to a future; an error reply as the one error type."""
    settle(future, as_error(reply) if isinstance(reply, hiredis.ReplyError) else reply)


def as_error(reply: Reply) -> NotifierError:
    """Converts an error reply, or a reply of an unexpected type, to `NotifierError`."""
    if isinstance(reply, NotifierError):
        return reply
    refusal = refusal_in(reply)
    if refusal is not None:
        return WritesRefused(f"{refusal}: {_NO_WRITES[refusal]}") if refusal in _NO_WRITES else unavailable(refusal)
    return defect(reply if isinstance(reply, Exception) else TypeError(f"the store answered {str(reply)[:200]}"))


def refusal_in(reply: Reply) -> str | None:
    """The word with which a server says that it cannot serve now, where the reply says so."""
    match = _REFUSAL(str(reply)) if isinstance(reply, hiredis.ReplyError) else None
    return match[1] if match else None


def brief(error: Exception) -> str:
    """An error in few words, for logs."""
    return (str(error) or type(error).__name__)[:200]
