"""`accept` takes in deliveries through providers: from checked requests to ids, once they are stored.

Notifications for inboxes come in by `publish.py`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import msgspec

from notifier.domain.bodies import canonical
from notifier.domain.deliveries import Draft, document_of, shown_at_first
from notifier.domain.delivery_requests import read_draft
from notifier.domain.faults import MAX_NAMED
from notifier.domain.ids import derived_id, new_seed, random_id
from notifier.domain.limits import OverLimit, Quota
from notifier.domain.status import Status
from notifier.domain.times import format_time, parse_time
from notifier.errors import FieldError
from notifier.service.limit import DeliveryLimit
from notifier.service.once import IdempotencyKey, Once, mismatch
from notifier.store.deliveries import Deliveries
from notifier.store.delivery_records import Change, NewDelivery, Refused, Stored, digest
from notifier.store.redis.clock import StoreClock

SINGLE = "notifications"  # the route of single deliveries
SOON = 0.05  # seconds: what is scheduled for sooner by Redis' clock is queued at once

_encode = msgspec.json.Encoder().encode


class Acceptance(NamedTuple):
    """The answer to a request, whether it is the first one's, and where the caller stands with the limit."""

    body: bytes
    replayed: bool
    quota: Quota | None = None


class Undeliverable(NamedTuple):
    """A message that cannot become a delivery: `document` says where it stood and holds its text,
    shortened."""

    id: str
    document: dict[str, Any]
    reason: str
    error: str


class AcceptPolicy(NamedTuple):
    """Retries of a delivery that names no number, and the limit of accepted deliveries per user."""

    max_retries: int
    limit: DeliveryLimit | None


