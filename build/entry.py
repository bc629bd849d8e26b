"""Where the frozen program begins: what the one-file form needs done before the program itself starts.

In one file, a bootloader unpacks the program and runs it as its child, passes signals on and takes its exit code over.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import time
from collections.abc import Callable
from types import FrameType

from unpacked import PREFIX, claim, remove_abandoned

PR_SET_PDEATHSIG = 1
ECHO = 0.2  # seconds within which a second SIGINT is the bootloader's copy of the first


class Interrupt:
    """SIGINT once. Ctrl-C in a terminal reaches the bootloader too, which passes it on: without this, a clean-up that
    the first one began would be broken off by its copy. A person's second Ctrl-C comes later and counts."""

    def __init__(self) -> None:
        self._last = float("-inf")

    def __call__(self, number: int, frame: FrameType | None) -> None:
        before, self._last = self._last, time.monotonic()
        if self._last - before > ECHO:
            signal.default_int_handler(number, frame)


def stand_under_bootloader() -> None:
    """Stops this process with SIGTERM when its bootloader dies, also by SIGKILL, which it cannot pass on."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if not _is_bootloader(os.getppid()):  # it died before the kernel was told
        sys.exit(1)
    signal.signal(signal.SIGINT, Interrupt())


def _is_bootloader(pid: int) -> bool:
    try:
        return os.path.samefile(f"/proc/{pid}/exe", "/proc/self/exe")
    except OSError:  # /proc is hidden, as for a file with capabilities: the parent cannot be told
        return pid != 1 or os.getpid() == 2


def is_one_file() -> bool:
    """True where the program was unpacked for this run, and so has a bootloader above it."""
    return os.path.basename(_folder()).startswith(PREFIX)


def _folder() -> str:
    return str(sys._MEIPASS)  # type: ignore[attr-defined]  # set by PyInstaller


def run_under_bootloader(program: Callable[[], None]) -> None:
    """Runs the program in its own folder, and removes those that others have left."""
    stand_under_bootloader()
    claim(_folder())
    remove_abandoned(os.path.dirname(_folder()))
    try:
        program()
    finally:  # a copy that comes late, when the interpreter has put its handlers away, would change the exit code
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)


def run() -> None:
    """The program's `main`, imported when the ground is prepared."""
    from notifier.__main__ import main

    main()


if __name__ == "__main__":
    if is_one_file():
        run_under_bootloader(run)
    else:
        run()
