"""A provider that only pretends: for trying things out, for demonstrations and for measuring."""

from __future__ import annotations

import asyncio
import random

from notifier.providers.base import Message, Provider, ProviderError
from notifier.providers.tools import Tools
from notifier.providers.url import ProviderUrl


class Simulator(Provider):
    """`simulator://NAME?success=0.95&latency=50ms&permanent=0&unregistered=0&retry_after=…&seed=…`.

    `success` is the share of tries that it takes; of the others the share `permanent` is refused for good, the share
    `unregistered` has a dead address, and the rest may be tried again, after `retry_after` where that is given.
    """

    schemes = ("simulator",)
    takes_idempotency_key = True

    def __init__(self, url: ProviderUrl, channel: str, tools: Tools) -> None:
        super().__init__(f"simulator:{url.host or channel}")
        self._success = url.share("success", tools.simulator_success_rate)
        self._latency = url.seconds("latency", tools.simulator_latency)
        self._permanent = url.share("permanent", 0.0)
        self._unregistered = url.share("unregistered", 0.0)
        self._retry_after = url.seconds("retry_after", 0.0, most=3600.0)
        seed = url.whole("seed", None)
        self._random = tools.random if seed is None else random.Random(seed)
        url.done()

    async def send(self, message: Message) -> str:
        if self._latency:
            await asyncio.sleep(self._latency)
        if self._random.random() < self._success:
            return f"simulated-{message.key}"
        kind = self._random.random()
        if kind < self._permanent:
            raise ProviderError("rejected", "simulated", permanent=True)
        if kind < self._permanent + self._unregistered:
            raise ProviderError("unregistered", "simulated", permanent=True, unregistered=True)
        raise ProviderError("server_error", "simulated", retry_after=self._retry_after or None)
