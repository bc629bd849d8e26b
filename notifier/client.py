"""A client of the service: sends notifications, and follows a user's inbox through restarts and lost connections."""

from __future__ import annotations

import asyncio
import json
import random
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from types import TracebackType
from typing import Any, NamedTuple, Self

import aiohttp

FIRST_DELAY = 0.25
MAX_DELAY = 15.0
SEEN_MAX = 2_000
ACKS_MAX = 1_000
MESSAGE_MAX = 4 * 1024 * 1024
ACK_BURST, ACK_RATE = 60, 40.0  # acks at once, and a second: below what the server takes from one connection
HEARTBEAT = 20.0  # seconds between pings: a server that vanished without a word is noticed
TIMEOUT = aiohttp.ClientTimeout(total=15)
FINAL_CODES = {
    1008: "the server refuses this client",
    4401: "the token has expired",
    4403: "the token is not for this user",
}


class ClientError(Exception):
    """No server was reached, or it refused; the message says why. `status` is that of HTTP, 0 without an answer."""

    def __init__(self, message: str, status: int = 0, problem: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.problem = dict(problem or {})


class Message(NamedTuple):
    """What the server said: `type` and `data` of contract and protocol. `state` messages of this client have the type
    `client.state` and data with `state` (`connected`, `waiting`), and `delay` in seconds or `reason`."""

    type: str
    data: Any


def backoff(attempt: int, uniform: Callable[[float, float], float] = random.uniform) -> float:
    """Seconds before reconnect number `attempt` (from 0): exponential with full jitter over the upper half, so that
    clients that lost their server together do not come back together."""
    ceiling = min(MAX_DELAY, FIRST_DELAY * 2 ** min(attempt, 16))
    return uniform(ceiling / 2, ceiling)


class Client:
    """Talks to one server. Use as an async context manager."""

    def __init__(self, url: str, token: str | None = None) -> None:
        """`url` like `http://localhost:8080`; `token` is an API key for `send` and a user's JWT for `listen`."""
        self._url = url.rstrip("/")
        self._token = token
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
                text = await answer.text()
                if answer.status != 200:
                    raise _refused(answer.status, text)
                return _object(text)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise self._unreached(error) from error

    async def _post(self, path: str, body: Mapping[str, Any], wanted: int, key: str | None) -> str:
        headers = {"Idempotency-Key": key} if key else {}
        try:
            async with self._http.post(f"{self._url}{path}", json=body, headers=headers, timeout=TIMEOUT) as answer:
                text = await answer.text()
                if answer.status != wanted:
                    raise _refused(answer.status, text)
                return text
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise self._unreached(error) from error

    def _unreached(self, error: BaseException) -> ClientError:
        return ClientError(f"no server answers at {self._url}: {_brief(error)}")

    def listen(self, user_id: int, login: str) -> Listener:
        """Follows the inbox of a user."""
        return Listener(self._http, self._url, self._token, user_id, login)

    @property
    def _http(self) -> aiohttp.ClientSession:
        if self._session is None:
            raise RuntimeError("use `async with Client(…)`")
        return self._session

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._token}"} if self._token else {}


