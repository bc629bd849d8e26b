"""`notifier inbox`."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from notifier.cli import Failure
from notifier.cli.options import Decorator, server_options, user_options
from notifier.cli.text import safe, safe_json

if TYPE_CHECKING:
    from notifier.client import OwnInbox

T = TypeVar("T")

EPILOG = """\b
Examples:
  notifier inbox list --user-id 1 --login alice --status unread
  notifier inbox list --user-id 1 --login alice --archived only --json | jq '.[].message'
  notifier inbox mark archived ID ID --user-id 1 --login alice
  notifier inbox snooze ID --for 2h --user-id 1 --login alice
  notifier inbox counts --user-id 1 --login alice
  notifier inbox tokens create phone --user-id 1 --login alice
  notifier inbox tokens revoke ID --user-id 1 --login alice
"""
MARKS = ("seen", "read", "unread", "archived", "unarchived", "acted")


@click.group("inbox", epilog=EPILOG)
def command() -> None:
    """List, count, mark and snooze what is in a user's inbox; make tokens for their devices."""


def _of_user(function: Callable[..., Any]) -> Callable[..., Any]:
    options: list[Decorator] = [server_options, user_options("User whose inbox it is.")]
    for option in options:
        function = option(function)
    return function


@command.command("list", epilog=EPILOG)
@_of_user
@click.option("--status", type=click.Choice(("all", "unread", "read")), default="all", show_default=True)
@click.option("--archived", type=click.Choice(("exclude", "include", "only")), default="exclude", show_default=True)
@click.option("--snoozed", type=click.Choice(("exclude", "only")), default="exclude", show_default=True)
@click.option("--category", help="Of this category alone.")
@click.option("--source", help="Of this sender alone.")
@click.option("--q", help="With this text in message or title.")
@click.option("--limit", type=click.IntRange(1, 100), default=50, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="A list of objects.")
def list_items(
    url: str, token: str | None, user_id: int, login: str, as_json: bool, **wanted: str | int | None
) -> None:
    """List notifications, newest first, with their states."""
    given = {name: value for name, value in wanted.items() if value is not None}
    items = _ask(url, token, user_id, login, lambda inbox: inbox.items(**given))
    if as_json:
        click.echo(safe_json(items))
        return
    for item in items:
        click.echo(
            f"{item['notification_id']}  {_state_of(item):9}  {safe(item['created_at'])}  {safe(item['message'])}"
        )


@command.command("mark", epilog=EPILOG)
@_of_user
@click.argument("mark", type=click.Choice(MARKS))
@click.argument("ids", nargs=-1, required=True)
def mark_items(url: str, token: str | None, user_id: int, login: str, mark: str, ids: tuple[str, ...]) -> int:
    """Mark the notifications with these IDS. Exit code 1 when one of them could not be marked."""
    answer = _ask(url, token, user_id, login, lambda inbox: inbox.mark(mark, ids=ids))
    click.echo(f"{answer['changed']} changed, {_counted(answer['counts'])}")
    for error in answer.get("errors", ()):
        click.echo(f"{safe(error['id'])}  {safe(error['error'])}", err=True)
    return int(bool(answer.get("errors")))


@command.command("snooze", epilog=EPILOG)
@_of_user
@click.argument("notification_id", metavar="ID")
@click.option("--for", "span", help="For how long: 1m-30d, such as 2h.")
@click.option("--until", help="Until when, such as 2030-01-01T09:00:00Z.")
@click.option("--off", is_flag=True, help="Bring it back as it was.")
def snooze_item(
    url: str,
    token: str | None,
    user_id: int,
    login: str,
    notification_id: str,
    span: str | None,
    until: str | None,
    off: bool,
) -> None:
    """Put a notification off, or bring it back."""
    if [span is not None, until is not None, off].count(True) != 1:
        raise click.UsageError("say --for, --until or --off")
    if off:
        _ask(url, token, user_id, login, lambda inbox: inbox.unsnooze(notification_id))
        click.echo(f"{safe(notification_id)}  back")
        return
    _ask(url, token, user_id, login, lambda inbox: inbox.snooze(notification_id, span=span, until=until))
    click.echo(f"{safe(notification_id)}  snoozed {'until ' + safe(until) if until else 'for ' + safe(span)}")


@command.command("counts", epilog=EPILOG)
@_of_user
@click.option("--json", "as_json", is_flag=True, help="An object: unread, unseen, total.")
def count_items(url: str, token: str | None, user_id: int, login: str, as_json: bool) -> None:
    """Count the main list: what is neither archived nor snoozed."""
    (counts,) = _ask(url, token, user_id, login, lambda inbox: inbox.counts())
    click.echo(safe_json(counts) if as_json else _counted(counts))


@command.group("tokens", epilog=EPILOG)
def tokens() -> None:
    """Tokens for a user's devices: create, list, revoke.

    A token reads and marks its owner's inbox, by /ws and by ntfy's apps, and opens nothing else.
    """


@tokens.command("create", epilog=EPILOG)
@_of_user
@click.argument("name")
@click.option("--ttl", metavar="TIME", help="Time after which it ends: 90d. Without it: a year without use.")
def create_token(url: str, token: str | None, user_id: int, login: str, name: str, ttl: str | None) -> None:
    """Make a token for the device NAME. It is printed once, on stdout, and cannot be shown again."""
    made = _ask(url, token, user_id, login, lambda inbox: inbox.create_token(name, ttl=ttl))
    if not isinstance(made.get("token"), str):
        raise Failure("what answers there is no notifier")
    click.echo(f"token {safe(made.get('id'))} for {safe(name)}; it is shown this once:", err=True)
    click.echo(safe(made["token"]))


@tokens.command("list", epilog=EPILOG)
@_of_user
def list_tokens(url: str, token: str | None, user_id: int, login: str) -> None:
    """List the tokens, oldest first, without the tokens themselves: id, creation, last use, end, name."""
    for row in _ask(url, token, user_id, login, lambda inbox: inbox.tokens()):
        used = f"used {row['last_used']}" if row.get("last_used") else "never used"
        ends = f"ends {row['expires_at']}" if row.get("expires_at") else "no end"
        click.echo(safe(f"{row['id']}  {row['created_at']}  {used}  {ends}  {row['name']}"))


@tokens.command("revoke", epilog=EPILOG)
@_of_user
@click.argument("token_id", metavar="ID")
def revoke_token(url: str, token: str | None, user_id: int, login: str, token_id: str) -> None:
    """Revoke the token with this ID. What it holds open ends within five seconds."""
    _ask(url, token, user_id, login, lambda inbox: inbox.revoke_token(token_id))
    click.echo(f"revoked {safe(token_id)}")


def _state_of(item: dict[str, Any]) -> str:
    """The word that says the most of a notification's states."""
    words = {"snoozed_until": "snoozed", "archived_at": "archived", "acted_at": "acted", "read_at": "read"}
    found = next((word for name, word in words.items() if item.get(name)), None)
    return found or ("read" if item.get("read") else "seen" if item.get("seen_at") else "unread")


def _counted(counts: dict[str, Any]) -> str:
    return f"{counts['unread']} unread, {counts['unseen']} unseen, {counts['total']} in all"


def _ask(url: str, token: str | None, user_id: int, login: str, what: Callable[[OwnInbox], Awaitable[T]]) -> T:
    from notifier.client import Client, ClientError

    async def ask() -> T:
        async with Client(url, token) as client:
            return await what(client.inbox(user_id, login))

    try:
        return asyncio.run(ask())
    except ClientError as error:
        raise Failure(safe(error)) from None
