"""The public keys of whoever issues users' tokens (RFC 7517): fetched when first needed, and again when they change."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

import msgspec

from notifier.errors import ErrorCode, NotifierError

COOLDOWN = 30.0  # seconds between two fetches: tokens with made-up key ids must not become a load on the issuer
FIRST_COOLDOWN = 3.0  # the same while there are no keys at all: nobody gets in until they come
FRESH_FOR = 600.0  # seconds until keys are fetched again even though all are known: one may have been withdrawn
MAX_BYTES = 256 * 1024
MAX_KEYS = 100
FETCH_TIMEOUT = 5.0
MIN_RSA_BITS = 2048  # RFC 7518 §3.3

# The one algorithm that a key of each kind verifies (kty, crv). No symmetric keys: what is published is no secret.
ALGORITHMS = {("RSA", ""): "RS256", ("EC", "P-256"): "ES256", ("OKP", "Ed25519"): "EdDSA"}

log = logging.getLogger("notifier.access")

Fetch = Callable[[str], Awaitable[bytes]]


class PublicKey(NamedTuple):
    """A key, its id (None where it has none), and the one algorithm that it verifies."""

    id: str | None
    algorithm: str
    key: Any


class Jwks:
    """The keys at one URL. When they cannot be fetched, those known stay in use."""

    def __init__(self, url: str, fetch: Fetch | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock` is in seconds."""
        self._url = url
        self._fetch = fetch or fetch_document
        self._clock = clock
        self._keys: list[PublicKey] = []
        self._asked_at = float("-inf")
        self._fetched_at = float("-inf")
        self._fetching: asyncio.Task[None] | None = None

    async def find(self, key_id: str | None, algorithm: str) -> PublicKey | None:
        """The key of that id, or without an id the only one there is, that verifies that algorithm.

        Raises `NotifierError(unavailable)` while no keys could be had yet.
        """
        key = self._look(key_id, algorithm)
        if key is None or self._clock() - self._fetched_at > FRESH_FOR:
            self._refresh()
        if key is None and self._fetching is not None:
            await asyncio.shield(self._fetching)  # the caller may go away, others wait for the same
            key = self._look(key_id, algorithm)
        if key is None and not self._keys:
            text = "the keys of JWKS_URL are not there yet"
            raise NotifierError(ErrorCode.UNAVAILABLE, text, retry_after=FIRST_COOLDOWN)
        return key

    def _look(self, key_id: str | None, algorithm: str) -> PublicKey | None:
        fitting = [key for key in self._keys if key.algorithm == algorithm and key_id in (None, key.id)]
        return fitting[0] if len(fitting) == 1 else None

    def _refresh(self) -> None:
        cooldown = COOLDOWN if self._keys else FIRST_COOLDOWN
        if self._fetching is None and self._clock() - self._asked_at >= cooldown:
            self._asked_at = self._clock()
            self._fetching = asyncio.create_task(self._load())
            self._fetching.add_done_callback(self._finished)

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._fetching = None

    async def _load(self) -> None:
        try:
            async with asyncio.timeout(FETCH_TIMEOUT):
                keys = read_keys(await self._fetch(self._url))
        except (OSError, ValueError, TimeoutError) as error:
            log.warning(
                "jwks.failed", extra={"error": str(error)[:200] or type(error).__name__, "kept": len(self._keys)}
            )
            return
        self._keys, self._fetched_at = keys, self._clock()
        log.info("jwks.fetched", extra={"keys": len(keys)})


def read_keys(document: bytes) -> list[PublicKey]:
    """The keys of a JWK set that may be used; raises `ValueError` when it is none, or holds none."""
    try:
        content = msgspec.json.decode(document)
    except (msgspec.DecodeError, RecursionError):
        raise ValueError("is no JSON") from None
    entries = content.get("keys") if isinstance(content, dict) else None
    if not isinstance(entries, list) or len(entries) > MAX_KEYS:
        raise ValueError(f"is no JWK set of at most {MAX_KEYS} keys")
    keys = [key for entry in entries if (key := _read_key(entry)) is not None]
    if not keys:
        raise ValueError("holds no key for RS256, ES256 or EdDSA")
    return keys


def _read_key(entry: object) -> PublicKey | None:
    """A key, or None for one of another kind or use: sets hold those too (RFC 7517 §5)."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from jwt import PyJWK
    from jwt.exceptions import PyJWTError

    if not isinstance(entry, dict) or entry.get("use", "sig") != "sig":
        return None
    algorithm = ALGORITHMS.get((str(entry.get("kty")), str(entry.get("crv", ""))))
    if algorithm is None or entry.get("alg", algorithm) != algorithm:
        return None
    public = {name: value for name, value in entry.items() if name in ("kty", "crv", "n", "e", "x", "y")}
    try:
        key = PyJWK(public, algorithm)
    except (PyJWTError, UnsupportedAlgorithm, ValueError, TypeError, KeyError):
        return None
    if algorithm == "RS256" and key.key.key_size < MIN_RSA_BITS:
        return None
    key_id = entry.get("kid")
    return PublicKey(key_id if isinstance(key_id, str) else None, algorithm, key)


async def fetch_document(url: str) -> bytes:
    """The body at a URL; raises `OSError` or `ValueError`. Redirects are not followed."""
    import aiohttp

    try:
        async with aiohttp.ClientSession() as http, http.get(url, allow_redirects=False) as answer:
            if answer.status != 200:
                raise ValueError(f"the server of JWKS_URL answers {answer.status}")
            body = await answer.content.read(MAX_BYTES + 1)
            while len(body) <= MAX_BYTES and (more := await answer.content.read(MAX_BYTES + 1)):
                body += more
    except aiohttp.ClientError as error:
        raise OSError(f"no answer from JWKS_URL: {type(error).__name__}") from None
    if len(body) > MAX_BYTES:
        raise ValueError(f"holds more than {MAX_BYTES} bytes")
    return body
