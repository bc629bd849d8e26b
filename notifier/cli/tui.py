"""`notifier tui`."""

from __future__ import annotations

import click

from notifier.cli.options import server_options

EPILOG = """\b
Examples:
  notifier tui
  notifier tui --url http://db.internal:8080 --token $ADMIN_TOKEN
  notifier tui --read-only                     looks, and changes nothing

Press ? in it for the keys, Ctrl+P for all commands, q to leave.
"""


@click.command("tui", epilog=EPILOG)
@server_options
@click.option("--read-only", is_flag=True, help="Without the commands that change anything.")
def command(url: str, token: str | None, read_only: bool) -> int:
    """Open the operators' dashboard: connections, deliveries, events and health."""
    from tui.run import run

    return run(url, token, read_only)
