"""The limits on what one user may be sent: at `/notify`, and at the endpoints that accept deliveries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from notifier.domain.limits import OverLimit, Quota
from notifier.domain.users import User, normalise_login
from notifier.errors import FieldError
from notifier.store.delivery_records import digest
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
            errors = _errors([user for user in users if user.key in taken.over], body, taken.over)
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


def _errors(users: Sequence[User], body: Any, waits: Mapping[str, float]) -> list[FieldError]:
    """Names users by their first places among the targets of a request that was found valid."""
    places: dict[tuple[int, str | None], int] = {}
    for place, target in enumerate(body["target"]):
        places.setdefault((target["id"], normalise_login(target["login"])), place)
    return [
        FieldError(f"target[{places[user]}]", f"{user.key} is over the limit for another {waits[user.key]:.1f} s")
        for user in users
    ]