class AcceptService:
    """The one way in for deliveries, whatever wire they come over."""

    def __init__(
        self,
        deliveries: Deliveries,
        once: Once,
        on_changes: Callable[[Sequence[Change]], None],
        clock: StoreClock,
        policy: AcceptPolicy,
    ) -> None:
        """`once` has the idempotency keys of whole batches; `on_changes` gets the new deliveries."""
        self._deliveries = deliveries
        self._once = once
        self._on_changes = on_changes
        self._clock = clock
        self._policy = policy

    def reconfigure(self, policy: AcceptPolicy) -> None:
        """Replaces the policy, for what comes next."""
        self._policy = policy

    async def create(self, draft: Draft, body: object, caller: str, header_key: IdempotencyKey | None) -> Acceptance:
        """Stores one delivery; its document. `header_key` goes before the body's own, which is the same or none.

        Raises `NotifierError`: `invalid` (the key was used for another request), `rate_limited`, `unavailable`.
        """
        key = header_key.key if header_key is not None else draft.idempotency_key
        route = SINGLE if header_key is None else header_key.route
        new = self._prepare(draft, random_id(), "", self._key(caller, key, body, route))
        try:
            quota = await self._take(draft)
        except OverLimit:
            first = await self._deliveries.known(new) if key else None
            if first is None:
                raise
            return _accepted(first, None)
        (stored,) = await self.store([new])
        return _accepted(stored, quota)

    async def create_batch(
        self, items: Sequence[object], body: object, caller: str, key: IdempotencyKey | None
    ) -> Acceptance:
        """Stores what is valid of a batch; the answer names every item with its id or its errors. `body` is the whole
        request, by which a repeat under the key is known.

        Raises `NotifierError`: `invalid`, `conflict` (the first request under this key is still running),
        `unavailable`.
        """
        if key is None:
            return Acceptance(_encode(await self._store_batch(items, caller, random_id(), new_seed())), False)

        async def make(seed: str) -> bytes:
            return _encode(await self._store_batch(items, caller, derived_id(seed, "batch"), seed))

        return Acceptance(*await self._once.once(key, body, make))

    async def accept(self, drafts: Sequence[tuple[str, Draft]]) -> list[Stored]:
        """Stores deliveries under ids that their source determines: each once, however often it comes."""
        return await self.store([self._prepare(draft, delivery_id, "", ("", "")) for delivery_id, draft in drafts])

    async def bury(self, items: Sequence[Undeliverable]) -> int:
        """Puts what cannot become a delivery into the dead-letter queue, each once; how many are new."""
        if not items:
            return 0
        rows = [Refused(item.id, _encode({"id": item.id, **item.document}), item.reason, item.error) for item in items]
        return await self._deliveries.bury(rows, round(self._clock.now() * 1000))

    async def store(self, items: Sequence[NewDelivery]) -> list[Stored]:
        """Stores what was prepared, and tells of what is new."""
        if not items:
            return []
        stored = await self._deliveries.create(items, self._once.ttl_ms)
        self._on_changes(
            [
                Change(item.id, Status.SCHEDULED if item.scheduled else Status.QUEUED, item.channel, item.priority)
                for item, result in zip(items, stored, strict=True)
                if result.outcome == "stored"
            ]
        )
        return stored

    # -- a batch

    async def _store_batch(self, items: Sequence[object], caller: str, batch_id: str, seed: str) -> dict[str, Any]:
        rows: list[dict[str, Any]] = [{"index": index} for index in range(len(items))]
        prepared: dict[int, NewDelivery] = {}
        first_of: dict[str, int] = {}
        room = MAX_NAMED  # bad fields that the whole answer names; beyond that, one of each item
        for index, item in enumerate(items):
            draft = read_draft(item, max(1, room))
            if isinstance(draft, list):
                rows[index]["errors"] = _shown(draft)
                room -= len(draft)
                continue
            new = self._prepare(
                draft, derived_id(seed, str(index)), batch_id, self._key(caller, draft.idempotency_key, item)
            )
            if new.key and first_of.setdefault(new.key, index) != index:
                continue  # the same key twice in one batch is one notification
            try:
                await self._take(draft)
            except OverLimit as error:
                rows[index]["errors"] = _shown(error.errors)
                continue
            prepared[index] = new
        stored = dict(zip(prepared, await self.store(list(prepared.values())), strict=True))
        for index, result in stored.items():
            rows[index] |= _outcome(result)
        self._answer_repeats(items, rows, first_of, caller, prepared)
        accepted = sum("id" in row for row in rows)
        return {
            "batch_id": batch_id,
            "total": len(rows),
            "accepted": accepted,
            "rejected": len(rows) - accepted,
            "notifications": rows,
        }

    def _answer_repeats(
        self,
        items: Sequence[Any],
        rows: list[dict[str, Any]],
        first_of: dict[str, int],
        caller: str,
        prepared: dict[int, NewDelivery],
    ) -> None:
        """Gives a repeat within the batch what the first of its key was given."""
        for index, row in enumerate(rows):
            if len(row) > 1:
                continue
            key, fingerprint = self._key(caller, items[index]["idempotency_key"], items[index])
            first = first_of[key]
            if first in prepared and prepared[first].fingerprint != fingerprint:
                row["errors"] = _shown([FieldError("idempotency_key", "was used for another notification")])
            else:
                row |= {name: value for name, value in rows[first].items() if name != "index"}

    # -- one delivery

    async def _take(self, draft: Draft) -> Quota | None:
        if self._policy.limit is None or not draft.user_id:
            return None
        return await self._policy.limit.take(draft.user_id)

    def _prepare(self, draft: Draft, delivery_id: str, batch_id: str, key: tuple[str, str]) -> NewDelivery:
        now = self._clock.now()
        scheduled = parse_time(draft.scheduled_at) if draft.scheduled_at else None
        if scheduled is not None and scheduled <= self._clock.earliest() + SOON:
            scheduled = None
        created = parse_time(draft.created_at) if draft.created_at else now
        retries = self._policy.max_retries if draft.max_retries is None else draft.max_retries
        status = Status.QUEUED if scheduled is None else Status.SCHEDULED
        user = draft.user_id or (draft.recipient if draft.channel == "inapp" else "")
        return NewDelivery(
            id=delivery_id,
            document=document_of(draft, delivery_id, status, batch_id or None, retries, format_time(now)),
            channel=draft.channel,
            priority=draft.priority,
            scheduled=None if scheduled is None else round(scheduled * 1000),
            expires=round(parse_time(draft.expires_at) * 1000) if draft.expires_at else None,
            created=int(created * 1000),
            accepted=int(now * 1000 + 1e-3),  # as format_time cuts it
            max_retries=retries,
            user=digest(user),
            recipient=digest(draft.recipient),
            limited_by="" if draft.channel == "inapp" else digest(draft.user_id or draft.recipient),
            batch=batch_id,
            key=key[0],
            fingerprint=key[1],
        )

    @staticmethod
    def _key(caller: str, key: str | None, body: object, route: str = SINGLE) -> tuple[str, str]:
        """The digest of an idempotency key and of the request under it; empty where there is none.

        A batch's items have the space of single deliveries: what is sent again alone is a repeat of them.
        """
        if key is None:
            return "", ""
        space = caller if route == SINGLE else f"{caller}\n{route}"  # the bare caller: as records stand since 0.1
        return digest(f"{space}\n{key}"), hashlib.sha256(canonical(body)).hexdigest()


def _accepted(stored: Stored, quota: Quota | None) -> Acceptance:
    if stored.outcome == "mismatch":
        raise mismatch()
    return Acceptance(shown_at_first(stored.document, stored.paused), stored.outcome == "known", quota)


def _outcome(stored: Stored) -> dict[str, Any]:
    if stored.outcome == "mismatch":
        return {"errors": _shown([FieldError("idempotency_key", "was used for another notification")])}
    return {"id": stored.id}


def _shown(errors: Sequence[FieldError]) -> list[dict[str, str]]:
    return [{"path": error.path, "message": error.message} for error in errors]
