"""Webhooks against a real peer, and the guard of outgoing calls."""

import ipaddress
import json
import socket
import time

import aiohttp
import pytest
from standardwebhooks.webhooks import Webhook as Standard

from notifier.providers.base import ProviderError, SetupError
from notifier.providers.registry import build_channel
from notifier.providers.tools import Tools
from tests.providers.contract import check_contract, failure

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


async def test_a_message_is_posted(build, peer, message):
    peer.answers[:] = [(202, {}, b'{"messageId": "abc"}')]
    provider = build(f"{peer.url}/hook?tenant=7", "sms")
    sent = message()
    assert await provider.send(sent) == "abc"
    ((method, path, headers, body),) = peer.requests
    assert (method, path) == ("POST", "/hook")
    assert headers["Idempotency-Key"] == sent.id
    assert json.loads(body) == {
        "id": sent.id,
        "channel": "sms",
        "to": "+905551234567",
        "subject": "Order 7",
        "content": "It is on its way ☃",
        "data": {"n": 7},
        "priority": "high",
    }


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (b'{"message_id": 7}', "7"),
        (b'{"id": "x"}', "x"),
        (b"[]", ""),
        (b"no json", ""),
        (b'{"id": {"a": 1}}', ""),
        (b'{"id": true}', ""),
        (b'{"id": null}', ""),
        (b'{"messageId": null, "id": "x"}', "x"),
        (b'{"id": "a\\u0000\\u001b[31m\\ud800b"}', "a[31mb"),
        (b'{"id": "%s"}' % (b"x" * 300), "x" * 256),
        (b'{"id": %s}' % (b"9" * 300), "9" * 256),
        (b'{"id": %s}' % (b"9" * 5000), ""),
        (b'{"id": 1, "id": "second"}', "second"),
        (b"[" * 8000, ""),
        (b"\xff\xfe", ""),
    ],
)
async def test_the_services_own_id(build, peer, message, body, found):
    peer.answers[:] = [(200, {}, body)]
    assert await build(peer.url).send(message()) == found


async def test_the_signature_is_what_a_receiver_checks(build, peer, message):
    provider = build(peer.url, webhook_secret=SECRET)
    provider._tools.now = time.time  # receivers refuse what is older than five minutes
    sent = message(key="k/2")
    await provider.send(sent)
    ((_, _, headers, body),) = peer.requests
    assert Standard(SECRET).verify(body, {name.lower(): value for name, value in headers.items()})["id"] == sent.id
    assert headers["webhook-id"] == "k/2"


async def test_contract(build, peer, message):
    url = f"{peer.url}/a-secret-path?token=a-secret"
    secrets = ("a-secret", SECRET)
    provider = build(url, webhook_secret=SECRET)
    await check_contract(provider, peer, message(), secrets, lambda: build(url, timeout=0.05))


@pytest.mark.parametrize(
    "url", ["https://", "ftp://x", "https://[", "https://x:99999/", "nonsense", "https://a..b", "https://x:0"]
)
def test_urls_that_are_none(build, url):
    with pytest.raises(SetupError):
        build(url)


def test_a_secret_that_is_none(build):
    with pytest.raises(SetupError, match="WEBHOOK_SECRET"):
        build("https://example.com", webhook_secret="whsec_x")


# -- the recipient's own URL


async def recipient(peer, message, allowed=(), to=""):
    tools = Tools(timeout=2, allow_private=[ipaddress.ip_network(text) for text in allowed])
    (provider,) = build_channel("webhook", [], tools)
    try:
        return await provider.send(message("webhook", to or f"{peer.url}/hook"))
    finally:
        await tools.close()


async def test_a_recipient_at_a_private_address_is_not_called(peer, message):
    tools = Tools(timeout=2)
    (provider,) = build_channel("webhook", [], tools)
    for host in ("127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0", "2130706433", "127.1"):
        error = await failure(provider, message("webhook", f"http://{host}:{peer.port}/hook"))
        assert error.permanent, host
        assert error.reason in ("blocked", "invalid_url"), host  # aiohttp takes no shortened address for a host
    await tools.close()
    assert peer.requests == []


@pytest.mark.parametrize("host", ["a..b", "a" * 64 + ".b", "ö..b", "ö" * 60 + ".c", "[::1", "[a]", "a\u200db"])
async def test_a_host_that_is_none_is_no_defect(message, host):
    tools = Tools(timeout=2)
    (provider,) = build_channel("webhook", [], tools)
    error = await failure(provider, message("webhook", f"http://{host}/hook"))
    await tools.close()
    assert (error.reason, error.permanent) == ("invalid_url", True)


async def test_redirects_are_tried_again(peer, message):
    for status in (300, 301, 302, 303, 307, 308):
        peer.answers[:] = [(status, {"Location": f"{peer.url}/elsewhere"}, b"")]
        with pytest.raises(ProviderError) as raised:
            await recipient(peer, message, ["127.0.0.0/8"])
        assert (raised.value.reason, raised.value.permanent) == ("redirected", False)
    assert {path for _, path, _, _ in peer.requests} == {"/hook"}


async def test_networks_that_the_operator_allows(peer, message):
    assert await recipient(peer, message, ["127.0.0.0/8"]) == ""
    assert len(peer.requests) == 1


async def test_a_name_that_answers_differently_is_judged_by_what_is_dialled(peer, message, monkeypatch):
    """DNS rebinding: whatever the resolver says, the socket's own address counts."""
    asked = []

    async def resolve(self, host, port=0, family=socket.AF_INET):
        asked.append(host)
        return [{"hostname": host, "host": "127.0.0.1", "port": port, "family": socket.AF_INET, "proto": 0, "flags": 0}]

    monkeypatch.setattr(aiohttp.ThreadedResolver, "resolve", resolve)
    tools = Tools(timeout=2)
    (provider,) = build_channel("webhook", [], tools)
    error = await failure(provider, message("webhook", f"http://public.example:{peer.port}/"))
    await tools.close()
    assert (error.reason, asked) == ("blocked", ["public.example"])
    assert peer.requests == []
