"""The events of all pods in one capped stream, written only while somebody follows them; notable ones in another, kept
for a day.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

import msgspec

from notifier.store.redis.client import Redis

MAXLEN = 1_000  # entries, each the events of one moment of one pod
LIFE = 60.0
PAST_LIFE = 25 * 3600.0
BLOCK = 2.0
REPLY_TIMEOUT = BLOCK + 3.0


class _Event(msgspec.Struct):
    type: str
    time: str = ""


_decode = msgspec.msgpack.Decoder(list[bytes]).decode
_check = msgspec.json.Decoder(_Event).decode


class EventLog:
    """Events as JSON objects, encoded by who made them."""

    def __init__(self, redis: Redis, pod: str) -> None:
        self._redis = redis
        self._key = redis.keys.events
        self._pod = pod.encode()

    async def publish(self, events: Sequence[bytes]) -> None:
        """Writes this pod's events as one entry."""
        body = msgspec.msgpack.encode(events)
        await self._redis.call_many(
            [
                ("XADD", self._key, "MAXLEN", "~", MAXLEN, "*", "pod", self._pod, "events", body),
                ("PEXPIRE", self._key, round(LIFE * 1000)),
            ]
        )

    async def remember(self, events: Sequence[bytes]) -> None:
        """Keeps notable events of this pod for a day; at most 1,000 of all pods are kept."""
        key = self._redis.keys.past
        commands: list[tuple[object, ...]] = [("XADD", key, "MAXLEN", "~", MAXLEN, "*", "event", one) for one in events]
        await self._redis.call_many([*commands, ("PEXPIRE", key, round(PAST_LIFE * 1000))])

    async def past(self, since: str, limit: int) -> list[bytes]:
        """The newest notable events after a time (RFC 3339, UTC), in the order of their times; at most `limit`."""
        rows = await self._redis.call("XREVRANGE", self._redis.keys.past, "+", "-", "COUNT", limit)
        kept = [(self._read(fields[1]), fields[1]) for _, fields in rows]
        found = [(event.time, data) for event, data in kept if event is not None and event.time > since]
        return [data for _, data in sorted(found, key=lambda row: row[0])]

    def _read(self, data: bytes) -> _Event | None:
        try:
            return _check(data)
        except (msgspec.MsgspecError, ValueError) as error:
            self._redis.spoilt.note("events", self._redis.keys.past, str(error))
            return None

    def _decoded(self, fields: Sequence[bytes]) -> list[bytes]:
        """The events of an entry; none where it is another program's."""
        try:
            events = _decode(fields[3])
            for event in events:
                _check(event)
        except (msgspec.MsgspecError, IndexError, ValueError) as error:
            self._redis.spoilt.note("events", self._key, str(error))
            return []
        return events

    async def follow(self) -> AsyncIterator[list[bytes]]:
        """The events of the other pods from now on, and an empty list now and then while there are none.

        Raises `NotifierError(unavailable)` when the store goes.
        """
        link = await self._redis.open_reader(self._key, REPLY_TIMEOUT)
        try:
            last = "$"
            while True:
                reply = await link.call("XREAD", "COUNT", 100, "BLOCK", round(BLOCK * 1000), "STREAMS", self._key, last)
                if not reply:
                    yield []
                for entry_id, fields in reply[0][1] if reply else ():
                    last = entry_id.decode()
                    if fields[1] != self._pod:
                        yield self._decoded(fields)
        finally:
            link.close()
