"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import click

from notifier.domain.hosts import is_host
from notifier.domain.users import MAX_USER_ID

DEFAULT_URL = "http://localhost:8080"

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


def check_url(ctx: click.Context, param: click.Parameter, value: str) -> str:
    """A server's URL without the slash at its end."""
    try:
        parts = urlsplit(value)
        valid = parts.scheme in ("http", "https") and is_host(parts.hostname or "") and (parts.port or 1) > 0
    except ValueError:
        valid = False
    if not valid:
        raise click.BadParameter(f"{value!r} is no URL such as {DEFAULT_URL}")
    return value.rstrip("/")


def user_options(help_text: str = "") -> Decorator:
    """`--user-id`, with what it is for, and `--login`, of the user whose inbox it is about."""
    login = click.option("--login", envvar="DEV_LOGIN", default="test_user", show_default=True, help="Env: DEV_LOGIN.")
    user_id = click.option(
        "--user-id",
        type=click.IntRange(1, MAX_USER_ID),
        envvar="DEV_USER_ID",
        default=1,
        show_default=True,
        help=f"{help_text} Env: DEV_USER_ID.".lstrip(),
    )
    return lambda function: user_id(login(function))


def server_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """`--url` and `--token` of the server that a command talks to."""
    token = click.option("--token", envvar="NOTIFIER_TOKEN", help="API key or token. Env: NOTIFIER_TOKEN.")
    url = click.option(
        "--url",
        envvar="NOTIFIER_URL",
        default=DEFAULT_URL,
        show_default=True,
        callback=check_url,
        help="Where the server is. Env: NOTIFIER_URL.",
    )
    return url(token(function))
