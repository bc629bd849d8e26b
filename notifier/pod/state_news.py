"""News of notifications for connections and counters: marks, updates, retractions, returns."""

from __future__ import annotations

from collections.abc import Sequence

from notifier.domain import protocol
from notifier.domain.notifications import Content
from notifier.domain.states import Kept, updated
from notifier.live.router import Router
from notifier.pod.observer import Observer
from notifier.service.keyed import Change
from notifier.service.states import newly_read
from notifier.store.inbox_states import Outcome, Put, Retracted


class StateNews:
    """News of states by services and duties, passed on."""

    def __init__(self, router: Router, observer: Observer) -> None:
        self._router = router
        self._observer = observer

    def marked(self, user: str, mark: str, outcome: Outcome) -> None:
        """Notifications were marked: read ones are acknowledged to all, the rest is told to those that asked."""
        changed = [(one.stream_id.encode(), one.notification_id.encode()) for one in outcome.marked if one.code > 0]
        if not changed:
            return
        read = [(one.notification_id, one.stream_id) for one in newly_read(outcome)]
        texts = [protocol.read_ack(nid.encode(), stream_id.encode()) for nid, stream_id in read]
        self._router.tell(user, outcome.others, texts, changed)
        self._observer.marked(user, mark, [nid.decode() for _, nid in changed], read)

    def restored(self, user: str, entry: Kept, others: list[bytes]) -> None:
        """One that was snoozed is back as it was: whoever had left it out needs its text."""
        self._router.tell(user, others, [protocol.update(updated(entry))], to="states")

    def stored(self, users: Sequence[str], puts: Sequence[Put], content: Content) -> None:
        """Notifications with a key, or for later, were stored."""
        for user, put in zip(users, puts, strict=True):
            self._observer.put(user, put, content)

    def updated(self, change: Change) -> None:
        """A notification says something else by now."""
        self._router.tell(change.user, change.others, [protocol.update(updated(change.entry))], to="states")
        self._observer.updated(change.user, change.entry.notification_id)

    def retracted(self, user: str, what: Retracted) -> None:
        """A notification was taken back: to plain clients one that was unread is cleared."""
        self._observer.retracted(user, what.notification_id)
        if not what.stream_id:
            return
        text = protocol.removed(what.notification_id, "retracted")
        self._router.tell(user, what.others, [text], to="states")
        if what.was == "unread":
            cleared = protocol.push_cleared(what.notification_id.encode(), what.stream_id.encode())
            self._router.tell(user, what.others, [cleared], to="plain")

    def woken(self, user: str, notification_id: str) -> None:
        """One that was snoozed, or was to come later, has come."""
        self._observer.woken(user, notification_id)
