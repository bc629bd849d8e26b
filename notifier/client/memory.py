"""Notifications that a client has passed on, so that none is passed on twice and none is missed."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from typing import Any, NamedTuple

from notifier.client import messages
from notifier.client.acks import Acks
from notifier.client.messages import Message
from notifier.client.positions import position

KNOWN_MAX = 2_000
PAGE = 100  # the server's largest page of a sync
BEGINNING = "0-0"  # of every stream


class Known(NamedTuple):
    """The last state of a notification that was passed on."""

    stream_id: str
    status: str


class Memory:
    """Takes the server's messages, returns those to pass on. No I/O.

    After a reconnect it holds back new messages until nothing is missing, so that all are passed on in the order of the
    stream. No clock takes part in any of this.
    """

    def __init__(self, acks: Acks) -> None:
        """`acks` are the marks that wait for what the server says here."""
        self.wanted: str | None = None  # a page after this stream id is to be asked for
        self.refused = False  # the server did not give that page: only a new connection closes the gap
        self._acks = acks
        self._known: OrderedDict[str, Known] = OrderedDict()
        self._early: set[str] = set()  # read elsewhere before they came here
        self._synced_to: str | None = None  # nothing is missing up to this stream id
        self._newest: str | None = None
        self._received: set[str] = set()  # ids that came while syncing
        self._syncing = False
        self._completion: Message | None = None  # waits for the end of a gap
        self._held: list[tuple[tuple[int, int], Message]] = []

    @property
    def unread(self) -> list[tuple[str, str]]:
        """Notification id and stream id of what was passed on and is not read."""
        return [(one, known.stream_id) for one, known in self._known.items() if known.status == "unread"]

    def is_settled(self, notification_id: str) -> bool:
        """True when it is known as read or cleared."""
        known = self._known.get(notification_id)
        return known is not None and known.status != "unread"

    def begin(self) -> None:
        """A connection begins: the server is about to send the inbox as it stands."""
        self._received.clear()
        self._early.clear()
        self._syncing, self._completion = True, None
        self.wanted, self.refused = None, False

    def take(self, message: Message) -> list[Message]:
        """The messages to pass on after this one of the server."""
        match message.type:
            case messages.PUSH:
                return self._tell([self._take_push(message.data)])
            case messages.REMOVED:
                self._acks.confirm(message.data["notification_id"])
                self._known.pop(message.data["notification_id"], None)
            case messages.READ_ACK:
                return self._tell([self._take_read(message)])
            case messages.SYNC_COMPLETE if self._syncing:
                return self._complete(message)
            case messages.SYNC_RESPONSE if self._completion is not None:
                return self._take_page(message.data)
            case messages.ERROR if self._completion is not None and _is_about_sync(message.data):
                self.refused = True
        return [message]

    def release(self) -> list[Message]:
        """The messages that were held back, in the order of the stream."""
        held, self._held = self._held, []
        return [message for _, message in sorted(held, key=lambda one: one[0])]

    # -- one notification

    def _take_push(self, data: dict[str, Any]) -> Message | None:
        notification_id, stream_id = data["notification_id"], data["stream_id"]
        if data["status"] != "auto_cleared":
            self._receive(notification_id, stream_id)
        if data["status"] == "unread" and notification_id in self._early:
            data = {**data, "status": "read", "read": True}
        status = data["status"]
        if status != "unread":
            self._acks.confirm(notification_id)
        known = self._known.get(notification_id)
        again = known is not None and position(stream_id) > position(known.stream_id)  # its sender brought it up anew
        if again:
            self._acks.confirm(notification_id)
        self._remember(notification_id, Known(stream_id, status))
        news = known is None or again or status not in (known.status, "unread")
        return Message(messages.PUSH, data) if news else None

    def _receive(self, notification_id: str, stream_id: str) -> None:
        if self._newest is None or position(stream_id) > position(self._newest):
            self._newest = stream_id
        if self._syncing:
            self._received.add(notification_id)
        else:
            self._synced_to = self._newest

    def _take_read(self, message: Message) -> Message | None:
        notification_id = message.data["notification_id"]
        awaited = notification_id in self._acks
        self._acks.confirm(notification_id)
        known = self._known.get(notification_id)
        if known is None:
            if len(self._early) < KNOWN_MAX:
                self._early.add(notification_id)
            return message if awaited else None
        if known.status == "read":
            return None
        self._remember(notification_id, known._replace(status="read"))
        return message

    def _remember(self, notification_id: str, known: Known) -> None:
        self._known[notification_id] = known
        self._known.move_to_end(notification_id)
        while len(self._known) > KNOWN_MAX:
            self._known.popitem(last=False)

    # -- all that was missed

    def _tell(self, news: Iterable[Message | None]) -> list[Message]:
        found = [message for message in news if message is not None]
        if not self._syncing or self._synced_to is None:
            return found
        self._hold(found)
        return self.release() if len(self._held) > KNOWN_MAX else []

    def _hold(self, news: Iterable[Message]) -> None:
        self._held += [(self._position_of(message), message) for message in news]

    def _position_of(self, message: Message) -> tuple[int, int]:
        known = self._known.get(message.data["notification_id"])
        return position(known.stream_id) if known else (0, 0)

    def _complete(self, message: Message) -> list[Message]:
        self._completion = message
        if len(self._received) < message.data["total"] and self._synced_to is not None:
            self.wanted = self._synced_to
            return []
        return self._finish(message)

    def _take_page(self, pushes: list[dict[str, Any]]) -> list[Message]:
        """A page of what a connect does not send any more; one that is not full is the last."""
        told = self._tell([self._take_push(data) for data in pushes])
        if len(pushes) == PAGE:
            self.wanted = pushes[-1]["stream_id"]
            return told
        assert self._completion is not None
        return [*told, *self._finish(self._completion)]

    def _finish(self, completion: Message) -> list[Message]:
        if len(self._received) >= completion.data["total"]:
            self._hold(self._clear_missing())
        self._syncing, self._completion = False, None
        self._synced_to = self._newest or BEGINNING
        self._received.clear()
        return [*self.release(), completion]

    def _clear_missing(self) -> list[Message]:
        """All that the inbox holds has come: what was told as unread and did not come is there no more."""
        gone = [(one, stream_id) for one, stream_id in self.unread if one not in self._received]
        return [message for one, stream_id in gone if (message := self._take_push(_cleared(one, stream_id)))]


def _is_about_sync(problem: dict[str, Any]) -> bool:
    about = problem.get("in_reply_to")
    return about == "sync.request" or (about is None and problem["code"] in messages.LATER)


def _cleared(notification_id: str, stream_id: str) -> dict[str, Any]:
    """As the server says it."""
    ids = {"notification_id": notification_id, "stream_id": stream_id}
    return {**ids, "status": "auto_cleared", "read": False, "message": ""}
