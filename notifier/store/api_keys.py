"""API keys: what is kept of them, and how one is found.

A key is `ntf_<id>_<secret>`. The secret has 256 random bits and only its SHA-256 is stored: a slow hash protects
secrets that can be guessed, and there is no guessing 2^256, so that it would only cost every request. A door's key has
the form that the door's clients take, with 83 random bits or more; its id is made of it, so that it is found by one
look, and by no index.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import uuid
from collections.abc import Sequence

import msgspec

from notifier.domain.access import ApiKey, KeyRequest, ordered
from notifier.domain.doors import DOORS, DoorTerms, door_of, new_token, rate_problem, rate_text, read_rate, users_of
from notifier.domain.times import format_time, parse_time
from notifier.errors import ErrorCode, NotifierError
from notifier.store.redis.client import Redis

MAX_KEYS = 1000

_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}").fullmatch
_KEY = re.compile(r"ntf_([0-9a-f]{32})_([A-Za-z0-9_\-]{43})").fullmatch


class _Door(msgspec.Struct, omit_defaults=True):
    name: str
    to: list[str]
    category: str = ""
    rate: str = ""
    secret: str = ""


class _Record(msgspec.Struct, omit_defaults=True):
    name: str
    scopes: list[str]
    created_at: str
    sha256: str
    expires_at: float | None = None
    door: _Door | None = None


_decode = msgspec.json.Decoder(_Record).decode
_encode = msgspec.json.Encoder().encode


class ApiKeys:
    """The keys of one store. Every method may raise `NotifierError(unavailable)`."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._add = redis.script("api_keys/add")

    async def add(self, request: KeyRequest) -> tuple[ApiKey, str]:
        """Makes a key; what is kept of it, and the key itself, which cannot be had again.

        Raises `NotifierError(conflict)` when there are 1,000.
        """
        identity, key, secret = _new_key(request.door)
        made = ApiKey(identity, request.name, request.scopes, format_time(self._redis.clock.now()), *request[2:])
        record = _record_for(made, secret)
        if not await self._redis.run(self._add, self._redis.keys.api_keys, made.id, _encode(record), MAX_KEYS):
            raise NotifierError(ErrorCode.CONFLICT, f"there are {MAX_KEYS} keys: revoke one first")
        return made, key

    async def find(self, text: str) -> ApiKey | None:
        """The key that `text` is, if it is one, was not revoked and is not at its end."""
        match = _KEY(text)
        if match is not None:
            return await self._found(str(uuid.UUID(match[1])), match[2])
        return await self._found(_identity_of(text), text) if door_of(text) else None

    async def _found(self, identity: str, secret: str) -> ApiKey | None:
        record = self._read(identity, await self._redis.call("HGET", self._redis.keys.api_keys, identity))
        if record is None or not hmac.compare_digest(record.sha256.encode(), _digest(secret).encode()):
            return None
        if record.expires_at is not None and record.expires_at <= self._redis.clock.now():
            return None
        return _shown(identity, record)

    async def all(self) -> list[ApiKey]:
        """All keys, oldest first. Damaged records are left out: they open nothing."""
        flat = await self._redis.call("HGETALL", self._redis.keys.api_keys)
        names = [name.decode("utf-8", "replace") for name in flat[::2]]
        records = [(name, self._read(name, text)) for name, text in zip(names, flat[1::2], strict=True)]
        keys = [_shown(name, record) for name, record in records if record is not None]
        return sorted(keys, key=lambda key: (key.created_at, key.id))

    async def revoked(self, identities: Sequence[str]) -> list[str]:
        """Those of these ids under which there is no key, or a damaged one; what is no id of a key is left out."""
        known = [name for name in identities if _ID(name)]
        found = await self._redis.call("HMGET", self._redis.keys.api_keys, *known) if known else []
        return [name for name, text in zip(known, found, strict=True) if self._read(name, text) is None]

    async def remove(self, identity: str) -> bool:
        """Revokes a key; whether there was one."""
        return bool(await self._redis.call("HDEL", self._redis.keys.api_keys, identity))

    def _read(self, identity: str, text: bytes | None) -> _Record | None:
        """A record, None where there is none; a damaged one is counted and named in the log once."""
        if text is None:
            return None
        try:
            return _record_of(identity, text)
        except (msgspec.MsgspecError, ValueError) as error:
            self._redis.spoilt.note("api_keys", f"{self._redis.keys.api_keys} {identity}", str(error))
            return None


def is_api_key(text: str) -> bool:
    """True where `text` has the form of a key that opens this server's own API."""
    return _KEY(text) is not None


def _new_key(door: DoorTerms | None) -> tuple[str, str, str]:
    """Id, key, and the part of it that is kept as a hash."""
    if door is not None:
        token = new_token(door.door)
        return _identity_of(token), token, token
    identity, secret = uuid.uuid4(), secrets.token_urlsafe(32)
    return str(identity), f"ntf_{identity.hex}_{secret}", secret


def _identity_of(token: str) -> str:
    """The id of a door's key: a digest that is not the stored one, in the form of a UUID."""
    return str(uuid.UUID(bytes=hashlib.sha256(f"id:{token}".encode()).digest()[:16]))


def _record_for(made: ApiKey, secret: str) -> _Record:
    door, terms = None, made.door
    if terms is not None:
        rate = rate_text(terms.rate) if terms.rate else ""
        door = _Door(terms.door, [user.key for user in terms.to], terms.category, rate, terms.secret)
    scopes = [str(scope) for scope in made.scopes]
    return _Record(made.name, scopes, made.created_at, _digest(secret), made.expires_at, door)


def _record_of(identity: str, text: bytes) -> _Record:
    """Raises `ValueError` or `MsgspecError` where it is damaged."""
    record = _decode(text)
    parse_time(record.created_at)
    if not _ID(identity):
        raise ValueError("its name is no id")
    if record.door is not None:
        _check_door(record.door)
    return record


def _check_door(door: _Door) -> None:
    if door.name not in DOORS or len(users_of(door.to)) != len(door.to) or (door.rate and rate_problem(door.rate)):
        raise ValueError("its door's terms are none")


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _shown(identity: str, record: _Record) -> ApiKey:
    door, kept = None, record.door
    if kept is not None:
        rate = read_rate(kept.rate) if kept.rate else None
        door = DoorTerms(kept.name, users_of(kept.to), kept.category, rate, kept.secret)
    return ApiKey(identity, record.name, ordered(record.scopes), record.created_at, record.expires_at, door)
