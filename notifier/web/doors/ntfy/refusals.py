"""Errors as ntfy's server words them (server/errors.go): a number, a status and a sentence."""

from __future__ import annotations

from typing import Any, NamedTuple

from notifier.domain.limits import OverLimit
from notifier.errors import ErrorCode, NotifierError
from notifier.service.doors import LIMIT
from notifier.web.doors.base import first_problem

_DOCS = "https://docs.ntfy.sh/"


class _Row(NamedTuple):
    code: ErrorCode
    text: str
    link: str = ""


TABLE = {
    40000: _Row(ErrorCode.BAD_REQUEST, "invalid request"),
    40001: _Row(ErrorCode.BAD_REQUEST, "e-mail notifications are not enabled", "config/#e-mail-notifications"),
    40002: _Row(ErrorCode.BAD_REQUEST, "cannot disable cache for delayed message"),
    40004: _Row(ErrorCode.BAD_REQUEST, "invalid delay parameter: unable to parse delay", "publish/#scheduled-delivery"),
    40005: _Row(ErrorCode.BAD_REQUEST, "invalid delay parameter: too small", "publish/#scheduled-delivery"),
    40006: _Row(ErrorCode.BAD_REQUEST, "invalid delay parameter: too large", "publish/#scheduled-delivery"),
    40007: _Row(ErrorCode.BAD_REQUEST, "invalid priority parameter", "publish/#message-priority"),
    40008: _Row(ErrorCode.BAD_REQUEST, "invalid since parameter", "subscribe/api/#fetch-cached-messages"),
    40009: _Row(ErrorCode.BAD_REQUEST, "invalid request: topic invalid"),
    40010: _Row(ErrorCode.BAD_REQUEST, "invalid request: topic name is not allowed"),
    40011: _Row(ErrorCode.BAD_REQUEST, "invalid request: message must be UTF-8 encoded"),
    40013: _Row(ErrorCode.BAD_REQUEST, "invalid request: attachment URL is invalid", "publish/#attachments"),
    40014: _Row(ErrorCode.BAD_REQUEST, "invalid request: attachments not allowed", "config/#attachments"),
    40017: _Row(
        ErrorCode.BAD_REQUEST, "invalid request: request body must be message JSON", "publish/#publish-as-json"
    ),
    40018: _Row(ErrorCode.BAD_REQUEST, "invalid request: actions invalid", "publish/#action-buttons"),
    40021: _Row(ErrorCode.BAD_REQUEST, "invalid request: icon URL is invalid", "publish/#icons"),
    40024: _Row(ErrorCode.BAD_REQUEST, "invalid request: request body must be valid JSON"),
    40032: _Row(ErrorCode.BAD_REQUEST, "invalid request: calling is disabled", "config/#phone-calls"),
    40049: _Row(ErrorCode.BAD_REQUEST, "invalid request: sequence ID invalid"),
    40101: _Row(ErrorCode.UNAUTHENTICATED, "unauthorized", "publish/#authentication"),
    40301: _Row(ErrorCode.FORBIDDEN, "forbidden", "publish/#authentication"),
    40401: _Row(ErrorCode.NOT_FOUND, "page not found"),
    40901: _Row(ErrorCode.CONFLICT, "conflict"),
    41301: _Row(ErrorCode.TOO_LARGE, "message too large", "publish/#limitations"),
    41303: _Row(ErrorCode.TOO_LARGE, "JSON body too large"),
    42901: _Row(ErrorCode.RATE_LIMITED, "limit reached: too many requests", "publish/#limitations"),
    42908: _Row(ErrorCode.RATE_LIMITED, "limit reached: message quota reached", "publish/#limitations"),
    50001: _Row(ErrorCode.INTERNAL, "internal server error"),
    50301: _Row(ErrorCode.UNAVAILABLE, "the store is away"),
}
_NUMBERS = {
    ErrorCode.UNAUTHENTICATED: 40101,
    ErrorCode.FORBIDDEN: 40301,
    ErrorCode.NOT_FOUND: 40401,
    ErrorCode.CONFLICT: 40901,
    ErrorCode.TOO_LARGE: 41301,
    ErrorCode.INTERNAL: 50001,
    ErrorCode.UNAVAILABLE: 50301,
}
_OF_STATUS = {405: 405, 415: 415, 421: 421}  # errors that ntfy has no number for keep their status


class Refusal(NotifierError):
    """An error with its number in ntfy's list."""

    def __init__(self, number: int, more: str = "") -> None:
        """`more` is put behind the list's sentence."""
        row = TABLE[number]
        super().__init__(row.code, f"{row.text}; {more}" if more else row.text)
        self.number = number


def body_of(error: NotifierError, status: int, json: bool) -> dict[str, Any]:
    """The body of an error: `status` is what our own API says, `json` is set where the body had to be JSON."""
    number = _number_of(error, json)
    http = _OF_STATUS.get(status) or number // 100
    body = {"code": number, "http": http, "error": _text_of(error, number)}
    link = TABLE[number].link
    return body | ({"link": _DOCS + link} if link else {})


def _number_of(error: NotifierError, json: bool) -> int:
    if isinstance(error, Refusal):
        return error.number
    if isinstance(error, OverLimit):
        return 42901 if error.quota.name == LIMIT else 42908
    if error.code is ErrorCode.RATE_LIMITED:
        return 42901
    number = _NUMBERS.get(error.code, 40000)
    return 41303 if json and number == 41301 else number


def _text_of(error: NotifierError, number: int) -> str:
    if isinstance(error, Refusal):
        return error.message
    return f"{TABLE[number].text}; {first_problem(error)}"
