"""Doors: whom the token of another program's request reaches, and the way into inboxes, which is `/notify`'s."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import msgspec

from notifier.domain.access import ANYBODY, ApiKey, Caller, Scope
from notifier.domain.devices import may_be_device_token
from notifier.domain.doors import DoorTerms, door_of, has_form
from notifier.domain.limits import OverLimit, Quota
from notifier.domain.notifications import MAX_SOURCE, read_notify_request
from notifier.domain.states import InboxFilter
from notifier.domain.times import format_time
from notifier.domain.users import User
from notifier.errors import ErrorCode, NotifierError
from notifier.service.access import Access
from notifier.service.devices import DeviceService
from notifier.service.keyed import KeyedPublisher
from notifier.service.once import IdempotencyKey
from notifier.service.publish import Publisher
from notifier.service.states import StatesService
from notifier.store.limits import Limits

LIMIT = "door"
ANY_STATE = InboxFilter(archived="include")
PAGE = 100  # entries of an inbox that are looked through at a time

_decode = msgspec.json.decode


class Visitor(NamedTuple):
    """The sender of a request by a door: the caller, the name that `source` says, and the terms of the key.

    `terms.to` is empty for a caller who may reach anybody: with `AUTH_MODE=none`, and a key with the scope `notify`."""

    caller: Caller
    name: str
    terms: DoorTerms

    @property
    def may_name_anybody(self) -> bool:
        """True where the recipient may be named by the request itself."""
        return not self.terms.to


class Stored(NamedTuple):
    """A notification that is stored: its id, whose it is, whether an earlier one of its key was left instead, and the
    id of its stream entry (empty: the reply of the store has not said it)."""

    notification_id: str
    user: User
    kept: bool
    stream_id: str = ""


class DoorService:
    """The use cases of all doors. Every coroutine may raise `NotifierError(unavailable)`."""

    def __init__(
        self,
        access: Access,
        devices: DeviceService,
        publisher: Publisher,
        keyed: KeyedPublisher,
        states: StatesService,
        limits: Limits,
        default_target: User,
        tokens: bool,
        now: Callable[[], float],
        on_used: Callable[[str], None],
    ) -> None:
        """`tokens`: a key is needed (`AUTH_MODE=token`); else who names nobody reaches `default_target`. `now` is
        Redis' time in Unix seconds; `on_used` is told the id of a door's key that let somebody in."""
        self._on_used = on_used
        self._access = access
        self.devices = devices
        self._publisher = publisher
        self._limits = limits
        self._tokens = tokens
        self.keyed = keyed
        self.states = states
        self.default_target = default_target
        self.now = now

    @property
    def tokens(self) -> bool:
        """True where nobody comes in without a key."""
        return self._tokens

    async def enter(self, door: str, token: str) -> Visitor:
        """The visitor with that token; raises `NotifierError` (`unauthenticated`, `forbidden`)."""
        key = await self._key(token) if has_form(door, token) else None
        if key is not None:
            visitor = _by_key(door, Caller(f"key:{key.name}", key_id=key.id), key.name, key.door)
            self._on_used(key.id)
            return visitor
        if await self._device(token) is not None:
            raise NotifierError(ErrorCode.FORBIDDEN, "the token of a device reads one inbox, and sends nothing")
        if not self._tokens:
            return Visitor(ANYBODY, door, DoorTerms(door, ()))
        if not token:
            raise NotifierError(ErrorCode.UNAUTHENTICATED, "a token is needed")
        caller = await self._access.authenticate(token)
        if not caller.may(Scope.NOTIFY):
            raise NotifierError(ErrorCode.FORBIDDEN, "this token may not send")
        return Visitor(caller, caller.name.partition(":")[2] or caller.name, DoorTerms(door, ()))

    async def reader(self, token: str, named: User | None = None) -> tuple[Caller, User]:
        """The person with that token, a device's or their own, and the inbox that is theirs to read and mark.

        `named` is the user that the request itself names: without authentication theirs is opened, else the default
        target's; and by a key with the scope `admin`. Raises `NotifierError` (`unauthenticated`; `forbidden` for other
        keys, which read nothing).
        """
        device = await self._device(token)
        if device is not None:
            return device
        if not self._tokens:
            return ANYBODY, named or self.default_target
        if not token:
            raise NotifierError(ErrorCode.UNAUTHENTICATED, "a token is needed")
        if door_of(token) is not None and await self._key(token) is not None:
            raise NotifierError(ErrorCode.FORBIDDEN, "this key sends, and reads nothing: take a device's token")
        caller = await self._access.authenticate(token)
        user = caller.user or named
        if user is None or not caller.may_follow(user):
            raise NotifierError(ErrorCode.FORBIDDEN, "this token names no user: take a device's token")
        return caller, user

    async def person(self, token: str) -> User | None:
        """The person whose token it is, a device's or their own; None for any other token, and for none."""
        device = await self._device(token)
        if device is not None:
            return device[1]
        if not self._tokens or not token or door_of(token) is not None:
            return None
        try:
            return (await self._access.authenticate(token)).user
        except NotifierError as error:
            if error.code is not ErrorCode.UNAUTHENTICATED:
                raise
            return None

    async def _device(self, token: str) -> tuple[Caller, User] | None:
        """The owner of a device's token; None where it is none."""
        if not may_be_device_token(token):
            return None
        try:
            caller = await self.devices.open(token)
        except NotifierError as error:
            if error.code is not ErrorCode.UNAUTHENTICATED:
                raise
            return None
        assert caller.user is not None
        return caller, caller.user

    async def _key(self, token: str) -> ApiKey | None:
        """The door's key with that token; None where there is none."""
        try:
            return await self._access.door_key(token)
        except NotifierError as error:
            if error.code is not ErrorCode.UNAUTHENTICATED:
                raise
            return None

    def targets_of(self, visitor: Visitor, named: User | None = None) -> tuple[User, ...]:
        """The users that a visitor's notification goes to: the key's targets, else who was `named`, else the default.

        Raises `NotifierError(forbidden)` where the key does not reach who was named, or nobody is."""
        if visitor.terms.to:
            if named is not None and named not in visitor.terms.to:
                raise NotifierError(ErrorCode.FORBIDDEN, "this key does not reach this user")
            return visitor.terms.to if named is None else (named,)
        if named is not None:
            return (named,)
        if self._tokens:
            raise NotifierError(ErrorCode.FORBIDDEN, "this key names no user: make one with --door and --to")
        return (self.default_target,)

    async def publish(
        self,
        visitor: Visitor,
        targets: tuple[User, ...],
        said: Mapping[str, Any],
        once: str | None = None,
    ) -> list[Stored]:
        """Stores a notification for each target, in `/notify`'s way: all or nothing.

        `said` are fields of a request to `/notify` beside `target` and `source`: `message`, `title`, `url`, `priority`,
        `category`, `data`, `ttl`, `key`, `on_same`, `deliver_at`. `once` is the sender's own name of this request: its
        repeat stores nothing, takes no place of the key's rate, and may say it in other words. Raises `NotifierError`:
        `invalid` names every bad field, `rate_limited`.
        """
        terms = visitor.terms
        body: dict[str, Any] = {"target": [{"id": user.id, "login": user.login} for user in targets]}
        body |= (
            {"source": visitor.name[:MAX_SOURCE]}
            | ({"category": terms.category} if terms.category else {})
            | dict(said)
        )
        draft = read_notify_request(body, format_time(self.now()), sender=visitor.caller.name)
        key = None if once is None else IdempotencyKey(visitor.caller.identity, f"door:{terms.door}", once)
        if terms.rate is not None and not (key and await self._publisher.has_answer(key)):
            await self._take_place(visitor, terms.rate)
        said_once = body if key is None else {"target": body["target"]}
        answer = await self._publisher.publish(draft, said_once, key)
        rows, known = _decode(answer.body)["results"], answer.stream_ids
        return [_stored(row, known[place] if known else b"") for place, row in enumerate(rows)]

    async def _take_place(self, visitor: Visitor, rate: tuple[int, float]) -> None:
        taken = await self._limits.take(LIMIT, rate, [visitor.caller.key_id])
        if taken.over:
            raise OverLimit(Quota(LIMIT, *rate, 0, max(taken.over.values())), [])

    async def retract(self, visitor: Visitor, user: User, key: str) -> str:
        """Takes back what this visitor stored under a key: whether it was `unread`, `read` or `gone`."""
        return await self.keyed.retract_by_key(visitor.caller.name, key, user.key)

    async def clear(self, visitor: Visitor, user: User, key: str) -> bool:
        """Marks read what this visitor stored under a key; False where that changed nothing."""
        found = await self.keyed.named(visitor.caller.name, key, user.key)
        if found is None:
            return False
        marked = await self.states.mark(user.key, "read", [found.notification_id])
        return bool(marked["changed"])

    async def adopt(self, visitor: Visitor, user: User, key: str, is_it: Callable[[Mapping[str, Any]], bool]) -> None:
        """Puts what this visitor stored without a key under one, where there is such a notification and the key is
        free: for protocols whose messages are named by their ids afterwards."""
        if await self.keyed.named(visitor.caller.name, key, user.key) is not None:
            return
        before: str | None = None
        while True:
            page = await self.states.page(user.key, ANY_STATE, PAGE, before, None)
            for item in page["items"]:
                if item["source"] == visitor.name and is_it(item):
                    await self.keyed.adopt(visitor.caller.name, key, user.key, item["notification_id"])
                    return
            before = page["next_before"]
            if before is None:
                return

    async def name(self, visitor: Visitor, stored: Stored, key: str) -> None:
        """Puts what was stored without a key just now under one. Where the store has gone since, it stays without."""
        with contextlib.suppress(NotifierError):
            await self.keyed.adopt(visitor.caller.name, key, stored.user.key, stored.notification_id)

    async def life_of(self, stored: Stored) -> float | None:
        """The seconds that a stored notification has still to live; None where that cannot be said now."""
        try:
            return await self.keyed.life_of(stored.notification_id, stored.user.key)
        except NotifierError:  # it is stored, and its sender must hear that
            return None

    async def inbox(self, user: User, limit: int, before: str | None = None, after: str | None = None) -> list[Any]:
        """A user's notifications as the API shows them, archived ones too, in the order of `StatesService.page`."""
        page = await self.states.page(user.key, ANY_STATE, limit, before, after)
        items: list[Any] = page["items"]
        return items

    async def to_come(self, user: User) -> list[Any]:
        """A user's notifications that are put off or yet to come, the soonest first, in the same shape; among the next
        thousand of all users."""
        return await self.states.to_come(user.key)


def _by_key(door: str, caller: Caller, name: str, terms: DoorTerms | None) -> Visitor:
    if terms is None or terms.door != door:
        raise NotifierError(ErrorCode.FORBIDDEN, "this key is for another door")
    return Visitor(caller, name, terms)


def _stored(row: Mapping[str, Any], stream_id: bytes) -> Stored:
    target = row["target"]
    user = User(target["id"], target["login"])
    return Stored(row["notification_id"], user, row.get("kept", False), stream_id.decode())
