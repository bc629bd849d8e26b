"""Request bodies: bytes to JSON values, and what is wrong with those that are none."""

from __future__ import annotations

import json
from typing import Any

import msgspec

from notifier.domain.checks import MAX_DEPTH, bad_text_within, is_too_deep
from notifier.errors import ErrorCode, NotifierError

_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder(order="deterministic").encode


def read_json(body: bytes) -> object:
    """The JSON value in a request body; raises `NotifierError(bad_request)` for anything else.

    A lone surrogate (`"\\ud800"`) is no error here: it is valid by RFC 8259 §8.2, and the check of its field names it.
    """
    try:
        value = _decode(body)
    except UnicodeDecodeError:
        raise NotifierError(ErrorCode.BAD_REQUEST, "the body is not UTF-8") from None
    except RecursionError:
        raise _too_deep() from None
    except msgspec.DecodeError as error:
        value = _second_look(body, str(error))
    if body.count(b"[") + body.count(b"{") > MAX_DEPTH and is_too_deep(value):
        raise _too_deep()
    return value


def canonical(value: object) -> bytes:
    """The same bytes for equal JSON values of a request, also for one with lone surrogates, which msgspec refuses."""
    try:
        return _encode(value)
    except UnicodeEncodeError:
        return json.dumps(value, sort_keys=True).encode()


def _too_deep() -> NotifierError:
    return NotifierError(ErrorCode.BAD_REQUEST, f"the JSON is nested too deeply: at most {MAX_DEPTH} levels are read")


def _second_look(body: bytes, reason: str) -> object:
    """msgspec refuses lone surrogates, the standard library does not: what only they spoil is let through."""
    try:
        value = json.loads(body.decode(), parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise NotifierError(ErrorCode.BAD_REQUEST, f"the body is not JSON: {reason}") from None
    if not bad_text_within(value):
        raise NotifierError(ErrorCode.BAD_REQUEST, f"the body is not JSON: {reason}")
    return value


def _refuse(name: str) -> Any:
    raise ValueError(name)
