"""Reads that end where an HTTP/2 frame ends, however the bytes come."""

import asyncio

import h2.config
import h2.connection
import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.providers.http2_frames import HEADER, Frames


class Pieces:
    """A stream that gives out what it holds, piece by piece."""

    def __init__(self, *pieces):
        self.pieces = [*pieces]

    async def read(self, max_bytes, timeout=None):
        return self.pieces.pop(0) if self.pieces else b""


async def reads(stream):
    found = []
    while piece := await stream.read(65536):
        found.append(piece)
    return found


def frames():
    """A server's settings, headers, data and the end of a connection, as h2 writes them."""
    connection = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
    connection.initiate_connection()
    return [
        connection.data_to_send(),
        b"\0\0\5\0\0\0\0\0\1hello",
        b"\0\0\0\4\1\0\0\0\0",
        b"\0\1\0\0\1\0\0\0\1" + b"x" * 256,
    ]


async def test_each_read_is_a_frame():
    assert await reads(Frames(Pieces(b"".join(frames())))) == frames()


@pytest.mark.parametrize("size", [1, 2, 8, 9, 10, 13, 64])
async def test_pieces_of_any_size(size):
    whole = b"".join(frames())
    found = await reads(Frames(Pieces(*(whole[at : at + size] for at in range(0, len(whole), size)))))
    assert b"".join(found) == whole
    ends = {sum(map(len, frames()[:count])) for count in range(1, len(frames()) + 1)}
    assert ends <= {sum(map(len, found[:count])) for count in range(1, len(found) + 1)}
    assert max(map(len, found)) <= HEADER + 256


@given(st.lists(st.binary(min_size=1, max_size=40), max_size=20))
def test_no_byte_is_lost_or_waited_for(pieces):
    found = asyncio.run(reads(Frames(Pieces(*pieces))))
    assert b"".join(found) == b"".join(pieces)
