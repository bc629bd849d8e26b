"""A session: an address at which a user can be reached for a while."""

from __future__ import annotations

from typing import Any, NamedTuple

from notifier.domain.addresses import address_problem, host_problem
from notifier.domain.checks import text_problem, url_problem
from notifier.domain.deliveries import PLATFORMS, user_problem
from notifier.domain.faults import Faults, invalid, no_object

CHANNEL_OF = {"ios": "push", "android": "push", "web": "push", "email": "email", "sms": "sms"}
DEVICES = frozenset({"ios", "android", "web"})  # an address is one user's; mailboxes and numbers are shared
MAX_TOKEN = 4096
MAX_KEY = 256


class Session(NamedTuple):
    """One address of a user: a device token, mailbox or number in `address`, or a web subscription's endpoint with its
    keys (`p256dh`, `auth`) in `subscription`. `created_at` is its last registration (RFC 3339)."""

    user_id: str
    platform: str
    address: str
    subscription: dict[str, str]
    created_at: str


def read_session(body: object, now: str) -> Session:
    """The session in a decoded request body; raises `NotifierError(invalid)` that names every bad field."""
    if type(body) is not dict:
        raise no_object()
    faults = Faults()
    platform = body.get("platform")
    if problem := user_problem(body.get("user_id")):
        faults.add("user_id", problem)
    if platform not in PLATFORMS:
        faults.add("platform", f"must be one of {', '.join(PLATFORMS)}")
        _check_either(body, faults)
    elif platform == "web":
        _check_subscription(body, faults)
    else:
        _check_token(platform, body, faults)
    faults.add_unknown(body, {"user_id", "platform", "device_token", "subscription"})
    if faults:
        raise invalid(faults)
    keys = body.get("subscription") or {}
    return Session(
        body["user_id"], str(platform), keys.get("endpoint") or body["device_token"], keys.get("keys") or {}, now
    )


def _check_either(body: dict[str, Any], faults: Faults) -> None:
    """What can be said of an address whose platform is none."""
    if "device_token" in body and (problem := text_problem(body["device_token"], 1, MAX_TOKEN)):
        faults.add("device_token", problem)
    if "subscription" in body:
        _check_keys(body["subscription"], faults)
    elif "device_token" not in body:
        faults.add("device_token", "is required, or for the platform web a subscription")


def _check_token(platform: str, body: dict[str, Any], faults: Faults) -> None:
    token = body.get("device_token")
    problem = text_problem(token, 1, MAX_TOKEN) or address_problem(CHANNEL_OF[platform], str(token))
    if problem:
        faults.add("device_token", problem)
    if "subscription" in body:
        faults.add("subscription", "is for the platform web only")


def _check_subscription(body: dict[str, Any], faults: Faults) -> None:
    if "device_token" in body:
        faults.add("device_token", "the platform web has a subscription instead")
    _check_keys(body.get("subscription"), faults)


def _check_keys(value: object, faults: Faults) -> None:
    """A subscription as a browser's `PushSubscription.toJSON()` gives it (Push API §8)."""
    if type(value) is not dict:
        faults.add("subscription", "must be an object with endpoint and keys")
        return
    endpoint, keys = value.get("endpoint"), value.get("keys")
    if url_problem(endpoint) or not str(endpoint).startswith(("https://", "http://")):
        faults.add("subscription.endpoint", "must be an absolute URL")
    elif problem := host_problem(str(endpoint)):
        faults.add("subscription.endpoint", problem)
    if type(keys) is not dict:
        faults.add("subscription.keys", "must be an object with p256dh and auth")
        return
    for name in ("p256dh", "auth"):
        if problem := text_problem(keys.get(name), 1, MAX_KEY):
            faults.add(f"subscription.keys.{name}", problem)
    faults.add_unknown(keys, {"p256dh", "auth"}, "subscription.keys.")
