"""The shortest way of a notification: from the bytes of a request to the store, to the sockets, and back as a mark.

It takes requests and marks of the usual form for users whom this pod serves alone (`store/express.py`), while nobody
follows the events and no limit is set; whatever else comes is left to the general way, which does the same. Where the
store's answer is not the usual one, the general way goes on from there, too.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from notifier.domain import protocol
from notifier.domain.ids import random_ids
from notifier.domain.limits import MessageBudget
from notifier.domain.notifications import answer_json, payload_of
from notifier.domain.plain_notify import PlainNotify, read_plain
from notifier.errors import NotifierError
from notifier.live.connection import Connection, position_of
from notifier.live.events import EventFeed
from notifier.live.frames import encode_text
from notifier.live.router import Router
from notifier.store.express import Express
from notifier.store.inbox_values import Accepted, Announce, Arrivals, Item
from notifier.store.lean.accepts import Call
from notifier.store.lean.reads import NEVER, Mark, OnRead, Pair
from notifier.store.lean.soles import Sole

OnAccepted = Callable[[Accepted | NotifierError], None]


class Asker(Protocol):
    """The sender of a request, who waits for its answer."""

    def stored(self, body: bytes) -> None:
        """All is stored, and this the answer."""

    def answered(self, outcome: Any) -> None:
        """The answer of the general way, or its error."""


class Counts(Protocol):
    """The counters that a notification passes (`Observer`)."""

    def count_stored(self, source: str, soles: Sequence[Sole]) -> None: ...
    def count_push(self, frames: int, seconds: float) -> None: ...
    def count_read(self, number: int) -> None: ...


Follow = Callable[[Sequence[Item], PlainNotify, bytes, float, Callable[[Any], None]], tuple[Announce, OnAccepted]]
FollowMark = Callable[[Connection, Pair], OnRead]


class LeanPath:
    """One pod's. `allowed` says whether requests may go this way at all: not while a limit is set."""

    def __init__(
        self,
        express: Express,
        router: Router,
        counts: Counts,
        events: EventFeed,
        now: Callable[[], float],
        life: int,
        follow: Follow,
    ) -> None:
        """`now` answers Redis' time; `life` are the ms that a payload lives;
        `follow(items, content, answer, started, on_answer)` answers the callbacks by which the general way goes on."""
        self.allowed = True
        self.follow_mark: FollowMark | None = None
        self.router = router
        self.hub = router.hub
        self.counts = counts
        self.events = events
        self.follow = follow
        self._accepts = express.accepts
        self._reads = express.reads
        self._users = express.soles.users
        self._now = now
        self._life = life

    def reconfigure(self, allowed: bool, life: int) -> None:
        """Says whether requests may go this way at all, and for how many ms a payload lives, for what comes next."""
        self.allowed = allowed
        self._life = life

    def take(self, body: bytes, asker: Asker) -> bool:
        """Takes the request in a body of JSON, whose answer `asker` gets; False where it is left to the general way."""
        request = read_plain(body, self._now) if self.allowed else None
        if request is None:
            return False
        known, soles = self._users, list[Sole]()
        for target in request.targets:
            sole = known.get(f"{target.id}-{target.login}")
            if sole is None or sole.queued >= sole.limit:
                return False
            soles.append(sole)
        if len(soles) > 1 and len(set(soles)) < len(soles):
            return False
        nids, payloads, fragment = random_ids(len(soles)), list[bytes](), request.fragment
        for sole, nid in zip(soles, nids, strict=True):
            payloads.append(payload_of(nid, fragment, sole.member))
        self._accepts.add(Notify(self, soles, nids, self._life, request, payloads, asker), payloads)
        return True

    def receive(self, connection: Connection, text: bytes) -> bool:
        """Takes a text frame that marks a notification read; False where it is left to the general way."""
        sole, now = self._users.get(connection.user_key), time.monotonic()
        if sole is None:
            return False
        budget = connection.budget
        if budget is None:
            budget = connection.budget = MessageBudget(now)
        if not budget.take(now):
            return False
        pair = protocol.read_mark(text)
        if pair is not None and self._reads.take(Ack(self, sole, pair, connection)):
            budget.bad_in_a_row = 0
            return True
        budget.give_back()
        return False

    def push(self, sole: Sole, nid: bytes, stream_id: bytes, request: PlainNotify, started: float) -> int:
        """Pushes an entry to all connections of its user; to how many it left."""
        member, router = self.hub.member(sole.key), self.router
        position = position_of(stream_id)
        if member is None or not router.may_push(member, position):
            arrivals = Arrivals(router.holder.pod.encode(), [stream_id, nid, None], None)
            router.announce(sole.key, arrivals, request.fragment, started)
            return 0
        member.cursor.at = position
        if member.watching:
            self.hub.on_change(sole.key, ())
        frame = encode_text(protocol.push_new(nid, stream_id, request.fragment))
        connections = member.connections
        if len(connections) == 1:
            return int(connections[0].push(position, frame))
        return sum([connection.push(position, frame) for connection in tuple(connections)])


