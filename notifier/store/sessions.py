"""Sessions in Redis: one hash per user, whose life is renewed whenever it is used."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from notifier.domain.sessions import Session
from notifier.errors import ErrorCode, NotifierError
from notifier.store.client import Redis
from notifier.store.deliveries import digest

MAX_SESSIONS = 50  # of one user

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Session).decode


class Sessions:
    """The sessions of one store. Raises `NotifierError(unavailable)`."""

    def __init__(self, redis: Redis, ttl: float) -> None:
        """`ttl` in seconds."""
        self._redis = redis
        self._ttl_ms = round(ttl * 1000)

    async def add(self, session: Session) -> None:
        """Stores a session in place of an older one with the same address.

        Raises `NotifierError(conflict)` when the user has too many.
        """
        key, field = self._key(session.user_id), _field(session.platform, session.address)
        count, known = await self._redis.call_many([("HLEN", key), ("HEXISTS", key, field)])
        if count >= MAX_SESSIONS and not known:
            raise NotifierError(ErrorCode.CONFLICT, f"a user has at most {MAX_SESSIONS} sessions")
        await self._redis.call_many([("HSET", key, field, _encode(session)), ("PEXPIRE", key, self._ttl_ms)])

    async def of(self, user_id: str, use: bool) -> list[Session]:
        """The sessions of a user, the oldest first; `use` renews them."""
        key = self._key(user_id)
        commands: list[tuple[object, ...]] = [("HVALS", key)]
        if use:
            commands.append(("PEXPIRE", key, self._ttl_ms))
        rows = (await self._redis.call_many(commands))[0]
        return sorted((_decode(row) for row in rows), key=lambda session: session.created_at)

    async def drop(self, user_id: str, addresses: Sequence[tuple[str, str]] | None = None) -> int:
        """Forgets sessions of a user by (platform, address), or all of them; how many."""
        key = self._key(user_id)
        if addresses is None:
            count, _ = await self._redis.call_many([("HLEN", key), ("DEL", key)])
            return int(count)
        return int(await self._redis.call("HDEL", key, *(_field(*address) for address in addresses)))

    def _key(self, user_id: str) -> str:
        return self._redis.keys.delivery(f"sessions:{digest(user_id)}")


def _field(platform: str, address: str) -> str:
    return f"{platform}:{digest(address)}"
