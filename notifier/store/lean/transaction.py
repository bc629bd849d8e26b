"""One `MULTI` … `EXEC` in one write: its replies, or the error for which none of it was done."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import hiredis

from notifier.errors import NotifierError
from notifier.store.inbox_values import Holder
from notifier.store.lean.packed import EXEC, MULTI, add_to, bulk, get_all, word_of_abort
from notifier.store.lean.soles import Soles
from notifier.store.redis.client import as_error, refusal_in
from notifier.store.redis.link import LinkLost, Reply
from notifier.store.redis.single import SingleRedis

log = logging.getLogger("notifier.store")

OnOutcome = Callable[[list[Any] | NotifierError, Reply], None]
BESIDE = 2  # replies of every transaction after those of its own commands: the owners, and the count


class Transactions:
    """Sends the transactions of one pod, each of which asks who serves the users and counts what is unread."""

    def __init__(self, redis: SingleRedis, holder: Holder, soles: Soles) -> None:
        self._redis = redis
        self._holder = holder
        self._soles = soles
        self._totals = bulk(redis.keys.index("totals", ""))
        self._pending = bulk("pending")
        self._tagged: tuple[int, bytes] = (-1, b"")

    @property
    def tag(self) -> bytes:
        """The value of the note that says that this pod, in this incarnation, serves a user alone."""
        fence = self._holder.fence
        if self._tagged[0] != fence:
            self._tagged = (fence, f"{self._holder.pod}:{fence}".encode())
        return self._tagged[1]

    def send(self, out: list[bytes], count: int, names: list[bytes], unread: int, on_outcome: OnOutcome) -> None:
        """Sends packed commands, `count` in all; `names` are the packed notes to be read, `unread` what to add to the
        count.

        `on_outcome` gets the replies of the commands, then the list of the notes and the reply to the count; or the
        error for which nothing was done (`LinkLost`: nobody knows). Beside it, what came as the reply.
        """
        data = b"".join((MULTI, *out, get_all(names), add_to(self._totals, self._pending, unread), EXEC))

        def settle(replies: Reply) -> None:
            on_outcome(self._outcome(replies), replies)

        try:
            self._redis.send_block(data, count + BESIDE + 2, settle)
        except NotifierError as error:
            on_outcome(error, error)

    def _outcome(self, replies: Reply) -> list[Any] | NotifierError:
        if type(replies) is not list:
            return as_error(replies)
        last = replies[-1]
        if type(last) is list:
            return last
        cause = next(reply for reply in replies if isinstance(reply, Exception))
        if refusal_in(cause) is None and (word := word_of_abort(cause)) is not None:
            cause = hiredis.ReplyError(word)
        self._redis.note_refusal(cause)
        if refusal_in(cause) is not None:
            return as_error(cause)
        # A user that may not do this, or a server without transactions: the scripts do it, until the next connect.
        log.warning("express.refused", extra={"error": str(cause)[:200]})
        self._soles.refused = True
        self._soles.forget_all()
        return LinkLost()
