"""`notifier bench`."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

import click

from notifier.cli import Failure
from notifier.cli.options import server_options
from notifier.config.values import duration as duration_reader

EPILOG = """\b
Examples:
  notifier bench                                   1,000 users, 1,000 messages a second, 10 s
  notifier bench --users 100 --rate 200 --duration 30s
  notifier bench --batch 100 --rate 5000 --json

The users are new ones; what they are sent lives for five minutes. Exit code 1 when anything was lost.
"""


def _seconds(ctx: click.Context, param: click.Parameter, value: str) -> float:
    try:
        return float(duration_reader(0.1, 86400)(value))
    except ValueError as error:
        raise click.BadParameter(f"{value!r}: expected {error}") from None


@click.command("bench", epilog=EPILOG)
@server_options
@click.option("--users", type=click.IntRange(1, 50_000), default=1000, show_default=True, help="Connected users.")
@click.option("--rate", type=click.FloatRange(0.1, 1e6), default=1000.0, show_default=True, help="Messages a second.")
@click.option("--duration", default="10s", show_default=True, callback=_seconds, help="Time to send.")
@click.option("--batch", type=click.IntRange(1, 1000), default=1, show_default=True, help="Recipients per request.")
@click.option(
    "--drain", default="10s", show_default=True, callback=_seconds, help="Longest wait for the last messages."
)
@click.option("--json", "as_json", is_flag=True, help="The figures as one JSON object.")
def command(
    url: str, token: str | None, users: int, rate: float, duration: float, batch: int, drain: float, as_json: bool
) -> int:
    """Load-test the server at --url: every user reads and marks read what comes."""
    from notifier.client.load import Load, Plan

    load = Load(url, token, Plan(users, rate, duration, min(batch, users), drain), _progress)
    try:
        figures = asyncio.run(_run(load))
    except KeyboardInterrupt:
        return 130
    if sys.stderr.isatty():
        print("\r\x1b[K", end="", file=sys.stderr)
    print(json.dumps(figures) if as_json else _table(figures))
    return 1 if figures["lost"] else 0


async def _run(load: Any) -> dict[str, Any]:
    import aiohttp

    try:
        figures: dict[str, Any] = await load.run()
        return figures
    except (aiohttp.ClientError, OSError, TimeoutError, TypeError) as error:
        raise Failure(f"the load test broke off: {' '.join(str(error).split()) or type(error).__name__}") from None


def _progress(line: str) -> None:
    if sys.stderr.isatty():
        print(f"\r\x1b[K{line}", end="", file=sys.stderr, flush=True)


def _table(figures: dict[str, Any]) -> str:
    rows = []
    for name, value in figures.items():
        for part, number in value.items() if isinstance(value, dict) else (("", value),):
            rows.append((f"{name} {part}".strip(), "-" if number is None else f"{number:,}"))
    return "\n".join(f"{name:<20}{value:>14}" for name, value in rows)
