"""Addresses of a delivery: the one that its request names, or those of the user's sessions; and dead ones dropped."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from notifier.domain.sessions import CHANNEL_OF
from notifier.errors import NotifierError
from notifier.providers.base import ProviderError
from notifier.store.delivery_records import Leased
from notifier.store.sessions import Registration, Sessions

INBOX = "inapp"  # the one channel without an outside service, a share of slots or a limit
APNS_TOKEN_LENGTH = 64  # hex digits; Apple's device tokens are 32 bytes today

log = logging.getLogger("notifier.delivery")


class Address(NamedTuple):
    """The target of one send; `subscription` holds a web subscription's keys, `registration` its session."""

    platform: str
    to: str
    subscription: dict[str, str]
    registration: Registration | None = None


class Addresses:
    """Finds the addresses of deliveries, and drops the sessions of dead ones."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    async def of(self, document: dict[str, Any], simulates: Callable[[str, str], bool]) -> list[Address]:
        """The addresses of a delivery, empty where its user has none. `simulates(channel, platform)` is true of a route
        to the simulator, which takes users without an address. Raises `NotifierError` when the store is away."""
        channel, recipient, user = document["channel"], document["recipient"], document.get("user_id", "")
        if channel == INBOX:
            return [Address("", recipient or user, {})]
        if recipient:
            return [Address(platform_of(recipient) if channel == "push" else "", recipient, {})]
        known = [one for one in await self._sessions.of(user, channel) if CHANNEL_OF[one.session.platform] == channel]
        if known:
            return [_address(channel, one) for one in known]
        platform = "android" if channel == "push" else ""
        return [Address(platform, f"user:{user}", {})] if simulates(channel, platform) else []

    async def forget(
        self, document: dict[str, Any], leased: Leased, dead: Iterable[tuple[Address, ProviderError]]
    ) -> None:
        """Drops the sessions whose addresses are dead. A store that is away leaves them: the result matters more."""
        found = [(address, error.gone_at) for address, error in dead]
        if not found or not document.get("user_id"):
            return
        try:
            known = [
                (address.registration or await self._session_of(document, leased, address), at) for address, at in found
            ]
            await self._sessions.drop(one for one, at in known if one and (at is None or one.at < at))
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


def platform_of(token: str) -> str:
    """The platform of a device token that came without a session: by its form."""
    if token.startswith(("https://", "http://")):
        return "web"
    is_hex = len(token) == APNS_TOKEN_LENGTH and all(char in "0123456789abcdefABCDEF" for char in token)
    return "ios" if is_hex else "android"


def _address(channel: str, registration: Registration) -> Address:
    session = registration.session
    platform = session.platform if channel == "push" else ""
    return Address(platform, session.address, session.subscription, registration)
