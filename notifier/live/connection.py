"""One open WebSocket of one user: what it has been sent, in which order, and what it may say."""

from __future__ import annotations

import uuid
from collections import deque
from collections.abc import Sequence
from typing import Protocol

from notifier.domain.limits import MessageBudget
from notifier.domain.users import User
from notifier.live.websocket import WebSocket

Position = tuple[int, int]
BEGINNING: Position = (0, 0)


GREETING_CHUNK = 64 * 1024
NEVER = float("inf")
PLAIN: frozenset[str] = frozenset()  # one for all: Python makes each empty one anew, of 216 bytes
TOKEN_EXPIRED = 4401


class Endpoint(Protocol):
    """The endpoint that answers a connection's messages."""

    def receive(self, connection: Connection, text: bytes) -> None:
        """A text frame came."""

    def pushed(self, connection: Connection, count: int) -> None:
        """So many pushes left that had waited for their turn."""

    def left(self, connection: Connection, code: int, reason: str) -> None:
        """The connection is closed."""


class Connection(WebSocket):
    """A user's tab or device.

    `seen` is the stream position up to which the client was sent everything, or will be in its turn; a push at or
    before it is a repeat and is left out. It is known once the inbox has been read (`placed`). While the inbox is read
    for a new connection and sent to it, live pushes wait in `_held`.
    `telling` names the frames that the client asked for beside the plain ones: `states`, `counts`; `rev` is the inbox's
    revision of the counts told last.
    `expires_at` is the end of the token, in seconds of `clock`; `key_id` the id of the API key it came with, if any.
    """

    __slots__ = (
        "_endpoint",
        "_greeting",
        "_held",
        "_held_size",
        "acked",
        "budget",
        "connected_at",
        "expires_at",
        "id",
        "key_id",
        "placed",
        "rev",
        "seen",
        "sent",
        "telling",
        "user",
        "user_key",
    )

    def __init__(self, user: User, endpoint: Endpoint, *, now: float, max_frame: int, send_buffer: int) -> None:
        """`now` is the wall clock in Unix seconds; sizes in bytes."""
        super().__init__(max_frame=max_frame, send_buffer=send_buffer)
        self.id = str(uuid.uuid4())
        self.user = user
        self.user_key = user.key
        self.connected_at = now
        self.expires_at = NEVER
        self.key_id = ""
        self.seen: Position = BEGINNING
        self.telling = PLAIN
        self.rev = 0
        self.placed = False
        self.sent = 0
        self.acked = 0
        self.budget: MessageBudget | None = None
        self._endpoint = endpoint
        self._greeting: deque[bytes] | None = None
        self._held: list[tuple[Position | None, bytes]] | None = []
        self._held_size = 0

    @property
    def log_facts(self) -> dict[str, object]:
        return {"connection_id": self.id, "user_id": self.user_key, **super().log_facts}

    @property
    def greeted(self) -> bool:
        """True once the inbox has been sent, so that live pushes go straight out."""
        return self._held is None

    def expire(self) -> None:
        """The token with which the client came is at its end."""
        self.expires_at = NEVER
        self.close(TOKEN_EXPIRED, "the token has expired")

    def revoke(self) -> None:
        """The API key with which the client came was revoked."""
        self.close(TOKEN_EXPIRED, "the key was revoked")

    def push(self, position: Position, frame: bytes) -> bool:
        """Sends the frame of a stream entry unless the client has had it; whether it left now."""
        if not self.placed:
            self._hold(position, frame)
            return False
        if position <= self.seen:
            return False
        self.seen = position
        if self._held is not None:
            self._hold(position, frame)
            return False
        self.sent += 1
        self.send_frames(frame)
        return True

    def tell(self, frames: bytes) -> None:
        """Sends frames that are no stream entries, in their order among the pushes."""
        if self._held is not None:
            self._hold(None, frames)
        else:
            self.send_frames(frames)

    def greet(self, frames: Sequence[bytes], count: int, seen: Position) -> None:
        """Sends the inbox as it stood at `seen` (`count` of the frames are pushes), then what came meanwhile.

        A slow client gets it piece by piece: an inbox may be larger than the buffer for what nobody reads.
        """
        self.sent += count
        self.seen = max(self.seen, seen)
        self.placed = True
        self._leave_out_repeats()
        self._greeting = deque(frames)
        self._go_on_greeting()

    def catch_up(self, rows: Sequence[tuple[Position, bytes]]) -> int:
        """Sends frames of stream entries, in their order, unless the client has had them; how many leave now.

        A slow client gets them piece by piece, like its greeting; live pushes wait behind them. A connection that has
        yet to get its inbox finds them there.
        """
        if not self.placed:
            return 0
        if self._held is not None:
            for position, frame in rows:
                self.push(position, frame)
            return 0
        missed = [frame for position, frame in rows if position > self.seen]
        if missed:
            self.seen = rows[-1][0]
            self.sent += len(missed)
            self._held, self._greeting = [], deque(missed)
            self._go_on_greeting()
        return len(missed)

    def _leave_out_repeats(self) -> None:
        """Of what was held before the inbox had been read: what is in the inbox."""
        held, self._held = self._held or [], []
        for position, frame in held:
            if position is None or position > self.seen:
                self._held.append((position, frame))
                self.seen = position or self.seen

    def on_room(self) -> None:
        if self._greeting is not None:
            self._go_on_greeting()

    def on_text(self, payload: bytes) -> None:
        self._endpoint.receive(self, payload)

    def on_closed(self, code: int, reason: str) -> None:
        self._greeting, self._held = None, None
        self._endpoint.left(self, code, reason)

    def _hold(self, position: Position | None, frame: bytes) -> None:
        if self._held is None:
            return
        self._held.append((position, frame))
        self._held_size += len(frame)
        if self._held_size > self._send_buffer:
            self.cut_off("the client is too slow for its greeting")

    def _go_on_greeting(self) -> None:
        greeting = self._greeting
        while greeting and self.open and self.has_room:
            chunk: list[bytes] = []
            size = 0
            while greeting and size < GREETING_CHUNK:
                chunk.append(greeting.popleft())
                size += len(chunk[-1])
            self.send_frames(b"".join(chunk))
        if not greeting:
            self._greeting = None
            self._release_held()

    def _release_held(self) -> None:
        held, self._held, self._held_size = self._held or [], None, 0
        late = 0
        for position, frame in held:
            self.send_frames(frame)
            late += position is not None
        self.sent += late
        if late:
            self._endpoint.pushed(self, late)


def position_of(stream_id: bytes) -> Position:
    """A stream id as a position."""
    milliseconds, _, sequence = stream_id.partition(b"-")
    return int(milliseconds), int(sequence)
