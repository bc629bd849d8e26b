"""`serve --workers N`: one process that binds the port, forks N workers on it, and starts again those that end.

The supervisor has no event loop and no thread, so it may fork at any time: a new worker begins with all modules loaded
and shares their memory with the others (an exec of a fresh interpreter would take half a second of CPU each time, and
in the one-file executable would have to find its unpacked folder again). It waits for signals and nothing else. Each
worker is an instance of its own, `POD_ID-1` … `POD_ID-N`. One more child keeps the embedded
Redis, which needs a loop.

The kernel ends the children when the supervisor dies: workers at once (SIGKILL), the keeper in order.
"""

from __future__ import annotations

import ctypes
import gc
import logging
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Sequence

import msgspec

from notifier.config import Settings, SettingsError
from notifier.serving.keeper import STOP_SIGNAL, Keeper
from notifier.serving.process import Loader, StartError, announce, begin, compare_and_log, listen, run_loop
from notifier.serving.scoreboard import Scoreboard, Seat, Slots
from notifier.serving.signals import ECHO
from notifier.store.embedded.kept import facts_in
from notifier.store.embedded.server import STOP_TIMEOUT
from notifier.telemetry.lines import Lines
from notifier.telemetry.logs import configure_logging
from notifier.telemetry.tally import pid_of

STEADY = 10.0  # seconds of life after which a death counts as the first again
FIRST_PAUSE = 0.1
READY_DEATHS_MAX = 4  # a pause of 0.4 s: a worker that had served is back within a second, however often it dies
PAUSE_MAX = 10.0
GRACE = 2.0  # seconds beyond SHUTDOWN_TIMEOUT that a worker has to hand its locks over
HURRY = 3.0  # seconds that a second SIGTERM leaves it
PR_SET_PDEATHSIG, PR_SET_NAME = 1, 15

# SIGUSR1: a child has something new on the scoreboard.
WAITED_FOR = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGCHLD, signal.SIGUSR1)

log = logging.getLogger("notifier.supervisor")
_OWN = logging.getLogger("notifier")  # all of this program


class Backoff:
    """The pause before a child that died is started again: none the first time, longer when it keeps dying."""

    def __init__(self) -> None:
        self.deaths = 0

    def pause(self, lived: float, was_ready: bool) -> float:
        """Seconds until the restart of a child that lived for so many seconds; it had served if it was ready."""
        self.deaths = 1 if lived > STEADY else self.deaths + 1
        if was_ready:
            self.deaths = min(self.deaths, READY_DEATHS_MAX)
        return 0.0 if self.deaths == 1 else float(min(PAUSE_MAX, FIRST_PAUSE * 2 ** min(self.deaths - 2, 10)))


class Child:
    """A process to be kept alive: `pid` is 0 while it is not, and `due` then the time of its restart."""

    def __init__(self, name: str, title: str, slot: int, main: Callable[[], int], death_signal: int) -> None:
        """`title` is for ps and top; `main` runs in the fork; `death_signal` is sent when its parent dies."""
        self.name = name
        self.title = title
        self.slot = slot
        self.main = main
        self.death_signal = death_signal
        self.pid = 0
        self.ready = False
        self.born = 0.0
        self.due = 0.0
        self.backoff = Backoff()

    def signal(self, number: int) -> None:
        """Sends the process a signal; it is our child and not reaped yet, so the number is still its own."""
        if self.pid:
            os.kill(self.pid, number)


