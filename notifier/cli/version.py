"""`notifier version`."""

from __future__ import annotations

import platform

import click

from notifier import __version__


@click.command("version")
def command() -> None:
    """Print the versions of notifier, Python and the Redis that would be embedded."""
    from notifier.store.redis_binary import NoRedis, find_redis

    try:
        binary = find_redis()
        redis = ".".join(map(str, binary.version)) + (" (bundled)" if binary.bundled else f" ({binary.path})")
    except NoRedis:
        redis = "none found"
    click.echo(f"notifier {__version__}\npython   {platform.python_version()}\nredis    {redis}")
