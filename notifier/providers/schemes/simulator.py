"""The simulator: takes or refuses messages by chance and sends none, for trials, demonstrations and measurements."""

from __future__ import annotations

import asyncio
import random

from notifier.providers.base import Message, Provider, ProviderError
from notifier.providers.parameters import duration, share, whole
from notifier.providers.tools import Tools
from notifier.providers.url import ProviderUrl

SUCCESS = share("success", "the share of sends that it takes; `SIMULATOR_SUCCESS_RATE`, where it is not given")
LATENCY = duration("latency", "the time that a send takes; `SIMULATOR_LATENCY`, where it is not given")
PERMANENT = share("permanent", "of the sends that it does not take, the share refused for good")
UNREGISTERED = share("unregistered", "of the sends that it does not take, the share whose address is dead")
RETRY_AFTER = duration("retry_after", "the wait that it asks for before another try", most=3600.0)
SEED = whole("seed", "the start of its random numbers, for runs that can be repeated")


class Simulator(Provider):
    """`simulator://NAME?success=0.95&latency=50ms&permanent=0&unregistered=0&retry_after=…&seed=…`.

    Of the sends that it does not take, all that are neither refused for good nor to a dead address may be tried again.
    """

    schemes = ("simulator",)
    parameters = (SUCCESS, LATENCY, PERMANENT, UNREGISTERED, RETRY_AFTER, SEED)

    def __init__(self, url: ProviderUrl, route: str, tools: Tools) -> None:
        super().__init__(f"simulator:{url.host or route}")
        self._success = url.get(SUCCESS, tools.simulator_success_rate)
        self._latency = url.get(LATENCY, tools.simulator_latency)
        self._permanent = url.get(PERMANENT, 0.0)
        self._unregistered = url.get(UNREGISTERED, 0.0)
        self._retry_after = url.get(RETRY_AFTER, 0.0)
        seed = url.get(SEED, None)
        self._random = tools.random if seed is None else random.Random(seed)

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
