"""`publish` takes in notifications for inboxes: from a checked request to ids, once they are stored.

Deliveries through providers come in by `accept.py`.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from typing import Any, Protocol

from msgspec import Struct
from msgspec.structs import replace

from notifier.domain.ids import derived_id, new_seed, random_id
from notifier.domain.limits import Quota
from notifier.domain.notifications import Content, Draft, Terms, answer_json, payload_json, target_json
from notifier.domain.users import User
from notifier.errors import ErrorCode, NotifierError, defect
from notifier.service.keyed import KeyedPublisher
from notifier.service.limit import UserLimit
from notifier.service.once import IdempotencyKey, Once, fingerprint, mismatch
from notifier.store.inbox_acceptance import Acceptance
from notifier.store.inbox_values import Accepted, Announce, Arrivals, Holder, Item, Remembered
from notifier.store.redis.link import LinkLost

ANSWER_WITHIN = 0.7  # seconds after which a refusal of the store is passed on (contract §3: within a second)


class Answer(Struct, frozen=True):
    """The answer to a caller: a JSON body, `replayed` for the first answer given again, the state of the limit, and the
    stream ids of new entries in the order of the targets, where this store's reply has said them."""

    body: bytes
    replayed: bool
    quota: Quota | None = None
    stream_ids: Sequence[bytes] = ()


OnAnswer = Callable[["Answer | NotifierError"], None]
OnAccepted = Callable[[Accepted | NotifierError], None]


class Work(Struct, frozen=True):
    """A request on its way: what is to be stored, the answer to it, and when (monotonic seconds) it began."""

    items: list[Item]
    content: Content
    answer: bytes
    remembered: Remembered | None
    started: float


class Announcer(Protocol):
    """Pushes arrivals to connections (`Router.announce`)."""

    def __call__(self, user: str, arrivals: Arrivals, own: bytes | None, accepted_at: float) -> None: ...


