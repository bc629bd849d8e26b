"""Runs a duty's work user by user: a failure over one user's keys does not stop the others."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable

from notifier.errors import ErrorCode, NotifierError
from notifier.store.inbox_upkeep import InboxUpkeep


async def for_each(upkeep: InboxUpkeep, users: Iterable[str], work: Callable[[str], Awaitable[None]]) -> None:
    """Does `work` for each user. What fails over a user's own keys is counted and named in the log once.

    Raises `NotifierError(unavailable)` when the store goes."""
    for user in users:
        try:
            await work(user)
        except NotifierError as error:
            if error.code is ErrorCode.UNAVAILABLE:
                raise
            upkeep.note_failure(user, error)
