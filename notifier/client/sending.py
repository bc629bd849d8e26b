"""Requests to a server, and the way to its inboxes."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Any, Self

import aiohttp

from notifier.client.inbox import OwnInbox
from notifier.client.listening import Clock, Listener, brief
from notifier.client.messages import ClientError

TIMEOUT = aiohttp.ClientTimeout(total=15)


class Client:
    """Talks to one server. Use as an async context manager."""

    def __init__(
        self,
        url: str,
        token: str | None = None,
        *,
        clock: Clock | None = None,
        die: Callable[[], float] = random.random,
    ) -> None:
        """`url` like `http://localhost:8080`; `token` is an API key for `send` and a user's JWT for `listen`. `clock`
        and `die` (0 … 1) time what `listen` does, and are replaced in tests."""
        self._url = url.rstrip("/")
        self._token = token
        self._clock = clock or Clock()
        self._die = die
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(headers=self._headers())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def send(
        self, targets: Sequence[tuple[int, str]], message: str, *, idempotency_key: str | None = None, **options: Any
    ) -> list[dict[str, Any]]:
        """Sends a notification to users given as (id, login); the results, one per target.

        `options` are the optional fields of the request, such as `source`, `title`, `ttl`. Raises `ClientError`.
        """
        body = {"target": [{"id": i, "login": login} for i, login in targets], "message": message, **options}
        return _results(await self._post("/api/v1/notify", body, 202, idempotency_key))

    async def deliver(
        self, channel: str, content: str, *, idempotency_key: str | None = None, **options: Any
    ) -> dict[str, Any]:
        """Creates a delivery through a provider: `channel` is `sms`, `email`, `push`, `webhook` or `inapp`; the
        delivery as it was accepted.

        `options` are `recipient` or `user_id`, and the optional fields of the request, such as `subject`, `priority`,
        `scheduled_at`. Raises `ClientError`.
        """
        body = {"channel": channel, "content": content, **options}
        return _object(await self._post("/api/v1/notifications", body, 201, idempotency_key))

    async def delivery(self, delivery_id: str) -> dict[str, Any]:
        """A delivery as it stands now. Raises `ClientError`."""
        try:
            async with self._http.get(f"{self._url}/api/v1/notifications/{delivery_id}", timeout=TIMEOUT) as answer:
                text = await answer.text(errors="replace")
                if answer.status != 200:
                    raise _refused(answer.status, text)
                return _object(text)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise self._unreached(error) from error

    async def health(self) -> dict[str, Any]:
        """The report of `/health`, whatever it says; empty where there is none. Raises `ClientError`."""
        try:
            async with self._http.get(f"{self._url}/health", timeout=TIMEOUT) as answer:
                return _decoded(await answer.text(errors="replace"))
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise self._unreached(error) from error

    async def _post(self, path: str, body: Mapping[str, Any], wanted: int, key: str | None) -> str:
        headers = {"Idempotency-Key": key} if key else {}
        try:
            async with self._http.post(f"{self._url}{path}", json=body, headers=headers, timeout=TIMEOUT) as answer:
                text = await answer.text(errors="replace")
                if answer.status != wanted:
                    raise _refused(answer.status, text)
                return text
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise self._unreached(error) from error

    def _unreached(self, error: BaseException) -> ClientError:
        return ClientError(f"no server answers at {self._url}: {brief(error)}")

    def listen(self, user_id: int, login: str, *, states: bool = False) -> Listener:
        """Follows the inbox of a user; with `states` also `notification.state`, `notification.update`,
        `notification.removed` and `inbox.counts`."""
        return Listener(self._http, self._url, self._token, user_id, login, self._clock, self._die, states)

    def inbox(self, user_id: int, login: str) -> OwnInbox:
        """The inbox of a user, to be listed, counted and marked."""
        return OwnInbox(self._request, user_id, login)

    async def update(self, notification_id: str, **fields: Any) -> int:
        """Changes what a notification says: `message`, `title`, `url`, `category`, `priority`, `data`; its revision.
        Raises `ClientError`."""
        answer = await self._request("PATCH", f"/api/v1/notify/{notification_id}", fields)
        return int(answer.get("revision", 0))

    async def retract(self, notification_id: str) -> str:
        """Takes a notification back: whether it was `unread`, `read` or `gone`. Raises `ClientError`."""
        return str((await self._request("DELETE", f"/api/v1/notify/{notification_id}", None)).get("was", ""))

    async def _request(self, method: str, path: str, body: Mapping[str, Any] | None) -> dict[str, Any]:
        try:
            async with self._http.request(method, f"{self._url}{path}", json=body, timeout=TIMEOUT) as answer:
                text = await answer.text(errors="replace")
                if answer.status not in (200, 201, 204):
                    raise _refused(answer.status, text)
                return _decoded(text)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise self._unreached(error) from error

    @property
    def _http(self) -> aiohttp.ClientSession:
        if self._session is None:
            raise RuntimeError("use `async with Client(…)`")
        return self._session

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._token}"} if self._token else {}


def _results(text: str) -> list[dict[str, Any]]:
    results = _decoded(text).get("results")
    if not isinstance(results, list) or not all(isinstance(result, dict) for result in results):
        raise ClientError("what answers there is no notifier")
    return results


def _object(text: str) -> dict[str, Any]:
    value = _decoded(text)
    if not isinstance(value.get("id"), str):
        raise ClientError("what answers there is no notifier")
    return value


def _decoded(text: str) -> dict[str, Any]:
    """The JSON object in an answer; an empty one where it is none."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _refused(status: int, text: str) -> ClientError:
    problem = _decoded(text)
    said = [problem.get(name) for name in ("detail", "title")]
    detail = next((one for one in said if one and isinstance(one, str)), text[:200])
    errors = problem.get("errors")
    rows = [row for row in errors if isinstance(row, dict)] if isinstance(errors, list) else []
    fields = "; ".join(f"{row.get('path', '')}: {row.get('message', '')}" for row in rows)
    return ClientError(f"{detail} ({status})" + (f": {fields}" if fields else ""), status, problem)
