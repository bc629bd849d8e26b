"""Stores notifications by plain commands: a payload and an entry each, for users whom this pod serves alone."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any

import hiredis

from notifier.errors import NotifierError
from notifier.store.inbox import Inbox
from notifier.store.inbox_values import Accepted, Announce, Arrivals, Holder, Item
from notifier.store.lean.packed import new_for, open_bulk
from notifier.store.lean.soles import Sole, Soles
from notifier.store.lean.transaction import Transactions
from notifier.store.lean.upkeep import Upkeep
from notifier.store.redis.link import Reply
from notifier.store.redis.single import SingleRedis

CALLS_MAX = 16  # requests of one transaction, as in gather.py
ITEMS_MAX = 250  # notifications of one: it holds up everybody

OnAccepted = Callable[[Accepted | NotifierError], None]

log = logging.getLogger("notifier.store")


class Call(ABC):
    """A request on its way: for whom, and under which ids. Subclasses say what follows."""

    __slots__ = ("life", "nids", "soles")

    def __init__(self, soles: list[Sole], nids: list[bytes], life: int) -> None:
        """`life` of the payloads, in ms."""
        self.soles = soles
        self.nids = nids
        self.life = life

    @abstractmethod
    def stored(self, ids: list[bytes]) -> None:
        """All is stored, under these stream ids, and may be pushed at once: nobody else has stored for the users."""

    @abstractmethod
    def items(self) -> Sequence[Item]:
        """The same as the scripts take it."""

    @abstractmethod
    def part(self, items: Sequence[Item], accepted: Accepted) -> None:
        """Some of the items are stored, and may be pushed. `concluded` follows."""

    @abstractmethod
    def concluded(self, outcome: Accepted | NotifierError) -> None:
        """The whole outcome, or the error after which the same items may be given to the scripts."""


class GeneralCall(Call):
    """A request that was read and is answered elsewhere."""

    __slots__ = ("_items", "_on_accepted", "_on_part", "_own")

    def __init__(
        self,
        soles: list[Sole],
        items: Sequence[Item],
        life: int,
        own: bytes,
        on_part: Announce,
        on_accepted: OnAccepted,
    ) -> None:
        """`own` is the name of this pod."""
        super().__init__(soles, [item.notification_id.encode() for item in items], life)
        self._items = items
        self._own = own
        self._on_part = on_part
        self._on_accepted = on_accepted

    def stored(self, ids: list[bytes]) -> None:
        fresh = zip(ids, self.nids, strict=True)
        arrivals = [Arrivals(self._own, [stream_id, nid, None], None) for stream_id, nid in fresh]
        accepted = Accepted("stored", b"", arrivals, ids, 0)
        self._on_part(self._items, accepted)
        self._on_accepted(accepted)

    def items(self) -> Sequence[Item]:
        return self._items

    def part(self, items: Sequence[Item], accepted: Accepted) -> None:
        self._on_part(items, accepted)

    def concluded(self, outcome: Accepted | NotifierError) -> None:
        self._on_accepted(outcome)


class Accepts:
    """Gathers the requests of one turn of the loop into one transaction."""

    def __init__(
        self,
        redis: SingleRedis,
        inbox: Inbox,
        holder: Holder,
        soles: Soles,
        transactions: Transactions,
        upkeep: Upkeep,
        leave_soon: Callable[[], None],
    ) -> None:
        """`leave_soon` has `leave` called before this turn's commands leave."""
        self._redis = redis
        self._inbox = inbox
        self._holder = holder
        self._soles = soles
        self._transactions = transactions
        self._upkeep = upkeep
        self._leave_soon = leave_soon
        self._retain = redis.script("inbox/retain")
        self._set = b"*6\r\n$3\r\nSET\r\n" + open_bulk(redis.keys.payload("", ""))
        self._lives: tuple[int, bytes] = (0, b"")
        self._calls: list[Call] = []
        self._out: list[bytes] = []
        self._names: list[bytes] = []

    # -- requests come in

    def add(self, call: Call, payloads: Sequence[bytes]) -> None:
        """Stores the payloads of a call, all or none."""
        if not self._calls:
            self._leave_soon()
        self._calls.append(call)
        out, names, opening, new = self._out, self._names, self._set, self._new_for(call.life)
        for sole, nid, payload in zip(call.soles, call.nids, payloads, strict=True):
            sole.queued += 1
            names.append(sole.name)
            out.append(b"%b%b\r\n$%d\r\n%b\r\n%b%b%b\r\n" % (opening, nid, len(payload), payload, new, sole.xadd, nid))
        if len(self._calls) >= CALLS_MAX or len(names) >= ITEMS_MAX:
            self.leave()
            self._redis.send_off("")

    def _new_for(self, life: int) -> bytes:
        if self._lives[0] != life:
            self._lives = (life, new_for(life))
        return self._lives[1]

    def leave(self) -> None:
        """Sends what has gathered."""
        if not self._calls:
            return
        calls, out, names = self._calls, self._out, self._names
        self._calls, self._out, self._names = [], [], []
        count, tag = len(names), self._transactions.tag

        def settle(outcome: list[Any] | NotifierError, replies: Reply) -> None:
            if isinstance(outcome, NotifierError):
                self._failed(calls, outcome, replies)
            else:
                self._settle(calls, count, tag, outcome)

        self._transactions.send(out, 2 * count, names, count, settle)

    # -- replies

    def _settle(self, calls: list[Call], count: int, tag: bytes, outcome: list[Any]) -> None:
        ids, owners, counted = outcome[1 : 2 * count : 2], outcome[2 * count], outcome[2 * count + 1]
        if owners.count(tag) == count and set(map(type, ids)) == {bytes}:
            stored = self._take_all(calls, ids)
        else:
            stored = self._take_each(calls, ids, owners, tag)
        if stored != count or type(counted) is not int:
            self._upkeep.correct(stored if type(counted) is not int else stored - count)

    def _take_all(self, calls: list[Call], ids: list[bytes]) -> int:
        """The usual case: everything is stored, and all users are this pod's alone."""
        place, upkeep = 0, self._upkeep
        for call in calls:
            nids, life = call.nids, call.life
            own = ids if len(ids) == len(nids) else ids[place : place + len(nids)]
            place += len(nids)
            for sole, nid, stream_id in zip(call.soles, nids, own, strict=True):
                sole.confirmed += 1
                sole.pushed[nid] = stream_id
                if not sole.waits and sole.alive:
                    upkeep.book_soon(sole)
                if not sole.soonest or life < sole.soonest:
                    upkeep.touch(sole, life)
            try:
                call.stored(own)
            except Exception:
                log.exception("redis.reply_handler_failed")
        return place

    def _take_each(self, calls: list[Call], ids: list[Reply], owners: list[Reply], tag: bytes) -> int:
        place = stored = 0
        for call in calls:
            end = place + len(call.nids)
            try:
                stored += self._share(call, ids[place:end], owners[place:end], tag)
            except Exception:
                log.exception("redis.reply_handler_failed")
            place = end
        return stored

    def _share(self, call: Call, ids: list[Reply], owners: list[Reply], tag: bytes) -> int:
        """Hands out what was stored for users whom this pod still serves alone; the scripts see to the others."""
        arrivals, good, strays, stored = list[Arrivals](), list[Item](), list[Item](), 0
        for item, sole, nid, stream_id, owner in zip(call.items(), call.soles, call.nids, ids, owners, strict=True):
            sole.confirmed += 1
            if type(stream_id) is bytes:
                stored += 1
                self._upkeep.touch(sole, call.life)
            else:
                self._drop_payload(item.notification_id)
            if type(stream_id) is bytes and owner == tag:
                arrivals.append(Arrivals(self._holder.pod.encode(), [stream_id, nid, None], None))
                good.append(item)
                self._note_pushed(sole, nid, stream_id)
            else:
                strays.append(item)
                self._lose(sole)
        part = Accepted("stored", b"", arrivals, ids, 0)
        if good:
            call.part(good, part)
        if strays:
            self._upkeep.bring_up_to_date()
            self._give_to_scripts(call, strays, ids)
        else:
            call.concluded(part)
        return stored

    def _note_pushed(self, sole: Sole, nid: bytes, stream_id: bytes) -> None:
        sole.pushed[nid] = stream_id
        if sole.alive and not sole.waits:
            self._upkeep.book_soon(sole)

    def _lose(self, sole: Sole) -> None:
        """Somebody else has come to the user, or their keys are not what they should be."""
        if sole.alive:
            self._soles.forget(sole.key)
        try:  # they may have chosen a retention meanwhile, which this entry does not know of
            self._redis.send_script(self._retain, self._redis.keys.stream(sole.key), (sole.key,), _ignore)
        except NotifierError:
            return  # the connection has just gone: the trimmer applies it

    def _give_to_scripts(self, call: Call, strays: list[Item], ids: list[Reply]) -> None:
        def conclude(outcome: Accepted | NotifierError) -> None:
            if isinstance(outcome, NotifierError):
                call.concluded(outcome)
                return
            anew = dict(zip((item.notification_id for item in strays), outcome.stream_ids, strict=True))
            found = [
                stream_id if isinstance(stream_id, bytes) else anew[item.notification_id]
                for item, stream_id in zip(call.items(), ids, strict=True)
            ]
            call.concluded(Accepted("stored", b"", [], found, outcome.trimmed))

        self._inbox.acceptance.submit_to_script(self._holder, strays, None, conclude, call.part)

    # -- what was not done

    def _failed(self, calls: list[Call], error: NotifierError, replies: Reply) -> None:
        if isinstance(replies, list) and isinstance(replies[0], hiredis.ReplyError):
            self._undo_halves(calls, replies)
        for call in calls:
            for sole in call.soles:
                sole.confirmed += 1
            try:
                call.concluded(error)
            except Exception:
                log.exception("redis.reply_handler_failed")

    def _undo_halves(self, calls: list[Call], replies: list[Reply]) -> None:
        """Without `MULTI` each command was carried out by itself: a payload without an entry would pass for stored."""
        nids = [nid for call in calls for nid in call.nids]
        for nid, stored in zip(nids, replies[2::2], strict=False):
            if isinstance(stored, Exception):
                self._drop_payload(nid.decode())

    def _drop_payload(self, notification_id: str) -> None:
        try:
            self._redis.send(("DEL", self._redis.keys.payload("", notification_id)), _ignore)
        except NotifierError:
            return  # the connection has just gone, and the request fails


def _ignore(reply: Reply) -> None:
    """Ignores the outcome: a duty looks after what was to be tidied, too."""
