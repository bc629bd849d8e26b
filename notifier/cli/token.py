"""`notifier token`."""

from __future__ import annotations

import os
import time
from pathlib import Path

import click

from notifier.config.values import duration
from notifier.domain.users import MAX_USER_ID, User, parse_pair

EPILOG = """\b
Examples:
  JWT_SECRET=… notifier token --user-id 1 --login alice
  notifier token --config notifier.yaml --user-id 1 --login alice --ttl 10m
  notifier client --user-id 1 --login alice --token "$(notifier token --user-id 1 --login alice)"

JWT_SECRET is taken from the environment or from --config; it has to be the server's. In production the backend that
knows who is logged in signs such tokens itself: HS256; sub (the id as text), login and exp.
"""
LONGEST = 366 * 86400.0


def _seconds(ctx: click.Context, param: click.Parameter, value: str) -> float:
    try:
        return float(duration(1, LONGEST)(value))
    except ValueError as error:
        raise click.BadParameter(f"{value!r}: expected {error}") from None


@click.command("token", epilog=EPILOG)
@click.option("--user-id", type=click.IntRange(1, MAX_USER_ID), required=True, help="The user's id.")
@click.option("--login", required=True, help="The user's login.")
@click.option("--ttl", default="1h", show_default=True, callback=_seconds, help="Lifetime of the token.")
@click.option("--config", type=click.Path(dir_okay=False, path_type=Path), help="YAML file with settings.")
def command(user_id: int, login: str, ttl: float, config: Path | None) -> None:
    """Print a token with which a user may open the inbox."""
    user = parse_pair(str(user_id), login)
    if user is None:
        raise click.BadParameter("1-128 letters, marks, digits or _ . @ + -", param_hint="--login")
    click.echo(mint(_secret(config), user, ttl, time.time()))


def _secret(config: Path | None) -> str:
    from notifier.config import SettingsError, load

    try:
        secret = load({}, os.environ, config).jwt_secret
    except SettingsError as error:
        raise click.UsageError(str(error)) from None
    if not secret:
        raise click.UsageError("JWT_SECRET is not set: give the server's, 32 bytes or more")
    return secret


def mint(secret: str, user: User, ttl: float, now: float) -> str:
    """A token for a user, signed with HS256, that ends `ttl` seconds after `now` (Unix seconds)."""
    import jwt

    claims = {"sub": str(user.id), "login": user.login, "iat": int(now), "exp": int(now + ttl)}
    return jwt.encode(claims, secret, algorithm="HS256")