class Listener:
    """An inbox as it changes: iterate over it for `Message`s, tell it what was read with `ack`.

    It reconnects by itself, fills gaps, leaves repeats out, and sends acks again that the server did not confirm.
    """

    def __init__(self, http: aiohttp.ClientSession, url: str, token: str | None, user_id: int, login: str) -> None:
        self._http = http
        self._url = url
        self._user = {"user_id": str(user_id), "login": login}
        self._protocols = ("notifier.v1", f"bearer.{token}") if token else ()
        self._seen: OrderedDict[str, str] = OrderedDict()
        self._acks: OrderedDict[str, str] = OrderedDict()
        self._socket: aiohttp.ClientWebSocketResponse | None = None
        self._next_ack = 0.0

    async def ack(self, notification_id: str, stream_id: str) -> None:
        """Marks a notification read, soon or when the connection is back. Beyond 1,000 the oldest are forgotten."""
        self._acks[notification_id] = stream_id
        while len(self._acks) > ACKS_MAX:
            self._acks.popitem(last=False)
        await self._send_ack(notification_id, stream_id)

    async def __aiter__(self) -> AsyncIterator[Message]:
        attempt = 0
        while True:
            reason, resending = "the connection broke", None
            try:
                async with self._connect() as socket:
                    self._socket = socket
                    yield Message("client.state", {"state": "connected"})
                    resending = asyncio.create_task(self._resend_acks())
                    async for message in self._messages(socket):
                        attempt = 0
                        yield message
                    reason = self._reason(socket.close_code)
            except aiohttp.WSServerHandshakeError as error:
                if error.status not in (429, 502, 503, 504):
                    raise ClientError(
                        f"the server refuses the connection: {error.status} {error.message}", error.status
                    ) from error
                reason = f"the server answers {error.status}"
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                reason = _brief(error)
            finally:
                self._socket = None
                if resending is not None:
                    resending.cancel()
            delay = backoff(attempt)
            attempt += 1
            yield Message("client.state", {"state": "waiting", "reason": reason, "delay": delay})
            await asyncio.sleep(delay)

    def _connect(self) -> Any:
        return self._http.ws_connect(
            f"{self._url}/ws",
            params=self._user,
            protocols=self._protocols,
            heartbeat=HEARTBEAT,
            max_msg_size=MESSAGE_MAX,
        )

    @staticmethod
    def _reason(code: int | None) -> str:
        if code in FINAL_CODES:
            raise ClientError(f"the server closed the connection for good: {FINAL_CODES[code]} ({code})")
        return f"the server closed the connection ({code or 'no code'})"

    async def _messages(self, socket: aiohttp.ClientWebSocketResponse) -> AsyncIterator[Message]:
        async for frame in socket:
            if frame.type is not aiohttp.WSMsgType.TEXT:
                continue
            message = _read(frame.data)
            if message is not None and self._is_news(message):
                yield message

    def _is_news(self, message: Message) -> bool:
        if message.type == "notification.read.ack":
            self._acks.pop(message.data["notification_id"], None)
        elif message.type == "error" and message.data.get("code") == "not_found":
            self._forget_lost_acks()
        if message.type != "notification.push":
            return True
        notification_id, status = message.data["notification_id"], message.data["status"]
        known = self._seen.get(notification_id)
        self._seen[notification_id] = status
        self._seen.move_to_end(notification_id)
        while len(self._seen) > SEEN_MAX:
            self._seen.popitem(last=False)
        return known is None or status not in (known, "unread")

    def _forget_lost_acks(self) -> None:
        # The server no longer has what was read; which one it means, it does not say. All were sent once: the next
        # connection need not repeat them.
        self._acks.clear()

    async def _resend_acks(self) -> None:
        for notification_id, stream_id in list(self._acks.items()):
            await self._send_ack(notification_id, stream_id)

    async def _send_ack(self, notification_id: str, stream_id: str) -> None:
        await asyncio.sleep(self._delay(asyncio.get_running_loop().time()))
        if self._socket is None or self._socket.closed or notification_id not in self._acks:
            return
        data = {"notification_id": notification_id, "stream_id": stream_id}
        try:
            await self._socket.send_json({"type": "notification.read", "data": data})
        except (aiohttp.ClientError, OSError):
            return  # it stays among the unconfirmed, and goes out with the next connection

    def _delay(self, now: float) -> float:
        """Seconds until one more ack may go out."""
        self._next_ack = max(self._next_ack, now - ACK_BURST / ACK_RATE) + 1 / ACK_RATE
        return max(0.0, self._next_ack - now)


def _read(text: str) -> Message | None:
    """What a frame says; None for what no server of ours says."""
    try:
        body = json.loads(text)
        kind, data = body["type"], body["data"]
        needed = _NEEDED.get(kind, ())
        sound = isinstance(kind, str) and all(isinstance(data[name], str) for name in needed)
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return Message(kind, data) if sound else None


_NEEDED = {
    "notification.push": ("notification_id", "stream_id", "status"),
    "notification.read.ack": ("notification_id",),
    "error": ("code",),
}


def _results(text: str) -> list[dict[str, Any]]:
    try:
        results: list[dict[str, Any]] = json.loads(text)["results"]
    except (ValueError, KeyError, TypeError):
        raise ClientError("what answers there is no notifier") from None
    return results


def _object(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError:
        value = None
    if not isinstance(value, dict) or "id" not in value:
        raise ClientError("what answers there is no notifier")
    return value


def _refused(status: int, text: str) -> ClientError:
    try:
        problem = json.loads(text)
        detail = str(problem.get("detail") or problem.get("title"))
        fields = "; ".join(f"{e['path']}: {e['message']}" for e in problem.get("errors", []))
    except (ValueError, AttributeError, KeyError, TypeError):
        problem, detail, fields = {}, text[:200], ""
    return ClientError(f"{detail} ({status})" + (f": {fields}" if fields else ""), status, problem)


def _brief(error: BaseException) -> str:
    return str(error) or type(error).__name__
