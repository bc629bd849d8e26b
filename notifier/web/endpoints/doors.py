"""`/api/v1/admin/doors`: other programs' protocols, their requests and their keys."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from typing import Annotated, Any

from msgspec import Meta, Struct

from notifier.domain.doors import DOORS
from notifier.domain.times import format_time
from notifier.service.access import Access
from notifier.web.endpoints.fields import ID, OPERATORS, TIME, Count, Time, Uuid
from notifier.web.http.mount import Call
from notifier.web.http.route import ADMIN, Answer, Endpoints, get

KEYS_MAX = 1000

Figures = Callable[[], Awaitable[tuple[dict[str, dict[str, Any]], dict[str, float]]]]


class DoorRow(Struct, kw_only=True):
    """A protocol, and the requests by it since the instances started."""

    door: str
    open: Annotated[bool, Meta(description="True where `DOORS` names it.")]
    accepted: Count
    refused: Count
    limited: Count
    failed: Count


class DoorKey(Struct, kw_only=True):
    """A key of a door."""

    id: Uuid
    name: str
    door: str
    to: list[str]
    created_at: Time
    expires_at: Time | None
    last_used: Annotated[Time | None, Meta(description="null: not since the instances started.")]


class DoorList(Struct):
    """Every door and every key of one, over all instances."""

    doors: list[DoorRow]
    keys: list[DoorKey]


_EXAMPLE = DoorList(
    [DoorRow(door="ntfy", open=True, accepted=812, refused=3, limited=0, failed=0)],
    [DoorKey(id=ID, name="kuma", door="ntfy", to=["1-alice"], created_at=TIME, expires_at=None, last_used=TIME)],
)


class DoorEndpoints(Endpoints):
    """The route of doors, for operators."""

    tag, access = OPERATORS, ADMIN

    def __init__(self, figures: Figures, access: Access, is_open: Collection[str]) -> None:
        """`figures` answers requests by door and outcome, and the last use of keys; `is_open` is `DOORS`."""
        self._figures = figures
        self._access = access
        self._open = is_open

    @get("/api/v1/admin/doors", "Show other programs' protocols and their keys", answers=(Answer(example=_EXAMPLE),))
    async def list_doors(self, call: Call) -> DoorList:
        requests, used = await self._figures()
        keys, _, _ = await self._access.list_keys("", KEYS_MAX)
        return DoorList(
            [DoorRow(door=door, open=door in self._open, **requests[door]) for door in DOORS],
            [
                DoorKey(
                    id=key.id,
                    name=key.name,
                    door=key.door.door,
                    to=[user.key for user in key.door.to],
                    created_at=key.created_at,
                    expires_at=None if key.expires_at is None else format_time(key.expires_at),
                    last_used=format_time(used[key.id]) if key.id in used else None,
                )
                for key in keys
                if key.door is not None
            ],
        )
