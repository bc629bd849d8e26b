"""Inter-pod router: reads this pod's bus and lets the parts concerned act."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from functools import singledispatchmethod

from notifier.duties.duty import Duty
from notifier.errors import ErrorCode, NotifierError
from notifier.live.events import EventFeed
from notifier.live.peers import Peers
from notifier.live.router import Router
from notifier.store.bus import Answer, Arrived, Ask, Behind, Bus, Cleared, Forward, Listening, Message, News, Orphan

log = logging.getLogger("notifier.duties")


class BusReader(Duty):
    """A round lasts until the store goes; the next begins with catching up on what was missed meanwhile."""

    name = "router"
    interval = 0.0
    at_once = True

    def __init__(
        self,
        bus: Bus,
        router: Router,
        peers: Peers,
        events: EventFeed,
        list_others: Callable[[], Awaitable[list[str]]],
    ) -> None:
        """`list_others` asks the store for the pods alive beside this one."""
        super().__init__()
        self.opened = asyncio.Event()
        self._list_others = list_others
        self._bus = bus
        self._router = router
        self._peers = peers
        self._events = events
        self._reading: asyncio.Task[None] | None = None

    def restart(self) -> None:
        """The bus is gone or the store came back: opens it anew and catches up."""
        if self._reading is not None:
            self._reading.cancel()

    async def round(self) -> None:
        self._reading = asyncio.create_task(self._read())
        try:
            await asyncio.wait([self._reading])
        finally:
            self._reading.cancel()
        if not self._reading.cancelled():
            self._reading.result()

    async def _read(self) -> None:
        async for messages in self._bus.read():
            if not messages:
                await self._begin()
                self._succeed()
            await self._act_on(messages)

    async def _begin(self) -> None:
        """Catches up, and lets the others catch up."""
        self._router.recover()
        own = self._router.holder.pod
        for pod in await self._list_others():
            self._bus.post(pod, Arrived(own, first=not self.opened.is_set()))
        self.opened.set()

    async def _act_on(self, messages: Sequence[Message]) -> None:
        for message in messages:
            try:
                result = self._act(message)
                if result is not None:
                    await result
            except NotifierError as error:
                if error.code is ErrorCode.UNAVAILABLE:
                    raise
                self._note_bad(message, error)
            except Exception as error:
                self._note_bad(message, error)

    @staticmethod
    def _note_bad(message: Message, error: Exception) -> None:
        """Logs a message that cannot be handled, another program's perhaps; the next ones are read on."""
        log.error("bus.message_failed", extra={"message_type": type(message).__name__}, exc_info=error)

    @singledispatchmethod
    def _act(self, message: Message):  # type: ignore[no-untyped-def]
        raise TypeError(f"no such message on the bus: {type(message).__name__}")

    @_act.register
    def _(self, message: News) -> None:
        self._router.news(message.users)

    @_act.register
    def _(self, message: Forward) -> None:
        self._router.forwarded(message)

    @_act.register
    def _(self, message: Behind) -> None:
        self._router.behind(message)

    @_act.register
    def _(self, message: Orphan) -> None:
        self._router.claim(message.user)

    @_act.register
    def _(self, message: Arrived) -> None:
        if message.first:
            self._router.recover()
        else:
            self._router.follow_restart(message.pod)

    @_act.register
    def _(self, message: Cleared):  # type: ignore[no-untyped-def]
        return self._router.tell_cleared(message.user, self._router.holder.pod)

    @_act.register
    def _(self, message: Ask) -> None:
        self._peers.asked(message)

    @_act.register
    def _(self, message: Answer) -> None:
        self._peers.answered(message)

    @_act.register
    def _(self, message: Listening) -> None:
        self._events.want(message.seconds)
