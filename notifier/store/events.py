"""The events of all pods in one capped stream, written only while somebody follows them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

import msgspec

from notifier.store.redis.client import Redis

MAXLEN = 1_000  # entries, each the events of one moment of one pod
LIFE = 60.0
BLOCK = 2.0
REPLY_TIMEOUT = BLOCK + 3.0


class _Event(msgspec.Struct):
    type: str


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
