"""Tokens of devices: under each one's SHA-256 what it opens, and for each user a list of theirs.

On Redis Cluster the two are in different slots. The list is written first and the token last, the other way round when
one is revoked: what a crash leaves half done opens nothing, and goes when the list is looked at.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Sequence

import msgspec

from notifier.domain.devices import MAX_DEVICES, Device, new_device_token
from notifier.domain.users import User, parse_user_key
from notifier.errors import ErrorCode, NotifierError
from notifier.store.redis.client import Redis, as_error
from notifier.store.redis.link import Reply

UNUSED = 365 * 86400.0  # seconds without use after which a token is forgotten
USED_EVERY = 60.0  # seconds between two notes of a use
LIST_LIFE_MS = round((UNUSED + 86400) * 1000)
YOUNG = 60.0  # seconds for which a row of the list may be without its token: it is being made


class _Record(msgspec.Struct, omit_defaults=True):
    id: str
    user: str
    name: str
    created_at: float
    expires_at: float | None = None
    last_used: float | None = None


_decode = msgspec.json.Decoder(_Record).decode
_encode = msgspec.json.Encoder().encode


class DeviceTokens:
    """The tokens of one store. Every coroutine may raise `NotifierError(unavailable)`."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._keys = redis.keys

    async def add(self, user: User, name: str, ttl: float | None) -> tuple[Device, str]:
        """Makes a token, with an end after `ttl` seconds; what is kept of it, and the token, which cannot be had again.

        Raises `NotifierError(conflict)` where the user has 32.
        """
        await self.of(user)  # which drops what opens nothing
        token, now = new_device_token(), self._redis.clock.now()
        made = Device(str(uuid.uuid4()), user, name, now, None if ttl is None else now + ttl, None)
        digest, row = digest_of(token), self._keys.devices(user.key)
        replies = await self._redis.call_many(
            [
                ("HSET", row, made.id, f"{digest} {now:.3f}"),
                ("PEXPIRE", row, LIST_LIFE_MS),
                ("HLEN", row),
            ]
        )
        if _checked(replies)[2] > MAX_DEVICES:
            await self._redis.call("HDEL", row, made.id)
            raise NotifierError(ErrorCode.CONFLICT, f"there are {MAX_DEVICES} tokens of this user: revoke one first")
        await self._redis.call("SET", self._keys.device(digest), _encode(_record(made)), "PX", self._life(made, now))
        return made, token

    async def find(self, digest: str) -> Device | None:
        """The token with that hash, if there is one; that it was used is noted once a minute."""
        key, now = self._keys.device(digest), self._redis.clock.now()
        device = self._read(digest, await self._redis.call("GET", key))
        if device is None or (device.expires_at is not None and device.expires_at <= now):
            return None
        if device.last_used is None or now - device.last_used >= USED_EVERY:
            device = device._replace(last_used=now)
            # Only where it is still there: it may have been revoked meanwhile.
            written = ("SET", key, _encode(_record(device)), "XX", "PX", self._life(device, now))
            await self._redis.call_many([written, ("PEXPIRE", self._keys.devices(device.user.key), LIST_LIFE_MS)])
        return device

    async def of(self, user: User) -> list[Device]:
        """The tokens of a user, oldest first. What opens nothing is dropped from the list."""
        row = self._keys.devices(user.key)
        flat = await self._redis.call("HGETALL", row)
        named = {identity.decode("utf-8", "replace"): _pointer(text) for identity, text in _pairs(flat)}
        found = await self._look([digest for digest, _ in named.values()])
        gone, old = list[str](), self._redis.clock.now() - YOUNG
        for (identity, (_, since)), device in zip(named.items(), found, strict=True):
            if device is None and since < old:
                gone.append(identity)
        if gone:
            await self._redis.call("HDEL", row, *gone)
        mine = [device for device in found if device is not None and device.user == user]
        return sorted(mine, key=lambda device: (device.created_at, device.id))

    async def remove(self, user: User, identity: str) -> str | None:
        """Revokes a token of a user; its hash, None where there was none."""
        row = self._keys.devices(user.key)
        kept = await self._redis.call("HGET", row, identity)
        if kept is None:
            return None
        digest, _ = _pointer(kept)
        await self._redis.call("DEL", self._keys.device(digest))
        await self._redis.call("HDEL", row, identity)
        return digest

    async def revoked(self, digests: Sequence[str]) -> list[str]:
        """Those of these hashes whose token is gone."""
        found = await self._look(digests)
        return [digest for digest, device in zip(digests, found, strict=True) if device is None]

    async def _look(self, digests: Sequence[str]) -> list[Device | None]:
        replies = await self._redis.call_many([("GET", self._keys.device(digest)) for digest in digests])
        return [self._read(digest, text) for digest, text in zip(digests, _checked(replies), strict=True)]

    def _read(self, digest: str, text: bytes | None) -> Device | None:
        """A token; a damaged one, which opens nothing, is counted and named in the log once."""
        try:
            return None if text is None else _device(text)
        except (msgspec.MsgspecError, ValueError) as error:
            self._redis.spoilt.note("device", self._keys.device(digest), str(error))
            return None

    def _life(self, device: Device, now: float) -> int:
        left = UNUSED if device.expires_at is None else min(UNUSED, device.expires_at - now)
        return max(1, round(left * 1000))


def digest_of(token: str) -> str:
    """The hash under which a token is kept."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def _checked(replies: list[Reply]) -> list[Reply]:
    for reply in replies:
        if isinstance(reply, Exception):
            raise as_error(reply)
    return replies


def _pairs(flat: list[bytes]) -> zip[tuple[bytes, bytes]]:
    return zip(flat[::2], flat[1::2], strict=True)


def _pointer(text: bytes) -> tuple[str, float]:
    """Hash and time of a row of the list; a damaged one leads nowhere, and is old."""
    digest, _, since = text.decode("utf-8", "replace").partition(" ")
    try:
        return digest, float(since)
    except ValueError:
        return digest, 0.0


def _record(device: Device) -> _Record:
    return _Record(device.id, device.user.key, device.name, device.created_at, device.expires_at, device.last_used)


def _device(text: bytes) -> Device:
    """Raises `ValueError` or `MsgspecError` where it is damaged."""
    record = _decode(text)
    user = parse_user_key(record.user)
    if user is None:
        raise ValueError("its user is none")
    return Device(record.id, user, record.name, record.created_at, record.expires_at, record.last_used)
