"""`notifier doctor`."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from notifier.cli.options import server_options, user_options
from notifier.cli.text import safe, safe_json
from notifier.domain.users import parse_pair

if TYPE_CHECKING:
    from notifier.config import Settings
    from notifier.doctor import Finding

EPILOG = """\b
Examples:
  notifier doctor                                before the first start
  notifier doctor --config notifier.yaml         with the server's settings
  notifier doctor --repair                       mends the embedded Redis' data, keeping a copy
  REDIS_ADDR=redis://db:6379 notifier doctor --url http://localhost:8080
  notifier doctor --json | jq '.[] | select(.level == "fail")'

Run it as the server's user, with its environment. Exit code 1 when something fails.
"""
COLOURS = {"ok": "32", "note": "33", "fail": "31"}


@click.command("doctor", epilog=EPILOG)
@server_options
@click.option("--config", type=click.Path(dir_okay=False, path_type=Path), help="YAML file with settings.")
@click.option("--data-dir", help="Folder of the embedded Redis.")
@user_options("User whose inbox is opened.")
@click.option("--repair", is_flag=True, help="Mend the embedded Redis' data while it is stopped, keeping a copy.")
@click.option("--json", "as_json", is_flag=True, help="A list of objects: check, level, found, cure.")
@click.pass_context
def command(
    ctx: click.Context,
    url: str,
    token: str | None,
    config: Path | None,
    data_dir: str | None,
    user_id: int,
    login: str,
    repair: bool,
    as_json: bool,
) -> int:
    """Check the set-up: settings, Redis, clock, files, port, data folder, and a running server."""
    if parse_pair(str(user_id), login) is None:
        raise click.BadParameter("1-128 letters, marks, digits or _ . @ + -", param_hint="--login")
    must = ctx.get_parameter_source("url") is not ParameterSource.DEFAULT
    if repair:
        findings = _repair({"data_dir": data_dir}, config)
    else:
        findings = asyncio.run(_examine({"data_dir": data_dir}, config, (url, token, user_id, login), must))
    if as_json:
        click.echo(safe_json([finding._asdict() for finding in findings]))
    else:
        click.echo("\n".join(_lines(findings)))
    return int(any(finding.level == "fail" for finding in findings))


def _repair(flags: dict[str, Any], config: Path | None) -> list[Finding]:
    from notifier.config import SettingsError, load
    from notifier.doctor import Finding, Level, repair_data

    try:
        settings = load(flags, os.environ, config)
    except SettingsError as error:
        raise click.UsageError(str(error)) from None
    if settings.redis_addr:
        found = "REDIS_ADDR names another Redis: only the embedded one is repaired"
        return [Finding("repair", Level.FAIL, found, "unset it, or repair that one with its own redis-check-aof")]
    return repair_data(settings.data_dir)


async def _examine(
    flags: dict[str, Any], config: Path | None, server: tuple[str, str | None, int, str], must: bool
) -> list[Finding]:
    from notifier.config import SettingsError, load
    from notifier.doctor import Finding, Level, check_files, check_keeping, check_problems, check_round_trip

    try:
        settings = load(flags, os.environ, config)
    except SettingsError as error:
        findings = [Finding("settings", Level.FAIL, str(error), "correct it; the server does not start with it")]
    else:
        keeping = check_keeping(settings.notification_ttl, settings.stream_maxlen)
        findings = [_check_settings(settings), keeping, *await _examine_machine(settings)]
    url, token, user_id, login = server
    round_trip = await check_round_trip(url, token, user_id, login, must=must)
    return [*findings, check_files(), round_trip, *await check_problems(url, token)]


def _check_settings(settings: Settings) -> Finding:
    from notifier.doctor import Finding, Level

    if settings.auth_mode == "none" and settings.host not in ("127.0.0.1", "::1", "localhost"):
        found = f"AUTH_MODE=none on {settings.server_addr}: every caller that reaches it may read and send everything"
        return Finding("settings", Level.NOTE, found, "set AUTH_MODE=token with ADMIN_TOKEN or JWT_SECRET")
    return Finding("settings", Level.OK, "valid")


async def _examine_machine(settings: Settings) -> list[Finding]:
    from notifier.doctor import check_data, check_data_dir, check_embedded, check_external, check_port, check_tls
    from notifier.store.redis.address import parse_deployment

    if settings.redis_addr:
        deployment = parse_deployment(settings.redis_addr, settings.redis_password, settings.redis_db)
        store = await check_external(deployment)
    else:
        store = [
            *check_embedded(settings.data_dir),
            *check_data_dir(settings.data_dir, settings.disk_reserve),
            *check_data(settings.data_dir),
        ]
    return [*store, check_port(settings.hosts, settings.port), check_tls(settings.tls_cert, settings.tls_key)]


def _lines(findings: list[Finding]) -> Iterator[str]:
    colour = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    for check, level, found, cure in findings:
        mark = f"\x1b[{COLOURS[level]}m{level:4}\x1b[0m" if colour else f"{level:4}"
        yield f"{mark}  {check:13}  {safe(found)}"
        if cure:
            yield f"{'':21}→ {safe(cure)}"
