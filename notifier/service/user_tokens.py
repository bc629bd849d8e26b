"""Users' tokens: JSON Web Tokens (RFC 7519) that name an inbox user and an end. Contract §10.

Each key is pinned to its one algorithm (RFC 8725 §3.1): a token's header chooses among the keys, never how a key is
used, so that neither `none` nor a public key taken for an HMAC secret gets in.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

from notifier.domain.access import Caller
from notifier.domain.users import parse_pair
from notifier.errors import ErrorCode, NotifierError
from notifier.service.jwks import ALGORITHMS, Jwks

MAX_TOKEN = 8192
LEEWAY = 5.0  # seconds that the issuer's clock may be ahead; the end is taken as it stands, here and on open sockets
MAX_TIME = 2**53


class UserTokens:
    """Verifies tokens with a shared secret, with published keys, or with both."""

    def __init__(self, secret: str, jwks: Jwks | None, clock: Callable[[], float]) -> None:
        """`secret` may be empty; `clock` is in Unix seconds: Redis', so that all pods agree on a token's end."""
        self._secret = secret.encode()
        self._jwks = jwks
        self._clock = clock
        self._any = bool(secret) or jwks is not None
        if self._any:  # 10 MiB and 100 ms: only for who needs it, and not while a request waits
            importlib.import_module("jwt")

    async def verify(self, token: str) -> Caller:
        """The user that a token names; raises `NotifierError` (`unauthenticated`, `unavailable`)."""
        if not self._any or len(token) > MAX_TOKEN:
            raise refused()
        from jwt.exceptions import PyJWTError

        try:
            claims = self._decode(token, await self._key(_header(token)))
        except (PyJWTError, ValueError, TypeError, RecursionError):
            raise refused() from None
        return _caller(claims, self._clock())

    async def _key(self, header: dict[str, Any]) -> tuple[Any, str]:
        algorithm, key_id = str(header.get("alg")), header.get("kid")
        if algorithm == "HS256" and self._secret:
            return self._secret, "HS256"
        if self._jwks is None or algorithm not in ALGORITHMS.values():
            raise refused()
        found = await self._jwks.find(key_id if isinstance(key_id, str) else None, algorithm)
        if found is None:
            raise refused()
        return found.key, found.algorithm

    def _decode(self, token: str, key: tuple[Any, str]) -> dict[str, Any]:
        import jwt

        # Times are checked below, on a clock that can be replaced; there is no setting for an audience.
        claims: dict[str, Any] = jwt.decode(
            token,
            key[0],
            algorithms=[key[1]],
            options={"verify_exp": False, "verify_nbf": False, "verify_iat": False, "verify_aud": False},
        )
        return claims


def refused() -> NotifierError:
    """The one answer to a token that is none of ours: why it is not says more to an attacker than to a caller."""
    return NotifierError(ErrorCode.UNAUTHENTICATED, "the token is not valid")


def _header(token: str) -> dict[str, Any]:
    import jwt

    header: dict[str, Any] = jwt.get_unverified_header(token)
    return header


def _caller(claims: dict[str, Any], now: float) -> Caller:
    subject, login = claims.get("sub"), claims.get("login")
    user = parse_pair(subject, login) if isinstance(subject, str) and isinstance(login, str) else None
    ends = _time(claims, "exp")
    if user is None or ends is None:
        raise refused()
    if ends <= now:
        raise NotifierError(ErrorCode.UNAUTHENTICATED, "the token has expired")
    for name in ("nbf", "iat"):
        begins = _time(claims, name) if name in claims else 0.0
        if begins is None or begins > now + LEEWAY:
            raise refused()
    return Caller(f"user:{user.key}", user=user, expires_at=ends)


def _time(claims: dict[str, Any], name: str) -> float | None:
    """A NumericDate (RFC 7519 §2) in Unix seconds; None when it is none."""
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= MAX_TIME:
        return None
    return float(value)
