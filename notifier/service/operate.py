"""Reports and actions for operators, over all instances."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

import msgspec

from notifier.domain.entries import Entry
from notifier.domain.ids import is_stream_id
from notifier.domain.states import Kept
from notifier.domain.users import User, parse_user_key
from notifier.errors import ErrorCode, NotifierError
from notifier.store.inbox_upkeep import InboxUpkeep
from notifier.store.presence import PodRecord, Presence
from notifier.store.reports import Pending, Reports

Ask = Callable[..., Awaitable[list[Any]]]
USERS_PER_READ = 200


class PendingPage(NamedTuple):
    """Unread notifications by user key, and where the next page begins."""

    users: dict[str, list[Entry]]
    cursor: str | None


class PodDocument(msgspec.Struct, frozen=True):
    """The JSON document that an instance keeps under its presence; an older version's lacks the later fields.

    `latency` counts pushes by bucket; `slots` is the number of deliveries that it can send at once. `problems` are what
    it finds wrong with itself, `kafka_lag` its share of the unread messages, `sources` the notifications a second of
    those that send the most.
    """

    version: str | None = None
    started_at: str | None = None
    connections: int = 0
    locks: int = 0
    latency: list[int] | None = None
    slots: int = msgspec.field(default=0, name="hands")  # so called by 0.1.0
    problems: list[msgspec.Raw] = []
    kafka_lag: int = 0
    sources: dict[str, float] = {}


class PodReport(PodDocument, frozen=True, kw_only=True):
    """One instance with a heartbeat: its own document, and the store's facts of it. `bus_lag` is the number of
    messages in its bus stream."""

    pod_id: str
    alive: bool
    heartbeat_age_s: float
    bus_lag: int


class Operations:
    """Reports and actions. `ask` puts a question to every pod; every method may raise `NotifierError(unavailable)`."""

    def __init__(
        self,
        reports: Reports,
        upkeep: InboxUpkeep,
        presence: Presence,
        ask: Ask,
        tell_cleared: Callable[[str, str], Awaitable[None]],
    ) -> None:
        self._reports = reports
        self._upkeep = upkeep
        self._presence = presence
        self._ask = ask
        self._tell_cleared = tell_cleared

    async def clients(self, after: str, limit: int) -> tuple[list[dict[str, Any]], int, str | None]:
        """Connections of all pods in the order of their ids: a page, how many there are, the next cursor."""
        answers = await self._ask("clients", after=after, limit=limit + 1)
        rows = sorted((row for answer in answers for row in answer["rows"]), key=lambda row: row["connection_id"])
        cursor = rows[limit - 1]["connection_id"] if len(rows) > limit else None
        return rows[:limit], sum(answer["total"] for answer in answers), cursor

    async def disconnect(self, connection_id: str) -> None:
        """Closes a connection on whichever pod; raises `NotifierError(not_found)`."""
        if not any(await self._ask("disconnect", connection_id=connection_id)):
            raise NotifierError(ErrorCode.NOT_FOUND, "no such connection")

    async def users(self, prefix: str, after: str, limit: int) -> tuple[list[dict[str, Any]], int, str | None]:
        """Users known, by key, or by login where the prefix is no number."""
        keys, total, cursor = await self._reports.users(prefix, after, limit)
        counts = await self._reports.counts(keys)
        connected = await self._connections(keys)
        rows = [
            {**_pair(key), "connections": connected.get(key, 0), "pending": count.unread}
            for key, count in zip(keys, counts, strict=True)
        ]
        return rows, total, cursor

    async def user(self, key: str) -> dict[str, Any]:
        """All that is known of one user; raises `NotifierError(not_found)`."""
        facts = await self._reports.user(key)
        connections = [row for answer in await self._ask("clients_of", user=key) for row in answer]
        if not facts.known and not connections:
            raise NotifierError(ErrorCode.NOT_FOUND, "no such user")
        return {
            "user": _pair(key),
            "connections": connections,
            "pending": facts.holds.unread,
            "stored": facts.holds.stored,
            "lock_owner": facts.lock_owner,
            "retention_days": facts.retention_days,
        }

    async def pending(self, cursor: str, limit: int) -> PendingPage:
        """Unread notifications of all users, `limit` in all, after a cursor `user key/stream id`."""
        found: dict[str, list[Entry]] = {}
        left = limit
        key, _, entry = cursor.partition("/")
        if entry and is_stream_id(entry):
            rows = await self._reports.unread(key, entry, left)
            left = _add(found, key, rows, left)
        while left > 0:
            keys = await self._reports.pending_users(key, USERS_PER_READ)
            if not keys:
                return PendingPage(found, None)
            for key in keys:
                left = _add(found, key, await self._reports.unread(key, "", left), left)
                if left == 0:
                    break
        last = found[key][-1].stream_id.decode() if key in found else ""
        return PendingPage(found, f"{key}/{last}")

    async def pending_totals(self) -> Pending:
        """Unread notifications, users who have any, users known."""
        return await self._reports.pending_totals()

    async def history(self, key: str, limit: int) -> tuple[list[Kept], int]:
        """The newest entries of one inbox, newest first, and how many it holds."""
        rows = await self._reports.history(key, limit)
        return rows, (await self._reports.counts([key]))[0].stored

    async def clear(self, key: str) -> int:
        """Removes what a user has unread; the user is told. How many."""
        cleared, owner = await self._upkeep.clear(key)
        if cleared:
            await self._tell_cleared(key, owner)
        return cleared

    async def connected_users(self) -> list[User]:
        """Every user with a connection on some pod."""
        keys = {key for answer in await self._ask("users") for key in answer}
        return [user for key in sorted(keys) if (user := parse_user_key(key)) is not None]

    async def pods(self) -> list[PodReport]:
        """All instances with a heartbeat, by name, alive or not."""
        return [pod_report(record) for record in await self._presence.pods()]

    async def forget_pod(self, name: str) -> None:
        """Forgets an instance that is gone; raises `NotifierError` (`not_found`, or `conflict` for one alive)."""
        known = {pod.pod_id: pod.alive for pod in await self.pods()}
        if name not in known:
            raise NotifierError(ErrorCode.NOT_FOUND, "no such instance")
        if known[name]:
            raise NotifierError(ErrorCode.CONFLICT, "this instance is alive")
        await self._presence.forget(name)

    async def totals(self) -> dict[str, int]:
        """The cluster's counts since its first start, but for what pods counted in the last seconds."""
        return await self._presence.totals()

    async def _connections(self, keys: list[str]) -> dict[str, int]:
        total: dict[str, int] = {}
        for answer in await self._ask("connections", users=keys):
            for key, count in answer.items():
                total[key] = total.get(key, 0) + count
        return total


_decode_document = msgspec.json.Decoder(PodDocument).decode


def _document_of(record: PodRecord) -> PodDocument:
    """The document under an instance's presence; an empty one where it is absent, or another program's."""
    try:
        return _decode_document(record.document) if record.document else PodDocument()
    except (msgspec.MsgspecError, ValueError):
        return PodDocument()


def pod_report(record: PodRecord) -> PodReport:
    """An instance's report, of what its heartbeat and its document say."""
    own, age = _document_of(record), round(record.heartbeat_age, 1)
    return PodReport(
        pod_id=record.pod,
        alive=record.document is not None,
        heartbeat_age_s=age,
        bus_lag=record.bus_length,
        **msgspec.structs.asdict(own),
    )


def _add(found: dict[str, list[Entry]], key: str, rows: list[Entry], left: int) -> int:
    if rows:
        found.setdefault(key, []).extend(rows)
    return left - len(rows)


def _pair(key: str) -> dict[str, Any]:
    user = parse_user_key(key)
    return {"user_id": user.id, "login": user.login} if user else {"user_id": 0, "login": key}
