"""Plain commands in place of scripts for a user whom this pod serves alone: half of Redis' cost of a notification.

A script that has just taken all that is new to a user notes in `notif:sole:{user}` that this pod, in this incarnation,
is the only one with connections of theirs (`serve_alone` in lib.lua). From then on one `MULTI` of each turn of the loop
stores what was accepted, and reads those notes: where one still stands, nobody else has stored anything since, and the
entry may be pushed at once. Where it does not, the same ids go through the script, which finds them stored.

Such entries are new to the group until a mark of reading moves it on, or the script `arrivals` takes them after
50-100 ms. Until then they are known here (`Sole.pushed`), so that whatever a script hands out a second time is left
out. The order of commands and replies on the one connection is what all of this rests on.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import islice
from typing import Any, NamedTuple

import hiredis

from notifier.errors import NotifierError
from notifier.store.inbox import Inbox
from notifier.store.inbox_values import Accepted, Arrivals, Holder, Item
from notifier.store.packed import EXEC, MULTI, Sole, acknowledge, bulk, get_all, move_group, word_of_abort
from notifier.store.redis.client import as_error, refusal_in
from notifier.store.redis.link import LinkLost, OnReply, Reply, answer
from notifier.store.redis.single import SingleRedis

CALLS_MAX = 16  # requests of one transaction, as in gather.py
ITEMS_MAX = 250  # notifications of one: it holds up everybody
BOOK_AFTER = 0.05  # seconds; what is unread after one to two of them is given to the group's consumer
INDEX_AFTER = 1.0  # seconds after which the indexes know of what was stored
INDEX_BATCH = 200  # users of one script


OnAccepted = Callable[[Accepted | NotifierError], None]
OnPart = Callable[[Sequence[Item], Accepted], None]
OnRead = Callable[[list[int] | NotifierError, list[bytes]], None]

log = logging.getLogger("notifier.store")


class _Accept(NamedTuple):
    items: Sequence[Item]
    soles: list[Sole]
    on_part: OnPart
    on_accepted: OnAccepted


class _Read(NamedTuple):
    sole: Sole
    takes: int
    pairs: Sequence[tuple[str, str]]
    on_read: OnRead


class Express:
    """The plain commands of one pod on one server."""

    def __init__(
        self, redis: SingleRedis, inbox: Inbox, holder: Holder, on_due: Callable[[Sequence[str]], None]
    ) -> None:
        """`on_due` is given users whose new entries are to be taken by a script."""
        self._redis = redis
        self._inbox = inbox
        self._holder = holder
        self._on_due = on_due
        self._index = redis.script("inbox/index")
        self._confirm = redis.script("inbox/confirm")
        self._retain = redis.script("inbox/retain")
        self._users: dict[str, Sole] = {}
        self._accepts: list[_Accept] = []
        self._waiting_items = 0
        self._reads: list[_Read] = []
        self._leaving = False
        self._refused = False
        self._old: dict[str, None] = {}  # users with new entries, before the last turn of the booking and since
        self._young: dict[str, None] = {}
        self._touched: dict[str, int] = {}  # users whose indexes are to be brought up to date, and the shortest life
        self._uncounted = 0
        self._booking: asyncio.TimerHandle | None = None
        self._indexing: asyncio.TimerHandle | None = None

    # -- whom this pod serves alone

    def alone(self, user: str, length: int | None) -> None:
        """A script has said whether this pod serves a user alone: how many entries there are, or None."""
        if length is None or self._refused:
            self._users.pop(user, None)
            return
        sole = self._users.get(user)
        if sole is None:
            keys = self._redis.keys
            sole = self._users[user] = Sole(user, keys.stream(user), keys.state(user), keys.sole(user))
        sole.limit = sole.confirmed + self._inbox.policy.cap - length

    def serves(self, user: str) -> bool:
        """True where plain commands serve the user."""
        return user in self._users

    def forget(self, user: str) -> None:
        """The user has no connections here any more."""
        self._users.pop(user, None)

    def forget_all(self) -> None:
        """The connection to the store broke: scripts say anew whom this pod serves alone."""
        self._users.clear()
        self._old, self._young = {}, {}
        self._refused = False

    def taking(self, users: Iterable[str]) -> Callable[[], None]:
        """A script leaves that takes what is new to these users. To be called with its reply: what this returns."""
        soles = [sole for user in users if (sole := self._users.get(user)) is not None]
        for sole in soles:
            sole.taking += 1
            sole.takes += 1
            sole.queued += 1  # it may store something, too

        def taken() -> None:
            for sole in soles:
                sole.taking -= 1
                sole.confirmed += 1
                sole.pushed.clear()  # replies come in order: all of it was stored before
            soles.clear()

        return taken

    def unseen(self, user: str, fresh: list[bytes | None]) -> list[bytes | None]:
        """The part of what a script has taken (id, nid, payload, …) that was not handed out before."""
        sole = self._users.get(user)
        if sole is None or not sole.pushed or not fresh:
            return fresh
        pushed, left = sole.pushed, list[bytes | None]()
        for place in range(0, len(fresh), 3):
            if fresh[place + 1] not in pushed:
                left += fresh[place : place + 3]
        return left

    # -- storing

    def submit(self, items: Sequence[Item], on_part: OnPart, on_accepted: OnAccepted) -> bool:
        """Stores items, all or none, and hands out arrivals to `on_part`; whether it could. `on_accepted` gets the
        whole outcome, or the error after which the same items may be given to the scripts."""
        soles: list[Sole] = []
        for item in items:
            sole = self._users.get(item.user.key)
            if sole is None or sole.queued >= sole.limit:
                return False
            soles.append(sole)
        self._accepts.append(_Accept(items, soles, on_part, on_accepted))
        self._waiting_items += len(items)
        for sole in soles:
            sole.queued += 1
        self._leave_soon()
        if len(self._accepts) >= CALLS_MAX or self._waiting_items >= ITEMS_MAX:
            self._send_accepts()
            self._redis.send_off("")
        return True

    def _leave_soon(self) -> None:
        if not self._leaving:
            self._leaving = True
            self._redis.before_leaving(self._leave)

    def _leave(self) -> None:
        self._leaving = False
        if self._accepts:
            self._send_accepts()
        if self._reads:
            self._send_reads()

    def _send_accepts(self) -> None:
        calls, self._accepts, self._waiting_items = self._accepts, [], 0
        default_life, out, names = self._inbox.policy.default_ttl_ms, [MULTI], list[bytes]()
        for call in calls:
            for item, sole in zip(call.items, call.soles, strict=True):
                life = b"%d" % (default_life if item.ttl_ms is None else item.ttl_ms)
                nid = item.notification_id.encode()
                out.append(
                    b"*6\r\n$3\r\nSET\r\n$49\r\nnotification:%b\r\n$%d\r\n%b\r\n$2\r\nNX\r\n$2\r\nPX\r\n$%d\r\n%b\r\n"
                    b"*5\r\n$4\r\nXADD\r\n%b$1\r\n*\r\n$3\r\nnid\r\n$36\r\n%b\r\n"
                    % (nid, len(item.payload), item.payload, len(life), life, sole.stream, nid)
                )
                names.append(sole.name)
        count = len(names)
        out += (get_all(names), self._count(count), EXEC)
        tag = self._tag()
        self._send(out, 2 * count + 4, lambda replies: self._accepted(calls, tag, replies))

    def _tag(self) -> bytes:
        return f"{self._holder.pod}:{self._holder.fence}".encode()

    def _count(self, by: int) -> bytes:
        number = b"%d" % by
        return b"*4\r\n$7\r\nHINCRBY\r\n%b$7\r\npending\r\n$%d\r\n%b\r\n" % (
            bulk(self._redis.keys.index("totals", "")),
            len(number),
            number,
        )

    def _send(self, out: list[bytes], count: int, on_replies: OnReply) -> None:
        try:
            self._redis.send_block(b"".join(out), count, on_replies)
        except NotifierError as error:
            on_replies(error)

    def _accepted(self, calls: list[_Accept], tag: bytes, replies: Reply) -> None:
        outcome = self._outcome(replies)
        if isinstance(outcome, NotifierError):
            if isinstance(replies, list) and isinstance(replies[0], hiredis.ReplyError):
                self._undo_halves(calls, replies[1:-3])
            for call in calls:
                for sole in call.soles:
                    sole.confirmed += 1
                answer(call.on_accepted, outcome)
            return
        count = sum(len(call.items) for call in calls)
        owners, stored, place = outcome[2 * count], [0], 0
        for call in calls:
            ids = outcome[place * 2 + 1 : (place + len(call.items)) * 2 : 2]
            answer(partial(self._share, call, owners[place:], tag, stored), ids)
            place += len(call.items)
        self._correct(stored[0] if isinstance(outcome[-1], Exception) else stored[0] - count)

    def _outcome(self, replies: Reply) -> Any:
        """The replies of a transaction, or the error for which none of it was done (`LinkLost`: nobody knows)."""
        if not isinstance(replies, list):
            return as_error(replies)
        if isinstance(replies[-1], list):
            return replies[-1]
        cause = next(reply for reply in replies if isinstance(reply, Exception))
        if refusal_in(cause) is None and (word := word_of_abort(cause)) is not None:
            cause = hiredis.ReplyError(word)
        self._redis.note_refusal(cause)
        if refusal_in(cause) is not None:
            return as_error(cause)
        # A user that may not do this, or a server without transactions: the scripts do it, until the next connect.
        log.warning("express.refused", extra={"error": str(cause)[:200]})
        self._refused = True
        self._users.clear()
        return LinkLost()

    def _undo_halves(self, calls: list[_Accept], replies: list[Reply]) -> None:
        """Without `MULTI` each command was carried out by itself: a payload without an entry would pass for stored."""
        nids = [item.notification_id for call in calls for item in call.items]
        for nid, stored in zip(nids, replies[1::2], strict=False):
            if isinstance(stored, Exception):
                self._drop_payload(nid)

    def _drop_payload(self, notification_id: str) -> None:
        try:
            self._redis.send(("DEL", self._redis.keys.payload("", notification_id)), _ignore)
        except NotifierError:
            return  # the connection has just gone, and the request fails

    def _share(
        self, call: _Accept, owners: list[bytes | None], tag: bytes, stored: list[int], ids: list[Reply]
    ) -> None:
        """Hands out what was stored for users whom this pod still serves alone; the scripts see to the others."""
        own, arrivals, good, strays = self._holder.pod.encode(), list[Arrivals](), list[Item](), list[Item]()
        for item, sole, stream_id, owner in zip(call.items, call.soles, ids, owners, strict=False):
            sole.confirmed += 1
            if isinstance(stream_id, bytes):
                stored[0] += 1
                self._touch(item)
            else:
                self._drop_payload(item.notification_id)
            if isinstance(stream_id, bytes) and owner == tag:
                nid = item.notification_id.encode()
                arrivals.append(Arrivals(own, [stream_id, nid, None], None))
                good.append(item)
                self._note_pushed(sole, nid, stream_id)
            else:
                strays.append(item)
                self._lose(sole)
        part = Accepted("stored", b"", arrivals, ids, 0)
        if good:
            call.on_part(good, part)
        if strays:
            self.bring_up_to_date()
            self._give_to_scripts(call, strays, ids)
        else:
            call.on_accepted(part)

    def _note_pushed(self, sole: Sole, nid: bytes, stream_id: bytes) -> None:
        if self._users.get(sole.user) is not sole:
            return
        sole.pushed[nid] = stream_id
        if sole.user not in self._old:
            self._young[sole.user] = None
        if self._booking is None:
            self._booking = asyncio.get_running_loop().call_later(BOOK_AFTER, self._book)

    def _lose(self, sole: Sole) -> None:
        """Somebody else has come to the user, or their keys are not what they should be."""
        if self._users.get(sole.user) is sole:
            del self._users[sole.user]
        try:  # they may have chosen a retention meanwhile, which this entry does not know of
            self._redis.send_script(self._retain, self._redis.keys.stream(sole.user), (sole.user,), _ignore)
        except NotifierError:
            return  # the connection has just gone: the trimmer applies it

    def _give_to_scripts(self, call: _Accept, strays: list[Item], ids: list[Reply]) -> None:
        def conclude(outcome: Accepted | NotifierError) -> None:
            if isinstance(outcome, NotifierError):
                call.on_accepted(outcome)
                return
            anew = dict(zip((item.notification_id for item in strays), outcome.stream_ids, strict=True))
            found = [
                stream_id if isinstance(stream_id, bytes) else anew[item.notification_id]
                for item, stream_id in zip(call.items, ids, strict=True)
            ]
            call.on_accepted(Accepted("stored", b"", [], found, outcome.trimmed))

        self._inbox.acceptance.submit_to_script(self._holder, strays, None, conclude, call.on_part)

    # -- marks of reading

    def read(self, user: str, pairs: Sequence[tuple[str, str]], on_read: OnRead) -> bool:
        """Marks pairs of stream and notification id read that are the next ones new to the group; whether they are."""
        sole = self._users.get(user)
        if sole is None or sole.taking or len(sole.pushed) < len(pairs):
            return False
        for (stream_id, nid), (known, at) in zip(pairs, islice(sole.pushed.items(), len(pairs)), strict=True):
            if known.decode() != nid or at.decode() != stream_id:
                return False
        for _, nid in pairs:
            del sole.pushed[nid.encode()]
        self._reads.append(_Read(sole, sole.takes, pairs, on_read))
        self._leave_soon()
        return True

    def _send_reads(self) -> None:
        calls, self._reads = self._reads, []
        out, payloads, count = [MULTI], list[bytes](), 0
        for call in calls:
            sole = call.sole
            for _, nid in call.pairs:
                out.append(b"*4\r\n$4\r\nHSET\r\n%b$36\r\n%b\r\n$4\r\nread\r\n" % (sole.state, nid.encode()))
                payloads.append(b"$49\r\nnotification:%b\r\n" % nid.encode())
            if sole.takes == call.takes:
                out.append(move_group(sole, call.pairs[-1][0]))
            else:  # a script that leaves before has taken them
                out.append(acknowledge(sole, [stream_id for stream_id, _ in call.pairs]))
            count += len(call.pairs) + 1
            self._touched.setdefault(sole.user, self._inbox.policy.default_ttl_ms)
        out.append(b"*%d\r\n$6\r\nEXISTS\r\n%b" % (len(payloads) + 1, b"".join(payloads)))
        out += (get_all([call.sole.name for call in calls]), self._count(-len(payloads)), EXEC)
        self._index_soon()
        tag = self._tag()
        self._send(out, count + 5, lambda replies: self._read(calls, tag, replies))

    def _read(self, calls: list[_Read], tag: bytes, replies: Reply) -> None:
        outcome = self._outcome(replies)
        if isinstance(outcome, NotifierError):
            for call in calls:
                answer(partial(_fail, call), outcome)
            return
        there, owners, counted = outcome[-3:]
        asked = sum(len(call.pairs) for call in calls)
        place, marked = 0, 0
        for call, owner in zip(calls, owners, strict=True):
            codes, moved = outcome[place : place + len(call.pairs)], outcome[place + len(call.pairs)]
            place += len(call.pairs) + 1
            marked += sum(code for code in codes if isinstance(code, int))
            well = owner == tag and there == asked and not isinstance(moved, Exception)
            answer(partial(self._conclude, call, well), codes)
        self._correct(-marked if isinstance(counted, Exception) else asked - marked)

    def _conclude(self, call: _Read, well: bool, codes: list[Reply]) -> None:
        if any(isinstance(code, Exception) for code in codes):
            self._inbox.read_by_script(self._holder, call.sole.user, call.pairs, call.on_read)
        elif well:
            call.on_read(codes, [])
        else:
            self._look_again(call, codes)

    def _look_again(self, call: _Read, codes: list[Reply]) -> None:
        def conclude(reply: Reply) -> None:
            failure = next((row for row in reply if isinstance(row, Exception)), None) if type(reply) is list else reply
            if failure is not None:
                call.on_read(as_error(failure), [])
            else:
                call.on_read([row[0] for row in reply], next((row[1] for row in reply if row[1]), []))

        user = call.sole.user
        args: list[Any] = [self._holder.pod]
        for (stream_id, nid), code in zip(call.pairs, codes, strict=True):
            args += (user, stream_id, nid, code)
        try:
            self._redis.send_script(self._confirm, self._redis.keys.stream(user), args, conclude)
        except NotifierError as error:
            call.on_read(error, [])

    # -- what follows within a second

    def _book(self) -> None:
        """Has a script take what nobody has read yet: so it is pending in the group, too."""
        due = [user for user in self._old if (sole := self._users.get(user)) is not None and sole.pushed]
        self._old, self._young, self._booking = self._young, {}, None
        if self._old:
            self._booking = asyncio.get_running_loop().call_later(BOOK_AFTER, self._book)
        if due:
            self._on_due(due)

    def _touch(self, item: Item) -> None:
        life = self._inbox.policy.default_ttl_ms if item.ttl_ms is None else item.ttl_ms
        user = item.user.key
        self._touched[user] = min(life, self._touched.get(user, life))
        self._index_soon()

    def _correct(self, by: int) -> None:
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
        touched, self._touched = list(self._touched.items()), {}
        for start in range(0, len(touched) or min(1, abs(self._uncounted)), INDEX_BATCH):
            self._index_batch(touched[start : start + INDEX_BATCH])

    def _index_batch(self, batch: list[tuple[str, int]]) -> None:
        uncounted, self._uncounted = self._uncounted, 0

        def conclude(reply: Reply) -> None:
            if not isinstance(reply, list):
                log.warning("express.not_indexed", extra={"error": str(reply)[:200], "users": len(batch)})
                self._again(batch, uncounted)
                return
            for (user, _), length in zip(batch, reply, strict=True):
                if user in self._users:
                    self.alone(user, length)

        args: list[Any] = [self._inbox.policy.maxlen, uncounted]
        for user, life in batch:
            args += (user, life)
        try:
            self._redis.send_script(self._index, self._redis.keys.totals, args, conclude)
        except NotifierError:
            self._again(batch, uncounted)

    def _again(self, batch: list[tuple[str, int]], uncounted: int) -> None:
        for user, life in batch:
            self._touched[user] = min(life, self._touched.get(user, life))
        self._uncounted += uncounted
        self._index_soon()


def _fail(call: _Read, error: NotifierError) -> None:
    call.on_read(error, [])


def _ignore(reply: Reply) -> None:
    """Ignores the outcome: a duty looks after what was to be tidied, too."""
