"""The parts of people's own inboxes: states, keys, what comes later, and who is told of them."""

from __future__ import annotations

from notifier.duties.waker import Waker
from notifier.live.router import Router
from notifier.live.watch import Watch
from notifier.pod.observer import Observer
from notifier.pod.state_news import StateNews
from notifier.service.keyed import KeyedPublisher
from notifier.service.states import StatesService
from notifier.store.inbox import Inbox
from notifier.store.inbox_values import Holder
from notifier.store.redis.client import Redis
from notifier.store.reports import Reports
from notifier.telemetry.metrics import Metrics


class Person:
    """Built by `pod/parts.py`; `pod/app.py` starts the waker with the other duties."""

    def __init__(
        self,
        redis: Redis,
        inbox: Inbox,
        holder: Holder,
        reports: Reports,
        router: Router,
        observer: Observer,
        metrics: Metrics,
    ) -> None:
        self._observer = observer
        news = StateNews(router, observer)
        states = inbox.states
        self.watch = Watch(router.hub, states)
        router.hub.on_change = self.watch.note
        self.states = StatesService(states, holder, news.marked, news.restored, before=inbox.plain.bring_up_to_date)
        self.keyed = KeyedPublisher(
            states,
            holder,
            announce=router.announce,
            on_put=news.stored,
            on_updated=news.updated,
            on_retracted=news.retracted,
        )
        self.waker = Waker(reports, states, holder, router.announce, news.woken, redis.clock.now)
        metrics.gauge("inbox_snoozed", "Notifications that are to come back, or to come later", self._waiting, max)

    def patched(self) -> None:
        """A sender changed a notification."""
        self._observer.patched()

    def _waiting(self) -> float:
        return self.waker.waiting
