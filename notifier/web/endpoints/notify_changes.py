"""`/api/v1/notify/{id}`: a sender changes a notification, or takes it back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from notifier.domain.fields import Key, Login, UserId
from notifier.domain.ids import is_notification_id
from notifier.domain.inbox_requests import UpdateRequest
from notifier.domain.reading import given
from notifier.domain.users import User
from notifier.errors import ErrorCode, FieldError, NotifierError
from notifier.service.keyed import KeyedPublisher
from notifier.web.endpoints.fields import INBOX, Uuid
from notifier.web.http.mount import Call
from notifier.web.http.route import API, Answer, Endpoints, delete, patch

PATH = "/api/v1/notify"


class OwnerQuery(Struct, kw_only=True):
    """The user whose notification it is. On one server its id alone tells that; Redis Cluster needs both."""

    user_id: Annotated[UserId, Meta(examples=[1])] | UnsetType = UNSET
    login: Annotated[Login, Meta(examples=["alice"])] | UnsetType = UNSET

    def key(self) -> str | None:
        """The user key; raises `NotifierError(invalid)` where one of the two is there alone."""
        missing = [name for name in ("user_id", "login") if getattr(self, name) is UNSET]
        if len(missing) == 1:
            error = FieldError(missing[0], "is required")
            raise NotifierError(ErrorCode.INVALID, "the query is not valid", [error])
        return None if missing else User(self.user_id, self.login).key  # type: ignore[arg-type]


class KeyQuery(Struct, kw_only=True):
    """A key under which a caller has stored something, for a user."""

    key: Key
    user_id: Annotated[UserId, Meta(examples=[1])]
    login: Annotated[Login, Meta(examples=["alice"])]


class Updated(Struct):
    """The notification says something else by now; connections that asked for states are told."""

    revision: Annotated[int, Meta(ge=2)]


class Retracted(Struct):
    """The former state of the notification: `gone` where there was none any more."""

    was: Literal["unread", "read", "gone"]


_NONE = NotifierError(ErrorCode.NOT_FOUND, "there is no such notification")
_TAKEN = (Answer(example=Retracted("unread")),)


class NotifyChangeEndpoints(Endpoints):
    """The routes of senders' changes."""

    tag, access = INBOX, API

    def __init__(self, keyed: KeyedPublisher, on_patched: Callable[[], None]) -> None:
        """`on_patched` is told of each change."""
        self._keyed = keyed
        self._on_patched = on_patched

    @patch(
        f"{PATH}/{{notification_id}}",
        "Change what a notification says",
        description="What is not named stays, and so do the states that its user gave it.",
        example=UpdateRequest(message="Your order has arrived"),
        answers=(Answer(example=Updated(2)),),
        failures=(_NONE,),
    )
    async def update_notification(
        self, call: Call, notification_id: Uuid, query: OwnerQuery, body: UpdateRequest
    ) -> Updated:
        if not is_notification_id(notification_id):
            raise _NONE
        revision = await self._keyed.update(notification_id, query.key(), given(body))
        self._on_patched()
        return Updated(revision)

    @delete(f"{PATH}/{{notification_id}}", "Take a notification back", answers=_TAKEN, failures=(_NONE,))
    async def retract_notification(self, call: Call, notification_id: Uuid, query: OwnerQuery) -> Retracted:
        if not is_notification_id(notification_id):
            raise _NONE
        return Retracted(await self._keyed.retract(notification_id, query.key()))  # type: ignore[arg-type]

    @delete(PATH, "Take back what was sent under a key", answers=_TAKEN)
    async def retract_by_key(self, call: Call, query: KeyQuery) -> Retracted:
        user = User(query.user_id, query.login).key
        return Retracted(await self._keyed.retract_by_key(call.caller.name, query.key, user))  # type: ignore[arg-type]
