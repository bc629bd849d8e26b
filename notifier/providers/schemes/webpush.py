"""Push to browsers: RFC 8030, encrypted by RFC 8291, signed by RFC 8292 (VAPID)."""

from __future__ import annotations

import base64
import json
import os
from bisect import bisect_right
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

import http_ece  # type: ignore[import-untyped]
import jwt
import yarl
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from notifier.domain.origins import origin_of
from notifier.providers.answers import Answer, call, check, word
from notifier.providers.base import Message, Provider, ProviderError
from notifier.providers.hosts import host_of
from notifier.providers.keys import load_key, read_file
from notifier.providers.parameters import text
from notifier.providers.tools import Tools
from notifier.providers.url import ProviderUrl

TTL = 86400  # seconds that a push service keeps what has no end of its own
TOKEN_LIFE = 12 * 3600  # RFC 8292 §2: at most 24 hours
MAX_BODY = 3993  # bytes of content that every push service takes (RFC 8291 §4)
SECRET_BYTES = 16  # RFC 8291 §3.2
KEY = text("key", "the file of the VAPID key")
SUBJECT = text("subject", "mailto: or a URL where the operator is reached (RFC 8292 §2.1)")
BASE = text("base", "the origin to post to in place of the subscription's")
URGENCY = {"high": "high", "normal": "normal", "low": "low"}


class WebPush(Provider):
    """`webpush://?key=FILE.pem&subject=mailto:ops@example.com`: FILE is the VAPID key (P-256). `base=` posts to that
    host in place of the subscription's.

    404 and 410 mean that the subscription is gone (RFC 8030 §7.3). The endpoint is a URL that a caller named, so that
    the guard of outgoing calls stands before it.
    """

    schemes = ("webpush",)
    parameters = (KEY, SUBJECT, BASE)

    def __init__(self, url: ProviderUrl, route: str, tools: Tools) -> None:
        self._key = load_key(read_file(url.needed(KEY), "key"), "key=")
        if not isinstance(self._key, ec.EllipticCurvePrivateKey) or not isinstance(self._key.curve, ec.SECP256R1):
            raise url.error("key= must be a P-256 key")
        self._subject = url.needed(SUBJECT)
        self._base = url.get(BASE, "").rstrip("/")
        super().__init__("webpush")
        self._tools = tools
        point = self._key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        self.public_key = _encode(point)  # what a page gives to `subscribe` as applicationServerKey

    def host(self, message: Message) -> str:
        return "" if self._base else host_of(message.to)

    async def send(self, message: Message) -> str:
        now = self._tools.now()
        parts = urlsplit(message.to)
        url = self._base + _path_of(message.to) if self._base else _without_user(parts)
        ttl = TTL if message.expires_at is None else max(0, int(message.expires_at - now))
        headers = {
            "Authorization": self._authorization(message.to, now),
            "Content-Encoding": "aes128gcm",
            "Content-Type": "application/octet-stream",
            "TTL": str(ttl),
            "Urgency": URGENCY[message.priority],
            "Topic": message.id.replace("-", ""),  # a repeat takes the place of what has not been shown yet
        }
        session = self._tools.http if self._base else self._tools.guarded_http
        return judge(await call(session, "POST", url, data=_encrypted(message), headers=headers), now)

    def _authorization(self, endpoint: str, now: float) -> str:
        """The audience is the endpoint's origin (RFC 8292 §2), which holds neither a user nor a usual port."""
        try:
            audience = origin_of(endpoint)
        except ValueError:
            raise ProviderError("invalid_url", "the endpoint names no host", permanent=True) from None
        claims = {"aud": audience, "exp": int(now) + TOKEN_LIFE, "sub": self._subject}
        return f"vapid t={jwt.encode(claims, self._key, 'ES256')}, k={self.public_key}"


def _without_user(parts: SplitResult) -> str:
    """A user in the URL would take the place of the signature in `Authorization`."""
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def judge(answer: Answer, now: float) -> str:
    """The message's `Location` in an answer that took it; raises `ProviderError` for every other."""
    if answer.status in (404, 410):
        raise ProviderError("unregistered", str(answer.status), permanent=True, unregistered=True)
    check(answer, now)
    return word(answer.headers.get("location"))


def _path_of(endpoint: str) -> str:
    """Path and query of an endpoint, to put behind `base=`. Raises `ProviderError` where the path leads upwards, be it
    for a server that decodes slashes first."""
    url = yarl.URL(endpoint)
    if ".." in unquote(url.raw_path).replace("\\", "/").split("/"):
        raise ProviderError("bad_subscription", "the endpoint's path leads upwards", permanent=True, unregistered=True)
    return url.raw_path_qs


def _encrypted(message: Message) -> bytes:
    receiver, secret = _keys_of(message)
    return bytes(
        http_ece.encrypt(
            content_of(message),
            salt=os.urandom(16),
            private_key=ec.generate_private_key(ec.SECP256R1()),
            dh=receiver,
            auth_secret=secret,
            version="aes128gcm",
        )
    )


def _keys_of(message: Message) -> tuple[bytes, bytes]:
    """The keys of a subscription. Raises `ProviderError` where they are none: such a subscription can never be sent to,
    and stays, as only its push service knows that it is gone."""
    try:
        receiver, secret = _decode(message.subscription["p256dh"]), _decode(message.subscription["auth"])
        ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), receiver)
    except (KeyError, ValueError):
        receiver, secret = b"", b""
    if len(secret) != SECRET_BYTES:
        raise ProviderError("bad_subscription", "its keys are none", permanent=True)
    return receiver, secret


def content_of(message: Message) -> bytes:
    """The JSON that a browser's service worker gets, at most `MAX_BODY` bytes: what is longer goes without its data,
    and with as many characters of its text as fit."""
    body: dict[str, Any] = {"title": message.subject, "body": message.content, "notification_id": message.id}
    content = _json(body | {"data": dict(message.data)})
    if len(content) <= MAX_BODY:
        return content
    room = MAX_BODY - len(_json(body | {"body": "", "truncated": True}))
    return _json(body | {"body": _shortened(message.content, room), "truncated": True})


def _shortened(text: str, room: int) -> str:
    """As much of a text from its beginning as has at most `room` bytes in a JSON string, escapes counted."""
    fits = bisect_right(range(len(text) + 1), room, key=lambda length: len(_json(text[:length])) - 2)
    return text[: fits - 1]


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


def _encode(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
