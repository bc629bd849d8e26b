"""One instance: its parts, started and stopped in phases."""

from __future__ import annotations

import asyncio
import contextlib
import logging

from notifier.config import Settings
from notifier.errors import NotifierError
from notifier.live.frames import SERVICE_RESTART
from notifier.pod.parts import Parts
from notifier.pod.policies import inbox_policy, notify_limit, user_rate
from notifier.store.redis.address import parse_address
from notifier.store.redis.single import SingleRedis

# Seconds that the start waits for the store; after it the port opens all the same, and endpoints answer 503.
STORE_WAIT = 1.0
GOODBYE = 1.0  # seconds that clients have to answer the close frame

log = logging.getLogger("notifier.app")


class App(Parts):
    """One instance: every part of it, started and stopped in order."""

    async def start(self) -> None:
        """Starts the store, then the parts that use it; the caller opens the port."""
        if self.embedded is not None:
            assert isinstance(self.redis, SingleRedis)
            self.redis.address = parse_address(await self.embedded.start())
        await self.redis.start()
        if not await self.redis.wait_up(STORE_WAIT):
            log.warning("store.unreachable", extra={"address": str(self.deployment)})
        self.cockpit.start()
        for duty in self.duties:
            duty.start()
        self.pipeline.start()
        if self.redis.up:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(STORE_WAIT):
                    await self.bus_reader.opened.wait()

    def reconfigure(self, settings: Settings) -> None:
        """Applies settings of which only those differ that can change while running (`Definition.live`)."""
        self.settings = settings
        logging.getLogger().setLevel(settings.log_level.upper())
        self.inbox.reconfigure(inbox_policy(settings))
        self.once.reconfigure(settings.idempotency_ttl)
        limit = notify_limit(settings, self.limits)
        self.publisher.reconfigure(limit)
        if self.lean is not None:
            self.lean.reconfigure(limit is None, inbox_policy(settings).default_ttl_ms)
        self.send_rate.reconfigure(user_rate(settings))
        self.pipeline.reconfigure(settings)
        self.cockpit.reconfigure(settings)

    async def stop(self, timeout: float) -> None:
        """Closes connections with 1012, then stops the duties, hands over locks, and stops the store.

        `timeout` in seconds.
        """
        try:
            async with asyncio.timeout(timeout):
                await self._stop_traffic(timeout)
                await self._let_others_take_over()
        except (TimeoutError, NotifierError) as error:
            log.warning("stop.cut_short", extra={"error": str(error) or "time is up"})
        for duty in self.duties:
            await duty.stop()
        self.cockpit.stop()
        for connection in self.hub:
            connection.abort()
        if self.tally is not None:
            self.tally.publish()
        await self.idempotency.stop()
        await self.redis.stop()
        if self.embedded is not None:
            await self.embedded.stop()

    async def _stop_traffic(self, timeout: float) -> None:
        reader = [self.ingest.stop(timeout / 2)] if self.ingest is not None else []
        await asyncio.gather(self._let_clients_go(), self.pipeline.stop(timeout), *reader)

    def close_clients(self) -> None:
        """Closes every WebSocket with 1012 (service restart), and ends every stream of events."""
        self.events.end_all()
        self.hub.close_all(SERVICE_RESTART, "the server restarts")

    async def _let_clients_go(self) -> None:
        self.hub.close_all(SERVICE_RESTART, "the server restarts")
        patience = asyncio.get_running_loop().time() + GOODBYE
        while len(self.hub) and asyncio.get_running_loop().time() < patience:
            await asyncio.sleep(0.01)

    async def _let_others_take_over(self) -> None:
        await self.heartbeat.stop()
        if self.redis.up:
            self.inbox.plain.bring_up_to_date()
            await self.router.leave_all()
            await self.presence.add_totals(self.metrics.since_last())
            await self.presence.leave(self.settings.pod_id)
