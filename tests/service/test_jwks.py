"""Fetching published keys from a real server, which is not always a good one."""

import asyncio
import json
import logging
import time

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from jwt.algorithms import OKPAlgorithm, get_default_algorithms

from notifier.service import jwks
from notifier.service.jwks import Jwks, fetch_document, read_keys
from tests.service.tokens import jwk, key_set
from tests.support import Inbox

KEY = ed25519.Ed25519PrivateKey.generate()
DOCUMENT = json.dumps({"keys": [OKPAlgorithm.to_jwk(KEY.public_key(), as_dict=True) | {"kid": "a"}]}).encode()


class Issuer:
    """An HTTP server that answers every request with the same bytes."""

    def __init__(self):
        self.answer = b""
        self.asked = 0

    async def start(self):
        self.server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self.server.sockets[0].getsockname()[1]}/keys.json"

    async def _serve(self, reader, writer):
        self.asked += 1
        await reader.readuntil(b"\r\n\r\n")
        writer.write(self.answer)
        if self.answer:
            writer.close()
        else:
            await reader.read()  # says nothing until the client gives up

    def says(self, body, status="200 OK", more=""):
        self.answer = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{more}\r\n".encode() + body


@pytest.fixture
def issuer(loop):
    made = Issuer()
    loop.run_until_complete(made.start())
    yield made
    made.server.close()


async def test_the_document_is_fetched(issuer):
    issuer.says(DOCUMENT)
    assert await fetch_document(issuer.url) == DOCUMENT
    assert (await Jwks(issuer.url).find("a", "EdDSA")).algorithm == "EdDSA"


async def test_what_is_refused(issuer):
    issuer.says(b"x" * (jwks.MAX_BYTES + 1))
    with pytest.raises(ValueError, match="more than"):
        await fetch_document(issuer.url)
    for status in ("404 Not Found", "500 Oops", "403 Forbidden"):
        issuer.says(DOCUMENT, status)
        with pytest.raises(ValueError, match=status[:3]):
            await fetch_document(issuer.url)
    issuer.asked = 0
    issuer.says(b"", "302 Found", f"Location: {issuer.url}\r\n")
    with pytest.raises(ValueError, match="302"):
        await fetch_document(issuer.url)
    assert issuer.asked == 1


@pytest.mark.parametrize("kid", [None, 7, [], {"a": 1}, True])
def test_an_id_that_is_none(kid):
    entry = OKPAlgorithm.to_jwk(KEY.public_key(), as_dict=True) | {"kid": kid}
    (key,) = read_keys(json.dumps({"keys": [entry]}).encode())
    assert key.id is None


async def test_an_issuer_that_is_not_there_or_no_http(issuer):
    issuer.answer = b"nonsense\r\n\r\n"
    with pytest.raises(OSError, match="JWKS_URL"):
        await fetch_document(issuer.url)
    issuer.server.close()
    with pytest.raises(OSError, match="JWKS_URL"):
        await fetch_document("http://127.0.0.1:1/keys")


async def test_an_issuer_that_says_nothing_is_given_up(issuer, monkeypatch, caplog):
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(jwks, "FETCH_TIMEOUT", 0.05)
    with pytest.raises(jwks.NotifierError):
        await Jwks(issuer.url).find("a", "EdDSA")
    assert "jwks.failed" in caplog.text


async def test_a_user_with_a_published_key(issuer, start_pod):
    issuer.says(DOCUMENT)
    client = await start_pod(auth_mode="token", jwks_url=issuer.url)
    token = jwt.encode({"sub": "1", "login": "alice", "exp": time.time() + 60}, KEY, "EdDSA", {"kid": "a"})
    for _ in range(3):
        await Inbox.open(client, additional_headers={"Authorization": f"Bearer {token}"})
    assert issuer.asked == 1
    assert (await client.get("/metrics", headers={"Authorization": f"Bearer {token}"})).status_code == 403


@pytest.mark.parametrize(
    "document",
    [b"", b"{", b"[]", b'{"keys":{}}', b'{"keys":[]}', b"\xff", b"[" * 100_000, key_set(*[{"kty": "RSA"}] * 101)],
)
def test_what_is_no_key_set(document):
    with pytest.raises(ValueError):
        read_keys(document)


def test_only_keys_that_may_be_used_are_taken():
    small = get_default_algorithms()["RS256"].to_jwk(
        rsa.generate_private_key(public_exponent=65537, key_size=1024).public_key(), as_dict=True
    )
    useless = [
        5,
        {},
        {"kty": "RSA"},
        {"kty": "RSA", "n": 5, "e": []},
        {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"},
        {"kty": "OKP", "crv": "Ed25519", "x": ""},
        {"kty": ["RSA"]},
        {"kty": "OKP", "crv": "X25519", "x": "AA"},
        {"kty": "EC", "crv": {"a": 1}},
        small,
        jwk("RS256", use="enc"),
        jwk("RS256", alg="PS256"),
        jwk("ES256", alg="HS256"),
    ]
    (key,) = read_keys(key_set(*useless, jwk("ES256", "a", use="sig", alg="ES256")))
    assert (key.id, key.algorithm) == ("a", "ES256")
