"""Twilio against a real HTTP peer."""

import base64
import json
from urllib.parse import parse_qs

import pytest

from notifier.providers.base import SetupError
from tests.providers.contract import HttpContract, failure


async def test_twilio(build, peer, message):
    peer.answers[:] = [(201, {}, b'{"sid": "SM1"}')]
    provider = build(f"twilio://AC1:the-token@+15005550006?base={peer.url}")
    assert await provider.send(message()) == "SM1"
    ((_, path, headers, body),) = peer.requests
    assert path == "/2010-04-01/Accounts/AC1/Messages.json"
    assert headers["Authorization"] == "Basic " + base64.b64encode(b"AC1:the-token").decode()
    assert parse_qs(body.decode()) == {
        "To": ["+905551234567"],
        "From": ["+15005550006"],
        "Body": ["It is on its way ☃"],
    }
    assert provider.name == "twilio:+15005550006"


@pytest.mark.parametrize(
    ("status", "code", "permanent", "unregistered"),
    [
        (400, 21610, True, True),
        (400, 21211, True, True),
        (400, 20003, True, False),
        (400, [], True, False),
        (400, {"21610": 1}, True, False),
        (400, "21610", True, False),
        (400, 21610.0, True, False),
        (400, True, True, False),
        (503, 21610, False, False),
        (401, None, False, False),
    ],
)
async def test_twilio_opted_out(build, peer, message, status, code, permanent, unregistered):
    peer.answers[:] = [(status, {}, json.dumps({"code": code, "message": "no"}).encode())]
    error = await failure(build(f"twilio://AC1:t@+15005550006?base={peer.url}"), message())
    assert (error.unregistered, error.permanent) == (unregistered, permanent)


class TestContract(HttpContract):
    secrets = ("the-token",)

    @pytest.fixture
    def make(self, build, peer):
        return lambda **options: build(f"twilio://AC1:the-token@+15005550006?base={peer.url}", **options)


@pytest.mark.parametrize("url", ["twilio://+15005550006", "twilio://:t@+1", "twilio://AC1:@+1", "twilio://..:t@+1"])
def test_twilio_urls(build, url):
    with pytest.raises(SetupError, match="SID, TOKEN and FROM"):
        build(url)


async def test_an_account_never_changes_the_path(build, peer, message):
    await build(f"twilio://a%2F..%2Fb:t@+1?base={peer.url}").send(message())
    assert peer.targets == ["/2010-04-01/Accounts/a%2F..%2Fb/Messages.json"]
