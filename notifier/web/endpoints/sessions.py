"""`/api/v1/sessions` and `/ratelimit`: where users can be reached, and how often they still may be."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from msgspec import UNSET, Struct, UnsetType

from notifier.domain.deliveries import user_problem
from notifier.domain.sessions import CHANNEL_OF, AndroidSession, SessionRequest, Subscription
from notifier.errors import ErrorCode, FieldError, NotifierError
from notifier.service.sessions import SessionService
from notifier.web.endpoints.fields import SESSIONS, TIME, Count, Seconds, Time
from notifier.web.http.mount import Call
from notifier.web.http.route import API, API_OR_OWNER, Answer, Endpoints, delete, get, post

PATH = "/api/v1/sessions"


class Session(Struct, kw_only=True):
    """An address at which a user can be reached."""

    user_id: str
    platform: str
    device_token: str | UnsetType = UNSET
    subscription: Subscription | UnsetType = UNSET
    created_at: Time


class SessionList(Struct):
    """The user's sessions, the oldest first."""

    sessions: list[Session]


class RateLimit(Struct):
    """The user's use of `RATE_LIMIT_PER_USER`."""

    user_id: str
    limit: Count
    remaining: Count
    window_s: Seconds
    reset_at: Time


_DEVICE = "fcm-token-of-a-device"
_EXAMPLE = Session(user_id="u-1", platform="android", device_token=_DEVICE, created_at=TIME)
_NO_USER = NotifierError(ErrorCode.NOT_FOUND, "there is no such user")
_OTHER_USER = NotifierError(ErrorCode.FORBIDDEN, "this token is for the sessions of its own user key alone")
_BAD_PLATFORM = NotifierError(
    ErrorCode.INVALID,
    "1 field is not valid",
    [FieldError("platform", f"must be one of {', '.join(CHANNEL_OF)}")],
)


class SessionEndpoints(Endpoints):
    """The routes of sessions."""

    tag, access = SESSIONS, API_OR_OWNER

    def __init__(self, service: SessionService) -> None:
        self._service = service

    @post(
        PATH,
        "Say where a user can be reached",
        description="It lives for `SESSION_TTL`, renewed on use. A user has 50 at most: a further one takes the place "
        "of the oldest. A device or browser that is registered for another user leaves the former one.",
        example=AndroidSession(user_id="u-1", device_token=_DEVICE),
        answers=(Answer(status=201, example=_EXAMPLE),),
        failures=(_BAD_PLATFORM, _OTHER_USER),
    )
    async def add_session(self, call: Call, body: SessionRequest) -> Session:
        session = body.session()
        _check_owner(call, session.user_id)
        return msgspec.convert(await self._service.add(session), Session)

    @get(
        f"{PATH}/{{user_id}}",
        "List a user's sessions",
        answers=(Answer(example=SessionList([_EXAMPLE])),),
        failures=(_NO_USER, _OTHER_USER),
    )
    async def list_sessions(self, call: Call, user_id: str) -> SessionList:
        _check_owner(call, user_id)
        return SessionList(msgspec.convert(await self._service.of(_user(user_id)), list[Session]))

    @delete(
        f"{PATH}/{{user_id}}",
        "Forget all sessions of a user",
        answers=(Answer(status=204, description="They are forgotten."),),
        failures=(_NO_USER, _OTHER_USER),
    )
    async def drop_sessions(self, call: Call, user_id: str) -> None:
        _check_owner(call, user_id)
        await self._service.drop(_user(user_id))


class RateLimitEndpoints(Endpoints):
    """The route that tells where a user stands with the limit on sends."""

    tag, access = SESSIONS, API

    def __init__(self, look: Callable[[str], Awaitable[dict[str, Any]]]) -> None:
        """`look` answers the fields of `RateLimit` for a user."""
        self._look = look

    @get(
        "/ratelimit/{user_id}",
        "Tell how often a user may still be sent something",
        answers=(Answer(example=RateLimit("u-1", 10, 9, 60.0, TIME)),),
        failures=(_NO_USER,),
    )
    async def get_ratelimit(self, call: Call, user_id: str) -> RateLimit:
        return RateLimit(**await self._look(_user(user_id)))


def _check_owner(call: Call, user_id: str) -> None:
    """Refuses a user's own token at sessions of others; they are known by the user key."""
    user = call.caller.user
    if user is not None and user.key != user_id:
        raise _OTHER_USER


def _user(user_id: str) -> str:
    if user_problem(user_id):
        raise _NO_USER
    return user_id
