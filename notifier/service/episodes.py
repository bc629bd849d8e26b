"""Episodes: notifications under a key that stay open until their sender says it is over, such as alerts.

A key is open from its first report until it is closed; what is reported after that is a new notification. Each report
and the end renew its life, so that what goes on for long is not forgotten meanwhile. One of several senders who report
at the same moment stores, the others find it: `put` and `swap` decide that, each one script.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from notifier.domain.notifications import MAX_TITLE
from notifier.domain.users import User
from notifier.service.doors import DoorService, Visitor
from notifier.service.keyed import contended
from notifier.store.inbox_states import Named

Outcome = Literal["created", "updated", "resolved", "ignored"]

RESOLVED = "✓ "  # before the title of what is over
TRIES = 50  # of a change: each that fails is one that another sender has made


class Episodes:
    """The use cases of alerts. Coroutines may raise `NotifierError` (`unavailable`, `rate_limited`, `conflict`)."""

    def __init__(self, doors: DoorService) -> None:
        self._doors = doors

    async def report(
        self, visitor: Visitor, users: tuple[User, ...], key: str, said: Mapping[str, Any], bump: bool, retell: bool
    ) -> Outcome:
        """Stores `said` for those of the users for whom the key is not open; for the others counts a repeat, in
        `data.repeats`.

        A repeat is brought to the top of the inbox with `bump`, says anew what `said` says with `retell`, and leaves
        all as it is else."""
        fresh = [user for user in users if not await self._repeat(visitor, user, key, said, bump, retell)]
        if not fresh:
            return "updated"
        whole = {**said, "data": {"repeats": 0, **said["data"]}, "key": key, "on_same": "keep"}
        rows = await self._doors.publish(visitor, tuple(fresh), whole)
        for row in rows:
            if row.kept:  # another sender was first; where it is closed by now, its end came after this report
                await self._repeat(visitor, row.user, key, said, bump, retell)
        return "updated" if all(row.kept for row in rows) else "created"

    async def resolve(self, visitor: Visitor, users: tuple[User, ...], key: str, more: Mapping[str, Any]) -> Outcome:
        """Closes the key, where it is open: the title says so, and `data.status`; `more` is added to `data`."""
        closed = [await self._close(visitor, user, key, more) for user in users]
        return "resolved" if any(closed) else "ignored"

    async def _close(self, visitor: Visitor, user: User, key: str, more: Mapping[str, Any]) -> bool:
        for _ in range(TRIES):
            known = await self._known(visitor, user, key)
            if known is None:
                return False
            said = _said_by(known)
            title = (RESOLVED + said.get("title", ""))[:MAX_TITLE]
            fields = {"title": title, "data": {**_data_of(said), "status": "resolved", **more}}
            changed = await self._doors.keyed.change(known, user, fields, (visitor.caller.name, key), renews=True)
            if changed:
                return changed > 0
        raise contended()

    async def _repeat(
        self, visitor: Visitor, user: User, key: str, said: Mapping[str, Any], bump: bool, retell: bool
    ) -> bool:
        """False where the key is not open for this user."""
        for _ in range(TRIES):
            known = await self._known(visitor, user, key)
            if known is None:
                return False
            before = _data_of(_said_by(known))
            repeats = {"repeats": _number(before.get("repeats")) + 1}
            if bump:
                again = {**said, "data": {**repeats, **said["data"]}, "key": key, "on_same": "bump"}
                await self._doors.publish(visitor, (user,), again)
                return True
            fields = {**said, "data": {**repeats, **said["data"]}} if retell else {"data": {**before, **repeats}}
            changed = await self._doors.keyed.change(known, user, fields, renews=True)
            if changed:
                return changed > 0
        raise contended()

    async def _known(self, visitor: Visitor, user: User, key: str) -> Named | None:
        return await self._doors.keyed.named(visitor.caller.name, key, user.key)


def _said_by(known: Named) -> dict[str, Any]:
    said: dict[str, Any] = msgspec.json.decode(known.payload)
    return said


def _data_of(said: Mapping[str, Any]) -> dict[str, Any]:
    data = said.get("data")
    return data if isinstance(data, dict) else {}


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0
