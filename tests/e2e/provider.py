"""A provider's HTTP endpoint that the drives post to: each tells by a method what becomes of a message."""

from __future__ import annotations

from abc import ABC, abstractmethod

from aiohttp import web

from tests.e2e.server import free_port


class HttpProvider(ABC):
    """Listens on loopback; `port` is known once it is open."""

    def __init__(self) -> None:
        self.port = 0
        self._runner: web.AppRunner | None = None

    async def open(self) -> None:
        """Listens on a free port."""
        app = web.Application()
        app.router.add_post("/send", self._take)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        self.port = free_port()
        await web.TCPSite(self._runner, "127.0.0.1", self.port).start()

    async def close(self) -> None:
        """Listens no more."""
        assert self._runner is not None
        await self._runner.cleanup()

    @abstractmethod
    async def _take(self, request: web.Request) -> web.Response:
        """The answer to a message."""
