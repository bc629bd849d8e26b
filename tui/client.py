"""The admin API over HTTP. Every failure comes out as an `ApiError` whose text is one safe line."""

from __future__ import annotations

import json
import os
import ssl
from collections.abc import AsyncIterator, Coroutine, Mapping
from contextlib import asynccontextmanager
from enum import Enum
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote, urlsplit

import aiohttp

from tui.model import UserKey
from tui.record import Json, rows, text, whole
from tui.safe import safe
from tui.sse import Parser, ServerEvent

ADMIN = "/api/v1/admin"
DELIVERIES = "/api/v1/notifications"
INBOX = "/api/v1/inbox"
DELIVERIES_PAGE = 100  # the most that the server gives of deliveries in one answer
PAGE = 500  # rows a request: small enough that decoding one page holds no key up
FOUND_MAX = 20  # rows of a search
ANSWER_MAX = 16 * 1024 * 1024
SILENCE_MAX = 30.0  # seconds without a byte on the event stream; the server speaks at least every 10 s
_LOOKS = "this token may look and change nothing (403); that takes the scope admin"
_UNSCOPED = "the token lacks the scope admin (403); give one that has it, or observe to look only"
_ORDINARY = aiohttp.ClientTimeout(total=15, sock_connect=5)
_ENDLESS = aiohttp.ClientTimeout(total=None, sock_connect=5, sock_read=SILENCE_MAX)


class Failure(Enum):
    """The kinds of failure."""

    UNREACHABLE = "unreachable"
    NOWHERE = "nowhere"  # no host of that name, or one that cannot prove to be it: waiting does not help
    REFUSED = "refused"
    UNAVAILABLE = "unavailable"
    NOT_FOUND = "not found"
    REJECTED = "rejected"
    STRANGE = "strange"  # what answers is no notifier


class ApiError(Exception):
    """A request that failed: `failure` says how, the text says it to a person."""

    def __init__(self, failure: Failure, said: str) -> None:
        super().__init__(safe(said)[:300])
        self.failure = failure


