"""Ids: random ones (UUID version 4) and ones that a seed and a name determine (UUID version 8)."""

from __future__ import annotations

import hashlib
import os
import re

SEED_BYTES = 16

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}").fullmatch
STREAM_ID_FORM = "([0-9]{1,15})-([0-9]{1,15})"  # for the API's description, too
_STREAM_ID = re.compile(STREAM_ID_FORM).fullmatch


_DRAWN = 256  # ids that are drawn at a time: one call of the system


class _Pool:
    """Ids that are drawn and not yet used."""

    def __init__(self) -> None:
        self.ids: list[bytes] = []
        self.prefix = ""
        self.left = 0

    def clear(self) -> None:
        """Two workers must not draw the same."""
        self.ids.clear()
        self.left = 0

    def draw(self) -> None:
        """Makes ids ready."""
        drawn = os.urandom(16 * _DRAWN).hex()
        self.ids = [_with_version(drawn[place : place + 32], "4").encode() for place in range(0, len(drawn), 32)]


_pool = _Pool()
os.register_at_fork(after_in_child=_pool.clear)


def random_id() -> str:
    """A UUID version 4 (RFC 9562 §5.4), lower case."""
    if not _pool.ids:
        _pool.draw()
    return _pool.ids.pop().decode()


def random_ids(count: int) -> list[bytes]:
    """So many of them, in ASCII."""
    if count == 1 and _pool.ids:
        return [_pool.ids.pop()]
    while len(_pool.ids) < count:
        before = _pool.ids
        _pool.draw()
        _pool.ids += before
    left = len(_pool.ids) - count
    ids = _pool.ids[left:]
    del _pool.ids[left:]
    return ids


def serial_id() -> str:
    """A UUID of version 4 that shares its beginning with the next thousands: unique, and no secret."""
    if not _pool.left:
        _pool.prefix = random_id()[:24]
        _pool.left = 0xFFFF
    _pool.left -= 1
    return f"{_pool.prefix}{_pool.left:012x}"


def new_seed() -> str:
    """A seed from which `derived_id` makes ids: 32 hex digits."""
    return os.urandom(SEED_BYTES).hex()


def derived_id(seed: str, name: str) -> str:
    """The UUID version 8 (RFC 9562 §5.8) that `seed` and `name` determine: a repeat of a request makes the same ids."""
    return _with_version(hashlib.blake2b(name.encode(), key=bytes.fromhex(seed), digest_size=16).hexdigest(), "8")


def is_notification_id(text: object) -> bool:
    """True for a UUID in canonical lower-case form."""
    return type(text) is str and _UUID(text) is not None


def is_stream_id(text: object) -> bool:
    """True for a complete id of a Redis stream entry, `1704110400000-0`."""
    return type(text) is str and _STREAM_ID(text) is not None


def stream_position(stream_id: str) -> tuple[int, int]:
    """A stream id as a pair that compares in the order of the stream."""
    milliseconds, _, sequence = stream_id.partition("-")
    return int(milliseconds), int(sequence)


def _with_version(digits: str, version: str) -> str:
    variant = "89ab"[int(digits[16], 16) & 3]
    return f"{digits[:8]}-{digits[8:12]}-{version}{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"
