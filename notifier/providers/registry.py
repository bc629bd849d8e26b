"""Finds the class of a provider by the scheme of its URL: a file of `schemes/`, imported when it is first needed."""

from __future__ import annotations

import pkgutil
from importlib import import_module
from typing import Any

from notifier.providers import schemes
from notifier.providers.base import Provider, SetupError
from notifier.providers.tools import Tools
from notifier.providers.url import ProviderUrl


def modules() -> dict[str, str]:
    """The name of the file for each scheme, in alphabetical order of the schemes; imports none of them."""
    names = [module.name for module in pkgutil.iter_modules(schemes.__path__)]
    return dict(sorted((scheme, name) for name in names for scheme in name.split("_")))


def provider_class(scheme: str) -> type[Provider]:
    """The class that declares a scheme; raises `SetupError` where none does."""
    known = modules()
    if scheme not in known:
        raise SetupError(f"no provider has the scheme {scheme[:32]!r}; there are {', '.join(known)}")
    for found in vars(import_module(f"{schemes.__name__}.{known[scheme]}")).values():
        if isinstance(found, type) and issubclass(found, Provider) and scheme in found.schemes:
            return found
    raise AssertionError(f"{known[scheme]}.py has no class for {scheme}://")


def build_provider(url: str, route: str, tools: Tools) -> Provider:
    """The provider that a URL names; `route` is a channel, or `push:` and a platform. Raises `SetupError`."""
    try:
        parsed = ProviderUrl(url)
        factory: Any = provider_class(parsed.scheme)
        if factory.has_port:
            _ = parsed.port
        if not factory.passes_on:
            parsed.refuse_unknown(factory.parameters)
        provider: Provider = factory(parsed, route, tools)
    except SetupError as error:
        raise SetupError(f"{route}: {error}") from None
    return provider
