"""Request bodies: bytes to JSON values, and what is wrong with those that are none."""

from __future__ import annotations

import json
from typing import Any

import msgspec

from notifier.domain.checks import bad_text_within
from notifier.errors import ErrorCode, NotifierError

_decode = msgspec.json.Decoder().decode


def read_json(body: bytes) -> object:
    """The JSON value in a request body; raises `NotifierError(bad_request)` for anything else.

    A lone surrogate (`"\\ud800"`) is no error here: it is valid by RFC 8259 §8.2, and the check of its field names it.
    """
    try:
        return _decode(body)
    except UnicodeDecodeError:
        raise NotifierError(ErrorCode.BAD_REQUEST, "the body is not UTF-8") from None
    except RecursionError:
        raise NotifierError(ErrorCode.BAD_REQUEST, "the JSON is nested too deeply") from None
    except msgspec.DecodeError as error:
        return _second_look(body, str(error))


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
