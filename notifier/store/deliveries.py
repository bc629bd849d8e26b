"""Deliveries in Redis: records with their indexes, queues, the schedule, the dead-letter queue.

Every change is one script, so that a record, its place and its indexes never disagree. Raises
`NotifierError(unavailable)` throughout when the store is away.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from notifier.domain.channels import PRIORITIES
from notifier.domain.deliveries import Filter, Record
from notifier.domain.status import Event, Status
from notifier.store.delivery_records import (
    HELD_BY,
    Batch,
    Change,
    Changed,
    DeadLetter,
    DeadReason,
    Finished,
    Found,
    Lease,
    LeaseName,
    LeaseTerms,
    Moved,
    NewDelivery,
    Queues,
    Refused,
    Stored,
    Tries,
    Window,
    changes_of,
    dead_letter_of,
    digest,
    is_json,
    is_object,
    leased_of,
    queue_of,
    record_of,
    status_of,
    stored_of,
    text_of,
)
from notifier.store.redis.client import Redis
from notifier.store.redis.link import Reply
from notifier.store.redis.spoilt import integer

MAX_TAKEOVERS = 5  # a delivery that took so many workers down with it is given up
FORGET_BATCH = 500
RESCUE_PART = 500
WALK_PART = 5_000  # records that one script of a list looks at: all others wait for the server meanwhile
WALK_MOST = 50_000  # records that a list looks at for the sake of its total alone
_FIELDS = ("document", "status", "retries", "updated", "next", "scheduled", "sent", "provider", "provider_id", "error")
_HELD = ("why", "since")
RECENT = 600.0  # seconds within which a dead letter is a recent one
QUEUE_WIDTH = 4 + len(HELD_BY) + 3 * len(PRIORITIES)  # values of a channel in the reply of `queues`


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
        return [stored_of(item, result) for item, result in zip(items, reply, strict=True)]

    async def known(self, item: NewDelivery) -> Stored | None:
        """The delivery stored before under the idempotency key of a new delivery; None where nothing was."""
        found = await self._redis.call("GET", self._keys.delivery(f"key:{item.key}"))
        if found is None:
            return None
        fingerprint, _, first = found.decode().partition(" ")
        if fingerprint != item.fingerprint:
            return Stored("mismatch", "", b"")
        document = await self._redis.call("HGET", self._keys.delivery(f"record:{first}"), "document")
        return Stored("known", first, document, item.channel in await self.paused()) if document else None

    async def bury(self, items: Iterable[Refused], now: int) -> int:
        """Puts messages into the dead-letter queue at `now` (Unix ms), each id once; the number of new entries."""
        return int(await self._run_again("bury", now, *(part for item in items for part in item)))

    # -- working

    async def lease(self, channel: str, count: int, owner: str, terms: LeaseTerms, untried: int = 0) -> Lease:
        """Leases at most `count` deliveries of a channel to `owner`. `untried` of those leased before were put back
        without a send: the channel's limit counts them no more."""
        limits = (terms.per_second, terms.per_user, round(terms.window * 1000), terms.policy)
        args = (channel, count, owner, *limits, untried)
        # Redis leases the next ones while those leased before are worked on here.
        wait, leased, aside = await self._redis.run(self._script["lease"], self._slot, *args, leaves_now=True)
        return Lease(
            None if wait in (-1, 1_000_000) else wait / 1000,
            [leased_of(leased[i : i + 8]) for i in range(0, len(leased), 8)],
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

    async def renew(self, owner: str, leases: Sequence[LeaseName]) -> int:
        """Renews leases, each an id and what tells it from others; how many are still this owner's."""
        return int(await self._run("renew", owner, *(part for lease in leases for part in lease)))

    async def move_due(self, most: int) -> Moved:
        """Moves what is due into the queues (or ends what has expired), `most` at most; the changes, and the channels
        in whose queues something waits or is under way."""
        moved, waiting = await self._run("due", most)
        return Moved(changes_of(moved), [channel.decode() for channel in waiting])

    async def ping(self) -> None:
        """Asks the store for a reply; its failure is the caller's."""
        await self._redis.call("EXISTS", self._keys.delivery("schedule"))

    async def reclaim(self, channel: str, owner: str, lease: float, most: int) -> list[Change]:
        """Takes back what was leased longer than `lease` seconds ago."""
        return changes_of(await self._run("reclaim", channel, owner, round(lease * 1000), MAX_TAKEOVERS, most))

    @property
    def losses(self) -> int:
        """Count of queues and indexes of deliveries that this instance found to be another program's."""
        counts = self._redis.spoilt.counts
        return counts.get("queue", 0) + counts.get("delivery", 0)

    async def rescue(self, channel: str, lease: float) -> list[Change]:
        """Puts back what its record says is waiting and stands nowhere; `lease` in seconds."""
        changes: list[Change] = []
        place = 0
        while True:
            looked, *changed = await self._run("rescue", channel, round(lease * 1000), place, RESCUE_PART)
            changes += changes_of(changed)
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
        commands = [("HMGET", self._keys.delivery(f"record:{one}"), *_FIELDS, *_HELD) for one in ids]
        replies = await self._redis.call_many(commands)
        return [self._checked(one, reply) for one, reply in zip(ids, replies, strict=True)]

    def _checked(self, delivery_id: str, reply: Reply) -> Record | None:
        """A record, None where there is none or it is of no use."""
        if reply[0] is None:
            return None
        if status_of(reply[1]) is None or not is_object(reply[0]):
            self._redis.spoilt.note("record", self._keys.delivery(f"record:{delivery_id}"), "no delivery")
            return None
        return record_of(reply)

    async def attempts(self, delivery_id: str) -> Tries | None:
        """The status of a delivery and its attempts as a JSON list, oldest first; None where it is not known."""
        status, attempts = await self._redis.call(
            "HMGET", self._keys.delivery(f"record:{delivery_id}"), "status", "attempts"
        )
        if status_of(status) is None:
            return None
        rows = b"[%b]" % (attempts or b"")
        return Tries(Status(status.decode()), rows if is_json(rows) else b"[]")

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

    async def batch(self, batch_id: str, offset: int, limit: int) -> Batch | None:
        """A batch: its deliveries by status, and a page of them in their order; None where it is not known."""
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
        return Batch(known, await self._records(ids))

    async def _records(self, ids: Sequence[bytes]) -> list[Record]:
        names = [one.decode("utf-8", "replace") for one in ids]
        return [record for record in await self.get_many(names) if record is not None]

    async def queues(self) -> Queues:
        """All queues: waiting and leased deliveries."""
        scheduled, dead, recent, *rows = await self._run("queues", round(RECENT * 1000))
        parts = [rows[i : i + QUEUE_WIDTH] for i in range(0, len(rows), QUEUE_WIDTH)]
        return Queues(list(map(queue_of, parts)), scheduled, dead, recent)

    async def paused(self) -> set[str]:
        """The channels that are held."""
        return {text_of(one) or "" for one in await self._redis.call("SMEMBERS", self._keys.delivery("paused"))}

    async def user_rate(self, limited_by: str) -> Window:
        """Sends in a user's window, and the seconds until it ends (0: none is open)."""
        key = self._keys.delivery(f"user_rate:{limited_by}")
        used, left = await self._redis.call_many([("GET", key), ("PTTL", key)])
        return Window(integer(used), max(0, left) / 1000)

    # -- operating

    async def change(self, event: Event, ids: Sequence[str]) -> list[Changed]:
        """Applies an event; for each the change, None where it has no meaning, and the status before, None where the
        delivery is not known (or never was one)."""
        reply = await self._run("change", event, *ids)
        found: list[Changed] = []
        for number, one in enumerate(ids):
            now, before, channel, priority = (part.decode() for part in reply[4 * number : 4 * number + 4])
            change = Change(one, Status(now), channel, priority) if now else None
            found.append(Changed(change, Status(before) if before else None))
        return found

    async def pause(self, channel: str, paused: bool) -> None:
        """Holds a channel's queue, or lets it go on."""
        await self._redis.call("SADD" if paused else "SREM", self._keys.delivery("paused"), channel)

    async def dead_letters(self, start: int, limit: int, before: int | None = None) -> list[DeadLetter]:
        """Entries of the dead-letter queue by place, the newest first; of those that failed by `before` (Unix ms)."""
        bounds = ("+inf" if before is None else before, "-inf", "WITHSCORES", "LIMIT", start, limit)
        ids = await self._redis.call("ZREVRANGEBYSCORE", self._keys.delivery("dlq"), *bounds)
        names = ("channel", "reason", "error", "document", "retries", "attempts")
        rows = await self._redis.call_many(
            [("HMGET", self._keys.delivery(f"record:{text_of(one) or ''}"), *names) for one in ids[::2]]
        )
        return [dead_letter_of(text_of(ids[2 * n]) or "", float(ids[2 * n + 1]), row) for n, row in enumerate(rows)]

    async def dead_reasons(self) -> list[DeadReason]:
        """(reason, channel, how many) of the dead-letter queue; the channel is empty where it never was a delivery."""
        reply = await self._redis.call("HGETALL", self._keys.delivery("dlq:reasons"))
        names = [reply[i].decode("utf-8", "replace").rpartition(" ") for i in range(0, len(reply), 2)]
        counts = [integer(reply[i]) for i in range(1, len(reply), 2)]
        rows = [DeadReason(reason, channel, n) for (reason, _, channel), n in zip(names, counts, strict=True) if n > 0]
        return sorted(rows, key=lambda row: (-row.number, row))

    async def drop(self, *ids: str) -> int:
        """Takes entries out of the dead-letter queue for good; how many were there."""
        return int(await self._run("drop", *ids))


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
