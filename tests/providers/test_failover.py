"""Failover: a provider that asks others in order."""

import pytest

from notifier.providers.base import Message, Provider, ProviderError
from notifier.providers.failover import Failover
from tests.providers.contract import ProviderContract, failure
from tests.providers.smtp_script import ScriptedSmtp


class TestContract(ProviderContract):
    @pytest.fixture
    def make(self, build):
        urls = ("simulator://first?success=0&latency=0", "simulator://second?success=1&latency=0")
        return lambda: Failover([build(url) for url in urls])


class Scripted(Provider):
    def __init__(self, name, *errors):
        super().__init__(name)
        self.errors = list(errors)
        self.asked = 0

    async def send(self, message: Message) -> str:
        self.asked += 1
        if self.errors:
            raise self.errors.pop(0)
        return self.name


async def test_failover(message):
    first = Scripted("a", ProviderError("connect"), ProviderError("rejected", permanent=True))
    second = Scripted("b")
    both = Failover([first, second])
    assert both.name == "a > b"
    assert await both.send(message()) == "b"
    assert (await failure(both, message())).reason == "rejected"
    assert (first.asked, second.asked) == (2, 1)
    assert await both.send(message()) == "a"


async def test_failover_when_all_are_down(message):
    both = Failover(
        [Scripted("a", ProviderError("x", retry_after=9)), Scripted("b", ProviderError("y", retry_after=4))]
    )
    error = await failure(both, message())
    assert (error.reason, error.retry_after) == ("y", 4)


UNABLE = {"permanent": True, "unable": True}


@pytest.mark.parametrize(
    ("errors", "reason", "asked"),
    [
        ([ProviderError("unable", **UNABLE), None], None, 2),
        ([ProviderError("unable", **UNABLE), ProviderError("no", permanent=True), None], "no", 2),
        ([ProviderError("unable", **UNABLE), ProviderError("connect")], "connect", 2),
        ([ProviderError("connect"), ProviderError("unable", **UNABLE)], "connect", 2),
        ([ProviderError("first", **UNABLE), ProviderError("second", **UNABLE)], "second", 2),
    ],
)
async def test_one_that_is_unable_is_not_the_last_word(message, errors, reason, asked):
    members = [Scripted(f"m{number}", *filter(None, [error])) for number, error in enumerate(errors)]
    if reason is None:
        assert await Failover(members).send(message()) == "m1"
    else:
        assert (await failure(Failover(members), message())).reason == reason
    assert sum(member.asked for member in members) == asked


async def test_a_mailbox_beyond_ascii_goes_to_the_server_that_takes_it(build, message):
    """Also where the first says so only in answer to MAIL, and for a mail that is too large for it."""
    utf8 = "250-peer\r\n250 SMTPUTF8"
    url = "smtp://127.0.0.1:{}?from=shop@example.com&tls=none"
    for answers in ({}, {"EHLO": utf8, "MAIL": "550 5.6.7 no such mailbox"}, {"EHLO": utf8, "dot": "552 too large"}):
        async with ScriptedSmtp(**answers) as first, ScriptedSmtp(EHLO=utf8) as second:
            both = Failover([build(url.format(first.port), "email"), build(url.format(second.port), "email")])
            await both.send(message("email", "jürgen@example.org"))
            assert (len(first.mails), len(second.mails)) == (0, 1)


async def test_what_is_too_large_for_one_may_not_be_for_the_next(build, peer, message):
    peer.answers[:] = [(413, {}, b""), (200, {}, b'{"id": "x"}')]
    assert await Failover([build(f"{peer.url}/a"), build(f"{peer.url}/b")]).send(message()) == "x"
