"""Links that mark one notification read: what they open, and for how long."""

import base64

import pytest

from notifier.domain.users import User
from notifier.errors import ErrorCode
from notifier.service.read_links import LIFE, RENEW, ReadLinks
from tests.service.tokens import NOW, Clock
from tests.support import code_of

ALICE = User(1, "alice")
ID = "6d95bee8-b6f8-4d74-bf00-a40b4d96e561"
ADDRESS = "https://n.example/a/"


class Secret:
    """The secret that a store answers."""

    def __init__(self):
        self.value, self.reads = b"s" * 32, 0

    async def read(self):
        self.reads += 1
        return self.value


@pytest.fixture
def secret():
    return Secret()


@pytest.fixture
def now():
    return Clock()


@pytest.fixture
def links(secret, now):
    return ReadLinks(secret.read, ADDRESS, now, now)


async def link(links, user=ALICE):
    return (await links.maker(user))(ID).removeprefix(ADDRESS)


async def test_a_link_opens_its_one_notification(links):
    signed = await link(links)
    assert signed.replace("-", "").replace("_", "").isalnum() and len(signed) < 100
    assert await links.open(signed) == (ALICE, ID)
    other = User(2**53 - 1, "ü" * 128)
    assert await links.open(await link(links, other)) == (other, ID)


async def test_whatever_else_is_refused(links):
    signed = await link(links)
    whole = base64.urlsafe_b64decode(signed + "==")
    wrong = [
        base64.urlsafe_b64encode(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :]).decode() for at in range(45)
    ]
    for text in ("", "x", "A" * 40, "A" * 1024, "é", signed[:-2], signed + "AAAA", *wrong):
        assert await code_of(links.open(text)) is ErrorCode.FORBIDDEN, text


async def test_a_link_has_an_end(links, now):
    signed = await link(links)
    now.now += LIFE - 1
    assert await links.open(signed)
    now.now += 2
    assert await code_of(links.open(signed)) is ErrorCode.FORBIDDEN
    assert now.now > NOW


async def test_the_secret_is_read_once_a_minute(links, secret, now):
    signed = await link(links)
    await links.open(signed)
    assert secret.reads == 1
    secret.value = b"t" * 32
    now.now += RENEW + 1
    assert await code_of(links.open(signed)) is ErrorCode.FORBIDDEN and secret.reads == 2
