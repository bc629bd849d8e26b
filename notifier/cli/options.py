"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import click

from notifier.domain.deliveries import key_problem
from notifier.domain.hosts import is_host
from notifier.domain.users import MAX_USER_ID

DEFAULT_URL = "http://localhost:8080"

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


def check_url(ctx: click.Context, param: click.Parameter, value: str) -> str:
    """A server's URL without the slash at its end."""
    if not _is_url(value):
        raise click.BadParameter(f"{value[:200]!r} is no URL such as {DEFAULT_URL}")
    if "@" in urlsplit(value).netloc:
        raise click.BadParameter("give the key with --token, not in the URL")
    return value.rstrip("/")


def _is_url(value: str) -> bool:
    """True for the URL of a server: no blank or control character, no query, a host that DNS could know."""
    try:
        parts = urlsplit(value)
        value.encode()  # bytes of the command line that are no UTF-8
        known = parts.scheme in ("http", "https") and is_host(parts.hostname or "") and parts.port != 0
    except ValueError:
        return False
    return known and value.isprintable() and parts.path.isascii() and not any(char in value for char in " \\?#")


def check_token(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    """A key or token as a header can carry it; it is never shown."""
    if value is not None and not (value.isascii() and value.isprintable()):
        raise click.BadParameter("it holds a line break or another character that no key has; give the key alone")
    return value


def check_key(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    """An idempotency key."""
    problem = None if value is None else key_problem(value)
    if problem is not None:
        raise click.BadParameter(problem)
    return value


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
    token = click.option(
        "--token", envvar="NOTIFIER_TOKEN", callback=check_token, help="API key or token. Env: NOTIFIER_TOKEN."
    )
    url = click.option(
        "--url",
        envvar="NOTIFIER_URL",
        default=DEFAULT_URL,
        show_default=True,
        callback=check_url,
        help="URL of the server. Env: NOTIFIER_URL.",
    )
    return url(token(function))
