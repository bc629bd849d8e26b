"""Several providers of one channel, asked in order."""

from __future__ import annotations

from collections.abc import Sequence

from notifier.providers.base import Message, Provider, ProviderError


class Failover(Provider):
    """Asks the next one when a try may be repeated."""

    schemes = ()

    def __init__(self, members: Sequence[Provider]) -> None:
        super().__init__(" > ".join(member.name for member in members))
        self._members = members

    async def send(self, message: Message) -> str:
        last: ProviderError | None = None
        for member in self._members:
            try:
                return await member.send(message)
            except ProviderError as error:
                if error.permanent:
                    raise
                last = error
        raise last or ProviderError("no_provider", permanent=True)
