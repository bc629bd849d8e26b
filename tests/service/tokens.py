"""Users' tokens, keys that verify them, and an issuer that publishes keys."""

import asyncio
import base64
import hashlib
import hmac
import json

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import get_default_algorithms

from notifier.errors import ErrorCode, NotifierError
from notifier.service.jwks import Jwks
from notifier.service.user_tokens import UserTokens

NOW = 1_800_000_000.0
SECRET = "0123456789abcdef0123456789abcdef"
CLAIMS = {"sub": "1", "login": "alice", "exp": NOW + 60}
PRIVATE = {
    "RS256": rsa.generate_private_key(public_exponent=65537, key_size=2048),
    "ES256": ec.generate_private_key(ec.SECP256R1()),
    "EdDSA": ed25519.Ed25519PrivateKey.generate(),
}


def jwk(algorithm, key_id=None, **more):
    entry = get_default_algorithms()[algorithm].to_jwk(PRIVATE[algorithm].public_key(), as_dict=True)
    entry.pop("key_ops", None)
    return entry | ({"kid": key_id} if key_id else {}) | more


def key_set(*entries):
    return json.dumps({"keys": entries}).encode()


class Issuer:
    """Publishes keys; counts how often it was asked; can be away, and slow."""

    def __init__(self, *entries):
        self.document = key_set(*entries)
        self.asked = 0
        self.away = False
        self.may_answer = asyncio.Event()
        self.may_answer.set()

    async def __call__(self, url):
        self.asked += 1
        await self.may_answer.wait()
        if self.away:
            raise OSError("away")
        return self.document


class Clock:
    def __init__(self, now=NOW):
        self.now = now

    def __call__(self):
        return self.now


async def settled():
    """Waits until a fetch in the background is over."""
    for _ in range(5):
        await asyncio.sleep(0)


def users(issuer=None, secret="", clock=None):
    clock = clock or Clock()
    return UserTokens(secret, Jwks("https://issuer.example/", issuer, clock) if issuer else None, clock)


def signed(algorithm, claims=CLAIMS, key=None, **header):
    return jwt.encode(claims, key or PRIVATE[algorithm], algorithm=algorithm, headers=header)


def forged(header, claims, mac=None):
    """A token put together by hand; `mac` is the HMAC key that it is signed with."""
    parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in (header, claims)]
    text = b".".join(parts)
    signature = hmac.new(mac, text, hashlib.sha256).digest() if mac is not None else b""
    return (text + b"." + base64.urlsafe_b64encode(signature).rstrip(b"=")).decode()


async def refused(tokens, token, code=ErrorCode.UNAUTHENTICATED):
    with pytest.raises(NotifierError) as raised:
        await tokens.verify(token)
    assert raised.value.code is code and (len(token) < 10 or token not in raised.value.message)
    return raised.value
