"""`notifier keys`."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any, TextIO
from urllib.parse import quote

import click

from notifier.cli import Failure
from notifier.cli.admin import call
from notifier.cli.options import server_options
from notifier.cli.text import safe
from notifier.domain.times import format_time, parse_duration

EPILOG = """\b
Examples:
  notifier keys create --name shop --scope notify
  notifier keys create --name grafana --scope read --token "$ADMIN_TOKEN"
  notifier keys create --name kuma --door gotify --to 1:alice --to 2:bob --rate 60/1m
  notifier keys create --name github --door hooks --to 1:alice --secret-file FILE
  notifier keys list
  notifier keys revoke 3d8ceb9d-a2b0-47bc-a139-30efe43e5687

Doors: ntfy, gotify, apprise, hooks (Alertmanager, Grafana, GitHub, CloudEvents). A door's key is for that protocol
alone, and reaches the users named by --to.

Scopes: notify (send), read (look), observe (look, at the operators' API too), admin (all). At first --token is the
server's ADMIN_TOKEN.
"""
SCOPES = ("notify", "read", "observe", "admin")
DOORS = ("ntfy", "gotify", "apprise", "hooks")


@click.group("keys", epilog=EPILOG)
def command() -> None:
    """API keys: create, list, revoke."""


def _scopes(ctx: click.Context, param: click.Parameter, values: tuple[str, ...]) -> list[str]:
    names = [name.strip() for value in values for name in value.split(",")]
    for name in names:
        if name not in SCOPES:
            raise click.BadParameter(f"{name!r}: expected some of {', '.join(SCOPES)}, with commas between")
    return list(dict.fromkeys(names))


def _seconds(ctx: click.Context, param: click.Parameter, value: str | None) -> float | None:
    found = None if value is None else parse_duration(value)
    if value is not None and not found:
        raise click.BadParameter(f"{value!r}: expected a time such as 90d")
    return found


@command.command("create", epilog=EPILOG)
@server_options
@click.option("--name", required=True, help="Name of the key's user, for lists and audit lines.")
@click.option("--scope", "scopes", multiple=True, callback=_scopes, help="notify, read, observe, admin.")
@click.option("--door", type=click.Choice(DOORS), help="The protocol that the key opens, instead of --scope.")
@click.option("--to", "users", multiple=True, metavar="ID:LOGIN", help="Who gets what comes by the door.")
@click.option("--category", help="Category of what comes by the door.")
@click.option("--rate", metavar="N/TIME", help="Limit on what comes by the door: 60/1m.")
@click.option("--expires", metavar="TIME", callback=_seconds, help="Time after which the key ends: 90d.")
@click.option("--secret-file", type=click.File("r"), help="File with the secret of the sender's signatures.")
def create(
    url: str,
    token: str | None,
    name: str,
    scopes: list[str],
    door: str | None,
    users: tuple[str, ...],
    category: str | None,
    rate: str | None,
    expires: float | None,
    secret_file: TextIO | None,
) -> None:
    """Make a key. It is printed once, on stdout, and cannot be shown again."""
    if bool(scopes) == bool(door):
        raise click.UsageError("name the key's --scope, or its --door")
    wanted: dict[str, Any] = {
        "name": name,
        "scopes": scopes or None,
        "door": door,
        "to": [user.replace(":", "-", 1) for user in users] or None,
        "category": category,
        "rate": rate,
        "expires_at": None if expires is None else format_time(time.time() + expires),
        "secret": secret_file.read().strip() if secret_file else None,
    }
    body = {field: value for field, value in wanted.items() if value is not None}
    made = _expect(call(url, token, "POST", "keys", body), "key", "id")
    opens = f"door {door}" if door else ", ".join(scopes)
    click.echo(f"key {safe(made['id'])} for {name} ({opens}); it is shown this once:", err=True)
    click.echo(safe(made["key"]))


@command.command("list", epilog=EPILOG)
@server_options
def list_keys(url: str, token: str | None) -> None:
    """List the keys, oldest first, without the keys themselves."""
    for row in _rows(url, token):
        opens = f"{row['door']} {','.join(row['to'])}" if "door" in row else ",".join(row["scopes"])
        click.echo(safe(f"{row['id']}  {row['created_at']}  {opens:<17}  {row['name']}"))


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
