"""Signals of a serving process, as events of its loop."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Callable

ECHO = (
    0.3  # seconds; Ctrl-C in a terminal reaches the one-file program twice, and a person takes longer to press it again
)
HANDLED = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT)


class Signals:
    """SIGTERM and SIGINT set `stop`, and `hurry` when they come again; SIGQUIT sets both; SIGHUP calls `on_reload`.

    A worker (`supervised`) ignores SIGINT, which a terminal sends to the supervisor too, and a second SIGTERM: systemd
    sends one to every process of a service, and the supervisor passes its own on.
    """

    def __init__(
        self, on_reload: Callable[[], None], *, supervised: bool = False, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.stop = asyncio.Event()
        self.hurry = asyncio.Event()
        self._on_reload = on_reload
        self._supervised = supervised
        self._clock = clock
        self._asked_at: float | None = None

    def install(self) -> None:
        """Handles the signals in the running loop, and unblocks those that the supervisor blocked before the fork."""
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self.ask_to_stop)
        loop.add_signal_handler(signal.SIGQUIT, self.ask_to_hurry)
        loop.add_signal_handler(signal.SIGHUP, self._on_reload)
        if self._supervised:
            signal.signal(signal.SIGINT, signal.SIG_IGN)
        else:
            loop.add_signal_handler(signal.SIGINT, self.ask_to_stop)
        signal.pthread_sigmask(signal.SIG_SETMASK, ())

    def ignore(self) -> None:
        """Blocks the signals at the end: without the loop's handlers one would kill the process."""
        signal.pthread_sigmask(signal.SIG_BLOCK, HANDLED)

    def ask_to_stop(self) -> None:
        """Sets `stop` at the first call; sets `hurry` at another that comes more than 0.3 s later."""
        now = self._clock()
        if self._asked_at is None:
            self._asked_at = now
            self.stop.set()
        elif not self._supervised and now - self._asked_at > ECHO:
            self.hurry.set()

    def ask_to_hurry(self) -> None:
        """Sets `stop` and `hurry`."""
        self.stop.set()
        self.hurry.set()


def tell_supervisor(pid: int) -> None:
    """Sends SIGUSR1 to the supervisor: the scoreboard has changed. Does nothing when `pid` is no longer the parent."""
    if os.getppid() == pid:
        os.kill(pid, signal.SIGUSR1)
