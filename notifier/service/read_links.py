"""Links that mark one notification read, signed and with an end: for buttons of apps that hold no token for it."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import time
import uuid
from collections.abc import Awaitable, Callable

from notifier.domain.users import User, parse_user_key
from notifier.errors import ErrorCode, NotifierError

LIFE = 15 * 86400  # seconds: that of the longest-lived notification
RENEW = 60.0  # seconds for which the secret is kept here
_END, _ID, _MARK = 6, 16, 16  # bytes of the end, of the notification's id and of the signature


class ReadLinks:
    """Makes and opens the links of one server. Coroutines may raise `NotifierError(unavailable)`."""

    def __init__(
        self,
        secret: Callable[[], Awaitable[bytes]],
        address: str,
        now: Callable[[], float],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`secret` answers the secret that all instances share; a link is `address` and what is signed. `now` is Redis'
        time in Unix seconds, `clock` monotonic."""
        self._read_secret = secret
        self._address = address
        self._now = now
        self._clock = clock
        self._secret = b""
        self._read_at = float("-inf")

    async def maker(self, user: User) -> Callable[[str], str]:
        """A function that makes the link of a user's notification by its id."""
        secret = await self._current()
        return lambda notification_id: self._address + _signed(secret, self._end(), user, notification_id)

    async def open(self, signed: str) -> tuple[User, str]:
        """The user and the notification of a link; raises `NotifierError(forbidden)` where it is none or has ended."""
        found = _read(await self._current(), signed)
        if found is None or found[0] <= self._now():
            raise NotifierError(ErrorCode.FORBIDDEN, "this link is not valid, or at its end")
        return found[1], found[2]

    def _end(self) -> int:
        return int(self._now()) + LIFE

    async def _current(self) -> bytes:
        if self._clock() - self._read_at >= RENEW:
            self._secret = await self._read_secret()
            self._read_at = self._clock()
        return self._secret


def _signed(secret: bytes, end: int, user: User, notification_id: str) -> str:
    said = end.to_bytes(_END, "big") + uuid.UUID(notification_id).bytes + user.key.encode()
    return base64.urlsafe_b64encode(_mark(secret, said) + said).rstrip(b"=").decode()


def _read(secret: bytes, signed: str) -> tuple[int, User, str] | None:
    """End, user and notification; None where the signature is another."""
    try:
        whole = base64.urlsafe_b64decode(signed + "=" * (-len(signed) % 4))
    except (binascii.Error, ValueError):
        return None
    mark, said = whole[:_MARK], whole[_MARK:]
    if not hmac.compare_digest(mark, _mark(secret, said)):
        return None
    user = parse_user_key(said[_END + _ID :].decode())
    notification_id = str(uuid.UUID(bytes=said[_END : _END + _ID]))
    return None if user is None else (int.from_bytes(said[:_END], "big"), user, notification_id)


def _mark(secret: bytes, said: bytes) -> bytes:
    return hmac.digest(secret, b"read:" + said, hashlib.sha256)[:_MARK]
