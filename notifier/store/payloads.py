"""Payloads as they come out of Redis: one that another program wrote and nobody can read counts as expired.

It is left out, removed from the store, and the janitor then clears its entry as it does with any that has expired.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from notifier.domain.entries import Entry
from notifier.domain.ids import is_stream_id
from notifier.domain.notifications import fragment_of, is_payload
from notifier.errors import NotifierError
from notifier.store.redis.client import Redis
from notifier.store.redis.link import Reply


class Payloads:
    """Reads what scripts answer of entries and their payloads."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._drop = redis.script("inbox/drop")

    def entries(self, user: str, flat: Sequence[Any]) -> list[Entry]:
        """Entries from the flat list of id, notification id, state and payload that scripts answer."""
        rows = [Entry(flat[i], flat[i + 1], flat[i + 2] is not None, flat[i + 3]) for i in range(0, len(flat), 4)]
        bad = {row.notification_id for row in rows if row.payload is not None and not is_payload(row.payload)}
        if not bad:
            return rows
        self._remove(user, bad)
        return [row._replace(payload=None) if row.notification_id in bad else row for row in rows]

    def unreadable(self, user: str, payloads: Mapping[str, bytes | None]) -> set[str]:
        """The notification ids of payloads that cannot be read; they are removed."""
        bad = {nid for nid, payload in payloads.items() if payload is not None and not is_payload(payload)}
        if bad:
            self._remove(user, {nid.encode() for nid in bad})
        return bad

    def fragment(self, user: str, notification_id: bytes, payload: bytes) -> bytes | None:
        """The part of a payload that frames carry; None where there is none (empty) or it cannot be read."""
        if not payload:
            return None
        if is_payload(payload):
            return fragment_of(payload)
        self._remove(user, {notification_id})
        return None

    def pairs(self, user: str, flat: Sequence[bytes]) -> list[bytes]:
        """The list of what was cleared, id, notification id, …, without what is no such pair."""
        good: list[bytes] = []
        place = 0
        while place + 1 < len(flat):
            if is_stream_id(_text(flat[place])) and _is_word(flat[place + 1]):
                good += flat[place : place + 2]
                place += 1
            place += 1
        if len(good) < len(flat):
            self._redis.spoilt.note("cleared", self._redis.keys.cleared(user), "not pairs of ids")
        return good

    def _remove(self, user: str, notification_ids: set[bytes]) -> None:
        keys = self._redis.keys
        names = sorted(one.decode() for one in notification_ids)
        for name in names:
            self._redis.spoilt.note("payload", keys.payload(user, name), "no payload of a notification")
        try:
            self._redis.send_script(self._drop, keys.stream(user), (user, *names), ignore)
        except NotifierError:
            return  # the store has just gone: the next reader finds them again


def _text(value: bytes) -> str:
    return value.decode("ascii", "replace")


def _is_word(value: bytes) -> bool:
    """True for bytes that may stand in a frame as a notification's id."""
    return 0 < len(value) <= 128 and value.isascii() and not set(value) & {*b'"\\'} and _text(value).isprintable()


def ignore(reply: Reply) -> None:
    """An attempt at tidying that failed is made again by the next reader."""
