"""The one error of this program: a code, a sentence for people, and facts. Endpoints turn codes into statuses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, NamedTuple


class ErrorCode(StrEnum):
    """Kind of a failure, in the words of the API."""

    BAD_REQUEST = "bad_request"
    UNAUTHENTICATED = "unauthenticated"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not_found"
    METHOD_NOT_ALLOWED = "method_not_allowed"
    CONFLICT = "conflict"
    MISDIRECTED = "misdirected"
    TOO_LARGE = "too_large"
    UNSUPPORTED_MEDIA_TYPE = "unsupported_media_type"
    INVALID = "invalid"
    RATE_LIMITED = "rate_limited"
    BAD_MESSAGE = "bad_message"
    UNKNOWN_TYPE = "unknown_type"
    INTERNAL = "internal"
    UNAVAILABLE = "unavailable"


class FieldError(NamedTuple):
    """A bad field: its path, like `target[1].id`, and what is wrong with it."""

    path: str
    message: str


class NotifierError(Exception):
    """A failure with a code that every endpoint can answer.

    `message` is for people; `errors` names bad fields; `retry_after` is in seconds; `facts` go to logs.
    """

    def __init__(
        self,
        code: ErrorCode,
        message: str,
        errors: Sequence[FieldError] = (),
        retry_after: float | None = None,
        facts: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.errors = list(errors)
        self.retry_after = retry_after
        self.facts = dict(facts or {})


def defect(cause: BaseException | None = None) -> NotifierError:
    """The error of what should not have happened: its cause is for the log, not for the caller."""
    error = NotifierError(ErrorCode.INTERNAL, "something went wrong here; it is logged")
    error.__cause__ = cause
    return error
