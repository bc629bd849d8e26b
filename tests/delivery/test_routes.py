"""Routes: the providers of channels and platforms."""

import pytest

from notifier.delivery.guarded import Guarded
from notifier.delivery.routes import ROUTES, Routes, urls_of
from notifier.providers.failover import Failover
from notifier.providers.registry import build_provider
from notifier.providers.tools import Tools
from tests.delivery.conftest import Scripted


def guarded(provider):
    return Guarded(provider, None, None)


@pytest.fixture
def routes():
    members = {key: [guarded(Scripted(key))] for key in ROUTES}
    members["sms"] = [guarded(Scripted("one")), guarded(Scripted("two"))]
    members["email"] = [guarded(build_provider("simulator://", "email", Tools()))]
    return Routes(members, guarded(Scripted("inbox")))


def test_push_goes_by_platform_and_all_else_by_channel(routes):
    assert routes.provider("push", "ios").name == "push:ios"
    assert routes.provider("webhook", "").name == "webhook"
    assert routes.provider("inapp", "").name == "inbox"


def test_several_providers_are_one_that_fails_over(routes):
    found = routes.provider("sms", "")
    assert isinstance(found, Failover)
    assert found.name == "one > two"
    assert [provider.name for key, provider in routes if key == "sms"] == ["one", "two"]


def test_a_route_to_the_simulator(routes):
    assert routes.simulates("email", "")
    assert not routes.simulates("sms", "")
    assert not routes.simulates("push", "web")


NOTHING = dict.fromkeys(ROUTES, ())


def test_what_a_route_has_when_nothing_is_set():
    assert urls_of(NOTHING, "") == {key: ["recipient://" if key == "webhook" else "simulator://"] for key in ROUTES}
    based = urls_of(NOTHING, "https://relay.example")
    assert based == {key: ["recipient://" if key == "webhook" else "https://relay.example"] for key in ROUTES}


def test_what_is_set_comes_first():
    given = {"sms": ["twilio://a:b@+1", "simulator://"], "push:ios": ["apns://"]}
    found = urls_of(NOTHING | given, "https://relay.example")
    assert (found["sms"], found["push:ios"]) == (given["sms"], given["push:ios"])
    assert found["push:web"] == ["https://relay.example"]