class AdminClient:
    """One server's admin API. With `read_only` it sends nothing but GET."""

    def __init__(self, url: str, token: str | None = None, read_only: bool = False, label: str = "") -> None:
        """`label` is a name for the server. Raises `ValueError` with a line for the user where `url` or `token` cannot
        be used."""
        self._label = label
        self._base = _checked_url(url)
        self._headers = {"Accept": "application/json"} | _authorization(token)
        self._read_only = read_only
        self._session: aiohttp.ClientSession | None = None

    @property
    def place(self) -> str:
        """The label, host and port, for people; never what a URL may hold before them."""
        place = place_of(self._base)
        return f"{safe(self._label)} {place}" if self._label else place

    @property
    def remark(self) -> str:
        """A word on what the client does beside answering, for the first line; nothing for an ordinary one."""
        return ""

    def duties(self) -> list[Coroutine[Any, Any, None]]:
        """Work of the client's own while the dashboard runs."""
        return []

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(headers=self._headers)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def metrics(self) -> Json:
        """`GET /api/v1/metrics`."""
        return await self._get("/api/v1/metrics")

    async def health(self) -> Json:
        """`GET /health`; an unhealthy server's answer is an answer."""
        return await self._read("/health", {}, also=503)

    async def problems(self) -> Json:
        """`GET problems`, the worst first."""
        return await self._get(f"{ADMIN}/problems")

    async def pods(self) -> list[Json]:
        """`GET pods`."""
        return rows(await self._get(f"{ADMIN}/pods"), "pods")

    async def find(self, typed: str) -> Json:
        """`GET find`: what has this id, or a name that begins so."""
        return await self._get(f"{ADMIN}/find", q=typed, limit=FOUND_MAX)

    async def batch(self, identity: str) -> Json:
        """`GET /api/v1/batches/{id}`, with its first page."""
        return await self._get(f"/api/v1/batches/{_part(identity)}")

    async def clients(self, cursor: str = "") -> Json:
        """A page of `GET clients`."""
        return await self._get(f"{ADMIN}/clients", limit=PAGE, cursor=cursor)

    async def users(self, cursor: str = "", prefix: str = "") -> Json:
        """A page of `GET users`."""
        return await self._get(f"{ADMIN}/users", limit=PAGE, cursor=cursor, q=prefix)

    async def pending(self, cursor: str = "") -> Json:
        """A page of `GET pending`."""
        return await self._get(f"{ADMIN}/pending", limit=PAGE, cursor=cursor)

    async def history(self, user: UserKey, limit: int = 1000) -> Json:
        """`GET history` of a user, newest first."""
        return await self._get(f"{ADMIN}/history", user_id=user.id, login=user.login, limit=limit)

    async def user(self, user: UserKey) -> Json:
        """`GET users/{key}`."""
        return await self._get(f"{ADMIN}/users/{_part(str(user))}")

    async def inbox_item(self, user: UserKey, notification_id: str) -> Json:
        """`GET /api/v1/inbox/{id}` of a user: one notification with its states."""
        return await self._get(f"{INBOX}/{_part(notification_id)}", user_id=user.id, login=user.login)

    async def mark(self, user: UserKey, notification_id: str, mark: str) -> Json:
        """`POST /api/v1/inbox/mark` of one notification of a user; how many changed, and errors."""
        query = {"user_id": str(user.id), "login": _encodable(user.login)}
        body = {"as": mark, "ids": [notification_id]}
        async with self._request("POST", f"{INBOX}/mark", params=query, json=body) as response:
            return await self._decoded(response)

    async def disconnect(self, connection_id: str) -> None:
        """`DELETE clients/{connection_id}`."""
        await self._done("DELETE", f"{ADMIN}/clients/{_part(connection_id)}")

    async def clear(self, user: UserKey) -> int:
        """`DELETE users/{key}/pending`; how many were removed."""
        async with self._request("DELETE", f"{ADMIN}/users/{_part(str(user))}/pending") as response:
            return int((await self._decoded(response)).get("cleared") or 0)

    async def notify(self, users: list[UserKey], content: Json, key: str) -> list[Json]:
        """`POST /api/v1/notify`; the results. The same `key` again stores nothing twice."""
        body = {"target": [{"id": user.id, "login": user.login} for user in users], **content}
        async with self._request("POST", "/api/v1/notify", json=body, headers={"Idempotency-Key": key}) as response:
            return rows(await self._decoded(response), "results")

    async def broadcast(self, content: Json, key: str) -> int:
        """`POST broadcast`; to how many it went."""
        headers = {"Idempotency-Key": key}
        async with self._request("POST", f"{ADMIN}/broadcast", json=dict(content), headers=headers) as response:
            return int((await self._decoded(response)).get("accepted") or 0)

    async def deliveries(self, page: int, **terms: str) -> Json:
        """A page of `GET /api/v1/notifications`, counted from 1, newest first; `terms` are its filters."""
        return await self._get(DELIVERIES, page=page, limit=DELIVERIES_PAGE, **terms)

    async def delivery(self, identity: str) -> Json:
        """`GET /api/v1/notifications/{id}`."""
        return await self._get(f"{DELIVERIES}/{_part(identity)}")

    async def delivery_status(self, identity: str) -> Json:
        """`GET /api/v1/notifications/{id}/status`, with the attempts."""
        return await self._get(f"{DELIVERIES}/{_part(identity)}/status")

    async def cancel(self, identity: str) -> None:
        """`DELETE /api/v1/notifications/{id}`."""
        await self._done("DELETE", f"{DELIVERIES}/{_part(identity)}")

    async def retry(self, identity: str) -> None:
        """`POST notifications/{id}/retry`."""
        await self._done("POST", f"{ADMIN}/notifications/{_part(identity)}/retry")

    async def dead_letters(self, cursor: str = "", reason: str = "", channel: str = "", limit: int = PAGE) -> Json:
        """A page of `GET dlq`; an empty reason or channel is any."""
        return await self._get(f"{ADMIN}/dlq", limit=limit, cursor=cursor, reason=reason, channel=channel)

    async def requeue(self, identity: str) -> None:
        """`POST dlq/{id}/requeue`."""
        await self._done("POST", f"{ADMIN}/dlq/{_part(identity)}/requeue")

    async def requeue_many(self, which: Json) -> tuple[int, str]:
        """`POST dlq/requeue`; how many were, or with `dry_run` would be, and the moment that bounds them."""
        return await self._many("requeue", which, "requeued")

    async def drop_many(self, which: Json) -> tuple[int, str]:
        """`POST dlq/drop`; the same."""
        return await self._many("drop", which, "dropped")

    async def _many(self, verb: str, which: Json, done: str) -> tuple[int, str]:
        async with self._request("POST", f"{ADMIN}/dlq/{verb}", json=dict(which)) as response:
            answer = await self._decoded(response)
            return whole(answer, done), text(answer, "before")

    async def drop(self, identity: str) -> None:
        """`DELETE dlq/{id}`."""
        await self._done("DELETE", f"{ADMIN}/dlq/{_part(identity)}")

    async def hold(self, channel: str, paused: bool) -> bool:
        """`POST channels/{channel}/pause` or `resume`; whether it is paused then."""
        path = f"{ADMIN}/channels/{_part(channel)}/{'pause' if paused else 'resume'}"
        async with self._request("POST", path) as response:
            return (await self._decoded(response)).get("paused") is True

    async def providers(self) -> Json:
        """`GET providers`."""
        return await self._get(f"{ADMIN}/providers")

    async def history_of_figures(self, minutes: int) -> Json:
        """`GET history/metrics`: a value of each figure for each of the last minutes."""
        return await self._get(f"{ADMIN}/history/metrics", minutes=minutes)

    async def doors(self) -> Json:
        """`GET doors`: other programs' protocols with their requests, and their keys."""
        return await self._get(f"{ADMIN}/doors")

    async def talkers(self, minutes: int) -> Json:
        """`GET talkers`: the busiest of each kind over the last minutes, 1 or 15."""
        return await self._get(f"{ADMIN}/talkers", minutes=minutes)

    async def channels(self) -> Json:
        """`GET channels`, each at a glance."""
        return await self._get(f"{ADMIN}/channels")

    async def queues(self) -> Json:
        """`GET queues`."""
        return await self._get(f"{ADMIN}/queues")

    async def events(self, since: str = "") -> AsyncIterator[list[ServerEvent]]:
        """`GET events`, as they come, until the server ends the stream; first an empty list once it stands.

        The notable ones `since` a time, as the server writes it, come before the present ones.
        """
        parser = Parser()
        headers = {"Accept": "text/event-stream"}
        if since:  # as a header: an older server refuses a parameter that it does not know
            headers["Last-Event-ID"] = since
        async with self._request("GET", f"{ADMIN}/events", headers=headers, timeout=_ENDLESS) as response:
            await self._checked(response)
            yield []
            async for chunk in response.content.iter_any():
                yield parser.feed(chunk)

    async def _get(self, path: str, **query: str | int) -> Json:
        return await self._read(path, {name: _encodable(str(value)) for name, value in query.items() if value != ""})

    async def _read(self, path: str, params: Mapping[str, str], also: int = 0) -> Json:
        """The way of every request that reads one answer; a status of `also` is an answer too."""
        async with self._request("GET", path, params=params) as response:
            return await self._decoded(response, also)

    async def _done(self, method: str, path: str) -> None:
        async with self._request(method, path) as response:
            await self._checked(response)

    @asynccontextmanager
    async def _request(self, method: str, path: str, **more: Any) -> AsyncIterator[aiohttp.ClientResponse]:
        if self._read_only and method != "GET":
            raise ApiError(Failure.REJECTED, "this dashboard is read-only")
        if self._session is None:
            raise RuntimeError("the client is used outside of its `async with`")
        more.setdefault("timeout", _ORDINARY)
        try:
            # A redirect would carry the token to another place.
            async with self._session.request(method, self._base + path, allow_redirects=False, **more) as response:
                yield response
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise ApiError(_failure(error), _why(error)) from error

    async def _decoded(self, response: aiohttp.ClientResponse, also: int = 0) -> Json:
        body = await self._checked(response, also)
        try:
            found = json.loads(body)
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, Mapping):
            raise ApiError(Failure.STRANGE, f"{self.place} answers, but not as notifier does")
        return found

    async def _checked(self, response: aiohttp.ClientResponse, also: int = 0) -> bytes:
        if response.status == 200 and response.content_type == "text/event-stream":
            return b""
        body = await _bounded(response)
        if response.status < 300 or response.status == also:
            return body
        raise _refusal(response, _detail(body), self.place)


