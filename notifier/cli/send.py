"""`notifier send`."""

from __future__ import annotations

import asyncio
from typing import Any

import click

from notifier.cli import Failure
from notifier.cli.options import server_options
from notifier.cli.text import safe
from notifier.domain.users import User, parse_pair

EPILOG = """\b
Examples:
  notifier send --to 1:alice "Your order is on its way"
  notifier send --to 1:alice --to 2:bob --source shop "Sale ends today"
  notifier send --to 1:alice --ttl 1h --priority high --url /orders/7 "Order 7"
  notifier send --to 1:alice --idempotency-key order-7 "Once, however often this runs"
"""


class Target(click.ParamType):  # type: ignore[type-arg]
    """A user as `id:login`."""

    name = "id:login"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> User:
        number, _, login = str(value).partition(":")
        user = parse_pair(number, login)
        if user is None:
            self.fail(f"{value!r} is no user; write id:login, such as 1:alice")
        return user


@click.command("send", epilog=EPILOG)
@server_options
@click.option("--to", "targets", type=Target(), multiple=True, required=True, help="A recipient; may be repeated.")
@click.option("--source", help="Who sends it.")
@click.option("--title", help="A heading.")
@click.option("--link", help="A URL to open.")
@click.option("--category", help="A group that the recipient may sort by.")
@click.option("--priority", type=click.Choice(["high", "normal", "low"]), help="For display.")
@click.option("--ttl", help="How long it is kept, such as 15m or 7d.")
@click.option("--idempotency-key", help="The same key again sends nothing twice.")
@click.argument("message")
def command(
    url: str,
    token: str | None,
    targets: tuple[User, ...],
    idempotency_key: str | None,
    message: str,
    **options: str | None,
) -> None:
    """Send MESSAGE to the inboxes of users."""
    fields = {("url" if name == "link" else name): value for name, value in options.items() if value is not None}
    for result in asyncio.run(_send(url, token, targets, message, idempotency_key, fields)):
        target = result["target"]
        click.echo(f"{target['id']}:{target['login']}  {result['notification_id']}")


async def _send(
    url: str, token: str | None, targets: tuple[User, ...], message: str, key: str | None, fields: dict[str, str]
) -> list[dict[str, Any]]:
    from notifier.client import Client, ClientError

    try:
        async with Client(url, token) as client:
            return await client.send(targets, message, idempotency_key=key, **fields)
    except ClientError as error:
        raise Failure(safe(error)) from None
