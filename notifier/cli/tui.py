"""`notifier tui`."""

from __future__ import annotations

import re

import click
from click.core import ParameterSource

from notifier.cli.options import server_options

EPILOG = """\b
Examples:
  notifier tui
  notifier tui --url http://db.internal:8080 --token $ADMIN_TOKEN
  notifier tui --read-only                     looks, and changes nothing
  notifier tui @prod                           a server of ~/.config/notifier/contexts.toml
  notifier tui --record night.rec              keeps what is seen
  notifier tui --replay night.rec --speed 10   shows it again
  notifier tui --snapshot overview             prints one frame, without a terminal

Press ? in it for the keys, Ctrl+P for all commands, q to leave.

\b
Exit codes: 0 left, or a snapshot without problems; 1 failed, or a snapshot with problems;
2 wrong usage; 3 no snapshot could be taken; 128 and its number after a signal.
"""
_SIZE = re.compile(r"([1-9][0-9]{1,2})x([1-9][0-9]{1,2})")
_FROM_COMMAND_LINE = ParameterSource.COMMANDLINE


def _context(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    if value is not None and not value.startswith("@"):
        raise click.BadParameter(f"{value[:200]!r}: a context is named as @prod")
    return None if value is None else value[1:]


def _size(ctx: click.Context, param: click.Parameter, value: str) -> tuple[int, int]:
    found = _SIZE.fullmatch(value)
    if found is None:
        raise click.BadParameter(f"{value[:200]!r} is no size such as 120x40")
    columns, lines = int(found[1]), int(found[2])
    if columns < 80 or lines < 24:
        raise click.BadParameter("the dashboard needs at least 80x24")
    return columns, lines


@click.command("tui", epilog=EPILOG)
@click.argument("context", required=False, metavar="[@CONTEXT]", callback=_context)
@server_options
@click.option("--read-only", is_flag=True, help="Without the commands that change anything.")
@click.option("--record", metavar="FILE", default="", help="Record what the server answers to a new file (0600).")
@click.option("--replay", metavar="FILE", default="", help="Show a recording; no server is asked.")
@click.option("--speed", type=click.FloatRange(0.125, 1024), default=1.0, show_default=True, help="Of the replay.")
@click.option("--snapshot", metavar="VIEW", default="", help="Print one frame of a view, such as overview.")
@click.option(
    "--format", "form", type=click.Choice(["text", "svg", "json"]), default="text", show_default=True, help="Of it."
)
@click.option("--size", default="120x40", show_default=True, callback=_size, help="Columns and lines of the snapshot.")
@click.pass_context
def command(
    ctx: click.Context,
    context: str | None,
    url: str,
    token: str | None,
    read_only: bool,
    record: str,
    replay: str,
    speed: float,
    snapshot: str,
    form: str,
    size: tuple[int, int],
) -> int:
    """Open the operators' dashboard: connections, deliveries, events and health."""
    if sum(map(bool, (record, replay, snapshot))) > 1:
        raise click.UsageError("--record, --replay and --snapshot exclude one another")
    from tui import run

    if replay:
        return run.replay(replay, speed)
    label = ""
    if context is not None:
        url, token, read_only, label = _opened(ctx, context, token, read_only)
    if snapshot:
        return run.snapshot(url, token, snapshot, form, size, label)
    return run.run(url, token, read_only, label, record)


def _opened(ctx: click.Context, name: str, token: str | None, read_only: bool) -> tuple[str, str | None, bool, str]:
    """The server of a context. A token in the environment is another server's: it is not sent to this one."""
    from tui.contexts import find

    if ctx.get_parameter_source("url") is _FROM_COMMAND_LINE:
        raise click.UsageError(f"give @{name} or --url, not both")
    given = token if ctx.get_parameter_source("token") is _FROM_COMMAND_LINE else None
    try:
        found = find(name)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    return found.url, given or found.token, read_only or found.read_only, f"@{name}"
