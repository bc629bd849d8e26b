"""Addresses of users (contract §7)."""

import pytest

from notifier.domain.reading import read_body
from notifier.domain.sessions import Session, SessionRequest
from notifier.errors import FieldError, NotifierError

KEYS = {"p256dh": "k", "auth": "a"}


@pytest.mark.parametrize(
    ("platform", "address", "path"),
    [
        ("email", "=?utf-8?q?Hi=0d=0a?=@b.c", "device_token"),
        ("email", "a@b.c\nBcc: x@y.z", "device_token"),
        ("ios", "../../evil?x=1", "device_token"),
        ("ios", "a/b", "device_token"),
        ("ios", "a%2fb", "device_token"),
        ("ios", "a b", "device_token"),
        ("ios", "a\n", "device_token"),
        ("ios", "", "device_token"),
        ("ios", "é", "device_token"),
        ("ios", "a" * 513, "device_token"),
        ("ios", 5, "device_token"),
        ("web", "https://a..b/x", "subscription.endpoint"),
        ("web", "https://" + "a" * 64 + ".b/x", "subscription.endpoint"),
        ("web", "https:///x", "subscription.endpoint"),
        ("web", "ftp://a/x", "subscription.endpoint"),
    ],
)
def test_addresses_that_are_refused(platform, address, path):
    field = {"subscription": {"endpoint": address, "keys": KEYS}} if platform == "web" else {"device_token": address}
    with pytest.raises(NotifierError) as raised:
        read_body(SessionRequest, {"user_id": "u", "platform": platform, **field})
    assert [error.path for error in raised.value.errors] == [path]


@pytest.mark.parametrize("endpoint", ["https://push.example/x", "https://[2606:4700::1]:8443/x", "https://örnek.com/x"])
def test_endpoints_that_are_taken(endpoint):
    body = {"user_id": "क्‍ष", "platform": "web", "subscription": {"endpoint": endpoint, "keys": KEYS}}
    assert read_body(SessionRequest, body).session() == Session("क्‍ष", "web", endpoint, KEYS, "")


@pytest.mark.parametrize(
    ("platform", "token"),
    [
        ("ios", "0a" * 32),
        ("ios", "fcm:APA91b_x-Y"),
        ("ios", "ExponentPushToken[abc]"),
        ("ios", "a" * 512),
        ("android", "dGhpcyBpcw==/+x"),
        ("android", "fcm:APA91b_x-Y"),
    ],
)
def test_device_tokens_that_are_taken(platform, token):
    body = {"user_id": "u", "platform": platform, "device_token": token}
    assert read_body(SessionRequest, body).session().address == token


def test_a_mailbox_of_any_script():
    body = {"user_id": "u", "platform": "email", "device_token": "अजय@डाटा.भारत"}
    assert read_body(SessionRequest, body).session() == Session("u", "email", "अजय@डाटा.भारत", {}, "")


def test_fields_of_another_platform():
    with pytest.raises(NotifierError) as raised:
        read_body(SessionRequest, {"user_id": "u", "platform": "ios", "device_token": "t", "subscription": {}})
    assert raised.value.errors == [FieldError("subscription", "is for the platform web only")]