class Publisher:
    """Stores notifications in inboxes and announces them to connections."""

    def __init__(
        self,
        acceptance: Acceptance,
        holder: Holder,
        announce: Announcer,
        doubt: Callable[[Sequence[str]], None],
        on_stored: Callable[[Sequence[Item], Content, Accepted], None],
        once: Once,
        limit: UserLimit | None,
        keyed: KeyedPublisher,
    ) -> None:
        """`doubt` is told for which users something may be stored that was announced to nobody; `on_stored` what was
        asked for and what came of it; `limit` bounds what one user is sent, except by broadcasts; `keyed` stores what
        has a key or is to come later."""
        self._acceptance = acceptance
        self._holder = holder
        self._announce = announce
        self._doubt = doubt
        self._on_stored = on_stored
        self._once = once
        self._limit = limit
        self._keyed = keyed

    def reconfigure(self, limit: UserLimit | None) -> None:
        """Replaces the limit, for what comes next."""
        self._limit = limit

    async def publish(self, draft: Draft, body: object, key: IdempotencyKey | None) -> Answer:
        """Stores a notification in the inboxes of its targets, all or nothing, and announces it to their connections.

        `body` is the decoded request, which a repeat under the same key must equal. Raises `NotifierError`:
        `unavailable` (nothing is promised), `invalid` (the key was used for another request).
        """
        if self._limit is not None:
            return await self._publish_within_limit(self._limit, draft, body, key)
        return await self._publish(draft, body, key)

    async def has_answer(self, key: IdempotencyKey) -> bool:
        """True where a request under this key was answered: a repeat stores nothing. Raises
        `NotifierError(unavailable)`."""
        return await self._once.has_answer(key)

    async def _publish(self, draft: Draft, body: object, key: IdempotencyKey | None) -> Answer:
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()

        def settle(outcome: Answer | NotifierError) -> None:
            if future.done():
                return
            if isinstance(outcome, NotifierError):
                future.set_exception(outcome)
            else:
                future.set_result(outcome)

        self._submit(draft, body, key, settle)
        return await future

    def submit(self, draft: Draft, body: object, key: IdempotencyKey | None, on_answer: OnAnswer) -> None:
        """As `publish`, without a task of its own for the usual case: `on_answer` gets the answer or the error."""
        if self._limit is not None:
            _in_task(self._publish_within_limit(self._limit, draft, body, key), on_answer)
        else:
            self._submit(draft, body, key, on_answer)

    async def _publish_within_limit(
        self, limit: UserLimit, draft: Draft, body: object, key: IdempotencyKey | None
    ) -> Answer:
        """A repeat, which creates nothing, is answered whatever the limit says, and does not count."""
        if key is not None and await self._once.has_answer(key):
            return await self._publish(draft, body, key)
        quota = await limit.take(draft.targets, body)
        return replace(await self._publish(draft, body, key), quota=quota)

    def _submit(self, draft: Draft, body: object, key: IdempotencyKey | None, on_answer: OnAnswer) -> None:
        if draft.terms is not None:
            _in_task(self._publish_keyed(draft, draft.terms, body, key), on_answer)
            return
        if not self._acceptance.is_one_script(len(draft.targets), key is not None):
            _in_task(self._publish_by_parts(draft, body, key), on_answer)
            return
        work = self._prepare(draft, body, key)
        announce, on_accepted = self.follow(work, on_answer)
        self._acceptance.submit(self._holder, work.items, work.remembered, on_accepted, announce)

    def follow(self, work: Work, on_answer: OnAnswer) -> tuple[Announce, OnAccepted]:
        """The callbacks of a store that is given `work.items` in one try: what may be pushed, and the outcome."""

        def on_accepted(accepted: Accepted | NotifierError) -> None:
            if isinstance(accepted, NotifierError):
                # The same ids again, once the connection is back: what the lost try has stored is not stored twice.
                _in_task(self._accept_again(work, accepted), on_answer)
            else:
                on_answer(self._conclude(work, accepted))

        return partial(self._announce_items, work.content, work.started), on_accepted

    def _prepare(self, draft: Draft, body: object, key: IdempotencyKey | None) -> Work:
        items = [_item(user, draft.content, random_id()) for user in draft.targets]
        answer = _answer(items)
        remembered = None if key is None else self._remember(key, body, answer)
        return Work(items, draft.content, answer, remembered, time.monotonic())

    async def _accept_again(self, work: Work, error: NotifierError) -> Answer | NotifierError:
        if isinstance(error, LinkLost):  # whatever comes of the second try: of the first nobody knows what it did
            self._doubt_items(work.items)
        if error.code is not ErrorCode.UNAVAILABLE or time.monotonic() - work.started > ANSWER_WITHIN:
            raise error
        return self._conclude(work, await self._accept(work))

    async def _accept(self, work: Work) -> Accepted:
        announce = partial(self._announce_items, work.content, work.started)
        try:
            return await self._acceptance.accept(self._holder, work.items, work.remembered, announce)
        except NotifierError as error:
            if error.code is ErrorCode.UNAVAILABLE:
                self._doubt_items(work.items)
            raise

    def _doubt_items(self, items: Sequence[Item]) -> None:
        self._doubt([item.user.key for item in items])

    def _conclude(self, work: Work, accepted: Accepted) -> Answer | NotifierError:
        if accepted.outcome == "replay":  # whoever asks for it has lost the first answer, as this instance may have
            self._doubt_items(work.items)
            return Answer(accepted.replay, True)
        if accepted.outcome == "mismatch":
            return mismatch()
        self._on_stored(work.items, work.content, accepted)
        return Answer(work.answer, False, None, accepted.stream_ids)

    async def _publish_keyed(self, draft: Draft, terms: Terms, body: object, key: IdempotencyKey | None) -> Answer:
        """As `publish`, of what has a key of its own or is to come later."""

        async def make(seed: str) -> bytes:
            return await self._keyed.store(draft, terms, lambda user: derived_id(seed, user.key))

        def doubt() -> None:
            self._doubt([user.key for user in draft.targets])

        try:
            if key is None:
                return Answer(await make(new_seed()), False)
            return Answer(*await self._once.once(key, body, make, doubt))
        except NotifierError as error:
            if error.code is ErrorCode.UNAVAILABLE:
                doubt()
            raise

    async def _publish_by_parts(self, draft: Draft, body: object, key: IdempotencyKey | None) -> Answer | NotifierError:
        """As `publish`, for more than one script can store."""
        if key is None:
            work = self._prepare(draft, body, None)
            return self._conclude(work, await self._accept(work))
        started = time.monotonic()

        async def make(seed: str) -> bytes:
            items = [_item(user, draft.content, derived_id(seed, user.key)) for user in draft.targets]
            await self._store(items, draft.content, started)
            return _answer(items)

        def doubt() -> None:  # whoever repeats a request has lost its answer, as this instance may have
            self._doubt([user.key for user in draft.targets])

        return Answer(*await self._once.once(key, body, make, doubt))

    async def publish_one(self, notification_id: str, user: User, content: Content) -> None:
        """Stores a notification under an id that its source determines: once, however often this is repeated."""
        started = time.monotonic()
        items = [_item(user, content, notification_id)]
        await self._store(items, content, started)

    async def broadcast(self, users: Sequence[User], content: Content) -> int:
        """Stores one notification for each of the users, in batches that are each all or nothing; how many."""
        for start in range(0, len(users), 1000):
            started = time.monotonic()
            items = [_item(user, content, random_id()) for user in users[start : start + 1000]]
            await self._store(items, content, started)
        return len(users)

    async def _store(self, items: list[Item], content: Content, started: float) -> None:
        accepted = await self._accept(Work(items, content, b"", None, started))
        self._on_stored(items, content, accepted)

    def _announce_items(self, content: Content, started: float, items: Sequence[Item], accepted: Accepted) -> None:
        for item, arrivals in zip(items, accepted.arrivals, strict=False):  # none where it was not stored
            if arrivals.owner or arrivals.others:
                self._announce(item.user.key, arrivals, content.fragment, started)

    def _remember(self, key: IdempotencyKey, body: object, answer: bytes) -> Remembered:
        once = self._once
        return Remembered(once.record_of(key), fingerprint(body), os.urandom(8), answer, once.ttl_ms)


def _in_task(work: Coroutine[Any, Any, Answer | NotifierError], on_answer: OnAnswer) -> None:
    def done(task: asyncio.Task[Answer | NotifierError]) -> None:
        _RUNNING.discard(task)
        error = NotifierError(ErrorCode.UNAVAILABLE, "the server stops", retry_after=1.0)
        failure = error if task.cancelled() else task.exception()
        if failure is None:
            on_answer(task.result())
        elif isinstance(failure, NotifierError):
            on_answer(failure)
        else:
            on_answer(defect(failure))

    task = asyncio.ensure_future(work)
    _RUNNING.add(task)
    task.add_done_callback(done)


_RUNNING: set[asyncio.Task[Answer | NotifierError]] = set()  # the loop itself holds tasks weakly


def _item(user: User, content: Content, notification_id: str) -> Item:
    return Item(user, notification_id, content.ttl_ms, payload_json(notification_id, user, content))


def _answer(items: Sequence[Item]) -> bytes:
    targets = [target_json(item.user.id, item.user.login) for item in items]
    return answer_json(targets, [item.notification_id.encode() for item in items])
