"""Users' tokens, by a shared secret and by published keys. No network: keys are handed over by a function."""

import asyncio
import base64
import json

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from notifier.domain.access import Scope
from notifier.domain.users import User
from notifier.errors import ErrorCode
from tests.service.tokens import (
    CLAIMS,
    NOW,
    PRIVATE,
    SECRET,
    Clock,
    Issuer,
    forged,
    jwk,
    key_set,
    refused,
    settled,
    signed,
    users,
)


async def test_a_shared_secret():
    caller = await users(secret=SECRET).verify(signed("HS256", key=SECRET))
    assert caller.user == User(1, "alice") and caller.name == "user:1-alice" and caller.expires_at == NOW + 60
    assert not any(map(caller.may, Scope))
    assert caller.may_follow(User(1, "alice")) and not caller.may_follow(User(1, "bob"))


@pytest.mark.parametrize("algorithm", PRIVATE)
async def test_published_keys(algorithm):
    issuer = Issuer(*(jwk(name, name) for name in PRIVATE))
    tokens = users(issuer)
    for _ in range(3):
        assert (await tokens.verify(signed(algorithm, kid=algorithm))).user == User(1, "alice")
    assert (await tokens.verify(signed(algorithm))).user == User(1, "alice")  # no kid: the only one of its kind
    assert issuer.asked == 1


async def test_secret_and_published_keys_beside_each_other():
    tokens = users(Issuer(jwk("ES256", "a")), SECRET)
    assert await tokens.verify(signed("HS256", key=SECRET)) == await tokens.verify(signed("ES256", kid="a"))


@pytest.mark.parametrize(
    "changes",
    [
        {"exp": None},
        {"exp": NOW},
        {"exp": NOW - 1},
        {"exp": "soon"},
        {"exp": True},
        {"exp": float("inf")},
        {"exp": float("nan")},
        {"exp": 10**400},
        {"exp": [NOW + 60]},
        {"sub": None},
        {"sub": 1},
        {"sub": "0"},
        {"sub": "01"},
        {"sub": "1 "},
        {"sub": str(2**53)},
        {"sub": "-1"},
        {"login": None},
        {"login": ""},
        {"login": "a b"},
        {"login": "x" * 129},
        {"login": ["alice"]},
        {"nbf": NOW + 6},
        {"iat": NOW + 6},
        {"iat": "x"},
    ],
)
async def test_claims_that_do_not_do(changes):
    claims = {name: value for name, value in (CLAIMS | changes).items() if value is not None}
    header = {"alg": "HS256", "typ": "JWT"}
    await refused(users(secret=SECRET), forged(header, claims, SECRET.encode()))


async def test_claims_that_do():
    for more in (
        {"nbf": NOW + 4},
        {"iat": NOW + 4},
        {"aud": "anything"},
        {"iss": "x", "jti": "y"},
        {"login": "e\u0301"},
    ):
        assert (await users(secret=SECRET).verify(signed("HS256", CLAIMS | more, SECRET))).user.id == 1


async def test_no_signature():
    for name in ("none", "None", "NONE", "nOnE", "", None, 5, ["HS256"]):
        header = {"typ": "JWT"} | ({"alg": name} if name is not None else {})
        for tokens in (
            users(secret=SECRET),
            users(Issuer(jwk("RS256", "a"))),
            users(Issuer(jwk("RS256", "a")), SECRET),
        ):
            await refused(tokens, forged(header | {"kid": "a"}, CLAIMS))
            await refused(tokens, forged(header, CLAIMS, b""))


@pytest.mark.parametrize("algorithm", PRIVATE)
async def test_a_public_key_is_no_secret(algorithm):
    """RFC 8725 §2.1: a token signed by HMAC with what everybody may read."""
    public = PRIVATE[algorithm].public_key()
    forms = [public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo), json.dumps(jwk(algorithm)).encode()]
    forms += [public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo), b""]
    for tokens in (users(Issuer(jwk(algorithm, "a"))), users(Issuer(jwk(algorithm, "a")), SECRET)):
        for form in forms:
            await refused(tokens, forged({"alg": "HS256", "kid": "a"}, CLAIMS, form))


async def test_a_published_secret_is_not_used():
    symmetric = {"kty": "oct", "kid": "a", "k": base64.urlsafe_b64encode(SECRET.encode()).decode().rstrip("=")}
    await refused(users(Issuer(symmetric, jwk("ES256", "b"))), signed("HS256", key=SECRET, kid="a"))


