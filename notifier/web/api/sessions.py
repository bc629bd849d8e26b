"""Sessions and the limit on sends, described."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from msgspec import UNSET, Meta, Struct, UnsetType

from notifier.domain.addresses import MAX_MAILBOX, MAX_TOKEN
from notifier.domain.sessions import MAX_KEY
from notifier.errors import ErrorCode, FieldError, NotifierError
from notifier.web.api.common import TIME, Count, Seconds, Time, text
from notifier.web.api.delivery import DeliveryUser
from notifier.web.api.route import Answer, Route

SESSIONS = "/api/v1/sessions"
DeviceToken: TypeAlias = Annotated[
    str, Meta(min_length=1, max_length=MAX_TOKEN, extra_json_schema={"pattern": "^[!-~]+$"})
]
SecretPart: TypeAlias = text(1, MAX_KEY, "In base64url, as the browser gives it.")  # type: ignore[valid-type]
Endpoint: TypeAlias = Annotated[str, Meta(max_length=2048, extra_json_schema={"pattern": r"^https?://[^\s]*$"})]
Number: TypeAlias = Annotated[str, Meta(description="E.164.", extra_json_schema={"pattern": r"^\+[1-9][0-9]{6,14}$"})]
Mailbox: TypeAlias = Annotated[str, Meta(max_length=MAX_MAILBOX, extra_json_schema={"format": "email"})]


class SubscriptionKeys(Struct, forbid_unknown_fields=True):
    """The keys of a web subscription."""

    p256dh: SecretPart
    auth: SecretPart


class Subscription(Struct):
    """What `PushSubscription.toJSON()` gives."""

    endpoint: Endpoint
    keys: SubscriptionKeys


class SessionFields(Struct, kw_only=True, forbid_unknown_fields=True, tag_field="platform"):
    """What all platforms take."""

    user_id: DeliveryUser


class IosSession(SessionFields, tag="ios", kw_only=True, forbid_unknown_fields=True):
    """A device, through APNs."""

    device_token: DeviceToken


class AndroidSession(SessionFields, tag="android", kw_only=True, forbid_unknown_fields=True):
    """A device, through FCM."""

    device_token: DeviceToken


class WebSession(SessionFields, tag="web", kw_only=True, forbid_unknown_fields=True):
    """A browser, through Web Push."""

    subscription: Subscription


class EmailSession(SessionFields, tag="email", kw_only=True, forbid_unknown_fields=True):
    """A mailbox."""

    device_token: Mailbox


class SmsSession(SessionFields, tag="sms", kw_only=True, forbid_unknown_fields=True):
    """A telephone."""

    device_token: Number


SessionRequest: TypeAlias = IosSession | AndroidSession | WebSession | EmailSession | SmsSession


class Session(Struct, kw_only=True):
    """An address at which a user can be reached."""

    user_id: str
    platform: str
    device_token: str | UnsetType = UNSET
    subscription: Subscription | UnsetType = UNSET
    created_at: Time


class Sessions(Struct):
    """The user's sessions, the oldest first."""

    sessions: list[Session]


class UserIdPath(Struct):
    """Names a user of deliveries."""

    user_id: str


class RateLimit(Struct):
    """Where a user stands with `RATE_LIMIT_PER_USER`."""

    user_id: str
    limit: Count
    remaining: Count
    window_s: Seconds
    reset_at: Time


_DEVICE = "fcm-token-of-a-device"
_EXAMPLE = Session(user_id="u-1", platform="android", device_token=_DEVICE, created_at=TIME)
_NO_USER = NotifierError(ErrorCode.NOT_FOUND, "there is no such user")

ROUTES = (
    Route(
        door="sessions",
        method="POST",
        path=SESSIONS,
        name="add_session",
        summary="Say where a user can be reached",
        description="It lives for `SESSION_TTL`, renewed on use. A user has 50 at most: a further one takes the place"
        " of the oldest. A device or browser that is registered for another user leaves the former one.",
        body=SessionRequest,
        example=AndroidSession(user_id="u-1", device_token=_DEVICE),
        answers=(Answer(status=201, description=str(Session.__doc__), body=Session, example=_EXAMPLE),),
        failures=(
            NotifierError(
                ErrorCode.INVALID,
                "1 field is not valid",
                [FieldError("platform", "must be one of ios, android, web, email, sms")],
            ),
        ),
    ),
    Route(
        door="sessions",
        method="GET",
        path=f"{SESSIONS}/{{user_id}}",
        name="list_sessions",
        summary="List a user's sessions",
        path_fields=UserIdPath,
        answers=(Answer(status=200, description=str(Sessions.__doc__), body=Sessions, example=Sessions([_EXAMPLE])),),
        failures=(_NO_USER,),
    ),
    Route(
        door="sessions",
        method="DELETE",
        path=f"{SESSIONS}/{{user_id}}",
        name="drop_sessions",
        summary="Forget all sessions of a user",
        path_fields=UserIdPath,
        answers=(Answer(status=204, description="They are forgotten."),),
        failures=(_NO_USER,),
    ),
    Route(
        door="ratelimit",
        method="GET",
        path="/ratelimit/{user_id}",
        name="get_ratelimit",
        summary="Tell how often a user may still be sent something",
        path_fields=UserIdPath,
        answers=(
            Answer(
                status=200,
                description=str(RateLimit.__doc__),
                body=RateLimit,
                example=RateLimit("u-1", 10, 9, 60.0, TIME),
            ),
        ),
        failures=(_NO_USER,),
    ),
)
