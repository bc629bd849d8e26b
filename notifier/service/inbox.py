"""What a user does with the own inbox over an open connection."""

from __future__ import annotations

from typing import NamedTuple

from notifier.domain import protocol
from notifier.domain.ids import is_notification_id, is_stream_id
from notifier.domain.notifications import fragment_of
from notifier.domain.protocol import MessageError, Read, ReadAll, Retention, Sync
from notifier.errors import ErrorCode
from notifier.store.inbox import Holder, Inbox


class Marked(NamedTuple):
    """What was marked read: (stream id, notification id) pairs, how many of them just now, and the user's other pods."""

    pairs: list[tuple[bytes, bytes]]
    now: int
    others: list[bytes]


class InboxService:
    """Reads, pages and retention of any user's inbox. Every method may raise `NotifierError(unavailable)`."""

    def __init__(self, inbox: Inbox, holder: Holder) -> None:
        self._inbox = inbox
        self._holder = holder

    async def read(self, user: str, command: Read) -> Marked:
        """Marks one notification read; raises `MessageError(not_found)` when it is not in this inbox."""
        stream_id, notification_id = command.data.stream_id, command.data.notification_id
        code, others = -1, []
        if is_stream_id(stream_id) and is_notification_id(notification_id):
            code, others = await self._inbox.read(self._holder, user, stream_id, notification_id)
        if code < 0:
            raise MessageError(ErrorCode.NOT_FOUND, "no such notification in this inbox", command.name)
        return Marked([(stream_id.encode(), notification_id.encode())], code, others)

    async def read_all(self, user: str, command: ReadAll) -> Marked:
        """Marks everything up to and including a stream id read."""
        flat, others = await self._inbox.read_all(self._holder, user, command.data.up_to)
        pairs = [(flat[i], flat[i + 1]) for i in range(0, len(flat), 2)]
        return Marked(pairs, len(pairs), others)

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
