"""Rules of requests that JSON Schema cannot express; schemathesis leaves out requests that break them."""

from __future__ import annotations

import json
import re
import unicodedata

import schemathesis
import urllib3
from hypothesis import strategies as st
from schemathesis.transport import prepare

MAX_DATA_BYTES = 4096
MAX_KEY = 255
# Addresses that are surely of their channel's form: what JSON Schema calls an email or a URL is wider in places.
PLAIN_ADDRESS = {
    "sms": re.compile(r"\+[1-9][0-9]{6,14}").fullmatch,
    "email": re.compile(r"[A-Za-z0-9_+-]{1,64}@([A-Za-z0-9]{1,20}\.){1,4}[A-Za-z]{2,20}").fullmatch,
    "push": re.compile(r"[!-~]{1,4096}").fullmatch,
    "webhook": re.compile(r"https?://([a-z0-9]{1,20}\.){0,4}[a-z]{2,20}(:[1-9][0-9]{0,3})?(/[!-~]*)?").fullmatch,
    "inapp": re.compile(r"[1-9][0-9]{0,14}-[A-Za-z0-9_.@+-]{1,128}").fullmatch,
}


# The format of a login, which no pattern that all of JSON Schema's tools read can say.
schemathesis.openapi.format(
    "login",
    st.text(st.characters(categories=("L", "M", "Nd"), include_characters="_.@+-"), min_size=1, max_size=128),
)

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
    if isinstance(case.body, dict) and "idempotency_key" in case.body and "Idempotency-Key" in (case.headers or {}):
        return False  # two keys for one request
    if _is_half_a_pair(case.query) or (_is_meant_to_be_taken(case) and _has_odd_terms(case.body)):
        return False
    return not (_is_beside_the_schema(case.body) or _has_odd_login(case.query))


@schemathesis.hook
def before_call(context, case, kwargs):
    """Gives each request a key of its own: one that was used for another request is refused, and rightly. To an inbox
    it gives a person."""
    if case.headers and _is_key(key := case.headers.get("Idempotency-Key")):
        case.headers["Idempotency-Key"] = f"{case.id}{key}"[:MAX_KEY]
    if isinstance(case.body, dict) and _is_key(key := case.body.get("idempotency_key")):
        case.body = case.body | {"idempotency_key": f"{case.id}{key}"[:MAX_KEY]}
    if case.path.startswith("/api/v1/inbox"):
        _complete(case)


def _complete(case):
    """Names the person to a route of an inbox, as the token is nobody's; a list of filters is text to the schema."""
    query = dict(case.query or {})
    if not {"user_id", "login"} & query.keys():
        query |= {"user_id": 1, "login": "alice"}
    if query.get("filters") and _is_meant_to_be_taken(case):
        query["filters"] = '[{"category":"billing"}]'
    case.query = query


def _is_meant_to_be_taken(case):
    """True unless something of the request was made to be refused: that is refused whatever else is odd about it."""
    return case.meta is None or not case.meta.generation.mode.is_negative


def _is_half_a_pair(query):
    """True where a query names half of a user."""
    return isinstance(query, dict) and ("user_id" in query) != ("login" in query)


def _has_odd_terms(body):
    """True where fields of a notification do not go together, or a time is out of bounds."""
    if not isinstance(body, dict):
        return False
    terms = (
        "deliver_at" in body or ("expires_at" in body and "name" in body) or ("on_same" in body and "key" not in body)
    )
    return terms or "until" in body or ("for" in body and not re.fullmatch(r"[1-9]h", str(body["for"])))


def _is_key(text):
    return isinstance(text, str) and 1 <= len(text) <= MAX_KEY and text.isascii() and text.isprintable()


def _is_beside_the_schema(body):
    if not isinstance(body, dict):
        return False
    targets = body.get("target") if isinstance(body.get("target"), list) else []
    odd = any(_has_odd_login(target) or _has_point(target) for target in targets)
    return odd or _is_too_much(body.get("data")) or _is_odd_delivery(body) or _is_odd_session(body)


def _is_odd_delivery(body):
    """True where fields of a delivery do not go together, or its address is of a form that the pattern lets through."""
    channel, recipient = str(body.get("channel")), body.get("recipient")
    if isinstance(body.get("user_id"), str) and not body["user_id"].isprintable():
        return True
    if any(isinstance(body.get(name), float) for name in ("priority", "max_retries", "expected")):
        return True
    if "body" in body and "user_id" in body:  # of /send
        return recipient is not None or channel in ("inapp", "webhook")
    if channel not in PLAIN_ADDRESS or "content" not in body:
        return False
    if {"subject", "title"} <= body.keys() or {"scheduled_at", "expires_at"} <= body.keys():
        return True
    if recipient is None:
        return "user_id" not in body or channel == "inapp"
    return isinstance(recipient, str) and not PLAIN_ADDRESS[channel](recipient)


def _is_odd_session(body):
    token, subscription = body.get("device_token"), body.get("subscription")
    if body.get("platform") == "email" and isinstance(token, str):
        return not PLAIN_ADDRESS["email"](token)
    endpoint = subscription.get("endpoint") if isinstance(subscription, dict) else None
    return isinstance(endpoint, str) and not PLAIN_ADDRESS["webhook"](endpoint)


def _has_point(target):
    """True where the id is written `7.0`: an integer for JSON Schema, none for the program."""
    return isinstance(target, dict) and isinstance(target.get("id"), float)


def _is_too_much(data):
    """True where `data` is large, or holds a NUL at some depth."""
    text = json.dumps(data, ensure_ascii=False) if isinstance(data, dict) else ""
    return len(text.encode("utf-8", "replace")) > MAX_DATA_BYTES or "\\u0000" in text


def _has_odd_login(fields):
    """True where a login has letters that are newer than this Python, or is not in NFC."""
    login = fields.get("login") if isinstance(fields, dict) else None
    if not isinstance(login, str):
        return False
    return any(unicodedata.category(char) == "Cn" for char in login) or not unicodedata.is_normalized("NFC", login)
