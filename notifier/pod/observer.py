"""Counts what happens to notifications and deliveries, and tells the followers of the stream of events."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from notifier.domain.notifications import Content
from notifier.domain.status import FINAL, Status
from notifier.domain.talkers import Notebook, Stored
from notifier.live.events import EventFeed
from notifier.service.inbox import Marked
from notifier.store.delivery_records import Change
from notifier.store.inbox_states import Put
from notifier.store.inbox_values import Accepted, Item
from notifier.telemetry.metrics import Metrics

MESSAGE_SHOWN = 120  # characters
KINDS = {"bumped": "bump", "replaced": "replace", "kept": "keep"}

log = logging.getLogger("notifier.delivery")


class Observer:
    """Callbacks of the parts: each adds to the metrics, and emits events while they are followed."""

    def __init__(self, metrics: Metrics, events: EventFeed, notebook: Notebook) -> None:
        """`notebook` is told who sends."""
        self._metrics = metrics
        self.events = events
        self._notebook = notebook
        self.count_push = metrics.count_push

    def stored(self, items: Sequence[Item], content: Content, accepted: Accepted) -> None:
        """Notifications were stored; those with an empty stream id were not, as they had been before."""
        self._notebook.stored(content.source, items)
        self._metrics.sent += sum(1 for stream_id in accepted.stream_ids if stream_id)
        self._metrics.trimmed += accepted.trimmed
        if not self.events.wanted:
            return
        said = {"source": content.source, "message": content.message[:MESSAGE_SHOWN]}
        for item, stream_id in zip(items, accepted.stream_ids, strict=True):
            self.events.emit_for("notification.stored", item.user.key, item.notification_id, stream_id, **said)

    def count_stored(self, source: str, items: Sequence[Stored]) -> None:
        """As `stored`, where all of them were and nobody follows the events."""
        self._notebook.stored(source, items)
        self._metrics.sent += len(items)

    def count_read(self, number: int) -> None:
        """As `read`, where nobody follows the events."""
        self._metrics.acked += number

    def read(self, user: str, marked: Marked) -> None:
        """A user marked notifications read."""
        self._metrics.acked += marked.now
        if self.events.wanted:
            for stream_id, notification_id in marked.pairs:
                self.events.emit_for("notification.read", user, notification_id, stream_id)

    def marked(self, user: str, mark: str, changed: Sequence[str], read: Sequence[tuple[str, str]]) -> None:
        """A user marked notifications; `read` are the ids, and stream ids, of those that became read by it."""
        self._metrics.acked += len(read)
        for _ in changed:
            self._metrics.count("inbox_marks", mark)
        if self.events.wanted:
            for notification_id, stream_id in read:
                self.events.emit_for("notification.read", user, notification_id, stream_id)
            for notification_id in changed:
                self.events.emit_for("notification.marked", user, notification_id, "", mark=mark)

    def put(self, user: str, put: Put, content: Content) -> None:
        """A notification with a key, or for later, was stored."""
        if put.outcome in KINDS:
            self._metrics.count("inbox_updates", KINDS[put.outcome])
        if put.outcome in ("stored", "scheduled", "bumped"):
            self._metrics.sent += 1
        if self.events.wanted and put.outcome in ("stored", "bumped"):
            said = {"source": content.source, "message": content.message[:MESSAGE_SHOWN]}
            self.events.emit_for("notification.stored", user, put.notification_id, put.stream_id, **said)

    def updated(self, user: str, notification_id: str) -> None:
        """A notification says something else by now."""
        self.events.emit_for("notification.updated", user, notification_id, "")

    def patched(self) -> None:
        """A sender changed a notification."""
        self._metrics.count("inbox_updates", "patch")

    def retracted(self, user: str, notification_id: str) -> None:
        """A sender took a notification back."""
        self._metrics.count("inbox_updates", "retract")
        self.events.emit_for("notification.retracted", user, notification_id, "")

    def woken(self, user: str, notification_id: str) -> None:
        """One that was snoozed, or was to come later, has come."""
        self._metrics.count("inbox_updates", "wake")
        self.events.emit_for("notification.woken", user, notification_id, "")

    def cleared(self, user: str, cleared: int) -> None:
        """Notifications of a user expired unread."""
        self._metrics.auto_cleared += cleared
        self.events.emit_for("notification.cleared", user, "", "", count=cleared)

    def trimmed(self, trimmed: int) -> None:
        """Unread notifications were dropped because newer ones filled the inbox."""
        self._metrics.trimmed += trimmed

    def pod(self, event: str, name: str) -> None:
        """Another instance joined or left."""
        self.events.emit(event, {"pod": name})

    def delivery_changed(self, change: Change) -> None:
        """A delivery took a status."""
        metrics = self._metrics
        metrics.count("deliveries", change.channel, change.status)
        if change.status in FINAL and change.status is not Status.CANCELLED:
            metrics.processed_messages += 1
            metrics.failed_messages += change.status is Status.FAILED
        if self.events.wanted:
            facts = {"id": change.id, "channel": change.channel, "priority": change.priority}
            self.events.emit(f"delivery.{change.status}", facts)

    def limited(self, channel: str, number: int) -> None:
        """A limit deferred or dropped so many deliveries."""
        self._metrics.rate_limited_messages += number
        for _ in range(number):
            self._metrics.count("rate_limited", channel)

    def circuit(self, provider: str, host: str, state: str) -> None:
        """A circuit took a state; `host` is empty for the provider's own circuit, else a recipient's host."""
        facts = {"provider": provider, "host": host, "state": state} if host else {"provider": provider, "state": state}
        log.warning("provider.circuit", extra=facts)
        self.events.note("provider.host_circuit" if host else "provider.circuit", facts)

    def paused(self, channel: str, paused: bool) -> None:
        """An operator held a channel here, or let it go on."""
        self.events.note("channel.paused" if paused else "channel.resumed", {"channel": channel})
