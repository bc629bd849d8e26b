"""Bodies that are read up to a bound of bytes and of time."""

import asyncio
import gzip
import zlib

import pytest

from notifier.providers import bodies


async def test_reading_ends_at_the_bound():
    async def pieces():
        while True:
            yield b"a" * 1000

    assert len(await bodies.read_body(pieces(), "", ())) == bodies.MAX_BODY


async def test_what_was_read_before_it_broke_is_kept():
    async def pieces():
        yield b"{"
        raise ValueError("broken")

    assert await bodies.read_body(pieces(), "", (ValueError,)) == b"{"


async def test_a_deadline_cuts_a_body():
    async def pieces():
        yield b"{"
        await asyncio.Event().wait()

    assert await bodies.read_body(pieces(), "", (), 0.01) == b"{"


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("", b"text"),
        ("gzip", gzip.compress(b"text", mtime=0)),
        ("X-GZIP ", gzip.compress(b"text", mtime=0)),
        ("deflate", zlib.compress(b"text")),
        ("gzip", b"text"),  # it is not what it says
        ("br", b"text"),
    ],
)
async def test_a_body_is_decoded_where_it_is_known_how(encoding, body):
    async def pieces():
        yield body

    assert await bodies.read_body(pieces(), encoding, ()) == b"text"
