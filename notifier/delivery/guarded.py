"""A provider behind its circuit breaker, with its tries timed and counted. It is a provider itself."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable
from contextvars import ContextVar
from typing import NamedTuple

from notifier.delivery.breakers import Breakers
from notifier.domain.deliveries import Attempt
from notifier.domain.times import format_time
from notifier.errors import NotifierError
from notifier.providers.base import Message, Provider, ProviderError

SEND_TIMEOUT = 15.0  # seconds; above what providers allow themselves, so that it only ends what hangs
LATENCIES = 512
RATE_SECONDS = 60
RECENT = 5.0  # seconds: a cure shows within as many
LONG = 1.0  # seconds from which a try under way counts as one that took so long

log = logging.getLogger("notifier.delivery")

# The tries of the delivery that the current task is working on.
ATTEMPTS: ContextVar[list[Attempt]] = ContextVar("attempts")


class NotTried(ProviderError):
    """No try was made; it is worth another look in `retry_after` seconds: the circuit of `part` is open, or the
    recipient `part` has its share of the channel's sends."""

    def __init__(self, reason: str, part: str, retry_after: float) -> None:
        super().__init__(reason, retry_after=retry_after)
        self.part = part


class Figures(NamedTuple):
    """Figures of a provider on this instance: counts, tries per second over the last minute, and the last latencies
    in ms."""

    sent: int
    failed: int
    rate: float
    latencies: tuple[float, ...]


class Guarded(Provider):
    """Passes tries on to a provider while its circuit allows it."""

    schemes = ()

    def __init__(
        self,
        inner: Provider,
        breakers: Breakers,
        on_attempt: Callable[[str, str, float], None],
    ) -> None:
        """`on_attempt` is told channel, provider and the seconds that a try took."""
        super().__init__(inner.name)
        self.inner = inner
        self._breakers = breakers
        self._on_attempt = on_attempt
        self._sent = self._failed = 0
        self._latencies: deque[float] = deque(maxlen=LATENCIES)
        self._minute: deque[tuple[int, int]] = deque(maxlen=RATE_SECONDS)  # second -> tries in it
        self._ended: deque[tuple[float, float]] = deque(maxlen=LATENCIES)  # when tries began, and how long they took
        self._under_way: dict[int, float] = {}  # the beginnings of tries
        self._tries = 0

    @property
    def figures(self) -> Figures:
        """Counts since the start, and the rate of the last minute."""
        return Figures(self._sent, self._failed, self._rate(), tuple(self._latencies))

    def recent_p95(self) -> float | None:
        """The 95th percentile, in seconds, of the tries that began within the last five seconds and have ended, and of
        those under way for more than one; None of fewer than two."""
        now = time.perf_counter()
        taken = [seconds for began, seconds in self._ended if began > now - RECENT]
        taken += [now - began for began in self._under_way.values() if now - began > LONG]
        return sorted(taken)[min(len(taken) - 1, int(len(taken) * 0.95))] if len(taken) > 1 else None

    def host(self, message: Message) -> str:
        return self.inner.host(message)

    async def check(self) -> None:
        await self.inner.check()

    async def close(self) -> None:
        await self.inner.close()

    async def send(self, message: Message) -> str:
        host = self.inner.host(message)
        circuit = f"{self.name} {host}" if host else self.name
        if not self._breakers.is_clear(circuit):
            wait = await self._breakers.wait_of(circuit, message.to)
            if wait is not None:
                raise NotTried("circuit_open", circuit, wait)
        began, started = self._breakers.now(), time.perf_counter()
        error: ProviderError | None = None
        self._tries = number = self._tries + 1
        self._under_way[number] = started
        try:
            async with asyncio.timeout(SEND_TIMEOUT):
                return await self.inner.send(message)
        except ProviderError as failure:
            error = failure
            raise
        except TimeoutError:
            error = ProviderError("timeout", f"no answer within {SEND_TIMEOUT:g} s")
            raise error from None
        except Exception as defect:
            log.error("provider.defect", extra={"provider": self.name, "delivery_id": message.id}, exc_info=defect)
            error = ProviderError("defect", type(defect).__name__)
            raise error from defect
        finally:
            del self._under_way[number]
            self._note(message, began, time.perf_counter() - started, error)
            await self._tell_breaker(circuit, message.to, error)

    def _note(self, message: Message, began: float, seconds: float, error: ProviderError | None) -> None:
        self._on_attempt(message.channel, self.name, seconds)
        self._latencies.append(seconds * 1000)
        self._ended.append((time.perf_counter() - seconds, seconds))
        self._count(int(began))
        outcome = "sent"
        if error is None:
            self._sent += 1
        else:
            self._failed += 1
            outcome = "failed" if error.permanent else "retry"
        ATTEMPTS.get().append(
            Attempt(format_time(began), self.name, outcome, str(error or ""), round(seconds * 1000, 1))
        )

    def _count(self, second: int) -> None:
        if self._minute and self._minute[-1][0] == second:
            self._minute[-1] = (second, self._minute[-1][1] + 1)
        else:
            self._minute.append((second, 1))

    def _rate(self) -> float:
        since = self._breakers.now() - RATE_SECONDS
        return round(sum(tries for second, tries in self._minute if second >= since) / RATE_SECONDS, 2)

    async def _tell_breaker(self, circuit: str, recipient: str, error: ProviderError | None) -> None:
        """Reports a try to the circuit. A store that is away leaves the circuit as it was: the result matters more."""
        well = error is None or error.permanent or error.about_recipient  # neither says that the provider fails
        if well and self._breakers.is_clear(circuit):
            return
        try:
            if error is None:
                await self._breakers.succeeded(circuit, recipient)
            elif well:
                await self._breakers.answered(circuit, recipient)
            else:
                await self._breakers.failed(circuit, recipient)
        except NotifierError as lost:
            log.warning("breaker.not_told", extra={"provider": self.name, "error": lost.message})
