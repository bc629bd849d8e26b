"""Notifications with a key, and those that are to come later: stored, changed and taken back by their sender."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import msgspec

from notifier.domain.notifications import Content, Draft, Terms, content_of, payload_end
from notifier.domain.states import Kept, Marks
from notifier.domain.users import User, parse_user_key
from notifier.errors import ErrorCode, FieldError, NotifierError
from notifier.store.inbox_states import InboxStates, KeyedItem, Named, Put, Renewal, Retracted
from notifier.store.inbox_values import Arrivals, Holder

TRIES = 5  # of a change, while others change the same notification
SEPARATOR = "\x1f"  # between the caller's name and the key

_encode = msgspec.json.Encoder().encode


class Change(NamedTuple):
    """A notification that says something else by now, and the user's other instances."""

    user: str
    entry: Kept
    others: list[bytes]


class Announcer(Protocol):
    """Pushes arrivals to connections (`Router.announce`)."""

    def __call__(self, user: str, arrivals: Arrivals) -> None: ...


class KeyedPublisher:
    """Stores, changes and takes back. Every coroutine may raise `NotifierError(unavailable)`."""

    def __init__(
        self,
        states: InboxStates,
        holder: Holder,
        announce: Announcer,
        on_put: Callable[[Sequence[str], Sequence[Put], Content], None],
        on_updated: Callable[[Change], None],
        on_retracted: Callable[[str, Retracted], None],
    ) -> None:
        """`on_put(users, puts, content)` is told what was stored, `on_updated` and `on_retracted(user, what)` what
        connections are to be told."""
        self._states = states
        self._holder = holder
        self._announce = announce
        self._on_put = on_put
        self._on_updated = on_updated
        self._on_retracted = on_retracted

    async def store(self, draft: Draft, terms: Terms, make_id: Callable[[User], str]) -> bytes:
        """Stores a notification for each target; the answer's JSON."""
        content, users = draft.content, [user.key for user in draft.targets]
        name = f"{terms.sender}{SEPARATOR}{terms.key}" if terms.key else ""
        items = [
            KeyedItem(
                user.key,
                make_id(user),
                content.ttl_ms,
                name,
                terms.on_same,
                terms.deliver_at,
                content.fragment,
                payload_end(user, content),
            )
            for user in draft.targets
        ]
        puts = await self._states.put(self._holder, items, self._announce)
        self._on_put(users, puts, content)
        for user, item, put in zip(users, items, puts, strict=True):
            if put.outcome == "replaced" and put.stream_id:
                self._on_updated(Change(user, _entry_of(item, put), put.others))
        return _encode({"results": [_result(user, put) for user, put in zip(draft.targets, puts, strict=True)]})

    async def update(self, notification_id: str, user: str | None, fields: Mapping[str, Any]) -> int:
        """Puts new text in the place of a notification's; its revision. Raises `NotifierError` (`not_found`,
        `conflict`)."""
        for _ in range(TRIES):
            known, owner = await self._known(notification_id, user)
            revision = await self.change(Named(notification_id, known), owner, fields)
            if revision < 0:
                raise _not_found()
            if revision:
                return revision
        raise contended()

    async def named(self, sender: str, key: str, user: str) -> Named | None:
        """The notification that a caller has stored for a user under a key, where it is still there."""
        return await self._states.named(user, f"{sender}{SEPARATOR}{key}")

    async def change(
        self,
        known: Named,
        user: User,
        fields: Mapping[str, Any],
        closes: tuple[str, str] | None = None,
        renews: bool = False,
    ) -> int:
        """Puts new text in the place of what is `known`; by the caller and key `closes` it is no longer found. What
        `renews` lives as long from now on as a new one.

        Returns its revision; 0 where it is another one by now, -1 where it has gone.
        """
        payload, revision, ttl_ms = _changed(known.payload, known.notification_id, user, fields)
        name = SEPARATOR.join(closes or ())
        swapped = await self._states.swap(self._holder, user.key, known, payload, name, Renewal(renews, ttl_ms))
        if swapped.code > 0 and swapped.stream_id:
            entry = Kept(swapped.stream_id, known.notification_id, swapped.read, Marks(), payload)
            self._on_updated(Change(user.key, entry, swapped.others))
        return revision if swapped.code > 0 else swapped.code

    async def retract(self, notification_id: str, user: str | None) -> str:
        """Takes a notification back: whether it was `unread`, `read` or `gone`."""
        try:
            _, owner = await self._known(notification_id, user)
        except NotifierError as error:
            if error.code is ErrorCode.NOT_FOUND:
                return "gone"
            raise
        return await self._retract(owner.key, notification_id, "")

    async def retract_by_key(self, sender: str, key: str, user: str) -> str:
        """The same of what a caller has stored under a key."""
        return await self._retract(user, "", f"{sender}{SEPARATOR}{key}")

    async def adopt(self, sender: str, key: str, user: str, notification_id: str) -> None:
        """Puts what a caller has stored without a key under one."""
        await self._states.adopt(user, f"{sender}{SEPARATOR}{key}", notification_id)

    async def life_of(self, notification_id: str, user: str) -> float | None:
        """The seconds that a notification has still to live, None where it has gone."""
        left = await self._states.life(user, notification_id)
        return left / 1000 if left >= 0 else None

    async def _retract(self, user: str, notification_id: str, name: str) -> str:
        retracted = await self._states.retract(self._holder, user, notification_id, name)
        if retracted.was != "gone":
            self._on_retracted(user, retracted)
        return retracted.was

    async def _known(self, notification_id: str, user: str | None) -> tuple[bytes, User]:
        """The payload of a notification, and whose it is."""
        if user is None and self._states.needs_user:
            cure = "on Redis Cluster a notification is found by its user: user_id and login"
            raise NotifierError(ErrorCode.INVALID, cure, [FieldError("user_id", "is required")])
        payload = await self._states.payload(user or "", notification_id)
        owner = _target_of(payload) if payload is not None else None
        if payload is None or owner is None or (user is not None and owner.key != user):
            raise _not_found()
        return payload, owner


