"""Marks notifications read by plain commands: pairs of ids that this pod has handed out, and nobody read since."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any

from notifier.errors import NotifierError
from notifier.store.inbox import Inbox
from notifier.store.inbox_values import Holder
from notifier.store.lean.packed import AS_READ, acknowledge, bulk, count_there, note_marks, open_bulk
from notifier.store.lean.soles import GROUP_NAME, Sole, is_booked, is_next
from notifier.store.lean.transaction import Transactions
from notifier.store.lean.upkeep import Upkeep
from notifier.store.redis.client import as_error
from notifier.store.redis.link import Reply
from notifier.store.redis.single import SingleRedis

NEVER = -1
AFTER_CODES = 2  # replies of a user's commands after those of its pairs: the group's, and the marks'
_INTS = {int}

Pair = tuple[bytes, bytes]  # stream id, notification id
OnRead = Callable[[list[int] | NotifierError, list[bytes]], None]

log = logging.getLogger("notifier.store")


class Mark(ABC):
    """Pairs of one user on their way. Subclasses say what follows.

    `takes` tells whether a script has taken what is new since: then the group's consumer has them, and moving the group
    would not do. `NEVER`: it had them before.
    """

    __slots__ = ("pairs", "sole", "takes")

    def __init__(self, sole: Sole, pairs: Sequence[Pair]) -> None:
        self.sole = sole
        self.pairs = pairs
        self.takes = NEVER

    @abstractmethod
    def marked(self, codes: list[int]) -> None:
        """Each is marked read: 1 now, 0 before. Nobody else has connections of the user."""

    @abstractmethod
    def concluded(self, codes: list[int] | NotifierError, others: list[bytes]) -> None:
        """The outcome in the other cases: −1 is one that is not in the inbox; `others` are the user's other pods."""


class GeneralMark(Mark):
    """Pairs that were read and are answered elsewhere."""

    __slots__ = ("_on_read",)

    def __init__(self, sole: Sole, pairs: Sequence[Pair], on_read: OnRead) -> None:
        super().__init__(sole, pairs)
        self._on_read = on_read

    def marked(self, codes: list[int]) -> None:
        self._on_read(codes, [])

    def concluded(self, codes: list[int] | NotifierError, others: list[bytes]) -> None:
        self._on_read(codes, others)


class Reads:
    """Gathers the marks of one turn of the loop into one transaction."""

    def __init__(
        self,
        redis: SingleRedis,
        inbox: Inbox,
        holder: Holder,
        transactions: Transactions,
        upkeep: Upkeep,
        leave_soon: Callable[[], None],
    ) -> None:
        """`leave_soon` has `leave` called before this turn's commands leave."""
        self._redis = redis
        self._inbox = inbox
        self._holder = holder
        self._transactions = transactions
        self._upkeep = upkeep
        self._leave_soon = leave_soon
        self._confirm = redis.script("inbox/confirm")
        self._payload = open_bulk(redis.keys.payload("", ""))
        self._marks: list[Mark] = []

    def take(self, mark: Mark) -> bool:
        """Marks pairs read that were pushed from here: the next ones new to the group, or such as its consumer was
        given. Whether they are."""
        sole, pairs = mark.sole, mark.pairs
        if is_next(sole, pairs):
            mark.takes = sole.takes
            for _, nid in pairs:
                del sole.pushed[nid]
        elif sole.booked and is_booked(sole, pairs):
            for _, nid in pairs:
                sole.booked.pop(nid, None)  # one pair may be there twice
        else:
            return False
        if not self._marks:
            self._leave_soon()
        self._marks.append(mark)
        return True

    def leave(self) -> None:
        """Sends what has gathered."""
        if not self._marks:
            return
        marks, self._marks = self._marks, []
        out, payloads, names = list[bytes](), list[bytes](), list[bytes]()
        life, now = self._inbox.policy.default_ttl_ms, bulk(f"r{self._redis.clock.now() * 1000:.0f}")
        for mark in marks:
            sole = mark.sole
            for _, nid in mark.pairs:
                out.append(b"%b%b%b" % (sole.mark, nid, AS_READ))
                payloads.append(b"%b%b\r\n" % (self._payload, nid))
            out.append(_pass_by(mark))
            out.append(note_marks(sole.marks, [nid for _, nid in mark.pairs], now))
            names.append(sole.name)
            if not sole.soonest:
                self._upkeep.touch(sole, life)
        asked, tag = len(payloads), self._transactions.tag
        out.append(count_there(payloads))

        def settle(outcome: list[Any] | NotifierError, replies: Reply) -> None:
            if isinstance(outcome, NotifierError):
                self._failed(marks, outcome)
            else:
                self._settle(marks, asked, tag, outcome)

        self._transactions.send(out, len(out), names, -asked, settle)

    def _failed(self, marks: list[Mark], error: NotifierError) -> None:
        for mark in marks:
            try:
                mark.concluded(error, [])
            except Exception:
                log.exception("redis.reply_handler_failed")

    def _settle(self, marks: list[Mark], asked: int, tag: bytes, outcome: list[Any]) -> None:
        there, owners, counted = outcome[-3:]
        place = marked = 0
        for mark, owner in zip(marks, owners, strict=True):
            end = place + len(mark.pairs)
            codes, moved = outcome[place:end], outcome[end]
            place = end + AFTER_CODES
            well = there == asked and owner == tag and not isinstance(moved, Exception)
            try:
                if well and set(map(type, codes)) == _INTS:
                    marked += sum(codes)
                    mark.marked(codes)
                else:
                    marked += sum([code for code in codes if type(code) is int])
                    self._conclude(mark, codes)
            except Exception:
                log.exception("redis.reply_handler_failed")
        if marked != asked or type(counted) is not int:
            self._upkeep.correct(-marked if type(counted) is not int else asked - marked)

    def _conclude(self, mark: Mark, codes: list[Any]) -> None:
        if any(isinstance(code, Exception) for code in codes):
            pairs = [(stream_id.decode(), nid.decode()) for stream_id, nid in mark.pairs]
            self._inbox.read_by_script(self._holder, mark.sole.key, pairs, mark.concluded)
        else:
            self._look_again(mark, codes)

    def _look_again(self, mark: Mark, codes: list[int]) -> None:
        def conclude(reply: Reply) -> None:
            failure = next((row for row in reply if isinstance(row, Exception)), None) if type(reply) is list else reply
            if failure is not None:
                mark.concluded(as_error(failure), [])
            else:
                mark.concluded([row[0] for row in reply], next((row[1] for row in reply if row[1]), []))

        user = mark.sole.key
        args: list[Any] = [self._holder.pod]
        for (stream_id, nid), code in zip(mark.pairs, codes, strict=True):
            args += (user, stream_id, nid, code)
        try:
            self._redis.send_script(self._confirm, self._redis.keys.stream(user), args, conclude)
        except NotifierError as error:
            mark.concluded(error, [])


def _pass_by(mark: Mark) -> bytes:
    """The command after which the group's consumer has the pairs no more."""
    sole, pairs = mark.sole, mark.pairs
    if mark.takes == sole.takes:
        last = pairs[-1][0]
        return b"%b$%d\r\n%b\r\n" % (sole.move, len(last), last)
    return acknowledge(sole.stream, GROUP_NAME, [stream_id for stream_id, _ in pairs])
