"""Hash slots of Redis Cluster, and for each slot a short tag that falls into it."""

from __future__ import annotations

import binascii
from functools import cache

SLOTS = 16384


def slot_of(key: str | bytes) -> int:
    """The slot of a key: CRC16 (XMODEM) of its hash tag, or of all of it (Redis Cluster specification)."""
    data = key.encode() if isinstance(key, str) else key
    start = data.find(b"{")
    if start >= 0:
        end = data.find(b"}", start + 1)
        if end > start + 1:
            data = data[start + 1 : end]
    return binascii.crc_hqx(data, 0) % SLOTS


@cache
def tags() -> tuple[str, ...]:
    """For each slot the first decimal number whose slot it is: the tag of the index keys kept beside a slot's users."""
    found: dict[int, str] = {}
    number = 0
    while len(found) < SLOTS:
        text = str(number)
        found.setdefault(binascii.crc_hqx(text.encode(), 0) % SLOTS, text)
        number += 1
    return tuple(found[slot] for slot in range(SLOTS))
