"""A status line is the answer: broken, endless and slow bodies behind it, and those that come in pieces."""

import gzip
import json
import time
import zlib
from ipaddress import ip_network

import pytest

from notifier.providers import bodies, status_line
from tests.providers.contract import failure
from tests.providers.peers import RawPeer
from tests.support import eventually

ID = b'{"id": "x", "sid": "x"}'
CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n"


def answer(*headers, body=ID, status=b"200 OK"):
    return b"HTTP/1.1 " + status + b"\r\n" + b"".join(one + b"\r\n" for one in headers) + b"\r\n" + body


def sized(body, *headers):
    return answer(b"Content-Length: %d" % len(body), *headers, body=body)


BROKEN = {
    "a length too long": answer(b"Content-Length: 500"),
    "a length too short": answer(b"Content-Length: 3"),
    "a length that is none": answer(b"Content-Length: abc"),
    "a negative length": answer(b"Content-Length: -1"),
    "two lengths": answer(b"Content-Length: 12", b"Content-Length: 5"),
    "a length and chunks": answer(b"Content-Length: 5", b"Transfer-Encoding: chunked", body=b"3\r\nabc\r\n0\r\n\r\n"),
    "a body behind 204": answer(status=b"204 No Content"),
    "a length and a body behind 204": answer(b"Content-Length: 23", status=b"204 No Content"),
    "a body behind 205": answer(status=b"205 Reset Content"),
    "an unknown encoding": sized(ID, b"Content-Encoding: zorp"),
    "an encoding that it is not": sized(ID, b"Content-Encoding: gzip"),
    "an encoding that needs a library": sized(ID, b"Content-Encoding: br"),
    "another": sized(ID, b"Content-Encoding: zstd"),
    "several encodings": sized(ID, b"Content-Encoding: gzip, br"),
    "no size of a chunk": answer(b"Transfer-Encoding: chunked", body=b"zz\r\n" + ID),
    "a wrong size of a chunk": answer(b"Transfer-Encoding: chunked", body=b"5\r\n" + ID + b"\r\n0\r\n\r\n"),
    "a chunk that is cut": answer(b"Transfer-Encoding: chunked", body=b"ff\r\n{"),
    "chunks without an end": answer(b"Transfer-Encoding: chunked", body=b"1\r\n{\r\n"),
    "an unknown transfer encoding": answer(b"Transfer-Encoding: zorp"),
    "an event stream": answer(b"Content-Type: text/event-stream", body=b"data: x\n\n"),
    "a header that is none": answer(b"Content Type: a", b"Content-Length: 23"),
    "NUL in a header": answer(b"X: a\x00b", b"Content-Length: 23"),
    "a header too long": answer(b"X: " + b"a" * 9000, b"Content-Length: 23"),
    "headers without an end": b"HTTP/1.1 202 Accepted\r\nContent-Le",
    "a status line alone": b"HTTP/1.0 200\r\n",
    "interim answers before": b"HTTP/1.1 100 Continue\r\n\r\n" + answer(b"Content-Length: x"),
}


@pytest.fixture
def raw(loop):
    peer = loop.run_until_complete(RawPeer().start())
    yield peer
    loop.run_until_complete(peer.stop())


@pytest.fixture
def quick(monkeypatch):
    """Bodies and headers are waited for 50 ms."""
    monkeypatch.setattr(status_line, "HEAD_TIMEOUT", 0.05)
    monkeypatch.setattr(bodies.read_body, "__defaults__", (0.05,))
    monkeypatch.setattr("notifier.providers.answers.call.__kwdefaults__", {"body_timeout": 0.05})


@pytest.mark.parametrize("then", ["hold", "close", "reset", "drip"])
@pytest.mark.parametrize("case", BROKEN)
async def test_a_2xx_is_sent_whatever_comes_behind_it(build, raw, message, quick, case, then):
    raw.answer, raw.then = BROKEN[case], then
    provider = build(raw.url)
    sends = 2 if then == "hold" else 1
    for _ in range(sends):  # what was left of an answer is none to the next request
        await provider.send(message())
    assert raw.requests == sends


@pytest.mark.parametrize("url", ["{}", "twilio://AC1:t@+15005550006?base={}"])
async def test_a_body_without_an_end_is_given_up(build, raw, message, quick, url):
    raw.answer, raw.then = answer(b"Content-Type: text/event-stream", body=b""), "drip"
    provider = build(url.format(raw.url), timeout=5.0)
    started = time.monotonic()
    await provider.send(message())
    assert time.monotonic() - started < 2.0
    await eventually(lambda: raw.closed == raw.connections, "the end of the connection")


async def test_a_body_beyond_the_bound_is_not_read(build, raw, message):
    raw.answer = answer(CHUNKED[:-4], body=b"fffff\r\n" + b"a" * 0xFFFFF)
    started = time.monotonic()
    assert await build(raw.url).send(message()) == ""
    assert time.monotonic() - started < bodies.BODY_TIMEOUT


async def test_the_recipients_own_url(build, raw, message, quick):
    provider = build("recipient://", "webhook", allow_private=[ip_network("127.0.0.0/8")])
    raw.answer = BROKEN["a body behind 204"]
    await provider.send(message("webhook", f"{raw.url}/hook"))
    assert raw.requests == 1


@pytest.mark.parametrize(
    ("head", "reason", "permanent"),
    [(b"400 Bad Request", "rejected", True), (b"503 Busy", "server_error", False), (b"429 Slow", "throttled", False)],
)
async def test_refusals_with_broken_bodies_are_refusals(build, raw, message, quick, head, reason, permanent):
    raw.answer = answer(b"Retry-After: 7", b"Content-Length: 1, 2", body=b"x", status=head)
    error = await failure(build(raw.url), message())
    assert (error.reason, error.permanent, error.retry_after) == (reason, permanent, 7.0)


@pytest.mark.parametrize("text", [b"nonsense\r\n\r\n", b"HTTP/1.1 2", b"HTTP/1.1 999 X\r\n\r\n", b"HTTP/1.1 200", b""])
async def test_what_has_no_status_line_is_no_answer(build, raw, message, quick, text):
    raw.answer, raw.then = text, "close"
    error = await failure(build(raw.url), message())
    assert not error.permanent


# -- in pieces


@pytest.mark.parametrize("piece", [1, 3])
@pytest.mark.parametrize(
    "text",
    [
        sized(ID),
        answer(CHUNKED[:-4], body=b"".join(b"1\r\n%c\r\n" % byte for byte in ID) + b"0\r\n\r\n"),
        sized(gzip.compress(ID, mtime=0), b"Content-Encoding: gzip"),
        sized(zlib.compress(ID), b"Content-Encoding: deflate"),
        b"HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n" + sized(ID),
    ],
)
@pytest.mark.parametrize("url", ["{}", "twilio://AC1:t@+15005550006?base={}"])
async def test_the_id_of_an_answer_that_comes_in_pieces(build, raw, message, text, piece, url):
    raw.answer, raw.piece = text, piece
    provider = build(url.format(raw.url))
    assert [await provider.send(message()) for _ in range(2)] == ["x", "x"]
    assert raw.connections == 1  # a whole answer leaves its connection to the next


async def test_an_id_far_behind(build, raw, message):
    raw.answer, raw.piece = sized(json.dumps({"pad": "a" * 40_000, "id": "far"}).encode()), 1000
    assert await build(raw.url).send(message()) == "far"


async def test_a_bomb_is_not_unpacked(build, raw, message):
    raw.answer = sized(gzip.compress(b"a" * 50_000_000), b"Content-Encoding: gzip")
    assert await build(raw.url).send(message()) == ""
