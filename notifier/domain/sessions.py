"""A session: an address at which a user can be reached for a while."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar, NamedTuple, TypeAlias

from msgspec import UNSET, Meta, Struct, UnsetType

from notifier.domain.addresses import endpoint_problem
from notifier.domain.checks import MAX_URL
from notifier.domain.fields import AnyAddress, DeliveryUser, DeviceToken, IosToken, Mailbox, PhoneNumber, text
from notifier.domain.reading import checked, otherwise
from notifier.errors import FieldError

CHANNEL_OF = {"ios": "push", "android": "push", "web": "push", "email": "email", "sms": "sms"}
DEVICES = frozenset({"ios", "android", "web"})  # an address is one user's; mailboxes and numbers are shared
MAX_SECRET = 256

SecretPart: TypeAlias = text(1, MAX_SECRET, "In base64url, as the browser gives it.")  # type: ignore[valid-type]
Endpoint: TypeAlias = Annotated[
    str,
    Meta(
        max_length=MAX_URL,
        extra_json_schema={"pattern": r"^https?://[^\s]*$"},
        extra=checked(endpoint_problem),
    ),
]


class Session(NamedTuple):
    """One address of a user: a device token, mailbox or number in `address`, or a web subscription's endpoint with its
    keys (`p256dh`, `auth`) in `subscription`. `created_at` is its last registration (RFC 3339)."""

    user_id: str
    platform: str
    address: str
    subscription: dict[str, str]
    created_at: str


class SubscriptionKeys(Struct, forbid_unknown_fields=True):
    """The keys of a web subscription."""

    p256dh: SecretPart
    auth: SecretPart


class Subscription(Struct):
    """A subscription as `PushSubscription.toJSON()` gives it (Push API §8)."""

    endpoint: Endpoint
    keys: SubscriptionKeys


class SessionFields(Struct, kw_only=True, forbid_unknown_fields=True, tag_field="platform"):
    """The fields that all platforms take."""

    elsewhere: ClassVar[Mapping[str, str]] = {"subscription": "is for the platform web only"}

    user_id: DeliveryUser

    def session(self) -> Session:
        """The session to store; the store gives it its time."""
        return Session(self.user_id, str(self.__struct_config__.tag), getattr(self, "device_token", ""), {}, "")


class IosSession(SessionFields, tag="ios", kw_only=True, forbid_unknown_fields=True):
    """A device, through APNs."""

    device_token: IosToken


class AndroidSession(SessionFields, tag="android", kw_only=True, forbid_unknown_fields=True):
    """A device, through FCM."""

    device_token: DeviceToken


class WebSession(SessionFields, tag="web", kw_only=True, forbid_unknown_fields=True):
    """A browser, through Web Push."""

    elsewhere: ClassVar[Mapping[str, str]] = {"device_token": "the platform web has a subscription instead"}

    subscription: Subscription

    def session(self) -> Session:
        """The session to store; the store gives it its time."""
        keys = {"p256dh": self.subscription.keys.p256dh, "auth": self.subscription.keys.auth}
        return Session(self.user_id, "web", self.subscription.endpoint, keys, "")


class EmailSession(SessionFields, tag="email", kw_only=True, forbid_unknown_fields=True):
    """A mailbox."""

    device_token: Mailbox


class SmsSession(SessionFields, tag="sms", kw_only=True, forbid_unknown_fields=True):
    """A telephone."""

    device_token: PhoneNumber


class AnySession(SessionFields, kw_only=True, forbid_unknown_fields=True):
    """The fields of a session whose platform is not known."""

    elsewhere: ClassVar[Mapping[str, str]] = {}

    device_token: AnyAddress | UnsetType = UNSET
    subscription: Subscription | UnsetType = UNSET

    @classmethod
    def problems_together(cls, values: Mapping[str, Any]) -> Iterator[FieldError]:
        """Neither of the two."""
        if not {"device_token", "subscription"} & values.keys():
            yield FieldError("device_token", "is required, or for the platform web a subscription")


SessionRequest: TypeAlias = Annotated[
    IosSession | AndroidSession | WebSession | EmailSession | SmsSession, Meta(extra=otherwise(AnySession))
]
