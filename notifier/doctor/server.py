"""A running server, as a client sees it."""

from __future__ import annotations

import asyncio
import time

from notifier.client import Client, ClientError
from notifier.doctor.findings import Finding, fail, note, ok

TIMEOUT = 5.0
LOOK = "look at it in the dashboard (notifier tui), or at GET /api/v1/admin/problems"


async def check_round_trip(url: str, token: str | None, user_id: int, login: str, *, must: bool) -> Finding:
    """Opens an inbox over WebSocket and waits until it is in sync; without `must` a server that is not there is a
    note."""
    began = time.perf_counter()
    try:
        async with asyncio.timeout(TIMEOUT), Client(url, token) as client:
            async for message in client.listen(user_id, login):
                if message.type == "sync.complete":
                    return ok("websocket", f"{url}: in sync within {(time.perf_counter() - began) * 1000:.0f} ms")
                if message.type == "client.state" and message.data["state"] == "waiting":
                    return _away(url, message.data["reason"], must)
    except ClientError as error:
        cure = f"with AUTH_MODE=token: --token with a token of this user (notifier token --user-id {user_id} …)"
        if error.status not in (401, 403):
            cure = "let the proxy pass upgrades of /ws (Upgrade and Connection headers); look at the server's log"
        return fail("websocket", f"{url}: {error}", cure)
    except TimeoutError:
        pass
    return fail(
        "websocket", f"{url}: not in sync within {TIMEOUT:g} s", "look at its log, and at /health for the store"
    )


async def check_problems(url: str, token: str | None) -> list[Finding]:
    """The problems that a running server names, in its own words and order; none where it does not answer."""
    try:
        async with asyncio.timeout(TIMEOUT), Client(url, token) as client:
            told = await client.health()
    except (ClientError, TimeoutError):
        return []  # that it is away is found by opening an inbox
    if "problems" not in told:
        return []  # an older version
    faults = [row for row in told["problems"] if row["severity"] != "notice"]
    found = [(fail if row["severity"] == "critical" else note)("problems", row["text"], LOOK) for row in faults]
    return found or [ok("problems", f"{url} names none")]


def _away(url: str, reason: str, must: bool) -> Finding:
    kind = fail if must else note
    return kind("websocket", f"{url}: {reason}", "start it with notifier serve, or name a running one by --url")
