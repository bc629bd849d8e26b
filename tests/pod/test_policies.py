"""Policies of the parts: each setting that SIGHUP applies reaches one."""

import msgspec
import pytest

from notifier.config import DEFINITIONS, load
from notifier.delivery.routes import ROUTES
from notifier.pod import policies
from notifier.service.limit import DeliveryLimit, UserLimit

# Settings that are a policy by themselves: `App.reconfigure` hands them on as they are.
DIRECT = {"log_level", "shutdown_timeout", "idempotency_ttl", "delivery_retention"}
LIVE = [d.name for d in DEFINITIONS if d.live and d.name not in DIRECT]
ANOTHER = {str: lambda value: f"not {value}", tuple: lambda value: (value[0] + 1, value[1])}


def plain(value):
    """A limit as its rate; all else as it is."""
    return value._rate if isinstance(value, (DeliveryLimit, UserLimit)) else value


def all_of(settings):
    accept = policies.accept_policy(settings, None)
    return [
        policies.inbox_policy(settings),
        plain(policies.notify_limit(settings, None)),
        accept._replace(limit=plain(accept.limit)),
        policies.breaker_policy(settings),
        policies.retry_policy(settings),
        policies.user_rate(settings),
        policies.lease_terms(settings),
        policies.problem_thresholds(settings),
    ]


@pytest.mark.parametrize("name", LIVE)
def test_a_setting_that_sighup_applies_reaches_a_policy(name):
    before = load({}, {"NOTIFY_RATE_LIMIT": "5/1m", "RETRY_DELAY": "2s"})
    change = ANOTHER.get(type(getattr(before, name)), lambda value: value + 1)
    after = msgspec.structs.replace(before, **{name: change(getattr(before, name))})
    assert all_of(after) != all_of(before)


def test_limits_that_are_off():
    settings = load({}, {"NOTIFY_RATE_LIMIT": "off", "API_RATE_LIMIT": "off"})
    assert policies.notify_limit(settings, None) is None
    assert policies.accept_policy(settings, None).limit is None


def test_sends_and_providers_by_channel_and_route():
    settings = load({}, {"SMS_WORKERS": "7", "WORKER_COUNT": "3", "PROVIDER_PUSH_WEB": "simulator://"})
    slots = policies.slots_of(settings)
    assert (slots["sms"], slots["email"], slots["webhook"], slots["inapp"]) == (7, 5, 3, 3)
    urls = policies.provider_urls(settings)
    assert list(urls) == list(ROUTES)
    assert urls["push:web"] == ("simulator://",) and urls["sms"] == ()
