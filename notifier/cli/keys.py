"""`notifier keys`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import click

from notifier.cli import Failure
from notifier.cli.admin import call
from notifier.cli.options import server_options
from notifier.cli.text import safe

EPILOG = """\b
Examples:
  notifier keys create --name shop --scope notify
  notifier keys create --name grafana --scope read --token "$ADMIN_TOKEN"
  notifier keys list
  notifier keys revoke 3d8ceb9d-a2b0-47bc-a139-30efe43e5687

Scopes: notify (send), read (look), observe (look, at the operators' API too), admin (all). At first --token is the
server's ADMIN_TOKEN.
"""
SCOPES = ("notify", "read", "observe", "admin")


@click.group("keys", epilog=EPILOG)
def command() -> None:
    """API keys: create, list, revoke."""


def _scopes(ctx: click.Context, param: click.Parameter, values: tuple[str, ...]) -> list[str]:
    names = [name.strip() for value in values for name in value.split(",")]
    for name in names:
        if name not in SCOPES:
            raise click.BadParameter(f"{name!r}: expected some of {', '.join(SCOPES)}, with commas between")
    return list(dict.fromkeys(names))


@command.command("create", epilog=EPILOG)
@server_options
@click.option("--name", required=True, help="Name of the key's user, for lists and audit lines.")
@click.option("--scope", "scopes", multiple=True, required=True, callback=_scopes, help="notify, read, observe, admin.")
def create(url: str, token: str | None, name: str, scopes: list[str]) -> None:
    """Make a key. It is printed once, on stdout, and cannot be shown again."""
    made = _expect(call(url, token, "POST", "keys", {"name": name, "scopes": scopes}), "key", "id")
    click.echo(f"key {safe(made['id'])} for {name} ({', '.join(scopes)}); it is shown this once:", err=True)
    click.echo(safe(made["key"]))


@command.command("list", epilog=EPILOG)
@server_options
def list_keys(url: str, token: str | None) -> None:
    """List the keys, oldest first, without the keys themselves."""
    for row in _rows(url, token):
        click.echo(safe(f"{row['id']}  {row['created_at']}  {','.join(row['scopes']):<17}  {row['name']}"))


@command.command("revoke", epilog=EPILOG)
@server_options
@click.argument("key_id", metavar="ID")
def revoke(url: str, token: str | None, key_id: str) -> None:
    """Revoke the key with this ID. All instances refuse it within five seconds."""
    if not key_id.isprintable():
        raise click.BadParameter(f"{key_id!r} is no key's", param_hint="ID")
    call(url, token, "DELETE", f"keys/{quote(key_id, safe='')}")
    click.echo(f"revoked {safe(key_id)}")


def _rows(url: str, token: str | None) -> Iterator[dict[str, Any]]:
    cursor: str | None = ""
    while cursor is not None:
        page = _expect(call(url, token, "GET", f"keys?limit=1000&cursor={quote(cursor)}"), "keys", "next_cursor")
        yield from page["keys"]
        cursor = page["next_cursor"]


def _expect(answer: Any, *names: str) -> dict[str, Any]:
    if not isinstance(answer, dict) or not all(name in answer for name in names):
        raise Failure("what answers there is no notifier")
    return answer