async def _bounded(response: aiohttp.ClientResponse) -> bytes:
    parts: list[bytes] = []
    held = 0
    async for part in response.content.iter_chunked(64 * 1024):
        held += len(part)
        if held > ANSWER_MAX:
            raise ApiError(Failure.STRANGE, f"an answer of more than {ANSWER_MAX >> 20} MiB was not read")
        parts.append(part)
    return b"".join(parts)


def _refusal(response: aiohttp.ClientResponse, detail: str, place: str) -> ApiError:
    status = response.status
    if status == 401:
        return ApiError(Failure.REFUSED, "the token is missing, wrong or expired (401); give --token or NOTIFIER_TOKEN")
    if status == 403:
        return ApiError(Failure.REFUSED, _LOOKS if response.method != "GET" else _UNSCOPED)
    if 300 <= status < 400:
        return ApiError(Failure.STRANGE, f"{place} redirects elsewhere ({status}); give the URL it leads to")
    if status == 404:
        return ApiError(Failure.NOT_FOUND, detail or f"{place} knows no such thing (404)")
    if status in (502, 503, 504):
        return ApiError(Failure.UNAVAILABLE, detail or f"the server is unavailable ({status})")
    return ApiError(Failure.REJECTED, f"{detail or 'the server refused'} ({status})")


