"""Deliveries in Redis: records with their indexes, queues, the schedule, the dead-letter queue.

Every change is one script, so that a record, its place and its indexes never disagree. Raises
`NotifierError(unavailable)` throughout when the store is away.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import msgspec

from notifier.domain.channels import PRIORITIES
from notifier.domain.deliveries import Filter, Record
from notifier.domain.status import Event, Status
from notifier.domain.times import format_time
from notifier.store.redis.client import Redis
from notifier.store.redis.link import Reply
from notifier.store.redis.spoilt import integer

MAX_TIME_MS = 253_402_300_800_000  # the year 10000, which RFC 3339 has no room for
MAX_TAKEOVERS = 5  # a delivery that took so many workers down with it is given up
FORGET_BATCH = 500
RESCUE_PART = 500
WALK_PART = 5_000  # records that one script of a list looks at: all others wait for the server meanwhile
WALK_MOST = 50_000  # records that a list looks at for the sake of its total alone
_FIELDS = ("document", "status", "retries", "updated", "next", "scheduled", "sent", "provider", "provider_id", "error")


class NewDelivery(NamedTuple):
    """What is stored of a new delivery. Times are Unix ms, None where there is none; `created` may be the source's own.

    `limited_by` is whom the limit per user counts: the user, else the recipient; empty where none counts. `key` is the
    digest of an idempotency key, empty where there is none, `fingerprint` that of the request under it.
    """

    id: str
    document: bytes
    channel: str
    priority: str
    scheduled: int | None
    expires: int | None
    created: int
    accepted: int
    max_retries: int
    user: str
    recipient: str
    limited_by: str
    batch: str = ""
    key: str = ""
    fingerprint: str = ""


class Stored(NamedTuple):
    """What came of storing: `outcome` is `stored`, `known` (then with the first one's id and document) or
    `mismatch`."""

    outcome: str
    id: str
    document: bytes


class Leased(NamedTuple):
    """A delivery that this owner may try now; `expires` is Unix ms or None. `lease` tells this lease of it from all
    others: one that ran out and the next may both be this owner's."""

    id: str
    lease: str
    document: bytes
    retries: int
    max_retries: int
    expires: int | None
    priority: str
    takeovers: int


class Change(NamedTuple):
    """A delivery and its new status."""

    id: str
    status: Status
    channel: str
    priority: str


class Lease(NamedTuple):
    """What came of asking for work: `wait` is the seconds until it is worth asking again, None while only news can
    change that (nothing waits, or the channel is paused)."""

    wait: float | None
    leased: list[Leased]
    aside: list[Change]


class LeaseTerms(NamedTuple):
    """The limits under which a channel is leased: sends per second (0: none), per user (0: none) in `window` seconds,
    and what is done with those over it (`defer` or `drop`)."""

    per_second: int
    per_user: int
    window: float
    policy: str


class Finished(NamedTuple):
    """What came of a leased delivery. `wait` is in seconds, for `retry` and `defer`."""

    id: str
    owner: str
    lease: str
    event: Event
    wait: float = 0.0
    reason: str = ""
    error: str = ""
    provider: str = ""
    provider_id: str = ""
    attempts: bytes = b""  # JSON objects joined by commas


class Queue(NamedTuple):
    """One channel's queue: what waits by priority, what is leased, and since when the oldest waits (Unix ms)."""

    channel: str
    paused: bool
    waiting: dict[str, int]
    leased: int
    oldest: int | None


class Queues(NamedTuple):
    """All queues, the schedule's length and the dead-letter queue's."""

    channels: list[Queue]
    scheduled: int
    dead: int


class Found(NamedTuple):
    """A page of a list, newest first, and how many the list holds; where `exact` is False, at least so many."""

    total: int
    exact: bool
    records: list[Record]


class DeadLetter(NamedTuple):
    """An entry of the dead-letter queue; `failed_at` is RFC 3339."""

    id: str
    channel: str
    reason: str
    error: str
    attempts: int
    failed_at: str
    document: bytes


def digest(text: str) -> str:
    """What stands for text from outside in a key."""
    return hashlib.sha256(text.encode()).hexdigest()[:32] if text else ""


class Deliveries:
    """The deliveries of one store."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._keys = redis.keys
        self._slot = redis.keys.delivery("")
        names = (
            "create",
            "lease",
            "finish",
            "due",
            "reclaim",
            "renew",
            "change",
            "list",
            "walk",
            "forget",
            "bury",
            "drop",
            "rescue",
        )
        self._script = {name: redis.script(f"delivery/{name}") for name in (*names, "queues")}

    async def _run(self, name: str, *args: object) -> Reply:
        return await self._redis.run(self._script[name], self._slot, *args)

    async def _run_again(self, name: str, *args: object) -> Reply:
        return await self._redis.run_again(self._script[name], self._slot, *args)

    # -- storing

    async def create(self, items: Sequence[NewDelivery], key_ttl_ms: int) -> list[Stored]:
        """Stores deliveries, each once however often this is repeated."""
        args: list[object] = [key_ttl_ms]
        for item in items:
            args += ["" if value is None else value for value in item]
        reply = await self._run_again("create", *args)
        return [_stored(item, result) for item, result in zip(items, reply, strict=True)]

    async def known(self, item: NewDelivery) -> Stored | None:
        """What was stored before under the idempotency key of a new delivery; None where nothing was."""
        found = await self._redis.call("GET", self._keys.delivery(f"key:{item.key}"))
        if found is None:
            return None
        fingerprint, _, first = found.decode().partition(" ")
        if fingerprint != item.fingerprint:
            return Stored("mismatch", "", b"")
        document = await self._redis.call("HGET", self._keys.delivery(f"record:{first}"), "document")
        return Stored("known", first, document) if document else None

    async def bury(self, items: Iterable[tuple[str, bytes, str, str]], now: int) -> int:
        """Puts (id, document, reason, error) of what cannot become a delivery into the dead-letter queue."""
        return int(await self._run_again("bury", now, *(part for item in items for part in item)))

    # -- working

    async def lease(self, channel: str, count: int, owner: str, terms: LeaseTerms, untried: int = 0) -> Lease:
        """Leases at most `count` deliveries of a channel to `owner`. `untried` of those leased before were put back
        without a send: the channel's limit counts them no more."""
        limits = (terms.per_second, terms.per_user, round(terms.window * 1000), terms.policy)
        wait, leased, aside = await self._run("lease", channel, count, owner, *limits, untried)
        return Lease(
            None if wait in (-1, 1_000_000) else wait / 1000,
            [_leased(leased[i : i + 8]) for i in range(0, len(leased), 8)],
            [
                Change(aside[i].decode(), Status(aside[i + 1].decode()), channel, aside[i + 2].decode())
                for i in range(0, len(aside), 3)
            ],
        )

    async def finish(self, items: Sequence[Finished]) -> list[Status | None]:
        """Records what came of leased deliveries; the new status of each, None where its lease was lost.

        A repeat changes nothing, and says None.
        """
        args: list[object] = []
        for item in items:
            args += [*item[:4], round(item.wait * 1000), *item[5:]]
        return [Status(status.decode()) if status else None for status in await self._run_again("finish", *args)]

    async def renew(self, owner: str, leases: Sequence[tuple[str, str]]) -> int:
        """Renews leases, each an id and what tells it from others; how many are still this owner's."""
        return int(await self._run("renew", owner, *(part for lease in leases for part in lease)))

    async def move_due(self, most: int) -> tuple[list[Change], list[str]]:
        """Moves what is due into the queues (or ends what has expired), `most` at most; the changes, and the channels
        in whose queues something waits or is under way."""
        moved, waiting = await self._run("due", most)
        return _changes(moved), [channel.decode() for channel in waiting]

    async def ping(self) -> None:
        """Looks whether the store answers."""
        await self._redis.call("EXISTS", self._keys.delivery("schedule"))

    async def reclaim(self, channel: str, owner: str, lease: float, most: int) -> list[Change]:
        """Takes back what was leased longer than `lease` seconds ago."""
        return _changes(await self._run("reclaim", channel, owner, round(lease * 1000), MAX_TAKEOVERS, most))

    @property
    def losses(self) -> int:
        """How often this pod found a queue, or an index of deliveries, to be another program's."""
        counts = self._redis.spoilt.counts
        return counts.get("queue", 0) + counts.get("delivery", 0)

    async def rescue(self, channel: str, lease: float) -> list[Change]:
        """Puts back what its record says is waiting and stands nowhere; `lease` in seconds."""
        changes: list[Change] = []
        place = 0
        while True:
            looked, *changed = await self._run("rescue", channel, round(lease * 1000), place, RESCUE_PART)
            changes += _changes(changed)
            place += RESCUE_PART
            if looked < RESCUE_PART:
                return changes

    async def forget(self, before: int) -> int:
        """Removes a batch of records that ended before that moment (Unix ms); how many."""
        return int(await self._run("forget", before, FORGET_BATCH))

    # -- looking

    async def get(self, delivery_id: str) -> Record | None:
        """A delivery."""
        return (await self.get_many([delivery_id]))[0]

    async def get_many(self, ids: Sequence[str]) -> list[Record | None]:
        """Deliveries, in their order."""
        commands = [("HMGET", self._keys.delivery(f"record:{one}"), *_FIELDS) for one in ids]
        replies = await self._redis.call_many(commands)
        return [self._checked(one, reply) for one, reply in zip(ids, replies, strict=True)]

    def _checked(self, delivery_id: str, reply: Reply) -> Record | None:
        """A record, None where there is none or it is of no use."""
        if reply[0] is None:
            return None
        if _status(reply[1]) is None or not _is_object(reply[0]):
            self._redis.spoilt.note("record", self._keys.delivery(f"record:{delivery_id}"), "no delivery")
            return None
        return _record(reply)

    async def attempts(self, delivery_id: str) -> tuple[Status, bytes] | None:
        """The status of a delivery and its attempts as a JSON list, oldest first; None where it is not known."""
        status, attempts = await self._redis.call(
            "HMGET", self._keys.delivery(f"record:{delivery_id}"), "status", "attempts"
        )
        if _status(status) is None:
            return None
        rows = b"[%b]" % (attempts or b"")
        return Status(status.decode()), rows if _is_json(rows) else b"[]"

    async def search(self, wanted: Filter, offset: int, limit: int) -> Found:
        """A page of those that pass a filter."""
        start = "-inf" if wanted.start is None else str(wanted.start)
        end = "+inf" if wanted.end is None else str(wanted.end)
        names = _indexes(wanted)
        if len(names) == 1:
            total, *ids = await self._run("list", start, end, offset, limit, *names)
            return Found(total, True, await self._records(ids))
        total, exact, ids = await self._walk(start, end, offset, limit, names)
        return Found(total, exact, await self._records(ids))

    async def _walk(
        self, start: str, end: str, offset: int, limit: int, names: Sequence[str]
    ) -> tuple[int, bool, list[bytes]]:
        """Looks at what all of some indexes hold, newest first, until the page is full, it is known whether there is
        another, and the whole has been counted or is too much to be: how many, whether that is all, the page."""
        ids: list[bytes] = []
        total = looked = 0
        place: tuple[bytes, bytes] = (b"", b"")
        while looked < WALK_MOST or total <= offset + limit:
            skip, left = max(0, offset - total), limit - len(ids)
            created, last, seen, matches, *page = await self._run(
                "walk", start, end, *place, skip, left, WALK_PART, *names
            )
            place, looked, total = (created, last), looked + seen, total + matches
            ids += page
            if not last:
                return total, True, ids
        return total, False, ids

    async def batch(self, batch_id: str, offset: int, limit: int) -> tuple[dict[str, int], list[Record]] | None:
        """How many of a batch are in which status, and a page of them in their order; None where it is not known."""
        counts, ids = await self._redis.call_many(
            [
                ("HGETALL", self._keys.delivery(f"batch:{batch_id}")),
                ("ZRANGE", self._keys.delivery(f"batch:{batch_id}:list"), offset, offset + limit - 1),
            ]
        )
        if not counts:
            return None
        statuses = {counts[i].decode("utf-8", "replace"): integer(counts[i + 1]) for i in range(0, len(counts), 2)}
        known = {status: n for status, n in statuses.items() if n > 0 and status in tuple(Status)}
        return known, await self._records(ids)

    async def _records(self, ids: Sequence[bytes]) -> list[Record]:
        names = [one.decode("utf-8", "replace") for one in ids]
        return [record for record in await self.get_many(names) if record is not None]

    async def queues(self) -> Queues:
        """What waits and what is under way."""
        scheduled, dead, *rows = await self._run("queues")
        width = 2 + 3 * len(PRIORITIES)
        return Queues([_queue(rows[i : i + width]) for i in range(0, len(rows), width)], scheduled, dead)

    async def user_rate(self, limited_by: str) -> tuple[int, float]:
        """How many sends a user's window has seen, and the seconds until it ends (0: none is open)."""
        key = self._keys.delivery(f"user_rate:{limited_by}")
        used, left = await self._redis.call_many([("GET", key), ("PTTL", key)])
        return integer(used), max(0, left) / 1000

    # -- operating

    async def change(self, event: Event, ids: Sequence[str]) -> list[tuple[Change | None, Status | None]]:
        """Applies an event; for each the change, None where it has no meaning, and the status before, None where the
        delivery is not known (or never was one)."""
        reply = await self._run("change", event, *ids)
        found: list[tuple[Change | None, Status | None]] = []
        for number, one in enumerate(ids):
            now, before, channel, priority = (part.decode() for part in reply[4 * number : 4 * number + 4])
            change = Change(one, Status(now), channel, priority) if now else None
            found.append((change, Status(before) if before else None))
        return found

    async def pause(self, channel: str, paused: bool) -> None:
        """Holds a channel's queue, or lets it go on."""
        await self._redis.call("SADD" if paused else "SREM", self._keys.delivery("paused"), channel)

    async def dead_letters(self, start: int, limit: int) -> list[DeadLetter]:
        """Entries of the dead-letter queue by place, the newest first."""
        ids = await self._redis.call("ZREVRANGE", self._keys.delivery("dlq"), start, start + limit - 1, "WITHSCORES")
        names = ("channel", "reason", "error", "document", "retries", "attempts")
        rows = await self._redis.call_many(
            [("HMGET", self._keys.delivery(f"record:{_text(one) or ''}"), *names) for one in ids[::2]]
        )
        return [_dead(_text(ids[2 * n]) or "", float(ids[2 * n + 1]), row) for n, row in enumerate(rows)]

    async def dead_reasons(self) -> list[tuple[str, str, int]]:
        """(reason, channel, how many) of the dead-letter queue; the channel is empty where it never was a delivery."""
        reply = await self._redis.call("HGETALL", self._keys.delivery("dlq:reasons"))
        names = [reply[i].decode("utf-8", "replace").rpartition(" ") for i in range(0, len(reply), 2)]
        counts = [integer(reply[i]) for i in range(1, len(reply), 2)]
        rows = [(reason, channel, n) for (reason, _, channel), n in zip(names, counts, strict=True) if n > 0]
        return sorted(rows, key=lambda row: (-row[2], row))

    async def drop(self, delivery_id: str) -> bool:
        """Takes an entry out of the dead-letter queue for good; whether it was there."""
        return bool(await self._run("drop", delivery_id))


def _indexes(wanted: Filter) -> list[str]:
    """The names of the indexes whose intersection is wanted."""
    names = []
    if wanted.user:
        names.append(f"user:{digest(wanted.user)}")
    if wanted.recipient:
        names.append(f"recipient:{digest(wanted.recipient)}")
    if wanted.status:
        names.append(f"status:{wanted.status}" + (f":{wanted.channel}" if wanted.channel else ""))
    elif wanted.channel:
        names.append(f"channel:{wanted.channel}")
    return names or ["all"]


def _stored(item: NewDelivery, result: Reply) -> Stored:
    if result[0] == 1:
        return Stored("stored", item.id, item.document)
    if result[0] == 2:
        return Stored("known", result[1].decode(), result[2])
    return Stored("mismatch", "", b"")


def _leased(row: Sequence[bytes]) -> Leased:
    delivery_id, lease, document, retries, most, expires, priority, takeovers = row
    return Leased(
        delivery_id.decode(),
        lease.decode(),
        document,
        integer(retries),
        integer(most),
        integer(expires) or None,
        priority.decode(),
        integer(takeovers),
    )


def _changes(reply: Reply) -> list[Change]:
    texts = [part.decode() for part in reply]
    return [Change(texts[i], Status(texts[i + 1]), *texts[i + 2 : i + 4]) for i in range(0, len(texts), 4)]


def _time(milliseconds: bytes | None) -> str | None:
    value = integer(milliseconds, -1)
    return format_time(value / 1000) if 0 <= value < MAX_TIME_MS else None


def _text(value: bytes | None) -> str | None:
    return value.decode("utf-8", "replace") if value else None


def _record(reply: Reply) -> Record:
    document, status, retries, updated, following, scheduled, sent, provider, provider_id, error = reply
    return Record(
        document,
        Status(status.decode()),
        integer(retries),
        _time(updated) or "",
        _time(following),
        _time(scheduled),
        _time(sent),
        _text(provider),
        _text(provider_id),
        _text(error),
    )


def _queue(row: Sequence[Reply]) -> Queue:
    channel, paused, *numbers = row
    oldest = [int(entry.split(b"-")[0]) for entry in numbers[2::3] if entry]
    waiting = dict(zip(PRIORITIES, numbers[0::3], strict=True))
    return Queue(channel.decode(), bool(paused), waiting, sum(numbers[1::3]), min(oldest, default=None))


def _dead(delivery_id: str, failed: float, row: Reply) -> DeadLetter:
    channel, reason, error, document, retries, attempts = row
    tries = integer(retries) + 1 if attempts else 0
    return DeadLetter(
        delivery_id,
        _text(channel) or "",
        _text(reason) or "",
        _text(error) or "",
        tries,
        format_time(min(max(0.0, failed), MAX_TIME_MS - 1) / 1000),
        document if document and _is_object(document) else b"{}",
    )


def _status(value: bytes | None) -> Status | None:
    text = _text(value)
    return Status(text) if text in tuple(Status) else None


def _is_json(value: bytes) -> bool:
    try:
        msgspec.json.decode(value)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return False
    return True


def _is_object(value: bytes) -> bool:
    return value.startswith(b"{") and _is_json(value)
