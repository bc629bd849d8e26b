"""What JSON Schema cannot say of a request, told to schemathesis: such requests are left out of the run."""

from __future__ import annotations

import json
import unicodedata

import schemathesis
import urllib3
from schemathesis.transport import prepare

MAX_DATA_BYTES = 4096
MAX_KEY = 255


# The express lane takes a request that comes in one piece and has only the usual headers. So the mark of a request
# travels in one of these, and head and body leave together.


class InOnePiece(urllib3.connection.HTTPConnection):
    """A connection that sends each request at once."""

    _held = None

    def request(self, *arguments, **options):
        self._held = []
        try:
            super().request(*arguments, **options)
        finally:
            pieces, self._held = self._held, None
        self.send(b"".join(pieces))

    def send(self, data):
        if self._held is None:
            super().send(data)
        else:
            self._held.append(data)


prepare.SCHEMATHESIS_TEST_CASE_HEADER = "X-Request-ID"
urllib3.connectionpool.HTTPConnectionPool.ConnectionCls = InOnePiece


@schemathesis.hook
def filter_case(context, case):
    """Keeps a request unless it is by the schema, and yet not what the program takes."""
    return not (_is_beside_the_schema(case.body) or _has_odd_login(case.query))


@schemathesis.hook
def before_call(context, case, kwargs):
    """Gives each request a key of its own: one that was used for another request is refused, and rightly."""
    key = (case.headers or {}).get("Idempotency-Key")
    if isinstance(key, str) and 1 <= len(key) <= MAX_KEY and key.isascii() and key.isprintable():
        case.headers["Idempotency-Key"] = f"{case.id}{key}"[:MAX_KEY]


def _is_beside_the_schema(body):
    if not isinstance(body, dict):
        return False
    targets = body.get("target") if isinstance(body.get("target"), list) else []
    odd = any(_has_odd_login(target) or _has_point(target) for target in targets)
    return odd or _is_too_much(body.get("data"))


def _has_point(target):
    """Whether the id is written `7.0`: an integer for JSON Schema, none for the program."""
    return isinstance(target, dict) and isinstance(target.get("id"), float)


def _is_too_much(data):
    """Whether `data` is large, or holds a NUL at some depth."""
    text = json.dumps(data, ensure_ascii=False) if isinstance(data, dict) else ""
    return len(text.encode("utf-8", "replace")) > MAX_DATA_BYTES or "\\u0000" in text


def _has_odd_login(fields):
    """Whether a login has letters that are newer than this Python, or is not in NFC.

    schemathesis reads the pattern's `\\p{L}` as a few blocks of Latin, which the login as it is answered may leave.
    """
    login = fields.get("login") if isinstance(fields, dict) else None
    if not isinstance(login, str):
        return False
    return any(unicodedata.category(char) == "Cn" for char in login) or not unicodedata.is_normalized("NFC", login)
