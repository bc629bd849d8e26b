"""What signals ask of a serving process, as events of its loop."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Callable

ECHO = 0.3  # seconds; Ctrl-C in a terminal reaches the one-file program twice, and a second wish takes a person longer
HANDLED = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT)


class Signals:
    """SIGTERM and SIGINT set `stop`, and `hurry` when they come again; SIGQUIT sets both; SIGHUP calls `on_reload`.

    In a worker (`supervised`) SIGINT is the supervisor's affair, which a terminal tells too, and a second SIGTERM says
    nothing new: systemd sends one to every process of a service, and the supervisor passes its own on.
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
        """Takes the signals over in the running loop. What the supervisor blocked before the fork gets through now."""
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
        """All has been done: what comes now must not turn an orderly end into a death, as it would without the loop."""
        signal.pthread_sigmask(signal.SIG_BLOCK, HANDLED)

    def ask_to_stop(self) -> None:
        """The first time: an orderly end. Again, and no mere echo: a quick one."""
        now = self._clock()
        if self._asked_at is None:
            self._asked_at = now
            self.stop.set()
        elif not self._supervised and now - self._asked_at > ECHO:
            self.hurry.set()

    def ask_to_hurry(self) -> None:
        """A quick end."""
        self.stop.set()
        self.hurry.set()


def tell_supervisor(pid: int) -> None:
    """There is something new on the scoreboard. `pid` was this process' parent; another's child sends nothing."""
    if os.getppid() == pid:
        os.kill(pid, signal.SIGUSR1)
