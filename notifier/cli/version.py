"""`notifier version`."""

from __future__ import annotations

import platform

import click

from notifier import __version__
from notifier.cli import Failure

EPILOG = """\b
Examples:
  notifier version
  notifier version --licences | less
"""


@click.command("version", epilog=EPILOG)
@click.option("--licences", is_flag=True, help="Print the licences of all that is in the executable.")
def command(licences: bool) -> None:
    """Print the versions of notifier (and its form: compiled or plain), Python and the Redis that would be embedded."""
    click.echo(_licences() if licences else _versions())


def _versions() -> str:
    from notifier.packaged.form import form
    from notifier.store.embedded.binary import NoRedis, find_redis

    try:
        binary = find_redis()
        redis = ".".join(map(str, binary.version)) + (" (bundled)" if binary.bundled else f" ({binary.path})")
    except NoRedis:
        redis = "none found"
    return f"notifier {__version__} ({form()})\npython   {platform.python_version()}\nredis    {redis}"


def _licences() -> str:
    """The text that the build wrote; raises `Failure` outside the executable, where pip keeps each package's own."""
    from importlib.resources import files

    notices = files("notifier").joinpath("licences.txt")
    if not notices.is_file():
        raise Failure("the notices are part of the executable; here each stands in its package's .dist-info folder")
    return notices.read_text(encoding="utf-8")
