"""A provider that only pretends."""

from __future__ import annotations

import asyncio

from notifier.providers.base import Message, Provider, ProviderError


class Simulator(Provider):
    """`simulator://?success=0.95&latency=50ms`."""

    schemes = ("simulator",)

    def __init__(self, success, latency, random) -> None:  # type: ignore[no-untyped-def]
        super().__init__("simulator")
        self.success, self.latency, self.random = success, latency, random

    async def send(self, message: Message) -> str:
        if self.latency:
            await asyncio.sleep(self.latency)
        if self.random.random() >= self.success:
            raise ProviderError("server_error", "simulated")
        return message.key
