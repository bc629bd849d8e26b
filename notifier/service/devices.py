"""Tokens of devices: they open their owner's inbox by `/ws` and by doors, and nothing else."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from notifier.domain.access import Caller
from notifier.domain.devices import Device, may_be_device_token
from notifier.domain.users import User
from notifier.errors import ErrorCode, NotifierError
from notifier.service.access import REMEMBER, REMEMBER_MAX
from notifier.service.user_tokens import refused
from notifier.store.device_tokens import DeviceTokens, digest_of

KEY = "device:"  # before the hash in a caller's `key_id`


class DeviceService:
    """Makes, lists, revokes and opens. Every coroutine may raise `NotifierError(unavailable)`."""

    def __init__(
        self,
        tokens: DeviceTokens,
        clock: Callable[[], float] = time.monotonic,
        on_revoked: Callable[[str], None] = lambda key_id: None,
    ) -> None:
        """`clock` is in seconds; `on_revoked` is told of the `key_id` of what is revoked here."""
        self._tokens = tokens
        self._clock = clock
        self._on_revoked = on_revoked
        self._known: dict[str, tuple[float, Device]] = {}

    async def open(self, token: str) -> Caller:
        """The owner of a token, as a caller; raises `NotifierError(unauthenticated)` where it is none."""
        if not may_be_device_token(token):
            raise refused()
        digest = digest_of(token)
        known = self._known.get(digest)
        if known is None or known[0] <= self._clock():
            known = await self._look_up(digest)
        device = known[1]
        return Caller(
            f"user:{device.user.key}", user=device.user, expires_at=device.expires_at, key_id=f"{KEY}{digest}"
        )

    async def _look_up(self, digest: str) -> tuple[float, Device]:
        until = self._clock() + REMEMBER
        device = await self._tokens.find(digest)
        if device is None:
            self._known.pop(digest, None)
            raise refused()
        if len(self._known) >= REMEMBER_MAX:
            self._known.clear()
        self._known[digest] = (until, device)
        return until, device

    async def create(self, user: User, name: str, ttl: float | None) -> tuple[Device, str]:
        """Makes a token with an end after `ttl` seconds (None: a year without use); what is kept of it, and the token.
        Raises `NotifierError(conflict)` where the user has 32."""
        return await self._tokens.add(user, name, ttl)

    async def of(self, user: User) -> list[Device]:
        """The tokens of a user, oldest first."""
        return await self._tokens.of(user)

    async def revoke(self, user: User, identity: str) -> None:
        """Revokes a user's token: here at once, on other pods within five seconds.

        Raises `NotifierError(not_found)`.
        """
        digest = await self._tokens.remove(user, identity)
        if digest is None:
            raise NotifierError(ErrorCode.NOT_FOUND, "no such token of this user")
        self._known.pop(digest, None)
        self._on_revoked(f"{KEY}{digest}")

    async def revoked(self, key_ids: Sequence[str]) -> list[str]:
        """Those of these callers' `key_id` whose token is gone; the ids of other keys are left out."""
        digests = [key_id.removeprefix(KEY) for key_id in key_ids if key_id.startswith(KEY)]
        return [f"{KEY}{digest}" for digest in await self._tokens.revoked(digests)] if digests else []
