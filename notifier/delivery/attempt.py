"""One attempt at a delivery, told as steps: find the addresses, send to each, judge what came of it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import msgspec

from notifier.delivery.guarded import ATTEMPTS, NotTried
from notifier.delivery.routes import Routes
from notifier.delivery.shares import Keys, Shares
from notifier.domain.deliveries import Attempt
from notifier.domain.retry import RetryPolicy
from notifier.domain.sessions import CHANNEL_OF
from notifier.domain.status import Event
from notifier.errors import NotifierError
from notifier.providers.base import Message, ProviderError
from notifier.store.deliveries import Finished, Leased
from notifier.store.sessions import Registration, Sessions

LEAST_DEFERRAL = 0.2  # seconds
INBOX = "inapp"  # the one channel behind which nobody stands who could keep its hands
APNS_TOKEN_LENGTH = 64  # hex digits; Apple's device tokens are 32 bytes today

log = logging.getLogger("notifier.delivery")

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode


class Address(NamedTuple):
    """Where one send goes; `subscription` holds a web subscription's keys, `registration` the session it comes from."""

    platform: str
    to: str
    subscription: dict[str, str]
    registration: Registration | None = None


class Attempts:
    """What a worker does with a leased delivery."""

    def __init__(
        self,
        routes: Routes,
        sessions: Sessions,
        shares: Shares,
        owner: str,
        uniform: Callable[[float, float], float],
        now: Callable[[], float],
    ) -> None:
        """`uniform(low, high)` is the source of chance."""
        self._routes = routes
        self._sessions = sessions
        self._shares = shares
        self._owner = owner
        self._uniform = uniform
        self._now = now
        self.retry = RetryPolicy((5.0, 30.0, 120.0))

    async def make(self, leased: Leased) -> Finished:
        """Tries a delivery once; what is to be recorded of it."""
        if leased.expires is not None and leased.expires <= self._now() * 1000:
            return Finished(leased.id, self._owner, leased.lease, Event.EXPIRE)
        document = _decode(leased.document)
        addresses = await self._addresses(document)
        if not addresses:
            reason = "no_address"
            return Finished(leased.id, self._owner, leased.lease, Event.FAIL, reason=reason, error=reason)
        tried: list[Attempt] = []
        ATTEMPTS.set(tried)
        results = await self._send_all(document, leased, addresses)
        await self._forget_dead(document, leased, addresses, results)
        return self._judge(leased, results, tried)

    # -- where to

    async def _addresses(self, document: dict[str, Any]) -> list[Address]:
        channel, recipient, user = document["channel"], document["recipient"], document.get("user_id", "")
        if channel == "inapp":
            return [Address("", recipient or user, {})]
        if recipient:
            return [Address(_platform_of(recipient) if channel == "push" else "", recipient, {})]
        known = [one for one in await self._sessions.of(user, channel) if CHANNEL_OF[one.session.platform] == channel]
        if known:
            return [_address(channel, one) for one in known]
        platform = "android" if channel == "push" else ""
        return [Address(platform, f"user:{user}", {})] if self._routes.simulates(channel, platform) else []

    # -- sending

    async def _send_all(
        self, document: dict[str, Any], leased: Leased, addresses: Sequence[Address]
    ) -> list[str | BaseException]:
        messages = [_message(document, leased, address, number) for number, address in enumerate(addresses)]
        if len(messages) == 1:
            try:
                return [await self._send(messages[0])]
            except ProviderError as error:
                return [error]
        return await asyncio.gather(*map(self._send, messages), return_exceptions=True)

    async def _send(self, message: Message) -> str:
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

    async def _forget_dead(
        self,
        document: dict[str, Any],
        leased: Leased,
        addresses: Sequence[Address],
        results: Sequence[str | BaseException],
    ) -> None:
        """Drops the sessions whose addresses are dead. A store that is away leaves them: the result matters more."""
        dead = [
            (address, result.gone_at)
            for address, result in zip(addresses, results, strict=True)
            if isinstance(result, ProviderError) and result.unregistered
        ]
        if not dead or not document.get("user_id"):
            return
        try:
            found = [
                (address.registration or await self._session_of(document, leased, address), at) for address, at in dead
            ]
            await self._sessions.drop(one for one, at in found if one and (at is None or one.at < at))
        except NotifierError as lost:
            log.warning("delivery.session_kept", extra={"delivery_id": leased.id, "error": lost.message})

    async def _session_of(self, document: dict[str, Any], leased: Leased, address: Address) -> Registration | None:
        """The user's session of an address that the request itself named. One registered after the delivery was queued
        is not meant: a lease is the entry of its queue, and begins with the ms of Redis' clock."""
        queued = int(leased.lease.partition("-")[0]) / 1000
        named = (address.platform or document["channel"], address.to)
        known = await self._sessions.of(document["user_id"])
        return next(
            (one for one in known if (one.session.platform, one.session.address) == named and one.at < queued), None
        )

    # -- judging

    def _judge(self, leased: Leased, results: Sequence[str | BaseException], tried: list[Attempt]) -> Finished:
        """Sent when one device took it; tried again when another try may help; deferred when nothing was tried."""
        attempts = b",".join(map(_encode, tried))
        taken = [result for result in results if isinstance(result, str)]
        if taken:
            provider = next(attempt.provider for attempt in tried if attempt.outcome == "sent")
            return Finished(
                leased.id,
                self._owner,
                leased.lease,
                Event.SENT,
                provider=provider,
                provider_id=taken[0][:256],
                attempts=attempts,
            )
        errors = [result for result in results if isinstance(result, ProviderError)]
        for result in results:
            if isinstance(result, BaseException) and not isinstance(result, ProviderError):
                raise result  # a defect of ours, or the end of this task
        waits = [error.retry_after for error in errors if error.retry_after is not None]
        if not tried:
            wait = max(LEAST_DEFERRAL, min(waits, default=1.0)) * self._uniform(1.0, 1.1)
            return Finished(leased.id, self._owner, leased.lease, Event.DEFER, wait)
        hopeful = [error for error in errors if not error.permanent]
        error = next((one for one in hopeful if not isinstance(one, NotTried)), errors[0])
        last = Finished(
            leased.id,
            self._owner,
            leased.lease,
            Event.FAIL,
            reason=error.reason,
            error=str(error),
            provider=tried[-1].provider,
            attempts=attempts,
        )
        if not hopeful or leased.retries >= leased.max_retries:
            return last
        wait = self.retry.wait(leased.retries, max(waits, default=None), self._uniform)
        return last._replace(event=Event.RETRY, wait=wait)


def _address(channel: str, registration: Registration) -> Address:
    session = registration.session
    platform = session.platform if channel == "push" else ""
    return Address(platform, session.address, session.subscription, registration)


def _platform_of(token: str) -> str:
    """The platform of a device token that came without a session: by its form."""
    if token.startswith(("https://", "http://")):
        return "web"
    is_hex = len(token) == APNS_TOKEN_LENGTH and all(char in "0123456789abcdefABCDEF" for char in token)
    return "ios" if is_hex else "android"


def _message(document: dict[str, Any], leased: Leased, address: Address, number: int) -> Message:
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
