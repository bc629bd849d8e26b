"""One attempt at a delivery in five steps: decide, send, forget, classify, record."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import msgspec

from notifier.delivery.addresses import INBOX, Address, Addresses
from notifier.delivery.guarded import ATTEMPTS, NotTried
from notifier.delivery.outcomes import LEAST_DEFERRAL, Expired, Failed, Outcome, classify, transition
from notifier.delivery.recorder import Recorder
from notifier.delivery.routes import Routes
from notifier.delivery.shares import Keys, Shares
from notifier.domain.deliveries import Attempt
from notifier.domain.retry import RetryPolicy
from notifier.domain.status import Status
from notifier.errors import NotifierError
from notifier.providers.base import Message, ProviderError
from notifier.store.delivery_records import Leased
from notifier.store.sessions import Sessions

log = logging.getLogger("notifier.delivery")

_decode = msgspec.json.Decoder().decode


class Plan(NamedTuple):
    """A leased delivery and the addresses to send it to; with `outcome`, which is then known already, none.

    `tried` is filled by the providers' tries.
    """

    leased: Leased
    document: dict[str, Any]
    addresses: Sequence[Address]
    outcome: Outcome | None
    tried: list[Attempt]


class Ended(NamedTuple):
    """The outcome of an attempt and the delivery's new status, None where its lease was lost meanwhile."""

    outcome: Outcome
    status: Status | None


class Attempts:
    """Tries leased deliveries, each once."""

    def __init__(
        self,
        routes: Routes,
        sessions: Sessions,
        shares: Shares,
        recorder: Recorder,
        owner: str,
        uniform: Callable[[float, float], float],
        now: Callable[[], float],
        retry: RetryPolicy,
    ) -> None:
        """`owner` is this instance; `uniform(low, high)` is the source of chance; `now` is Unix seconds."""
        self._routes = routes
        self._addresses = Addresses(sessions)
        self._shares = shares
        self._recorder = recorder
        self._owner = owner
        self._uniform = uniform
        self._now = now
        self._retry = retry

    def reconfigure(self, retry: RetryPolicy) -> None:
        """Replaces the waits, for the next failure."""
        self._retry = retry

    async def make(self, leased: Leased) -> Ended:
        """Tries a delivery once and records it. Raises `NotifierError` when the store goes before anything is sent."""
        tried: list[Attempt] = []
        try:
            plan = await self._decide(leased, tried)
            results = await self._send(plan)
            await self._forget(plan, results)
            outcome = self._classify(plan, results)
        except NotifierError:
            raise
        except Exception as defect:
            log.error("delivery.defect", extra={"delivery_id": leased.id}, exc_info=defect)
            outcome = Failed("defect", f"defect: {type(defect).__name__}")
        return await self._record(leased, outcome, tried)

    async def stop(self) -> None:
        """Gives up results that are not stored yet."""
        await self._recorder.stop()

    # -- the five steps

    async def _decide(self, leased: Leased, tried: list[Attempt]) -> Plan:
        if leased.expires is not None and leased.expires <= self._now() * 1000:
            return Plan(leased, {}, (), Expired(), tried)
        document = _decode(leased.document)
        addresses = await self._addresses.of(document, self._routes.simulates)
        outcome = None if addresses else Failed("no_address", "no_address")
        return Plan(leased, document, addresses, outcome, tried)

    async def _send(self, plan: Plan) -> Sequence[str | BaseException]:
        ATTEMPTS.set(plan.tried)
        messages = [_message(plan, address, number) for number, address in enumerate(plan.addresses)]
        if len(messages) != 1:
            return await asyncio.gather(*map(self._send_one, messages), return_exceptions=True)
        try:
            return [await self._send_one(messages[0])]  # the usual case, which needs no task of its own
        except ProviderError as error:
            return [error]

    async def _forget(self, plan: Plan, results: Sequence[str | BaseException]) -> None:
        pairs = zip(plan.addresses, results, strict=True)
        dead = [(address, found) for address, found in pairs if isinstance(found, ProviderError) and found.unregistered]
        if dead:
            await self._addresses.forget(plan.document, plan.leased, dead)

    def _classify(self, plan: Plan, results: Sequence[str | BaseException]) -> Outcome:
        return plan.outcome or classify(results, plan.tried, plan.leased, self._retry, self._uniform)

    async def _record(self, leased: Leased, outcome: Outcome, tried: Sequence[Attempt]) -> Ended:
        result = transition(leased, self._owner, outcome, tried)
        status = await self._recorder.finish(result)
        if status is None:
            log.warning("delivery.lease_lost", extra={"delivery_id": leased.id, "event": result.event})
        return Ended(outcome, status)

    # -- one send

    async def _send_one(self, message: Message) -> str:
        """Sends once the recipient's turn has come; raises `ProviderError`."""
        provider = self._routes.provider(message.channel, message.platform)
        if message.channel == INBOX:
            return await provider.send(message)
        share, keys = self._shares.of(message.channel), Keys(message.to, provider.host(message))
        if not await share.enter(message.id, keys):
            raise NotTried("busy", message.to, share.later(message.to, LEAST_DEFERRAL))
        clock = asyncio.get_running_loop().time
        began = clock()
        try:
            return await provider.send(message)
        except NotTried as error:
            wait = share.later(error.part, error.retry_after or 0.0)
            raise NotTried(error.reason, error.part, wait) from None
        finally:
            share.leave(message.id, keys, clock() - began)


def _message(plan: Plan, address: Address, number: int) -> Message:
    leased, document = plan.leased, plan.document
    return Message(
        id=leased.id,
        key=leased.id if number == 0 else f"{leased.id}/{number + 1}",
        channel=document["channel"],
        to=address.to,
        subject=document.get("subject", ""),
        content=document["content"],
        data=document.get("data", {}),
        priority=document["priority"],
        platform=address.platform,
        subscription=address.subscription,
        expires_at=None if leased.expires is None else leased.expires / 1000,
    )
