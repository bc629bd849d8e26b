"""A user's inbox over WebSocket, through restarts of the server and lost connections."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import aiohttp

from notifier.client.acks import Acks
from notifier.client.memory import PAGE, Memory
from notifier.client.messages import ERROR, INBOX_COUNTS, LATER, SYNC_COMPLETE, ClientError, Message, read_message
from notifier.client.positions import position

MIN_DELAY, FIRST_DELAY, MAX_DELAY = 0.1, 1.0, 30.0  # seconds; the browser's client has the same
STABLE_AFTER = 5.0  # a connection in sync for so long starts the next backoff from the beginning
RETRY = 1.0  # seconds, and up to as much again, until what the server cannot take now is said again
MESSAGE_MAX = 4 * 1024 * 1024
ACK_BURST, ACK_RATE = 60, 40.0  # acks at once, and a second: below what the server takes from one connection
HEARTBEAT = 20.0  # seconds between pings: a server that vanished without a word is noticed
FINAL_CODES = {
    1008: "the server refuses this client",
    4401: "the token has expired",
    4403: "the token is not for this user",
}


class Clock:
    """Monotonic seconds: a wall clock set by hand or by NTP moves nothing here."""

    def now(self) -> float:
        """Seconds since some moment."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Waits."""
        await asyncio.sleep(seconds)


def backoff(attempt: int, die: Callable[[], float] = random.random) -> float:
    """Seconds before reconnect number `attempt` (from 0): at random below a bound that doubles, so that clients that
    lost their server together do not come back together."""
    bound = min(MAX_DELAY, FIRST_DELAY * float(2 ** min(attempt, 16)))
    return MIN_DELAY + die() * (bound - MIN_DELAY)


class Listener:
    """An inbox as it changes: iterate over it for `Message`s, tell it what was read with `ack`.

    It reconnects by itself, fills gaps, leaves repeats out, and sends acks again that the server did not confirm. The
    iteration ends with `ClientError` where the server says that coming back is of no use.
    """

    def __init__(
        self,
        http: aiohttp.ClientSession,
        url: str,
        token: str | None,
        user_id: int,
        login: str,
        clock: Clock,
        die: Callable[[], float],
        states: bool = False,
    ) -> None:
        """`states` asks for the frames of states and counts, too."""
        self.counts: dict[str, int] | None = None  # as the server told them last; None before, and without `states`
        self.rev = 0
        self._http = http
        self._url = url
        self._user = {"user_id": str(user_id), "login": login} | ({"events": "states,counts"} if states else {})
        self._protocols = ("notifier.v1", f"bearer.{token}") if token else ()
        self._clock = clock
        self._die = die
        self._acks = Acks()
        self._memory = Memory(self._acks)
        self._ack_news = asyncio.Event()
        self._next_ack = 0.0
        self._in_sync_at: float | None = None

    async def ack(self, notification_id: str, stream_id: str) -> None:
        """Marks a notification read, soon or when the connection is back. Beyond 1,000 the oldest are forgotten."""
        if not self._memory.is_settled(notification_id):
            self._acks.add(notification_id, stream_id)
            self._ack_news.set()

    async def ack_all(self) -> None:
        """Marks all that has come read, by one message, soon or when the connection is back."""
        unread = self._memory.unread
        for notification_id, stream_id in unread:
            self._acks.add(notification_id, stream_id)
        if unread:
            self._acks.add_all(max((stream_id for _, stream_id in unread), key=position))
            self._ack_news.set()

    async def __aiter__(self) -> AsyncIterator[Message]:
        attempt = 0
        while True:
            reason, code, sending = "the connection broke", None, None
            try:
                async with self._connect() as socket:
                    yield Message("client.state", {"state": "connected"})
                    self._memory.begin()
                    sending = asyncio.create_task(self._send_acks(socket))
                    async for message in self._messages(socket):
                        yield message
                    code = socket.close_code
                    reason = f"the server closed the connection ({code or 'no code'})"
            except aiohttp.WSServerHandshakeError as error:
                if error.status not in (429, 502, 503, 504):
                    raise ClientError(
                        f"the server refuses the connection: {error.status} {error.message}", error.status
                    ) from error
                reason = f"the server answers {error.status}"
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                reason = brief(error)
            finally:
                if sending is not None:
                    sending.cancel()
            if code in FINAL_CODES:
                for message in self._memory.release():
                    yield message
                words = f"the server closed the connection for good: {FINAL_CODES[code]} ({code})"
                raise ClientError(words, code=code)
            attempt = 0 if self._was_stable() else attempt
            delay = backoff(attempt, self._die)
            attempt += 1
            yield Message("client.state", {"state": "waiting", "reason": reason, "code": code, "delay": delay})
            await self._clock.sleep(delay)

    def _connect(self) -> Any:
        return self._http.ws_connect(
            f"{self._url}/ws",
            params=self._user,
            protocols=self._protocols,
            heartbeat=HEARTBEAT,
            max_msg_size=MESSAGE_MAX,
        )

    def _was_stable(self) -> bool:
        since, self._in_sync_at = self._in_sync_at, None
        return since is not None and self._clock.now() - since >= STABLE_AFTER

    # -- what the server says

    async def _messages(self, socket: aiohttp.ClientWebSocketResponse) -> AsyncIterator[Message]:
        async for frame in socket:
            message = read_message(frame.data) if frame.type is aiohttp.WSMsgType.TEXT else None
            if message is None:
                continue
            self._settle(message)
            self._count(message)
            for news in self._memory.take(message):
                if news.type == SYNC_COMPLETE:
                    self._in_sync_at = self._clock.now()
                yield news
            if self._memory.refused:
                raise ConnectionError("the server did not send what was missed")
            after, self._memory.wanted = self._memory.wanted, None
            if after is not None:
                await socket.send_json({"type": "sync.request", "data": {"limit": PAGE, "after": after}})

    def _count(self, message: Message) -> None:
        """Takes the server's counts over: those of a connect as they are, later ones with a higher revision alone."""
        data = message.data
        if message.type == SYNC_COMPLETE and "counts" in data:
            self.counts, self.rev = data["counts"], data.get("rev", 0)
        elif message.type == INBOX_COUNTS and data["rev"] > self.rev:
            self.rev = data["rev"]
            self.counts = {name: data[name] for name in ("unread", "unseen", "total")}

    def _settle(self, message: Message) -> None:
        """Repeats or gives up the marks that an error is about."""
        if message.type != ERROR:
            return
        if message.data["code"] in LATER:
            self._acks.rewind()
            self._next_ack = self._clock.now() + RETRY * (1 + self._die())
            self._ack_news.set()
        elif message.data.get("in_reply_to") == "notification.read":
            self._acks.refuse()
        elif message.data.get("in_reply_to") == "notification.read_all":
            self._acks.refuse_all()

    # -- what was read

    async def _send_acks(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._acks.rewind()
        try:
            while True:
                message = self._acks.next()
                if message is None:
                    self._ack_news.clear()
                    await self._ack_news.wait()
                    continue
                await self._clock.sleep(self._delay(self._clock.now()))
                kind, data = message
                await socket.send_json({"type": kind, "data": data})
        except (aiohttp.ClientError, OSError):
            return  # it stays among the unconfirmed, and goes out with the next connection

    def _delay(self, now: float) -> float:
        """Seconds until one more ack may go out."""
        self._next_ack = max(self._next_ack, now - ACK_BURST / ACK_RATE) + 1 / ACK_RATE
        return max(0.0, self._next_ack - now)


def brief(error: BaseException) -> str:
    """An exception in a few words."""
    return str(error) or type(error).__name__
