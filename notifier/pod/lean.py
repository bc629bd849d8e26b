"""The lean path of one instance, over the parts of the general way, with which it goes on where it has to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from notifier.domain.plain_notify import PlainNotify
from notifier.live.lean import Follow, LeanPath, OnAccepted
from notifier.live.router import Router
from notifier.pod.observer import Observer
from notifier.service.publish import Publisher, Work
from notifier.store.express import Express
from notifier.store.inbox import Inbox
from notifier.store.inbox_values import Announce, Item


def build_lean(
    express: Express, inbox: Inbox, router: Router, observer: Observer, publisher: Publisher, now: Callable[[], float]
) -> LeanPath:
    """A lean path; `now` answers Redis' time."""
    return LeanPath(express, router, observer, observer.events, now, inbox.policy.default_ttl_ms, _follow(publisher))


def _follow(publisher: Publisher) -> Follow:
    def follow(
        items: Sequence[Item], request: PlainNotify, answer: bytes, started: float, on_answer: Callable[[Any], None]
    ) -> tuple[Announce, OnAccepted]:
        return publisher.follow(Work(list(items), request.content, answer, None, started), on_answer)

    return follow
