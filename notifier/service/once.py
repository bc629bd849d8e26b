"""Idempotency keys of every endpoint: a repeat under a key is given the first answer, and stores nothing twice.

What one script can store together with the record of its key is stored so (`Inbox.accept`, `Deliveries.create`). All
else goes by `Once.once`: it begins a try, whose seed determines the ids, stores, and keeps the answer.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from notifier.domain.bodies import canonical
from notifier.domain.deliveries import key_problem
from notifier.domain.faults import Faults
from notifier.domain.ids import new_seed
from notifier.errors import ErrorCode, NotifierError
from notifier.store.idempotency import Begun, Idempotency


class IdempotencyKey(NamedTuple):
    """A caller's key for one request, in the space of that caller and route."""

    caller: str
    route: str
    key: str


class Answered(NamedTuple):
    """The JSON body of an answer; `replayed` says that it is the first one, given again."""

    body: bytes
    replayed: bool


class Once:
    """The idempotency keys of one store."""

    def __init__(self, idempotency: Idempotency, ttl: float) -> None:
        """`ttl` in seconds: `IDEMPOTENCY_TTL`."""
        self._idempotency = idempotency
        self._ttl_ms = round(ttl * 1000)

    @property
    def ttl_ms(self) -> int:
        """The lifetime of a record, in milliseconds."""
        return self._ttl_ms

    def reconfigure(self, ttl: float) -> None:
        """Replaces the lifetime, for records to come."""
        self._ttl_ms = round(ttl * 1000)

    def record_of(self, key: IdempotencyKey) -> str:
        """The Redis key of the record."""
        return self._idempotency.record(key.caller, hashlib.sha256(f"{key.route}\n{key.key}".encode()).hexdigest())

    async def has_answer(self, key: IdempotencyKey) -> bool:
        """True where a request under this key was answered. Raises `NotifierError(unavailable)`."""
        return await self._idempotency.has_answer(self.record_of(key))

    async def once(
        self,
        key: IdempotencyKey,
        body: object,
        make: Callable[[str], Awaitable[bytes]],
        on_repeat: Callable[[], None] = lambda: None,
    ) -> Answered:
        """Answers a request under a key: `make(seed)` stores what it asks for and returns the answer.

        A try that was cut off is made again with the same seed: ids derived from it are stored once. `on_repeat` is
        called when an earlier request under the key was answered or is still running.

        Raises `NotifierError`: `invalid` (`body` is not that of the first request), `conflict` (the first one is
        still running), `unavailable`, and all that `make` raises.
        """
        record, own = self.record_of(key), new_seed()
        begun = await self._idempotency.begin(record, fingerprint(body), own, self.ttl_ms)
        if begun.outcome in ("replay", "running"):
            on_repeat()
        if begun.outcome == "replay":
            return Answered(begun.value, True)
        if begun.outcome != "go":
            raise _refusal(begun)
        try:
            answer = await make(begun.value.decode())
            await self._idempotency.finish(record, answer, self.ttl_ms)
        except BaseException:
            self._idempotency.give_up(record, own)
            raise
        return Answered(answer, False)


def fingerprint(body: object) -> bytes:
    """SHA-256 of a decoded request in canonical JSON; a repeat under its key must have the same."""
    return hashlib.sha256(canonical(body)).digest()


def mismatch() -> NotifierError:
    """The error of another request under a key that was used."""
    return NotifierError(ErrorCode.INVALID, "this idempotency key was used for another request")


def read_idempotency_key(caller: str, route: str, text: str | None, faults: Faults) -> IdempotencyKey | None:
    """The key of a request, 1–255 printable ASCII characters; anything else is noted in `faults`."""
    if text is None:
        return None
    problem = key_problem(text)
    if problem is not None:
        faults.add("Idempotency-Key", problem)
        return None
    return IdempotencyKey(caller, route, text)


def _refusal(begun: Begun) -> NotifierError:
    if begun.outcome == "mismatch":
        return mismatch()
    wait = int(begun.value) / 1000
    return NotifierError(ErrorCode.CONFLICT, "the first request under this key is still running", retry_after=wait)
