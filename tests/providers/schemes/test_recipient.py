"""Webhooks to recipients' own URLs, and the guard of outgoing calls."""

import ipaddress
import socket

import aiohttp
import pytest

from notifier.providers.base import ProviderError, SetupError
from tests.providers.contract import HttpContract, failure

LOOPBACK = [ipaddress.ip_network("127.0.0.0/8")]


@pytest.fixture
def recipient(build):
    return lambda **options: build("recipient://", "webhook", **options)


class TestContract(HttpContract):
    @pytest.fixture
    def make(self, recipient):
        return lambda **options: recipient(allow_private=LOOPBACK, **options)

    @pytest.fixture
    def sample(self, message, peer):
        return message("webhook", f"{peer.url}/hook")


def test_it_serves_the_channel_webhook_alone(build):
    with pytest.raises(SetupError, match="the channel webhook alone"):
        build("recipient://", "sms")


async def test_a_recipient_at_a_private_address_is_not_called(recipient, peer, message):
    provider = recipient()
    for host in ("127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0", "2130706433", "127.1"):
        error = await failure(provider, message("webhook", f"http://{host}:{peer.port}/hook"))
        assert error.permanent, host
        assert error.reason in ("blocked", "invalid_url"), host  # aiohttp takes no shortened address for a host
    assert peer.requests == []


@pytest.mark.parametrize("host", ["a..b", "a" * 64 + ".b", "ö..b", "ö" * 60 + ".c", "[::1", "[a]", "a\u200db"])
async def test_a_host_that_is_none_is_no_defect(recipient, message, host):
    provider = recipient()
    error = await failure(provider, message("webhook", f"http://{host}/hook"))
    assert (error.reason, error.permanent) == ("invalid_url", True)


async def test_redirects_are_tried_again(recipient, peer, message):
    for status in (300, 301, 302, 303, 307, 308):
        peer.answers[:] = [(status, {"Location": f"{peer.url}/elsewhere"}, b"")]
        with pytest.raises(ProviderError) as raised:
            await recipient(allow_private=LOOPBACK).send(message("webhook", f"{peer.url}/hook"))
        assert (raised.value.reason, raised.value.permanent) == ("redirected", False)
    assert {path for _, path, _, _ in peer.requests} == {"/hook"}


async def test_networks_that_the_operator_allows(recipient, peer, message):
    assert await recipient(allow_private=LOOPBACK).send(message("webhook", f"{peer.url}/hook")) == ""
    assert len(peer.requests) == 1


async def test_a_name_that_answers_differently_is_judged_by_what_is_dialled(recipient, peer, message, monkeypatch):
    """DNS rebinding: whatever the resolver says, the socket's own address counts."""
    asked = []

    async def resolve(self, host, port=0, family=socket.AF_INET):
        asked.append(host)
        return [{"hostname": host, "host": "127.0.0.1", "port": port, "family": socket.AF_INET, "proto": 0, "flags": 0}]

    monkeypatch.setattr(aiohttp.ThreadedResolver, "resolve", resolve)
    provider = recipient()
    error = await failure(provider, message("webhook", f"http://public.example:{peer.port}/"))
    assert (error.reason, asked) == ("blocked", ["public.example"])
    assert peer.requests == []