class Supervisor:
    """Runs the workers of one machine."""

    def __init__(self, settings: Settings, workers: int, socks: Sequence[socket.socket], load: Loader) -> None:
        self._settings = settings
        self._socks = socks
        self._load = load
        self._slots = Slots.behind(workers)
        self._board = Scoreboard(workers + len(self._slots))
        self._lines = self._lines_of("supervisor", self._slots.supervisor_lines)
        self._workers = [self._worker(index, workers) for index in range(workers)]
        self._keeper = None if settings.redis_addr else self._redis_keeper()
        self._restarts = 0
        self._announced = False
        self._asked_at: float | None = None  # when it was asked to stop
        self._deadline = float("inf")
        self._failure = ""
        self._redis_url = ""
        self._keeper_told = False
        self._prctl = ctypes.CDLL(None, use_errno=True).prctl

    def run(self) -> int:
        """Serves until SIGTERM or SIGINT; the exit code. Raises `StartError`."""
        signal.pthread_sigmask(signal.SIG_BLOCK, WAITED_FOR)
        _OWN.addHandler(self._lines)
        gc.collect()
        gc.freeze()  # what is loaded now stays out of the workers' collections, and its pages stay shared
        try:
            while self._is_needed():
                self._start_due()
                self._wait()
                self._reap()
                self._look_at_board()
                self._enforce_deadline()
        finally:
            self._end_all()
            _OWN.removeHandler(self._lines)
        if self._failure:
            raise StartError(self._failure)
        log.info("server.stopped")
        return 0

    # -- the children

    def _worker(self, index: int, workers: int) -> Child:
        seat = Seat(self._board, index, workers)
        name = f"{self._settings.pod_id}-{index + 1}"

        def named(settings: Settings) -> Settings:
            return msgspec.structs.replace(settings, pod_id=name)

        def main() -> int:
            settings = named(self._settings)
            configure_logging(settings.log_level, settings.log_format, name)
            return run_loop(settings, self._socks, lambda: named(self._load()), seat)

        return Child(name, f"notifier:{index + 1}", index, main, signal.SIGKILL)

    def _redis_keeper(self) -> Child:
        settings = self._settings

        def main() -> int:
            self._close_sockets()
            _OWN.addHandler(self._lines_of("redis-keeper", self._slots.keeper_lines))
            keep = Keeper(
                self._board, self._slots.keeper, settings.data_dir, settings.redis_fsync, settings.disk_reserve
            )
            return keep.run()

        return Child("redis-keeper", "notifier:redis", self._slots.keeper, main, STOP_SIGNAL)

    def _lines_of(self, name: str, slot: int) -> Lines:
        """The handler that puts what a process says where the first worker reads it: only it is followed."""
        board = self._board
        return Lines(f"{self._settings.pod_id} {name}", board.read(slot), lambda text: board.write(slot, text))

    @property
    def _children(self) -> list[Child]:
        return [*self._workers, *([self._keeper] if self._keeper else [])]

    def _is_needed(self) -> bool:
        return self._asked_at is None or any(child.pid for child in self._children)

    def _startable(self) -> list[Child]:
        """Children that should run and do not; the first workers wait for the store."""
        if self._asked_at is not None:
            return []
        waits = self._keeper is not None and not self._keeper.ready and not self._announced
        candidates = [self._keeper] if waits and self._keeper else self._children
        return [child for child in candidates if not child.pid]

    def _start_due(self) -> None:
        for child in self._startable():
            if child.due <= time.monotonic():
                self._start(child)

    def _start(self, child: Child) -> None:
        sys.stdout.flush()
        sys.stderr.flush()
        supervisor = os.getpid()
        child.ready, child.born = False, time.monotonic()
        child.pid = os.fork()
        if child.pid == 0:
            self._become(child, supervisor)
        log.debug("child.started", extra={"child": child.name, "pid": child.pid})

    def _become(self, child: Child, supervisor: int) -> None:
        """The rest of a child's life; never returns into the supervisor's frames."""
        code = 1
        _OWN.removeHandler(self._lines)  # one process may write to a slot
        try:
            self._prctl(PR_SET_PDEATHSIG, int(child.death_signal))
            self._prctl(PR_SET_NAME, child.title.encode())
            if os.getppid() == supervisor:  # else it died before the kernel was told
                code = child.main()
        except StartError as error:
            log.error("child.failed", extra={"child": child.name, "error": str(error)})
        except BaseException:
            log.exception("child.failed", extra={"child": child.name})
        finally:
            logging.shutdown()
            sys.stdout.flush()
            os._exit(code)

    # -- what happens

    def _wait(self) -> None:
        until = min([self._deadline, *(child.due for child in self._startable())])
        seconds = 3600.0 if until == float("inf") else max(0.0, until - time.monotonic())
        found = signal.sigtimedwait(WAITED_FOR, seconds)
        if found is None:
            return
        if found.si_signo in (signal.SIGTERM, signal.SIGINT):
            self._ask_to_stop()
        elif found.si_signo == signal.SIGQUIT:
            self._hurry()
        elif found.si_signo == signal.SIGHUP:
            self._reload()

    def _reap(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            for child in self._children:
                if child.pid == pid:
                    self._note_death(child, os.waitstatus_to_exitcode(status))

    def _note_death(self, child: Child, code: int) -> None:
        child.pid = 0
        if self._asked_at is not None:
            return
        if code > 0 and not self._announced:
            # It exited before it ever served: another try would end in the same way.
            self._failure = facts_in(self._board.read(self._slots.keeper)).error or f"{child.name} could not start"
            self._ask_to_stop()
            return
        lived = time.monotonic() - child.born
        pause = child.backoff.pause(lived, child.ready)
        child.due = time.monotonic() + pause
        facts = {"child": child.name, "exit_code": code, "lived_s": round(lived, 1), "restart_in_s": pause}
        log.error("child.died", extra=facts)
        if child is not self._keeper:
            self._restarts += 1
            self._board.write(self._slots.supervisor, str(self._restarts).encode())

    def _look_at_board(self) -> None:
        if self._keeper and not self._keeper.ready:
            self._look_at_keeper(self._keeper)
        for worker in self._workers:
            if worker.pid and not worker.ready and pid_of(self._board.read(worker.slot)) == worker.pid:
                worker.ready = True
                after = round(time.monotonic() - worker.born, 3)
                log.info("child.ready", extra={"child": worker.name, "pid": worker.pid, "after_s": after})
        if not self._announced and self._asked_at is None and all(worker.ready for worker in self._workers):
            self._announced = True
            announce(self._settings, self._socks[0], len(self._workers))

    def _look_at_keeper(self, keeper: Child) -> None:
        facts = facts_in(self._board.read(keeper.slot))
        if not keeper.pid or facts.pid != keeper.pid or not facts.url:
            return
        keeper.ready = True
        if self._redis_url not in ("", facts.url):  # a long DATA_DIR: the socket is in a folder made anew
            self._tell_workers(signal.SIGTERM)
        self._redis_url = facts.url

    def _reload(self) -> None:
        try:
            change = compare_and_log(self._settings, self._load)
        except SettingsError as error:
            log.error("settings.kept", extra={"error": str(error)})
            return
        self._settings = change.settings
        logging.getLogger().setLevel(change.settings.log_level.upper())
        for worker in self._workers:
            worker.signal(signal.SIGHUP)

    # -- the end

    def _ask_to_stop(self) -> None:
        now = time.monotonic()
        if self._asked_at is None:
            self._asked_at = now
            self._deadline = now + self._settings.shutdown_timeout + GRACE
            log.info("server.stopping")
            self._close_sockets()
            self._tell_workers(signal.SIGTERM)
        elif now - self._asked_at > ECHO:
            self._hurry()

    def _close_sockets(self) -> None:
        for sock in self._socks:
            sock.close()

    def _hurry(self) -> None:
        if self._asked_at is None:
            self._ask_to_stop()
        self._deadline = min(self._deadline, time.monotonic() + HURRY)
        self._tell_workers(signal.SIGQUIT)

    def _tell_workers(self, number: signal.Signals) -> None:
        for worker in self._workers:
            worker.signal(number)

    def _enforce_deadline(self) -> None:
        """Kills children that are still running at the deadline; stops the keeper when the workers are gone."""
        if self._asked_at is None:
            return
        now = time.monotonic()
        if now >= self._deadline:
            late = [worker for worker in self._workers if worker.pid] or self._children
            log.warning("stop.cut_short", extra={"children": [child.name for child in late]})
            for child in late:
                child.signal(signal.SIGKILL)
            self._deadline = float("inf")
        if self._keeper and not self._keeper_told and not any(worker.pid for worker in self._workers):
            self._keeper_told = True
            self._keeper.signal(STOP_SIGNAL)
            self._deadline = now + STOP_TIMEOUT + GRACE

    def _end_all(self) -> None:
        for child in self._children:
            child.signal(signal.SIGKILL)


def run_workers(settings: Settings, workers: int, load: Loader) -> int:
    """Serves with so many workers until SIGTERM or SIGINT; the exit code. Raises `StartError`."""
    begin(settings)
    socks = listen(settings)
    try:
        return Supervisor(settings, workers, socks, load).run()
    finally:
        for sock in socks:
            sock.close()
