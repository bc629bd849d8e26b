"""After plain commands: a script gives the group's consumer what is unread, another brings the indexes in step."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Any

from notifier.errors import NotifierError
from notifier.store.inbox import Inbox
from notifier.store.lean.soles import Sole, Soles
from notifier.store.redis.link import Reply
from notifier.store.redis.single import SingleRedis

BOOK_AFTER = 0.05  # seconds; what is unread after one to two of them is given to the group's consumer
INDEX_AFTER = 1.0  # seconds after which the indexes know of what was stored
INDEX_BATCH = 200  # users of one script

log = logging.getLogger("notifier.store")


class Upkeep:
    """The work that plain commands leave for later, of one pod."""

    def __init__(self, redis: SingleRedis, inbox: Inbox, soles: Soles, on_due: Callable[[Sequence[str]], None]) -> None:
        """`on_due` is given users whose new entries are to be taken by a script."""
        self._redis = redis
        self._inbox = inbox
        self._soles = soles
        self._on_due = on_due
        self._index = redis.script("inbox/index")
        self._old: list[Sole] = []  # users with new entries, before the last turn of the booking and since
        self._young: list[Sole] = []
        self._touched: list[Sole] = []  # users whose indexes are to be brought up to date
        self._uncounted = 0
        self._booking: asyncio.TimerHandle | None = None
        self._indexing: asyncio.TimerHandle | None = None

    def forget_all(self) -> None:
        """The connection to the store broke: entries are read on from the streams."""
        self._old, self._young = [], []

    # -- booking

    def book_soon(self, sole: Sole) -> None:
        """Notes a user with entries that were handed out and are new to the group."""
        sole.waits = True
        self._young.append(sole)
        if self._booking is None:
            self._booking = asyncio.get_running_loop().call_later(BOOK_AFTER, self._book)

    def _book(self) -> None:
        old = self._old
        self._old, self._young, self._booking = self._young, [], None
        for sole in old:
            sole.waits = False
        due = [sole.key for sole in old if sole.alive and sole.pushed]
        if self._old:
            self._booking = asyncio.get_running_loop().call_later(BOOK_AFTER, self._book)
        if due:
            self._on_due(due)

    # -- indexing

    def touch(self, sole: Sole, life: int) -> None:
        """The indexes do not know yet what happened to a user, whose next payload may go in `life` ms."""
        if not sole.soonest:
            sole.soonest = life
            self._touched.append(sole)
            self._index_soon()
        elif life < sole.soonest:
            sole.soonest = life

    def correct(self, by: int) -> None:
        """The count of what is unread is wrong by so many."""
        if by:
            self._uncounted += by
            self._index_soon()

    def _index_soon(self) -> None:
        if self._indexing is None:
            self._indexing = asyncio.get_running_loop().call_later(INDEX_AFTER, self.bring_up_to_date)

    def bring_up_to_date(self) -> None:
        """Brings the indexes up to date with what was stored; commands that are sent from now on find them so."""
        if self._indexing is not None:
            self._indexing.cancel()
            self._indexing = None
        touched = [(sole, sole.soonest) for sole in self._touched]
        for sole in self._touched:
            sole.soonest = 0
        self._touched = []
        for start in range(0, len(touched) or min(1, abs(self._uncounted)), INDEX_BATCH):
            self._index_batch(touched[start : start + INDEX_BATCH])

    def _index_batch(self, batch: list[tuple[Sole, int]]) -> None:
        uncounted, self._uncounted = self._uncounted, 0

        def conclude(reply: Reply) -> None:
            if not isinstance(reply, list):
                log.warning("express.not_indexed", extra={"error": str(reply)[:200], "users": len(batch)})
                self._again(batch, uncounted)
                return
            for (sole, _), length in zip(batch, reply, strict=True):
                if sole.key in self._soles.users:
                    self._soles.note(sole.key, length, self._inbox.policy.cap)

        args: list[Any] = [self._inbox.policy.maxlen, uncounted]
        for sole, life in batch:
            args += (sole.key, life)
        try:
            self._redis.send_script(self._index, self._redis.keys.totals, args, conclude)
        except NotifierError:
            self._again(batch, uncounted)

    def _again(self, batch: list[tuple[Sole, int]], uncounted: int) -> None:
        for sole, life in batch:
            self.touch(sole, life)
        self._uncounted += uncounted
        self._index_soon()
