"""Several providers of one route, asked in order. It is a provider itself."""

from __future__ import annotations

from collections.abc import Sequence

from notifier.providers.base import Message, Provider, ProviderError


class Failover(Provider):
    """Asks the next one when a try may be repeated, or when a provider is unable to take such a message. Any other
    refusal for good is the message's own, and ends it."""

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
        """Raises the last error that may be repeated, with the shortest wait that any of them asked for; where there is
        none, the last refusal."""
        errors: list[ProviderError] = []
        for member in self._members:
            try:
                return await member.send(message)
            except ProviderError as error:
                if error.permanent and not error.unable:
                    raise
                errors.append(error)
        hopeful = [error for error in errors if not error.permanent]
        last = (hopeful or errors)[-1]
        last.retry_after = min((one.retry_after for one in hopeful if one.retry_after is not None), default=None)
        raise last
