"""The types of what requests hold: each says its check and, for the API's description, its JSON Schema.

A text, a time, an address of a channel is described here and nowhere else: endpoints, items of batches and messages of
Kafka read it by the same type.
"""

from __future__ import annotations

from typing import Annotated, Any, TypeAlias

from msgspec import Meta

from notifier.domain.addresses import (
    DEVICE_FORM,
    IOS_DEVICE_FORM,
    MAX_IOS_TOKEN,
    MAX_MAILBOX,
    MAX_TOKEN,
    NUMBER_FORM,
    address_problem,
    ios_token_problem,
)
from notifier.domain.channels import CHANNELS, PRIORITIES
from notifier.domain.checks import (
    MAX_DATA_BYTES,
    MAX_URL,
    data_problem,
    duration_problem,
    text_problem,
    time_problem,
    url_problem,
)
from notifier.domain.deliveries import (
    MAX_CONTENT,
    MAX_KEY,
    MAX_RETRIES,
    MAX_SUBJECT,
    MAX_USER_ID,
    key_problem,
    priority_of,
    priority_problem,
    user_problem,
)
from notifier.domain.notifications import (
    MAX_CATEGORY,
    MAX_MESSAGE,
    MAX_OWN_KEY,
    MAX_SOURCE,
    MAX_TITLE,
    MAX_TTL,
    MIN_TTL,
    ON_SAME,
    own_key_problem,
)
from notifier.domain.reading import checked
from notifier.domain.users import LOGIN_EXPECTED, MAX_LOGIN, normalise_login
from notifier.domain.users import MAX_USER_ID as MAX_INBOX_USER_ID


def text(least: int, most: int, description: str = "") -> Any:
    """The type of a text of `least` … `most` characters, any but NUL and lone surrogates."""
    return Annotated[
        str,
        Meta(
            min_length=least,
            max_length=most,
            description=description or None,
            extra_json_schema={"pattern": "^[^\\u0000]*$"},
            extra=checked(lambda value: text_problem(value, least, most)),
        ),
    ]


def one_of(values: tuple[str, ...], description: str = "") -> Any:
    """The type of one of several words, named in their own order."""
    expected = f"must be one of {', '.join(values)}"
    return Annotated[
        str,
        Meta(
            description=description or None,
            extra_json_schema={"enum": list(values)},
            extra=checked(lambda value: None if type(value) is str and value in values else expected),
        ),
    ]


def optional_one_of(values: tuple[str, ...], description: str = "Empty for any.") -> Any:
    """The same for a filter, where the empty text stands for any."""
    expected = f"must be one of {', '.join(values)}"
    return Annotated[
        str,
        Meta(
            description=description,
            extra_json_schema={"enum": ["", *values]},
            extra=checked(lambda value: None if type(value) is str and value in ("", *values) else expected),
        ),
    ]


def _login_problem(value: object) -> str | None:
    if type(value) is str and normalise_login(value) is not None:
        return None
    return LOGIN_EXPECTED


UserId: TypeAlias = Annotated[int, Meta(ge=1, le=MAX_INBOX_USER_ID, description="The user's number.")]
Login: TypeAlias = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=MAX_LOGIN,
        description="Letters, marks and digits of any script, normalised to NFC, and `_ . @ + -`.",
        extra_json_schema={"format": "login"},
        extra=checked(_login_problem, normalise_login),
    ),
]
Moment: TypeAlias = Annotated[
    str,
    Meta(
        description="RFC 3339 with any offset. Leap seconds are refused.",
        extra_json_schema={"format": "date-time"},
        extra=checked(time_problem),
    ),
]
Channel: TypeAlias = one_of(CHANNELS)  # type: ignore[valid-type]
Priority: TypeAlias = Annotated[
    str,
    Meta(
        extra_json_schema={"enum": list(PRIORITIES)},
        extra=checked(priority_problem),
    ),
]
Url: TypeAlias = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=MAX_URL,
        description="An absolute URL or a path from the root; no `javascript:`, `vbscript:` or `data:`.",
        extra_json_schema={"pattern": r"^(/|[A-Za-z][A-Za-z0-9+.\-]*://)[^\s\u0000-\u0020\u007f\u0085]*$"},
        extra=checked(url_problem),
    ),
]
Data: TypeAlias = Annotated[
    dict[str, Any],
    Meta(
        description=f"Anything for the client, at most {MAX_DATA_BYTES} bytes as JSON; no NUL in it.",
        extra=checked(data_problem),
    ),
]
Message: TypeAlias = text(1, MAX_MESSAGE, "The text itself: any but NUL and lone surrogates.")  # type: ignore[valid-type]
Source: TypeAlias = text(0, MAX_SOURCE, "The sender, such as a program's name.")  # type: ignore[valid-type]
Title: TypeAlias = text(0, MAX_TITLE)  # type: ignore[valid-type]
Category: TypeAlias = text(0, MAX_CATEGORY)  # type: ignore[valid-type]
DeliveryUser: TypeAlias = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=MAX_USER_ID,
        description="Text without control characters. Without a `recipient` the user's sessions have the addresses.",
        extra_json_schema={"pattern": r"^[^\u0000-\u001f\u007f-\u009f\u2028\u2029]+$"},
        extra=checked(user_problem),
    ),
]
KeyText: TypeAlias = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=MAX_KEY,
        description="As the header `Idempotency-Key`.",
        extra_json_schema={"pattern": "^[ -~]+$"},
        extra=checked(key_problem),
    ),
]


