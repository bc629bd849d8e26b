"""Webhooks to the operator's URL, against a real peer."""

import json
import time

import pytest
from standardwebhooks.webhooks import Webhook as Standard

from notifier.providers.base import SetupError
from tests.providers.contract import HttpContract

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


class TestContract(HttpContract):
    secrets = ("a-secret", SECRET)

    @pytest.fixture
    def make(self, build, peer):
        return lambda **options: build(f"{peer.url}/a-secret-path?token=a-secret", webhook_secret=SECRET, **options)


@pytest.mark.parametrize(
    "url", ["https://", "ftp://x", "https://[", "https://x:99999/", "nonsense", "https://a..b", "https://x:0"]
)
def test_urls_that_are_none(build, url):
    with pytest.raises(SetupError):
        build(url)


def test_a_secret_that_is_none(build):
    with pytest.raises(SetupError, match="WEBHOOK_SECRET"):
        build("https://example.com", webhook_secret="whsec_x")
