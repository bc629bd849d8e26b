"""Commands of `express.py`, packed by hand as they are sent most often, and what it knows of a user."""

from __future__ import annotations

MULTI, EXEC = b"*1\r\n$5\r\nMULTI\r\n", b"*1\r\n$4\r\nEXEC\r\n"


class Sole:
    """A user whom this instance serves alone.

    `pushed` are entries that were handed out and are new to the group, notification id -> stream id, in the order of
    the stream; `taking` scripts on their way take them, `takes` ever did. `queued` and `confirmed` count what was
    stored here, up to `limit`: then the script has to make room.
    """

    __slots__ = ("confirmed", "limit", "name", "pushed", "queued", "state", "stream", "takes", "taking", "user")

    def __init__(self, user: str, stream: str, state: str, name: str) -> None:
        self.user = user
        self.stream, self.state, self.name = bulk(stream), bulk(state), bulk(name)
        self.pushed: dict[bytes, bytes] = {}
        self.taking = self.takes = 0
        self.queued = self.confirmed = self.limit = 0


def bulk(text: str) -> bytes:
    """A text as an argument of a command."""
    data = text.encode()
    return b"$%d\r\n%b\r\n" % (len(data), data)


def get_all(names: list[bytes]) -> bytes:
    """`MGET` of packed names."""
    return b"*%d\r\n$4\r\nMGET\r\n%b" % (len(names) + 1, b"".join(names))


def move_group(sole: Sole, stream_id: str) -> bytes:
    """`XGROUP SETID` to an entry."""
    return b"*5\r\n$6\r\nXGROUP\r\n$5\r\nSETID\r\n%b$13\r\nnotifications\r\n%b" % (sole.stream, bulk(stream_id))


def acknowledge(sole: Sole, stream_ids: list[str]) -> bytes:
    """`XACK` of entries."""
    ids = b"".join(map(bulk, stream_ids))
    return b"*%d\r\n$4\r\nXACK\r\n%b$13\r\nnotifications\r\n%b" % (len(stream_ids) + 3, sole.stream, ids)


def word_of_abort(cause: Exception) -> str | None:
    """The error in `EXECABORT Transaction discarded because of: OOM …`."""
    _, found, reason = str(cause).partition("discarded because of: ")
    return reason if found and str(cause).startswith("EXECABORT ") else None
