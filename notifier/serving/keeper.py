"""The embedded Redis of a server with several workers: kept by a process of its own, used by all.

The supervisor has no event loop, and a worker may crash: neither can watch over the server. The keeper is a child of
the supervisor that does nothing else; it starts the server again when it dies, and ends when the supervisor ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from notifier.serving.scoreboard import Scoreboard
from notifier.serving.signals import tell_supervisor
from notifier.store.embedded.kept import RedisFacts, facts_in
from notifier.store.embedded.server import EmbeddedRedis, EmbeddedRedisError

STOP_SIGNAL = signal.SIGUSR1  # SIGTERM may come from systemd, to all processes, while the workers still drain

SHOW_INTERVAL = 0.5  # seconds

log = logging.getLogger("notifier.keeper")


class Keeper:
    """Runs the server and shows its facts in a slot of the scoreboard."""

    def __init__(self, board: Scoreboard, slot: int, data_dir: Path, fsync: str, reserve: int) -> None:
        before = facts_in(board.read(slot))
        self._board = board
        self._slot = slot
        # The server of an earlier keeper ended with it: this start is a restart too.
        self._facts = RedisFacts(restarts=before.restarts + 1 if before.url else 0)
        self._redis = EmbeddedRedis(data_dir, fsync, reserve, on_event=self._on_event)
        self._supervisor = os.getppid()

    def run(self) -> int:
        """Keeps the server until told to stop; the exit code."""
        return asyncio.run(self._keep())

    async def _keep(self) -> int:
        stop, loop = asyncio.Event(), asyncio.get_running_loop()
        loop.add_signal_handler(STOP_SIGNAL, stop.set)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT):
            # Handlers, not SIG_IGN: redis-server would inherit that, and must get the signal of its parent's death.
            loop.add_signal_handler(number, _ignore)
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        try:
            self._facts.url = await self._redis.start()
        except EmbeddedRedisError as error:
            self._facts.error = str(error)
            self._show()
            return 1
        self._show()
        while not stop.is_set():
            self._show_disk()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(SHOW_INTERVAL):
                    await stop.wait()
        await self._redis.stop()
        return 0

    def _show_disk(self) -> None:
        """Without a word to the supervisor: only the workers read it."""
        facts, redis = self._facts, self._redis
        facts.trouble, facts.disk_free = redis.trouble, redis.disk_free
        facts.disk_full, facts.disk_low = redis.disk_full, redis.disk_low
        self._board.write(self._slot, msgspec.json.encode(self._facts))

    def _on_event(self, name: str, facts: Mapping[str, Any]) -> None:
        log.warning(name, extra=dict(facts))
        if name == "redis.restarted":
            self._facts.restarts += 1
            self._show()

    def _show(self) -> None:
        self._facts.pid = os.getpid()
        self._board.write(self._slot, msgspec.json.encode(self._facts))
        tell_supervisor(self._supervisor)


def _ignore() -> None:
    pass
