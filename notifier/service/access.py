"""Authentication of bearer tokens: `ADMIN_TOKEN`, API keys, and users' tokens."""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Callable

from notifier.domain.access import ADMIN_TOKEN, ApiKey, Caller, KeyRequest
from notifier.errors import ErrorCode, NotifierError
from notifier.service.user_tokens import UserTokens, refused
from notifier.store.api_keys import ApiKeys, is_api_key

REMEMBER = 2.0  # seconds that a key is taken for good without asking the store: a revocation takes effect within them
REMEMBER_MAX = 2000
AWAY = 600.0  # seconds after its last look-up for which a key still opens what tells that the store is away


class Access:
    """Authenticates callers, and keeps the API keys. Every method may raise `NotifierError(unavailable)`."""

    def __init__(
        self,
        admin_token: str,
        keys: ApiKeys,
        users: UserTokens,
        clock: Callable[[], float] = time.monotonic,
        on_revoked: Callable[[str], None] = lambda key_id: None,
    ) -> None:
        """`admin_token` may be empty: then there is none; `clock` is in seconds; `on_revoked` is told of a key that is
        revoked here."""
        self._admin = _digest(admin_token) if admin_token else None
        self._keys = keys
        self._users = users
        self._clock = clock
        self._on_revoked = on_revoked
        self._known: dict[bytes, tuple[float, ApiKey]] = {}

    async def authenticate(self, token: str, from_memory: bool = False) -> Caller:
        """The caller with that token; raises `NotifierError(unauthenticated)`. With `from_memory` a key that was good
        within the last ten minutes is, while the store is away: only for what reads nothing of it."""
        digest = _digest(token)
        # Of digests, so that the time it takes tells nothing of the token, not even its length.
        if self._admin is not None and hmac.compare_digest(digest, self._admin):
            return ADMIN_TOKEN
        if is_api_key(token):
            return await self._holder(token, digest, from_memory)
        return await self._users.verify(token)

    async def _holder(self, token: str, digest: bytes, from_memory: bool) -> Caller:
        known = self._known.get(digest)
        if known is None or known[0] <= self._clock():
            try:
                known = await self._look_up(token, digest)
            except NotifierError as error:
                if error.code is not ErrorCode.UNAVAILABLE or not from_memory or not self._is_recent(known):
                    raise
        assert known is not None
        key = known[1]
        return Caller(f"key:{key.name}", frozenset(key.scopes), expires_at=key.expires_at, key_id=key.id)

    async def door_key(self, token: str) -> ApiKey:
        """The door's key with that token; raises `NotifierError(unauthenticated)` where there is none."""
        digest = _digest(token)
        known = self._known.get(digest)
        if known is None or known[0] <= self._clock():
            known = await self._look_up(token, digest)
        if known[1].door is None:
            raise refused()
        return known[1]

    def _is_recent(self, known: tuple[float, ApiKey] | None) -> bool:
        return known is not None and known[0] + AWAY > self._clock()

    async def _look_up(self, token: str, digest: bytes) -> tuple[float, ApiKey]:
        until = self._clock() + REMEMBER
        key = await self._keys.find(token)
        if key is None:
            self._known.pop(digest, None)
            raise refused()
        if len(self._known) >= REMEMBER_MAX:
            self._known.clear()
        self._known[digest] = (until, key)
        return until, key

    # -- the keys

    async def create_key(self, request: KeyRequest) -> tuple[ApiKey, str]:
        """Makes a key; what is kept of it, and the key itself. Raises `NotifierError(conflict)` at 1,000."""
        return await self._keys.add(request)

    async def list_keys(self, after: str, limit: int) -> tuple[list[ApiKey], int, str | None]:
        """Keys, oldest first: a page after a cursor, how many there are, the next cursor."""
        keys = await self._keys.all()
        page = [key for key in keys if _place(key) > after][: limit + 1]
        return page[:limit], len(keys), _place(page[limit - 1]) if len(page) > limit else None

    async def revoke_key(self, identity: str) -> None:
        """Revokes a key: here at once, on other pods within five seconds. Raises `NotifierError(not_found)`."""
        removed = await self._keys.remove(identity)
        self._known = {digest: known for digest, known in self._known.items() if known[1].id != identity}
        self._on_revoked(identity)
        if not removed:
            raise NotifierError(ErrorCode.NOT_FOUND, "no such key")


def _place(key: ApiKey) -> str:
    return f"{key.created_at}/{key.id}"


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