def _address(channel: str, **meta: Any) -> Any:
    """The type of an address of a channel."""
    return Annotated[
        str,
        Meta(
            **meta,
            extra=checked(lambda value: text_problem(value, 1, MAX_TOKEN) or address_problem(channel, str(value))),
        ),
    ]


PhoneNumber: TypeAlias = _address("sms", description="E.164.", extra_json_schema={"pattern": f"^{NUMBER_FORM}$"})  # type: ignore[valid-type]
Mailbox: TypeAlias = _address("email", max_length=MAX_MAILBOX, extra_json_schema={"format": "email"})  # type: ignore[valid-type]
DeviceToken: TypeAlias = _address(  # type: ignore[valid-type]
    "push",
    min_length=1,
    max_length=MAX_TOKEN,
    description="A device token.",
    extra_json_schema={"pattern": f"^{DEVICE_FORM}$"},
)
IosToken: TypeAlias = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=MAX_IOS_TOKEN,
        description="A device token of APNs.",
        extra_json_schema={"pattern": f"^{IOS_DEVICE_FORM}$"},
        extra=checked(ios_token_problem),
    ),
]
WebUrl: TypeAlias = _address("webhook", max_length=MAX_URL, extra_json_schema={"pattern": r"^https?://[^\s@]+$"})  # type: ignore[valid-type]
InboxKey: TypeAlias = _address(  # type: ignore[valid-type]
    "inapp", description="A user key, `1-alice`.", extra_json_schema={"pattern": "^[1-9][0-9]{0,15}-.+$"}
)
AnyAddress: TypeAlias = text(1, MAX_TOKEN, "The channel's address, checked as such.")  # type: ignore[valid-type]
Content: TypeAlias = text(1, MAX_CONTENT, "The text itself: any but NUL and lone surrogates.")  # type: ignore[valid-type]
Subject: TypeAlias = text(0, MAX_SUBJECT)  # type: ignore[valid-type]
AnyPriority: TypeAlias = Annotated[
    Priority | Annotated[int, Meta(ge=0, le=3, description="The same as a number: 0 low, 1 normal, 2 and 3 high.")],
    Meta(extra=checked(lambda value: None if priority_of(value) else "must be high, normal or low, or 0-3")),
]
Retries: TypeAlias = Annotated[int, Meta(ge=0, le=MAX_RETRIES, description="Tries after the first.")]

Key: TypeAlias = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=MAX_OWN_KEY,
        extra_json_schema={"pattern": "^[^\\u0000-\\u001f\\u007f-\\u009f]*$"},
        extra=checked(own_key_problem),
    ),
]
OnSame: TypeAlias = one_of(ON_SAME)  # type: ignore[valid-type]

# Exactly the durations within the bounds, but for zeros in front and fractions that lead over a bound.
_DURATION = "|".join(
    f"^({form})$"
    for form in (
        r"[1-9]\d{3,9}ms|[12]\d{10}ms|30\d{9}ms|31[0-4]\d{8}ms|315[0-2]\d{7}ms|3153[0-5]\d{6}ms|31536000000ms",
        r"([1-9]\d{0,6}|[12]\d{7}|30\d{6}|31[0-4]\d{5}|315[0-2]\d{4}|3153[0-5]\d{3})(\.\d{1,6})?s?|31536000s?",
        r"([1-9]\d{0,4}|[1-4]\d{5}|5[01]\d{4}|52[0-4]\d{3}|525[0-5]\d{2})(\.\d{1,6})?m|525600m",
        r"([1-9]\d{0,2}|[1-7]\d{3}|8[0-6]\d{2}|87[0-5]\d)(\.\d{1,6})?h|8760h",
        r"([1-9]\d?|[12]\d{2}|3[0-5]\d|36[0-4])(\.\d{1,6})?d|365d",
    )
)
_LIFE = f"How long it is kept, {MIN_TTL:.0f}s-{MAX_TTL / 86400:.0f}d"
Ttl: TypeAlias = Annotated[
    Annotated[float, Meta(ge=MIN_TTL, le=MAX_TTL, description=f"{_LIFE}, in seconds.")]
    | Annotated[
        str,
        Meta(
            description=f"{_LIFE}: `500ms`, `5s`, `15m`, `24h`, `7d` or a number of seconds.",
            extra_json_schema={"pattern": _DURATION},
        ),
    ],
    Meta(extra=checked(lambda value: duration_problem(value, MIN_TTL, MAX_TTL))),
]