class Notify(Call):
    """A request on its way."""

    __slots__ = ("_asker", "_items", "_lean", "_payloads", "_request", "_started", "_ways")

    def __init__(
        self,
        lean: LeanPath,
        soles: list[Sole],
        nids: list[bytes],
        life: int,
        request: PlainNotify,
        payloads: list[bytes],
        asker: Asker,
    ) -> None:
        self.soles, self.nids, self.life = soles, nids, life
        self._lean = lean
        self._request = request
        self._payloads = payloads
        self._asker = asker
        self._started = time.monotonic()
        self._items: list[Item] = []
        self._ways: tuple[Announce, OnAccepted] | None = None

    def stored(self, ids: list[bytes]) -> None:
        lean, request, started = self._lean, self._request, self._started
        if lean.events.wanted:
            self._go_on_generally(ids)
            return
        pushed = 0
        for sole, nid, stream_id in zip(self.soles, self.nids, ids, strict=True):
            pushed += lean.push(sole, nid, stream_id, request, started)
        if pushed:
            lean.counts.count_push(pushed, time.monotonic() - started)
        lean.counts.count_stored(request.source, self.soles)
        self._asker.stored(self._answer())

    def _answer(self) -> bytes:
        targets = [sole.member for sole in self.soles]
        return answer_json(targets, self.nids)

    def _go_on_generally(self, ids: list[bytes]) -> None:
        own = self._lean.router.holder.pod.encode()
        fresh = zip(ids, self.nids, strict=True)
        arrivals = [Arrivals(own, [stream_id, nid, None], None) for stream_id, nid in fresh]
        accepted = Accepted("stored", b"", arrivals, ids, 0)
        self.part(self.items(), accepted)
        self.concluded(accepted)

    def items(self) -> Sequence[Item]:
        if not self._items:
            rows = zip(self.soles, self.nids, self._payloads, strict=True)
            self._items = [Item(sole.user, nid.decode(), None, payload) for sole, nid, payload in rows]
        return self._items

    def part(self, items: Sequence[Item], accepted: Accepted) -> None:
        self._general()[0](items, accepted)

    def concluded(self, outcome: Accepted | NotifierError) -> None:
        self._general()[1](outcome)

    def _general(self) -> tuple[Announce, OnAccepted]:
        if self._ways is None:
            follow = self._lean.follow
            self._ways = follow(self.items(), self._request, self._answer(), self._started, self._asker.answered)
        return self._ways


class Ack(Mark):
    """A mark of one notification on its way."""

    __slots__ = ("_connection", "_lean")

    def __init__(self, lean: LeanPath, sole: Sole, pair: Pair, connection: Connection) -> None:
        self.sole, self.pairs, self.takes = sole, (pair,), NEVER
        self._lean = lean
        self._connection = connection

    def marked(self, codes: list[int]) -> None:
        lean, connection, (stream_id, nid) = self._lean, self._connection, self.pairs[0]
        if lean.events.wanted:
            self.concluded(codes, [])
            return
        connection.acked += codes[0]
        lean.counts.count_read(codes[0])
        member = lean.hub.member(self.sole.key)
        if member is not None:
            if member.watching:
                lean.hub.on_change(self.sole.key, self.pairs)
            frame = encode_text(protocol.read_ack(nid, stream_id))
            for each in tuple(member.connections):
                each.tell(frame)

    def concluded(self, codes: list[int] | NotifierError, others: list[bytes]) -> None:
        if self._lean.follow_mark is not None:
            self._lean.follow_mark(self._connection, self.pairs[0])(codes, others)
