"""Several providers of one route, asked in order. It is a provider itself."""

from __future__ import annotations

from collections.abc import Sequence

from notifier.providers.base import Message, Provider, ProviderError


class Failover(Provider):
    """Asks the next one when a try may be repeated; a refusal for good is the message's own, and ends it."""

    schemes = ()

    def __init__(self, members: Sequence[Provider]) -> None:
        super().__init__(" > ".join(member.name for member in members))
        self._members = tuple(members)

    def host(self, message: Message) -> str:
        return self._members[0].host(message)

    async def check(self) -> None:
        for member in self._members:
            await member.check()

    async def close(self) -> None:
        for member in self._members:
            await member.close()

    async def send(self, message: Message) -> str:
        """Raises the last error that may be repeated, with the shortest wait that any of them asked for."""
        last: ProviderError | None = None
        waits: list[float] = []
        for member in self._members:
            try:
                return await member.send(message)
            except ProviderError as error:
                if error.permanent:
                    raise
                last = error
                if error.retry_after is not None:
                    waits.append(error.retry_after)
        assert last is not None
        last.retry_after = min(waits, default=None)
        raise last
