"""Commands of plain transactions, packed by hand as they are sent most often."""

from __future__ import annotations

MULTI, EXEC = b"*1\r\n$5\r\nMULTI\r\n", b"*1\r\n$4\r\nEXEC\r\n"
ID_LENGTH = 36
ID = b"$%d\r\n" % ID_LENGTH  # the head of a notification's id as an argument


def bulk(text: str) -> bytes:
    """A text as an argument of a command."""
    data = text.encode()
    return b"$%d\r\n%b\r\n" % (len(data), data)


def open_bulk(prefix: str) -> bytes:
    """The beginning of an argument: `prefix`, which a notification's id and CR LF are to follow."""
    data = prefix.encode()
    return b"$%d\r\n%b" % (len(data) + ID_LENGTH, data)


def new_for(milliseconds: int) -> bytes:
    """The arguments of `SET` by which a key is made anew, and lives for so long."""
    life = b"%d" % milliseconds
    return b"$2\r\nNX\r\n$2\r\nPX\r\n$%d\r\n%b\r\n" % (len(life), life)


def add_entry(stream: bytes) -> bytes:
    """`XADD` to a packed stream, up to the notification's id."""
    return b"*5\r\n$4\r\nXADD\r\n%b$1\r\n*\r\n$3\r\nnid\r\n%b" % (stream, ID)


def mark_read(state: bytes) -> bytes:
    """`HSETNX` in a packed state, up to the notification's id; `AS_READ` follows it. A state that is there stays."""
    return b"*4\r\n$6\r\nHSETNX\r\n%b%b" % (state, ID)


def note_marks(marks: bytes, notification_ids: list[bytes], mark: bytes) -> bytes:
    """`HSET` of one packed mark for each id, in packed marks."""
    rows = b"".join([b"%b%b\r\n%b" % (ID, nid, mark) for nid in notification_ids])
    return b"*%d\r\n$4\r\nHSET\r\n%b%b" % (2 * len(notification_ids) + 2, marks, rows)


AS_READ = b"\r\n$4\r\nread\r\n"


def move_group(stream: bytes, group: bytes) -> bytes:
    """`XGROUP SETID` of a packed stream, up to the entry's id."""
    return b"*5\r\n$6\r\nXGROUP\r\n$5\r\nSETID\r\n%b%b" % (stream, group)


def acknowledge(stream: bytes, group: bytes, stream_ids: list[bytes]) -> bytes:
    """`XACK` of entries."""
    ids = b"".join([b"$%d\r\n%b\r\n" % (len(one), one) for one in stream_ids])
    return b"*%d\r\n$4\r\nXACK\r\n%b%b%b" % (len(stream_ids) + 3, stream, group, ids)


def get_all(names: list[bytes]) -> bytes:
    """`MGET` of packed names."""
    return b"*%d\r\n$4\r\nMGET\r\n%b" % (len(names) + 1, b"".join(names))


def count_there(names: list[bytes]) -> bytes:
    """`EXISTS` of packed names."""
    return b"*%d\r\n$6\r\nEXISTS\r\n%b" % (len(names) + 1, b"".join(names))


def add_to(key: bytes, field: bytes, number: int) -> bytes:
    """`HINCRBY` of a packed field of a packed key."""
    text = b"%d" % number
    return b"*4\r\n$7\r\nHINCRBY\r\n%b%b$%d\r\n%b\r\n" % (key, field, len(text), text)


def word_of_abort(cause: Exception) -> str | None:
    """The error in `EXECABORT Transaction discarded because of: OOM …`."""
    _, found, reason = str(cause).partition("discarded because of: ")
    return reason if found and str(cause).startswith("EXECABORT ") else None
