"""`notifier client`."""

from __future__ import annotations

import asyncio
import os
import sys
from typing import TYPE_CHECKING, Any

import click

from notifier.cli import Failure
from notifier.cli.options import server_options, user_options
from notifier.cli.text import safe, safe_json
from notifier.config.values import duration
from notifier.domain.users import parse_pair

if TYPE_CHECKING:
    from notifier.client import Listener, Message

EPILOG = """\b
Examples:
  notifier client                                  user 1, test_user
  notifier client --user-id 7 --login alice
  notifier client --no-ack --json | jq .data.message
"""


def _seconds(ctx: click.Context, param: click.Parameter, value: str) -> float:
    try:
        return float(duration(0, 86400)(value))
    except ValueError as error:
        raise click.BadParameter(f"{value!r}: expected {error}") from None


@click.command("client", epilog=EPILOG)
@server_options
@user_options()
@click.option(
    "--ack-after", default="2s", show_default=True, callback=_seconds, help="Wait before each is marked read."
)
@click.option("--no-ack", is_flag=True, help="Leave them unread.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object per line.")
def command(
    url: str, token: str | None, user_id: int, login: str, ack_after: float, no_ack: bool, as_json: bool
) -> int:
    """Follow a user's inbox over WebSocket, through restarts of the server, until Ctrl-C."""
    if parse_pair(str(user_id), login) is None:
        raise click.BadParameter("1-128 letters, marks, digits or _ . @ + -", param_hint="--login")
    follower = Follower(None if no_ack else ack_after, as_json)
    try:
        asyncio.run(follower.follow(url, token, user_id, login))
    except KeyboardInterrupt:
        return 0
    return 0


class Follower:
    """Prints what an inbox says and marks it read."""

    def __init__(self, ack_after: float | None, as_json: bool) -> None:
        self._ack_after = ack_after
        self._as_json = as_json
        self._acks: set[asyncio.Task[None]] = set()
        self._colour = sys.stdout.isatty() and not os.environ.get("NO_COLOR")

    async def follow(self, url: str, token: str | None, user_id: int, login: str) -> None:
        """Follows until it is cancelled or the server refuses for good."""
        from notifier.client import Client, ClientError

        try:
            async with Client(url, token) as client:
                listener = client.listen(user_id, login)
                async for message in listener:
                    self._show(message, url)
                    self._plan_ack(listener, message)
        except ClientError as error:
            raise Failure(safe(error)) from None

    def _plan_ack(self, listener: Listener, message: Message) -> None:
        if self._ack_after is None or message.type != "notification.push" or message.data["status"] != "unread":
            return
        task = asyncio.create_task(self._ack(listener, message.data, self._ack_after))
        self._acks.add(task)
        task.add_done_callback(self._acks.discard)

    @staticmethod
    async def _ack(listener: Listener, data: dict[str, Any], delay: float) -> None:
        await asyncio.sleep(delay)
        await listener.ack(data["notification_id"], data["stream_id"])

    def _show(self, message: Message, url: str) -> None:
        if message.type == "client.state":
            self._show_state(message.data, url)
        elif self._as_json:
            print(safe_json({"type": message.type, "data": message.data}), flush=True)
        else:
            print(self._line(message), flush=True)

    def _show_state(self, data: dict[str, Any], url: str) -> None:
        if data["state"] == "connected":
            print(f"connected to {url}", file=sys.stderr)
        else:
            print(f"{safe(data['reason'])}; trying again in {data['delay']:.1f} s", file=sys.stderr)

    def _line(self, message: Message) -> str:
        data = message.data
        match message.type:
            case "notification.push" if data["status"] == "auto_cleared":
                return self._paint("2", f"expired unread  {data['notification_id']}")
            case "notification.push":
                return self._paint("1" if data["status"] == "unread" else "2", _notification(data))
            case "notification.read.ack":
                return self._paint("2", f"read            {data['notification_id']}")
            case "sync.complete":
                return self._paint("2", f"in sync: {data['pending']} unread of {data['total']}")
            case "error":
                return f"error {safe(str(data.get('code')))}: {safe(str(data.get('message')))}"
            case _:
                return f"{safe(message.type)} {safe_json(data)}"

    def _paint(self, code: str, text: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self._colour else text


def _notification(data: dict[str, Any]) -> str:
    source = f"[{safe(data['source'])}] " if data.get("source") else ""
    title = f"{safe(data['title'])}: " if data.get("title") else ""
    mark = "●" if data["status"] == "unread" else "○"
    return f"{mark} {safe(data['created_at'])}  {source}{title}{safe(data['message'])}  ({data['status']})"