def _detail(body: bytes) -> str:
    """The text of a problem document; its errors name the fields."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return ""
    if not isinstance(found, Mapping):
        return ""
    fields = [f"{text(row, 'path')}: {text(row, 'message')}" for row in rows(found, "errors")]
    return "; ".join(fields) or text(found, "detail") or text(found, "title")


def _failure(error: BaseException) -> Failure:
    misled = aiohttp.ClientConnectorCertificateError | ssl.SSLError | aiohttp.ClientConnectorDNSError
    return Failure.NOWHERE if isinstance(error, misled) else Failure.UNREACHABLE


def _why(error: BaseException) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, aiohttp.ClientConnectorCertificateError | ssl.SSLError):
        return f"its certificate is not trusted: {error}"
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return "there is no host of that name"
    if isinstance(error, aiohttp.ClientConnectorError):
        return os.strerror(error.os_error.errno).lower() if error.os_error.errno else "no connection"
    if isinstance(error, aiohttp.ServerDisconnectedError | aiohttp.ClientPayloadError | ConnectionError):
        return "the connection broke off"
    return str(error) or type(error).__name__


def _checked_url(url: str) -> str:
    try:
        parts = urlsplit(url)
        valid = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        valid = False
    if not valid or not url.isprintable():
        raise ValueError(f"{safe(url)!r} is no URL such as http://localhost:8080")
    return url.rstrip("/")


def _authorization(token: str | None) -> dict[str, str]:
    if not token:
        return {}
    if not (token.isascii() and token.isprintable()):
        raise ValueError("the token holds characters that no token has; give --token or NOTIFIER_TOKEN")
    return {"Authorization": f"Bearer {token}"}


def place_of(url: str) -> str:
    """Host and port of a URL."""
    parts = urlsplit(url)
    return safe(parts.netloc.rpartition("@")[2])


def _part(value: str) -> str:
    return quote(_encodable(value), safe="")


def _encodable(value: str) -> str:
    """JSON can carry lone surrogates, which no URL can."""
    return value.encode("utf-8", "replace").decode()
