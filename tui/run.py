"""The command: a first look at the server, then the dashboard until it is left; or a replay, or one frame."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from tui.app import Dashboard
from tui.client import AdminClient, ApiError
from tui.probe import probe
from tui.recording.app import Replay
from tui.recording.recorder import RecordingClient
from tui.safe import safe
from tui.snapshot import NO_FRAME, PROBLEMS, NoFrame, Snapshot

FAILED, WRONG = 1, 2


def run(url: str, token: str | None, read_only: bool, label: str = "", record: str = "") -> int:
    """Runs the dashboard until it is left; the exit code. What the user got wrong is one line on stderr, and 1.
    `label` names the server; what it answers is recorded to the file `record`."""
    try:
        away = asyncio.run(probe(AdminClient(url, token, read_only)))
    except (ValueError, ApiError) as error:
        return _refuse(str(error))
    except KeyboardInterrupt:
        return _refuse("interrupted")
    if not _has_terminal():
        return _refuse(away or "the dashboard needs a terminal; --snapshot prints a view without one")
    try:
        client = RecordingClient(url, token, read_only, Path(record), label) if record else None
    except OSError as error:
        return _refuse(f"cannot record to {record}: {error.strerror or error}")
    return _shown(Dashboard(client or AdminClient(url, token, read_only, label), read_only))


def replay(file: str, speed: float) -> int:
    """Shows a recording until it is left; the exit code."""
    if not _has_terminal():
        return _refuse("a replay needs a terminal")
    try:
        return _shown(Replay(Path(file), speed))
    except OSError as error:
        return _refuse(f"cannot read {file}: {error.strerror or error}")
    except ValueError as error:
        return _refuse(str(error))


def snapshot(url: str, token: str | None, view: str, form: str, size: tuple[int, int], label: str = "") -> int:
    """Prints one frame: 0, 1 where there are problems, 2 where there is no such view, 3 where there is no frame."""
    try:
        away = asyncio.run(probe(AdminClient(url, token, True)))
        taken = Snapshot(Dashboard(AdminClient(url, token, True, label)), view, form)
        if away:
            return _refuse(away, NO_FRAME)
        sys.stdout.write(taken.take(size))
    except ValueError as error:
        return _refuse(str(error), WRONG)
    except (ApiError, NoFrame) as error:
        return _refuse(str(error), NO_FRAME)
    for problem in taken.problems:
        print(f"notifier: problem: {safe(problem)}", file=sys.stderr)
    return PROBLEMS if taken.problems else 0


def _shown(app: Dashboard) -> int:
    try:
        app.run()
    finally:
        app.title_line.restore(sys.__stderr__)
    return app.return_code or 0


def _has_terminal() -> bool:
    return sys.stdin.isatty() and sys.stdout.isatty()


def _refuse(said: str, code: int = FAILED) -> int:
    print(f"notifier: {safe(said)}", file=sys.stderr)
    return code
