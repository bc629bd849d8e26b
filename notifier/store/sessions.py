"""Sessions in Redis: the addresses of each user, at most 50, each with a life of its own that its use renews.

They share the slot of deliveries, so that a device leaves one user and comes to another in one script, on Redis Cluster
as on one server. A device (a token, a browser's endpoint) is one user's; a mailbox or a number may be several users'.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import msgspec

from notifier.domain.sessions import CHANNEL_OF, DEVICES, Session
from notifier.domain.times import format_time, parse_time
from notifier.store.delivery_records import digest
from notifier.store.redis.client import Redis
from notifier.store.redis.link import Reply

MAX_SESSIONS = 50  # of one user; a further one takes the place of the oldest

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Session).decode


class Registration(NamedTuple):
    """A session and its registration: `since` tells it from the next of the same address (µs by Redis' clock; 0 where
    an earlier version stored it), `at` is the same in Unix seconds."""

    session: Session
    since: int
    at: float


class Sessions:
    """The sessions of one store. Raises `NotifierError(unavailable)`."""

    def __init__(self, redis: Redis, ttl: float) -> None:
        """`ttl` in seconds."""
        self._redis = redis
        self._slot = redis.keys.delivery("")
        self._ttl_ms = round(ttl * 1000)
        self._script = {name: redis.script(f"session/{name}") for name in ("register", "look", "drop")}

    async def add(self, session: Session) -> Session:
        """Stores a session in place of an older one with the same address; as it is stored, with its time by Redis'
        clock. A device leaves the user it was registered for before; the 51st of a user pushes out the oldest."""
        row = (digest(session.user_id), _field(session), _encode(session), self._ttl_ms)
        since = await self._run("register", *row, int(session.platform in DEVICES), MAX_SESSIONS)
        return _dated(session, since)

    async def of(self, user_id: str, used_by: str = "") -> list[Registration]:
        """The sessions of a user, the oldest first; those of the channel `used_by` are renewed."""
        platforms = [platform for platform, channel in CHANNEL_OF.items() if channel == used_by]
        rows = await self._run("look", digest(user_id), self._ttl_ms, *platforms)
        found: list[Registration] = []
        for field, record, since in zip(*[iter(rows)] * 3, strict=True):
            try:
                found.append(_registration(record, int(since)))
            except (msgspec.DecodeError, ValueError) as error:  # something else wrote there
                self._redis.spoilt.note("session", self._redis.keys.delivery(f"sessions:{digest(user_id)}"), str(error))
                await self._run("drop", digest(user_id), field, since)
        return sorted(found, key=lambda one: one.at)

    async def owner(self, address: str) -> Registration | None:
        """The session of a device by its token or endpoint; None where nobody has registered it."""
        keys, fields = self._redis.keys, [f"{platform}:{digest(address)}" for platform in sorted(DEVICES)]
        owners = await self._redis.call_many([("GET", keys.delivery(f"session_owner:{field}")) for field in fields])
        for user, field in zip(owners, fields, strict=True):
            if isinstance(user, bytes):
                record, since = await self._redis.call_many(
                    [
                        ("HGET", keys.delivery(f"sessions:{user.decode()}"), field),
                        ("ZSCORE", keys.delivery(f"session_since:{user.decode()}"), field),
                    ]
                )
                if record and since:
                    return _registration(record, int(float(since)))
        return None

    async def drop(self, registrations: Iterable[Registration]) -> int:
        """Forgets sessions of one user, but for those that were registered again meanwhile; how many."""
        rows = list(registrations)
        if not rows:
            return 0
        named = (part for one in rows for part in (_field(one.session), one.since))
        return int(await self._run("drop", digest(rows[0].session.user_id), *named))

    async def drop_all(self, user_id: str) -> int:
        """Forgets all sessions of a user; how many."""
        return int(await self._run("drop", digest(user_id)))

    async def _run(self, name: str, *args: object) -> Reply:
        return await self._redis.run_again(self._script[name], self._slot, *args)


def _field(session: Session) -> str:
    return f"{session.platform}:{digest(session.address)}"


def _dated(session: Session, since: int) -> Session:
    return session._replace(created_at=format_time(since / 1_000_000)) if since else session


def _registration(record: bytes, since: int) -> Registration:
    session = _dated(_decode(record), since)
    return Registration(session, since, since / 1_000_000 or parse_time(session.created_at))
