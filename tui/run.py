"""The command: a first look at the server, then the dashboard until it is left."""

from __future__ import annotations

import asyncio
import sys

from tui.app import Dashboard
from tui.client import AdminClient, ApiError
from tui.probe import probe
from tui.safe import safe


def run(url: str, token: str | None, read_only: bool) -> int:
    """Runs the dashboard until it is left; the exit code. What the user got wrong is one line on stderr, and 1."""
    try:
        away = asyncio.run(probe(AdminClient(url, token, read_only)))
    except (ValueError, ApiError) as error:
        return _refuse(str(error))
    except KeyboardInterrupt:
        return _refuse("interrupted")
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        return _refuse(away or "the dashboard needs a terminal; for scripts there is the admin API")
    app = Dashboard(AdminClient(url, token, read_only), read_only)
    try:
        app.run()
    finally:
        app.title_line.restore(sys.__stderr__)
    return app.return_code or 0


def _refuse(said: str) -> int:
    print(f"notifier: {safe(said)}", file=sys.stderr)
    return 1
