"""Finds the class of a provider by the scheme of its URL: the file of that name, imported when it is first needed."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import Any

from notifier.providers.base import Provider, SetupError
from notifier.providers.tools import Tools
from notifier.providers.url import ProviderUrl

# scheme -> the file and the class
PROVIDERS = {
    "simulator": ("simulator", "Simulator"),
    "https": ("webhook", "Webhook"),
    "http": ("webhook", "Webhook"),
    "smtp": ("smtp", "Smtp"),
    "fcm": ("fcm", "Fcm"),
    "apns": ("apns", "Apns"),
    "webpush": ("webpush", "WebPush"),
    "twilio": ("twilio", "Twilio"),
    "apprise": ("apprise", "Apprise"),
}


def build_provider(url: str, route: str, tools: Tools) -> Provider:
    """The provider that a URL names; `route` is a channel, or `push:` and a platform. Raises `SetupError`."""
    parsed = ProviderUrl(url)
    if parsed.scheme not in PROVIDERS:
        raise SetupError(
            f"{route}: no provider has the scheme {parsed.scheme[:32]!r}; there are {', '.join(PROVIDERS)}"
        )
    module, name = PROVIDERS[parsed.scheme]
    factory: Any = getattr(importlib.import_module(f"notifier.providers.{module}"), name)
    try:
        provider: Provider = factory(parsed, route, tools)
    except SetupError as error:
        raise SetupError(f"{route}: {error}") from None
    return provider


def build_channel(route: str, urls: Sequence[str], tools: Tools) -> list[Provider]:
    """The providers of a route, in order; the channel `webhook` without any posts to its recipients' own URLs."""
    if not urls and route == "webhook":
        from notifier.providers.webhook import RecipientWebhook

        return [RecipientWebhook(tools)]
    return [build_provider(url, route, tools) for url in urls]
