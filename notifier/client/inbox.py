"""A user's own inbox over HTTP: listed, counted, marked and snoozed; and the tokens of their devices."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlencode

Request = Callable[[str, str, Mapping[str, Any] | None], Awaitable[dict[str, Any]]]

PATH = "/api/v1/inbox"
MARKS = ("seen", "read", "unread", "archived", "unarchived", "acted")


class OwnInbox:
    """The inbox of one user. With a user's token that user's own, with an API key anybody's. Every method may raise
    `ClientError`."""

    def __init__(self, request: Request, user_id: int, login: str) -> None:
        self._request = request
        self._pair = {"user_id": user_id, "login": login}

    async def query(self, **wanted: Any) -> dict[str, Any]:
        """A page: `items`, newest first, `counts`, `rev`, `next_before`. `wanted` are the parameters of the API, such
        as `status`, `archived`, `category`, `q`, `limit`, `before`."""
        return await self._request("GET", self._path("", wanted), None)

    async def items(self, **wanted: Any) -> list[dict[str, Any]]:
        """The `items` of a page."""
        items: list[dict[str, Any]] = (await self.query(**wanted)).get("items", [])
        return items

    async def counts(self, filters: Sequence[Mapping[str, Any]] = ()) -> list[dict[str, Any]]:
        """`unread`, `unseen` and `total` of what each filter takes; without filters of the main list."""
        wanted = {"filters": json.dumps(list(filters))} if filters else {}
        found: list[dict[str, Any]] = (await self._request("GET", self._path("/counts", wanted), None)).get(
            "counts", []
        )
        return found

    async def mark(
        self,
        mark: str,
        *,
        ids: Sequence[str] | None = None,
        up_to: str | None = None,
        filter: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Marks notifications as one of `MARKS`: by ids, all up to a stream id, or those that a filter takes:
        `changed`, `counts`, `rev`, and `errors` of single ids."""
        chosen = {"ids": ids, "up_to": up_to, "filter": filter}
        body = {"as": mark, **{name: value for name, value in chosen.items() if value is not None}}
        return await self._request("POST", self._path("/mark"), body)

    async def snooze(self, notification_id: str, *, span: str | float | None = None, until: str | None = None) -> None:
        """Puts a notification off for a `span` such as `2h`, or `until` a time."""
        body = {"for": span} if span is not None else {"until": until}
        await self._request("PUT", self._path(f"/{notification_id}/snooze"), body)

    async def unsnooze(self, notification_id: str) -> None:
        """Brings a notification back as it was."""
        await self._request("DELETE", self._path(f"/{notification_id}/snooze"), None)

    async def tokens(self) -> list[dict[str, Any]]:
        """The tokens of the user's devices, without their secrets, oldest first."""
        found: list[dict[str, Any]] = (await self._request("GET", self._path("/tokens"), None)).get("tokens", [])
        return found

    async def create_token(self, name: str, *, ttl: str | float | None = None) -> dict[str, Any]:
        """Makes a token for a device, with an end after a `ttl` such as `90d`: `token`, which is told this once, `id`,
        and the rest of its row in `tokens`."""
        body = {"name": name} if ttl is None else {"name": name, "ttl": ttl}
        return await self._request("POST", self._path("/tokens"), body)

    async def revoke_token(self, token_id: str) -> None:
        """Revokes a device's token by its `id`: what it holds open ends within five seconds."""
        await self._request("DELETE", self._path(f"/tokens/{quote(token_id, safe='')}"), None)

    def _path(self, rest: str, wanted: Mapping[str, Any] | None = None) -> str:
        texts = {
            name: str(value).lower() if isinstance(value, bool) else value for name, value in (wanted or {}).items()
        }
        return f"{PATH}{rest}?{urlencode({**self._pair, **texts})}"
