"""Routes: the provider of each channel and, for push, of each platform."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from notifier.delivery.guarded import Guarded
from notifier.providers.base import Provider
from notifier.providers.failover import Failover

# The keys of routes: a channel, or `push` with a platform.
ROUTES = ("sms", "email", "webhook", "push:ios", "push:android", "push:web")
SIMULATED = "simulator://"
OWN_URL = "recipient://"  # of recipients


class Routes:
    """The providers of every route, in the order in which they are asked."""

    def __init__(self, members: Mapping[str, Sequence[Guarded]], inapp: Guarded) -> None:
        """`members` by the keys of `ROUTES`; `inapp` writes to the inbox."""
        self._members = {**members, "inapp": [inapp]}
        self._providers: dict[str, Provider] = {
            key: found[0] if len(found) == 1 else Failover(found) for key, found in self._members.items()
        }

    def provider(self, channel: str, platform: str) -> Provider:
        """The provider for an address of that platform; `platform` is empty outside push."""
        return self._providers[f"push:{platform}" if channel == "push" else channel]

    def simulates(self, channel: str, platform: str) -> bool:
        """True of a route that leads to the simulator first, which takes users without an address too."""
        members = self._members[f"push:{platform}" if channel == "push" else channel]
        return "simulator" in members[0].inner.schemes

    def __iter__(self) -> Iterator[tuple[str, Guarded]]:
        """Every provider with the key of its route."""
        for key, members in self._members.items():
            for member in members:
                yield key, member


def urls_of(settings: Mapping[str, Sequence[str]], base_url: str) -> dict[str, list[str]]:
    """The providers' URLs by route; `settings` holds those that are set. Contract §2: where a route has none,
    `PROVIDER_BASE_URL` takes it, and where that is empty too, the simulator; `webhook` posts to its recipient."""
    found: dict[str, list[str]] = {}
    for key in ROUTES:
        urls = list(settings[key])
        default = OWN_URL if key == "webhook" else base_url or SIMULATED
        found[key] = urls or [default]
    return found
