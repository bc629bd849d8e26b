"""Commands of a connected user on their inbox: read, read all, synchronise, set the retention."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence

from msgspec import Struct

from notifier.domain import protocol
from notifier.domain.ids import is_notification_id, is_stream_id
from notifier.domain.notifications import fragment_of
from notifier.domain.protocol import Read, ReadAll, Retention, Sync
from notifier.errors import NotifierError
from notifier.store.inbox import Inbox
from notifier.store.inbox_values import Holder

OnRead = Callable[["list[int] | NotifierError", list[bytes]], None]


class Marked(Struct, frozen=True):
    """Notifications marked read: (stream id, notification id) pairs, how many of them just now, the user's other
    instances, and how many of those asked for are not in this inbox."""

    pairs: list[tuple[bytes, bytes]]
    now: int
    others: list[bytes]
    missing: int = 0


class InboxService:
    """Reads, pages and retention of any user's inbox. Every coroutine may raise `NotifierError(unavailable)`."""

    def __init__(self, inbox: Inbox, holder: Holder) -> None:
        self._inbox = inbox
        self._holder = holder

    def read(self, user: str, commands: Sequence[Read], on_marked: Callable[[Marked | NotifierError], None]) -> None:
        """Marks notifications read, all in one command; `on_marked` gets what came of it, once the store has answered.

        Of a pair of ids that is not in this inbox nothing is stored.
        """
        known = [pair for command in commands if (pair := _pair_of(command)) is not None]
        missing = len(commands) - len(known)
        if not known:
            on_marked(Marked([], 0, [], missing))
            return
        self._inbox.read(self._holder, user, known, self.follow(known, missing, on_marked))

    def follow(
        self, known: Sequence[tuple[str, str]], missing: int, on_marked: Callable[[Marked | NotifierError], None]
    ) -> OnRead:
        """The callback for a store that was given pairs of stream and notification id to be marked; `missing` more
        were asked for."""

        def convert(codes: list[int] | NotifierError, others: list[bytes]) -> None:
            if isinstance(codes, NotifierError):
                on_marked(codes)
                return
            pairs = [
                (stream_id.encode(), notification_id.encode())
                for (stream_id, notification_id), code in zip(known, codes, strict=True)
                if code >= 0
            ]
            on_marked(Marked(pairs, codes.count(1), others, missing + len(known) - len(pairs)))

        return convert

    async def read_all(self, user: str, command: ReadAll) -> AsyncIterator[Marked]:
        """Marks everything up to and including a stream id read, in parts."""
        async for flat, others in self._inbox.read_all(self._holder, user, command.data.up_to):
            pairs = [(flat[i], flat[i + 1]) for i in range(0, len(flat), 2)]
            yield Marked(pairs, len(pairs), others)

    async def sync(self, user: str, command: Sync) -> bytes:
        """The text of the `sync.response` to a request."""
        data = command.data
        rows = await self._inbox.page(user, data.limit, data.before, data.after)
        return protocol.sync_response(
            protocol.push_data(row.notification_id, row.stream_id, fragment_of(row.payload), row.read)
            for row in rows
            if row.payload is not None
        )

    async def set_retention(self, user: str, command: Retention) -> bytes:
        """Sets the user's retention; the text of the acknowledgement."""
        await self._inbox.set_retention(user, command.data.days)
        return protocol.retention_ack(command.data.days)


def _pair_of(command: Read) -> tuple[str, str] | None:
    stream_id, notification_id = command.data.stream_id, command.data.notification_id
    return (stream_id, notification_id) if is_stream_id(stream_id) and is_notification_id(notification_id) else None
