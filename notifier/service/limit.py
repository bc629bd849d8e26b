"""The limits on what one user may be sent: at `/notify`, and at the doors of deliveries."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from notifier.domain.limits import OverLimit, Quota
from notifier.domain.users import User, normalise_login
from notifier.errors import FieldError
from notifier.store.deliveries import digest
from notifier.store.limits import Limits

NAME = "notify"
API = "api"


class UserLimit:
    """At most `rate` (a number and the seconds in which it may come) for each user, over all pods."""

    def __init__(self, limits: Limits, rate: tuple[int, float]) -> None:
        self._limits = limits
        self._rate = rate

    async def take(self, users: Sequence[User], body: object) -> Quota:
        """Takes a place for each user; what is left for who has least.

        `body` is the request, in which the users are named to whom nothing more may be sent.
        Raises `OverLimit`, and then nobody's place is taken; `NotifierError(unavailable)`.
        """
        taken = await self._limits.take(NAME, self._rate, [user.key for user in users])
        if taken.over:
            errors = [_error(user, body, taken.over[user.key]) for user in users if user.key in taken.over]
            raise OverLimit(Quota(NAME, *self._rate, 0, max(taken.over.values())), errors)
        return Quota(NAME, *self._rate, taken.left, taken.free_in)


class DeliveryLimit:
    """At most `rate` accepted deliveries for each user of deliveries, over all pods."""

    def __init__(self, limits: Limits, rate: tuple[int, float]) -> None:
        self._limits = limits
        self._rate = rate

    async def take(self, user_id: str) -> Quota:
        """Takes a place; raises `OverLimit`, `NotifierError(unavailable)`."""
        taken = await self._limits.take(API, self._rate, [digest(user_id)])
        if taken.over:
            wait = max(taken.over.values())
            error = FieldError("user_id", f"is over the limit for another {wait:.1f} s")
            raise OverLimit(Quota(API, *self._rate, 0, wait), [error])
        return Quota(API, *self._rate, taken.left, taken.free_in)


def _error(user: User, body: Any, wait: float) -> FieldError:
    place = next(place for place, target in enumerate(body["target"]) if _is(target, user))
    return FieldError(f"target[{place}]", f"{user.key} is over the limit for another {wait:.1f} s")


def _is(target: Any, user: User) -> bool:
    """Whether a target of a request that was found valid is this user."""
    return bool(target["id"] == user.id and normalise_login(target["login"]) == user.login)
