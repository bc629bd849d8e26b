"""Push to browsers: RFC 8030, encrypted by RFC 8291, signed by RFC 8292 (VAPID)."""

from __future__ import annotations

import base64
import binascii
import json
import os
from typing import Any
from urllib.parse import urlsplit

import http_ece  # type: ignore[import-untyped]
import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from notifier.providers.answers import call, check
from notifier.providers.base import Message, Provider, ProviderError
from notifier.providers.keys import load_key, read_file
from notifier.providers.tools import Tools
from notifier.providers.url import ProviderUrl

TTL = 86400  # seconds that a push service keeps what has no end of its own
TOKEN_LIFE = 12 * 3600  # RFC 8292 §2: at most 24 hours
MAX_BODY = 3993  # bytes of content that every push service takes (RFC 8291 §4)
URGENCY = {"high": "high", "normal": "normal", "low": "low"}


class WebPush(Provider):
    """`webpush://?key=FILE.pem&subject=mailto:ops@example.com`: FILE is the VAPID key (P-256). `base=` posts to that
    host in place of the subscription's.

    404 and 410 mean that the subscription is gone (RFC 8030 §7.3). The endpoint is a URL that a caller named, so that
    the guard of outgoing calls stands before it.
    """

    schemes = ("webpush",)

    def __init__(self, url: ProviderUrl, channel: str, tools: Tools) -> None:
        self._key = load_key(read_file(url.needed("key", "the file of the VAPID key"), "key"), "key=")
        if not isinstance(self._key, ec.EllipticCurvePrivateKey) or not isinstance(self._key.curve, ec.SECP256R1):
            raise url.error("key= must be a P-256 key")
        self._subject = url.needed("subject", "mailto: or a URL where the operator is reached (RFC 8292 §2.1)")
        self._base = url.text("base").rstrip("/")
        url.done()
        super().__init__("webpush")
        self._tools = tools
        point = self._key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        self.public_key = _encode(point)  # what a page gives to `subscribe` as applicationServerKey

    async def send(self, message: Message) -> str:
        now = self._tools.now()
        url = self._base + urlsplit(message.to).path if self._base else message.to
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
        answer = await call(session, "POST", url, data=_encrypted(message), headers=headers)
        if answer.status in (404, 410):
            raise ProviderError("unregistered", str(answer.status), permanent=True, unregistered=True)
        check(answer, now)
        return answer.headers.get("location", "")[:256]

    def _authorization(self, endpoint: str, now: float) -> str:
        parts = urlsplit(endpoint)
        claims = {"aud": f"{parts.scheme}://{parts.netloc}", "exp": int(now) + TOKEN_LIFE, "sub": self._subject}
        return f"vapid t={jwt.encode(claims, self._key, 'ES256')}, k={self.public_key}"


def _encrypted(message: Message) -> bytes:
    try:
        receiver, secret = _decode(message.subscription["p256dh"]), _decode(message.subscription["auth"])
        return bytes(
            http_ece.encrypt(
                _content(message),
                salt=os.urandom(16),
                private_key=ec.generate_private_key(ec.SECP256R1()),
                dh=receiver,
                auth_secret=secret,
                version="aes128gcm",
            )
        )
    except (KeyError, ValueError, binascii.Error, http_ece.ECEException):
        # Nothing can ever be sent to it: its keys are no keys.
        raise ProviderError("bad_subscription", "", permanent=True, unregistered=True) from None


def _content(message: Message) -> bytes:
    body: dict[str, Any] = {"title": message.subject, "body": message.content, "notification_id": message.id}
    content = json.dumps(body | {"data": dict(message.data)}, ensure_ascii=False).encode()
    if len(content) <= MAX_BODY:
        return content
    short = json.dumps(body | {"body": "", "truncated": True}, ensure_ascii=False).encode()
    room = MAX_BODY - len(short)
    text = json.dumps(message.content, ensure_ascii=False)[1:-1].encode()[: max(0, room)].decode("utf-8", "ignore")
    text = text.rpartition("\\")[0] if "\\" in text[-6:] else text  # an escape is not cut in two
    return json.dumps(body | {"body": json.loads(f'"{text}"'), "truncated": True}, ensure_ascii=False).encode()


def _encode(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
