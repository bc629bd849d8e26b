"""Settings, clocks and HTTP clients that providers share; the clients are made at first use."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Sequence
from functools import partial
from ipaddress import IPv4Network, IPv6Network
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import aiohttp

TIMEOUT = 10.0  # seconds for a whole request


class Tools:
    """Built once per instance; `close` ends its connections."""

    def __init__(
        self,
        *,
        webhook_secret: str = "",
        allow_private: Sequence[IPv4Network | IPv6Network] = (),
        simulator_success_rate: float = 0.95,
        simulator_latency: float = 0.05,
        timeout: float = TIMEOUT,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.webhook_secret = webhook_secret
        self.allow_private = tuple(allow_private)
        self.simulator_success_rate = simulator_success_rate
        self.simulator_latency = simulator_latency
        self.timeout = timeout
        self.now = now
        self.random = random.Random()
        self._http: aiohttp.ClientSession | None = None
        self._guarded: aiohttp.ClientSession | None = None

    @property
    def http(self) -> aiohttp.ClientSession:
        """The client for the operator's own URLs, private addresses included."""
        if self._http is None:
            self._http = self._session(guarded=False)
        return self._http

    @property
    def guarded_http(self) -> aiohttp.ClientSession:
        """The client for URLs that callers name: it connects to no private address."""
        if self._guarded is None:
            self._guarded = self._session(guarded=True)
        return self._guarded

    async def close(self) -> None:
        """Closes all connections."""
        for session in (self._http, self._guarded):
            if session is not None:
                await session.close()
        self._http = self._guarded = None

    def _session(self, guarded: bool) -> aiohttp.ClientSession:
        import aiohttp

        from notifier.providers.ssrf import guarded_socket
        from notifier.providers.status_line import StatusFirst

        factory = guarded_socket(self.allow_private) if guarded else None
        connector = aiohttp.TCPConnector(limit=0, limit_per_host=100, socket_factory=factory)
        # aiohttp has no other way to name the class of its connections
        connector._factory = partial(StatusFirst, asyncio.get_running_loop())  # type: ignore[assignment]
        return aiohttp.ClientSession(
            connector=connector,
            timeout=aiohttp.ClientTimeout(total=self.timeout),
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
            headers={"User-Agent": "notifier", "Accept-Encoding": "identity"},
            auto_decompress=False,  # aiohttp refuses an answer whose encoding it does not know
            raise_for_status=False,
        )