def contended() -> NotifierError:
    """The error of a change that others got ahead of, time after time."""
    return NotifierError(ErrorCode.CONFLICT, "others change this notification: try again", retry_after=1.0)


def _not_found() -> NotifierError:
    return NotifierError(ErrorCode.NOT_FOUND, "there is no such notification")


def _entry_of(item: KeyedItem, put: Put) -> Kept:
    payload = b'{"notification_id":"%b",%b,"revision":%d%b' % (
        put.notification_id.encode(),
        item.said,
        put.revision,
        item.rest,
    )
    return Kept(put.stream_id, put.notification_id, put.read, Marks(), payload)


def _result(user: User, put: Put) -> dict[str, Any]:
    row: dict[str, Any] = {"target": {"id": user.id, "login": user.login}, "notification_id": put.notification_id}
    return row | ({"kept": True} if put.outcome == "kept" else {})


def _target_of(payload: bytes) -> User | None:
    target = msgspec.json.decode(payload).get("target")
    if not isinstance(target, dict):
        return None
    return parse_user_key(f"{target.get('id')}-{target.get('login')}")


def _changed(
    payload: bytes, notification_id: str, user: User, fields: Mapping[str, Any]
) -> tuple[bytes, int, int | None]:
    """A payload with other fields, its revision, and the life in ms that it asks for."""
    said = msgspec.json.decode(payload)
    revision = said.get("revision", 1) + 1
    content = content_of({**said, **fields}, said.get("created_at", ""))
    head = b'{"notification_id":"%b",%b,"revision":%d' % (notification_id.encode(), content.fragment, revision)
    return head + payload_end(user, content), revision, content.ttl_ms
