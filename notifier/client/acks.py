"""Read marks that the server has not confirmed yet."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from typing import Any

from notifier.client.positions import position

ACKS_MAX = 1_000


class Acks:
    """A queue in the order in which the marks were made. Beyond 1,000 the oldest are forgotten."""

    def __init__(self) -> None:
        self._stream_ids: OrderedDict[str, str] = OrderedDict()
        self._sent: set[str] = set()
        self._up_to: str | None = None
        self._up_to_sent = False

    def __len__(self) -> int:
        return len(self._stream_ids)

    def __contains__(self, notification_id: str) -> bool:
        return notification_id in self._stream_ids

    def __iter__(self) -> Iterator[str]:
        return iter(self._stream_ids)

    def add(self, notification_id: str, stream_id: str) -> None:
        """One is to be marked read."""
        self._stream_ids.setdefault(notification_id, stream_id)
        while len(self._stream_ids) > ACKS_MAX:
            forgotten, _ = self._stream_ids.popitem(last=False)
            self._sent.discard(forgotten)

    def add_all(self, up_to: str) -> None:
        """All up to and including a stream id are to be marked read, by one message."""
        if self._up_to is None or position(up_to) > position(self._up_to):
            self._up_to, self._up_to_sent = up_to, False

    def confirm(self, notification_id: str) -> None:
        """The server has it read, or has it no more."""
        self._stream_ids.pop(notification_id, None)
        self._sent.discard(notification_id)
        if self._up_to_sent and not any(map(self._is_covered, self._stream_ids)):
            self._up_to = None

    def refuse(self) -> None:
        """The server has not what was to be marked. It does not say which: it answers in the order of the questions."""
        for notification_id in self._stream_ids:
            if notification_id in self._sent:
                self.confirm(notification_id)
                return

    def refuse_all(self) -> None:
        """The server does not take the mark up to a stream id."""
        self._up_to = None

    def rewind(self) -> None:
        """Nothing sent so far counts any more: the connection is gone, or the server asked to try later."""
        self._sent.clear()
        self._up_to_sent = False

    def next(self) -> tuple[str, dict[str, Any]] | None:
        """Type and data of the next message to send, which counts as sent; None when all are."""
        if self._up_to is not None and not self._up_to_sent:
            self._up_to_sent = True
            return "notification.read_all", {"up_to": self._up_to}
        for notification_id, stream_id in self._stream_ids.items():
            if notification_id not in self._sent and not self._is_covered(notification_id):
                self._sent.add(notification_id)
                return "notification.read", {"notification_id": notification_id, "stream_id": stream_id}
        return None

    def _is_covered(self, notification_id: str) -> bool:
        stream_id = self._stream_ids[notification_id]
        return self._up_to is not None and position(stream_id) <= position(self._up_to)
