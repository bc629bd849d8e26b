"""`notifier send`."""

from __future__ import annotations

import asyncio
from typing import Any

import click

from notifier.cli import Failure
from notifier.cli.options import check_key, server_options
from notifier.cli.text import safe
from notifier.domain.channels import CHANNELS, PRIORITIES
from notifier.domain.notifications import ON_SAME
from notifier.domain.users import User, parse_pair

EPILOG = """\b
Examples:
  notifier send --to 1:alice "Your order is on its way"
  notifier send --to 1:alice --to 2:bob --source shop "Sale ends today"
  notifier send --to 1:alice --ttl 1h --priority high --url /orders/7 "Order 7"
  notifier send --to 1:alice --idempotency-key order-7 "Once, however often this runs"
  notifier send --to 1:alice --key build-42 --on-same replace "Build 42 is green"
  notifier send --channel email --recipient ada@example.com --title "Order 7" "It is on its way"
  notifier send --channel push --user 1-alice --priority high "To every device of this user"
  notifier send --channel sms --recipient +905551234567 --at 2030-01-01T09:00:00Z "Happy new year"
"""
INBOX_ONLY = ("source", "link", "category", "ttl", "key", "on_same", "deliver_at")
DELIVERY_ONLY = ("recipient", "user", "at")


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
@click.option("--to", "targets", type=Target(), multiple=True, help="An inbox; may be repeated.")
@click.option("--channel", type=click.Choice(CHANNELS), help="Send through this channel instead of the inbox.")
@click.option("--recipient", help="The channel's address: a number, mailbox, device token or URL.")
@click.option("--user", help="Send to the addresses of this user's sessions.")
@click.option("--at", help="Time to send it, such as 2030-01-01T09:00:00Z (channels).")
@click.option("--source", help="Name of the sender (inbox).")
@click.option("--title", help="A heading, or the subject.")
@click.option("--link", help="A URL to open (inbox).")
@click.option("--category", help="A group that the recipient may sort by (inbox).")
@click.option("--priority", type=click.Choice(PRIORITIES), help="For display; order in a channel.")
@click.option("--ttl", help="Lifetime, such as 15m or 7d (inbox).")
@click.option("--key", help="What it is about: a later one with the same key takes its place (inbox).")
@click.option("--on-same", type=click.Choice(ON_SAME), help="What becomes of an earlier one of the key (inbox).")
@click.option("--deliver-at", help="Time when it is to come, such as 2030-01-01T09:00:00Z (inbox).")
@click.option("--idempotency-key", callback=check_key, help="The same key again sends nothing twice.")
@click.argument("message")
def command(
    url: str,
    token: str | None,
    targets: tuple[User, ...],
    channel: str | None,
    idempotency_key: str | None,
    message: str,
    **options: str | None,
) -> None:
    """Send MESSAGE to the inboxes of users, or through a channel to a recipient."""
    given = {name: value for name, value in options.items() if value is not None}
    if channel is None:
        _refuse(given, DELIVERY_ONLY, "needs --channel")
        if not targets:
            raise click.UsageError("say to whom: --to id:login, or --channel and --recipient")
        if "on_same" in given and "key" not in given:
            raise click.UsageError("--on-same needs --key")
        fields = {("url" if name == "link" else name): value for name, value in given.items()}
        for result in asyncio.run(_send(url, token, targets, message, idempotency_key, fields)):
            target = result["target"]
            click.echo(f"{target['id']}:{target['login']}  {result['notification_id']}")
        return
    _refuse(given, INBOX_ONLY, "is for the inbox, without --channel")
    if targets or ("recipient" in given) == ("user" in given):
        raise click.UsageError("with --channel, name one --recipient or one --user")
    names = {"user": "user_id", "title": "subject", "at": "scheduled_at"}
    fields = {names.get(name, name): value for name, value in given.items()}
    delivery = asyncio.run(_deliver(url, token, channel, message, idempotency_key, fields))
    to = delivery.get("recipient") or delivery.get("user_id")
    click.echo(f"{channel}:{safe(to)}  {safe(delivery['id'])}  {safe(delivery['status'])}")


def _refuse(given: dict[str, str], names: tuple[str, ...], why: str) -> None:
    for name in names:
        if name in given:
            raise click.UsageError(f"--{name.replace('_', '-')} {why}")


async def _send(
    url: str, token: str | None, targets: tuple[User, ...], message: str, key: str | None, fields: dict[str, str]
) -> list[dict[str, Any]]:
    from notifier.client import Client, ClientError

    try:
        async with Client(url, token) as client:
            return await client.send(targets, message, idempotency_key=key, **fields)
    except ClientError as error:
        raise Failure(safe(error)) from None


async def _deliver(
    url: str, token: str | None, channel: str, message: str, key: str | None, fields: dict[str, str]
) -> dict[str, Any]:
    from notifier.client import Client, ClientError

    try:
        async with Client(url, token) as client:
            return await client.deliver(channel, message, idempotency_key=key, **fields)
    except ClientError as error:
        raise Failure(safe(error)) from None