async def test_a_key_verifies_its_own_algorithm_only():
    tokens = users(Issuer(*(jwk(name, name) for name in PRIVATE)), SECRET)
    for algorithm in PRIVATE:
        for other in PRIVATE.keys() - {algorithm}:
            await refused(tokens, signed(algorithm, kid=other))
    for algorithm, key in (("RS512", "RS256"), ("PS256", "RS256")):
        await refused(tokens, jwt.encode(CLAIMS, PRIVATE[key], algorithm=algorithm, headers={"kid": key}))
    for algorithm in ("HS384", "HS512"):
        await refused(tokens, jwt.encode(CLAIMS, SECRET * 2, algorithm=algorithm))


async def test_wrong_keys_and_what_is_no_token():
    tokens = users(Issuer(jwk("ES256", "a")), SECRET)
    await refused(tokens, signed("HS256", key="f" * 32))
    await refused(tokens, signed("ES256", key=ec.generate_private_key(ec.SECP256R1()), kid="a"))
    good = signed("HS256", key=SECRET)
    head, body, signature = good.split(".")
    for text in (
        "",
        ".",
        "..",
        "a.b.c",
        good + ".",
        good[:-2],
        f"{head}.{body}.",
        f"{head}.{body}A.{signature}",
        "é.é.é",
    ):
        await refused(tokens, text)
    deep = base64.urlsafe_b64encode(b"[" * 5000).decode().rstrip("=")
    await refused(tokens, f"{deep}.{deep}.")
    await refused(tokens, "a" * 10_000)
    await refused(tokens, "\ud800")


async def test_nothing_is_verified_without_keys():
    await refused(users(), signed("HS256", key=SECRET))


# -- published keys come and go


async def test_an_unknown_key_is_asked_for_once_in_a_while():
    clock, issuer = Clock(), Issuer(jwk("ES256", "old"))
    tokens = users(issuer, clock=clock)
    await tokens.verify(signed("ES256", kid="old"))
    for number in range(10):
        await refused(tokens, signed("ES256", kid=f"made-up-{number}"))
    assert issuer.asked == 1
    issuer.document = key_set(jwk("ES256", "new"))
    clock.now += 29
    await refused(tokens, signed("ES256", kid="new"))
    clock.now += 2
    assert (await tokens.verify(signed("ES256", kid="new"))).user == User(1, "alice")
    await refused(tokens, signed("ES256", kid="old"))
    assert issuer.asked == 2


async def test_keys_stay_while_the_issuer_is_away():
    clock, issuer = Clock(), Issuer(jwk("ES256", "a"))
    tokens = users(issuer, clock=clock)
    await tokens.verify(signed("ES256", CLAIMS | {"exp": NOW + 9999}, kid="a"))
    issuer.away = True
    for _ in range(3):
        clock.now += 601
        assert (await tokens.verify(signed("ES256", CLAIMS | {"exp": NOW + 9999}, kid="a"))).user.id == 1
        await settled()
    assert issuer.asked == 4
    issuer.away, issuer.document = False, b"<html>"
    clock.now += 601
    assert (await tokens.verify(signed("ES256", CLAIMS | {"exp": NOW + 9999}, kid="a"))).user.id == 1


async def test_a_key_withdrawn_is_noticed():
    clock, issuer = Clock(), Issuer(jwk("ES256", "a"))
    tokens = users(issuer, clock=clock)
    token = signed("ES256", CLAIMS | {"exp": NOW + 9999}, kid="a")
    await tokens.verify(token)
    issuer.document = key_set(jwk("EdDSA", "b"))
    clock.now += 601
    await tokens.verify(token)  # what is known is used while the new keys are on their way
    await settled()
    await refused(tokens, token)


async def test_no_keys_yet_is_no_refusal():
    clock, issuer = Clock(), Issuer(jwk("ES256", "a"))
    issuer.away = True
    tokens = users(issuer, clock=clock)
    error = await refused(tokens, signed("ES256", kid="a"), ErrorCode.UNAVAILABLE)
    assert error.retry_after
    issuer.away = False
    clock.now += error.retry_after
    assert (await tokens.verify(signed("ES256", kid="a"))).user == User(1, "alice")


async def test_those_who_come_together_ask_once():
    issuer = Issuer(jwk("ES256", "a"))
    issuer.may_answer.clear()
    tokens = users(issuer)
    waiting = [asyncio.ensure_future(tokens.verify(signed("ES256", kid="a"))) for _ in range(20)]
    await asyncio.sleep(0)
    waiting[0].cancel()
    issuer.may_answer.set()
    callers = await asyncio.gather(*waiting[1:])
    assert {caller.user for caller in callers} == {User(1, "alice")} and issuer.asked == 1
