"""The framing of requests over real sockets (RFC 9112): what could be read in two ways ends the connection."""

import asyncio
import json
import re
import time

import pytest

from notifier.web.http.framing import read_head
from tests.support import PATIENCE

BODY = json.dumps({"target": [{"id": 1, "login": "alice"}], "message": "hi"}).encode()
SECOND = b"GET /health/live HTTP/1.1\r\nHost: localhost\r\nX-Request-ID: second\r\n\r\n"
LAST = SECOND.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
START = b"POST /api/v1/notify HTTP/1.1\r\n"
JSON = b"Content-Type: application/json\r\n"


async def exchange(client, data, *more):
    """All that the server says to these bytes until it ends the connection; each of `more` follows an answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", client.port)
    try:
        writer.write(data)
        said = b""
        for part in more:
            said += await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), PATIENCE)
            writer.write(part)
        return said + await asyncio.wait_for(reader.read(), PATIENCE)
    finally:
        writer.close()


def statuses(said):
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", said)]


async def wrong(client, cases, wanted, behind=SECOND):
    """Of cases by name those that are answered otherwise than by these statuses, with what was said."""
    said = await asyncio.gather(*(exchange(client, data + behind) for data in cases.values()))
    return {name: answer for name, answer in zip(cases, said, strict=True) if statuses(answer) != wanted}


def post(*lines, body=BODY, host=b"Host: localhost\r\n"):
    """A request to `/api/v1/notify` with these header lines beside the usual ones."""
    return START + host + JSON + b"".join(line + b"\r\n" for line in lines) + b"\r\n" + body


def chunked(body, *lines):
    return post(b"Transfer-Encoding: chunked", *lines, body=body)


def chunks(*parts, end=b"0\r\n\r\n"):
    return b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts) + end


LENGTH = b"Content-Length: %d" % len(BODY)
FIVE = b"hello"
GET = b"GET /health/live HTTP/1.1\r\n"
HOST = b"Host: localhost\r\n"

BAD_HEADS = {
    "space before the colon": post(b"Content-Length : %d" % len(BODY)),
    "tab before the colon": post(b"Content-Length\t: %d" % len(BODY)),
    "space before the colon of a plain name": post(LENGTH, b"X-A : b"),
    "obs-fold": post(LENGTH, b"X-A: b", b" c"),
    "obs-fold with a tab": post(LENGTH, b"X-A: b", b"\tc"),
    "obs-fold at once": START + b" Host: localhost\r\n" + LENGTH + b"\r\n\r\n" + BODY,
    "length and chunks": post(LENGTH, b"Transfer-Encoding: chunked", body=chunks(BODY)),
    "chunks and length": post(b"Transfer-Encoding: chunked", LENGTH, body=chunks(BODY)),
    "two lengths": post(LENGTH, b"Content-Length: 5"),
    "two equal lengths": post(LENGTH, LENGTH),
    "a list of lengths": post(b"Content-Length: 5, 5"),
    "sign": post(b"Content-Length: +%d" % len(BODY)),
    "minus": post(b"Content-Length: -1"),
    "minus nought": post(b"Content-Length: -0"),
    "space within": post(b"Content-Length: 6 0"),
    "underscore": post(b"Content-Length: 6_0"),
    "hexadecimal": post(b"Content-Length: 0x10"),
    "fraction": post(b"Content-Length: 5.0"),
    "exponent": post(b"Content-Length: 1e2"),
    "Arabic digits": post("Content-Length: ٦٠".encode()),
    "superscript digits": post("Content-Length: ²".encode()),
    "wide digits": post("Content-Length: ５".encode()),
    "no length": post(b"Content-Length:"),
    "quoted length": post(b'Content-Length: "5"'),
    "gzip": post(b"Transfer-Encoding: gzip"),
    "identity": post(b"Transfer-Encoding: identity", body=b""),
    "gzip, chunked": post(b"Transfer-Encoding: gzip, chunked", body=chunks(BODY)),
    "chunked, gzip": post(b"Transfer-Encoding: chunked, gzip", body=chunks(BODY)),
    "chunked twice": post(b"Transfer-Encoding: chunked, chunked", body=chunks(BODY)),
    "chunked on two lines": post(b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked", body=chunks(BODY)),
    "xchunked": post(b"Transfer-Encoding: xchunked", body=chunks(BODY)),
    "chunked with a parameter": post(b"Transfer-Encoding: chunked;a=b", body=chunks(BODY)),
    "chunked behind a vertical tab": post(b"Transfer-Encoding: \x0bchunked", body=chunks(BODY)),
    "no coding": post(b"Transfer-Encoding:", body=chunks(BODY)),
    "chunks in HTTP/1.0": b"POST /api/v1/notify HTTP/1.0\r\n" + JSON + b"Transfer-Encoding: chunked\r\n\r\n" + chunks(BODY),
    "no Host": GET + b"\r\n",
    "two Hosts": GET + HOST + b"Host: other\r\n\r\n",
    "two equal Hosts": GET + HOST * 2 + b"\r\n",
    "two Hosts in HTTP/1.0": b"GET /health/live HTTP/1.0\r\n" + HOST * 2 + b"\r\n",
    "CR in a value": post(LENGTH, b"X-A: b\rc"),
    "CR at the end of a value": post(LENGTH, b"X-A: b\r"),
    "LF in a value": post(LENGTH, b"X-A: b\nX-B: c"),
    "NUL in a value": post(LENGTH, b"X-A: b\0c"),
    "escape in a value": post(LENGTH, b"X-A: \x1b[31m"),
    "delete in a value": post(LENGTH, b"X-A: \x7f"),
    "vertical tab in a value": post(LENGTH, b"X-A: b\x0bc"),
    "NUL in a name": post(LENGTH, b"X-\0A: b"),
    "CR in a name": post(LENGTH, b"X-\rA: b"),
    "slash in a name": post(LENGTH, b"X/A: b"),
    "umlaut in a name": post(LENGTH, "X-Ä: b".encode()),
    "no name": post(LENGTH, b": b"),
    "no colon": post(LENGTH, b"X-A"),
    "bare LF in the head": b"GET /health/live HTTP/1.1\nHost: localhost\n\n",
    "bare LF behind the request line": b"GET /health/live HTTP/1.1\nHost: localhost\r\n\r\n",
    "bare LF at the end": GET + b"Host: localhost\n\r\n",
    "method with a brace": b"G{T /health/live HTTP/1.1\r\n" + HOST + b"\r\n",
    "method with a control": b"G\x01T /health/live HTTP/1.1\r\n" + HOST + b"\r\n",
    "no method": b" /health/live HTTP/1.1\r\n" + HOST + b"\r\n",
    "two spaces": b"GET  /health/live HTTP/1.1\r\n" + HOST + b"\r\n",
    "tab for a space": b"GET\t/health/live HTTP/1.1\r\n" + HOST + b"\r\n",
    "space in the target": b"GET /health live HTTP/1.1\r\n" + HOST + b"\r\n",
    "control in the target": b"GET /health\x01 HTTP/1.1\r\n" + HOST + b"\r\n",
    "umlaut in the target": "GET /hälth HTTP/1.1\r\n".encode() + HOST + b"\r\n",
    "target without a slash": b"GET health/live HTTP/1.1\r\n" + HOST + b"\r\n",
    "asterisk of a GET": b"GET * HTTP/1.1\r\n" + HOST + b"\r\n",
    "authority as a target": b"GET localhost:80 HTTP/1.1\r\n" + HOST + b"\r\n",
    "absolute target with a user": b"GET http://a@localhost/health/live HTTP/1.1\r\n" + HOST + b"\r\n",
    "absolute target without a host": b"GET http:///health/live HTTP/1.1\r\n" + HOST + b"\r\n",
    "absolute target of another scheme": b"GET ftp://localhost/health/live HTTP/1.1\r\n" + HOST + b"\r\n",
    "absolute target without a Host": b"GET http://localhost/health/live HTTP/1.1\r\n\r\n",
    "no version": b"GET /health/live\r\n" + HOST + b"\r\n",
    "version in small letters": b"GET /health/live http/1.1\r\n" + HOST + b"\r\n",
    "long version": b"GET /health/live HTTP/1.10\r\n" + HOST + b"\r\n",
    "version in Arabic digits": "GET /health/live HTTP/١.١\r\n".encode() + HOST + b"\r\n",
    "trailing space": b"GET /health/live HTTP/1.1 \r\n" + HOST + b"\r\n",
} | {
    f"Host {host.decode('latin-1')!r}": GET + b"Host: " + host + b"\r\n\r\n"
    for host in (b"", b"a b", b"a/b", b"http://a", b"u@a", b"a:b", b"a:1:2", b"[::1", b"::1", b"a,b", b"\xff", b"a#b", b"a\\b")
}  # fmt: skip

BAD_BODIES = {
    "hexadecimal with a prefix": chunked(b"0x10\r\n" + b"a" * 16 + b"\r\n0\r\n\r\n"),
    "sign": chunked(b"+10\r\n" + b"a" * 16 + b"\r\n0\r\n\r\n"),
    "minus": chunked(b"-5\r\n" + FIVE + b"\r\n0\r\n\r\n"),
    "underscore": chunked(b"1_0\r\n" + b"a" * 16 + b"\r\n0\r\n\r\n"),
    "Arabic digits": chunked("٥\r\n".encode() + FIVE + b"\r\n0\r\n\r\n"),
    "space before": chunked(b" 5\r\n" + FIVE + b"\r\n0\r\n\r\n"),
    "space behind": chunked(b"5 \r\n" + FIVE + b"\r\n0\r\n\r\n"),
    "no digit": chunked(b"\r\n" + FIVE + b"\r\n0\r\n\r\n"),
    "no hexadecimal": chunked(b"5g\r\n" + FIVE + b"\r\n0\r\n\r\n"),
    "17 digits": chunked(b"0" * 16 + b"5\r\n" + FIVE + b"\r\n0\r\n\r\n"),
    "an endless size": chunked(b"0" * 5000),
    "bare LF behind the size": chunked(b"5\n" + FIVE + b"\r\n0\r\n\r\n"),
    "bare CR behind the size": chunked(b"5\r" + FIVE + b"\r\n0\r\n\r\n"),
    "no CRLF behind a chunk": chunked(b"5\r\n" + FIVE + b"0\r\n\r\n"),
    "other two bytes behind a chunk": chunked(b"5\r\n" + FIVE + b"XX0\r\n\r\n"),
    "bare LF behind a chunk": chunked(b"5\r\n" + FIVE + b"\n0\r\n\r\n"),
    "a chunk longer than it says": chunked(b"5\r\n" + FIVE * 2 + b"\r\n0\r\n\r\n"),
    "control in an extension": chunked(b"5;a=\0\r\n" + FIVE + b"\r\n0\r\n\r\n"),
    "a long extension": chunked(b"5;" + b"a" * 2000 + b"\r\n" + FIVE + b"\r\n0\r\n\r\n"),
    "an endless extension": chunked(b"5;" + b"a" * 100_000),
    "many extensions": chunked((b"1;" + b"a" * 1000 + b"\r\n \r\n") * 20 + b"0\r\n\r\n"),
    "too many trailers": chunked(chunks(BODY, end=b"0\r\n" + b"X: y\r\n" * 4000 + b"\r\n")),
    "an endless trailer": chunked(chunks(BODY, end=b"0\r\nX: " + b"y" * 40_000)),
    "a trailer that is a request": chunked(chunks(BODY, end=b"0\r\nGET /health/live HTTP/1.1\r\n\r\n")),
    "a trailer with NUL": chunked(chunks(BODY, end=b"0\r\nX: \0\r\n\r\n")),
    "a folded trailer": chunked(chunks(BODY, end=b"0\r\nX: y\r\n z\r\n\r\n")),
    "bare LF behind the last chunk": chunked(chunks(BODY, end=b"0\n\n")),
    "bare LF for the last line": chunked(chunks(BODY, end=b"0\r\n\n")),
}


async def test_what_could_be_read_in_two_ways_is_refused(client):
    assert not await wrong(client, BAD_HEADS, [400])
    assert not await wrong(client, BAD_BODIES, [400])


async def test_nor_is_read_what_follows_a_bad_body_that_nobody_wants(client):
    unwanted = {name: data.replace(b"/api/v1/notify", b"/no.where") for name, data in BAD_BODIES.items()}
    assert not await wrong(client, unwanted, [404])


async def test_who_is_refused_for_framing_is_told_that_this_was_the_end(client):
    said = await exchange(client, BAD_HEADS["two lengths"] + SECOND)
    head, _, body = said.partition(b"\r\n\r\n")
    assert b"connection: close" in head.lower() and b"application/problem+json" in head
    assert json.loads(body)["detail"] == "Content-Length is malformed"


async def test_a_head_that_comes_byte_by_byte_is_refused_as_soon_as_it_is_bad(client):
    said = await exchange(client, GET + b"Host: localhost\nX-A: b")
    assert statuses(said) == [400]


GOOD = {
    "plain": post(LENGTH),
    "leading noughts": post(b"Content-Length: 000%d" % len(BODY)),
    "blanks around a value": post(b"Content-Length:\t  %d \t" % len(BODY)),
    "no blank behind the colon": post(b"Content-Length:%d" % len(BODY)),
    "chunked": chunked(chunks(BODY)),
    "chunked in capitals": post(b"Transfer-Encoding: Chunked", body=chunks(BODY)),
    "CHUNKED": post(b"TRANSFER-ENCODING:CHUNKED ", body=chunks(BODY)),
    "many chunks": chunked(chunks(*(BODY[i : i + 1] for i in range(len(BODY))))),
    "size with noughts": chunked(b"0000%X\r\n" % len(BODY) + BODY + b"\r\n000\r\n\r\n"),
    "extensions": chunked(b'%x ; a=b;c="d"\r\n' % len(BODY) + BODY + b"\r\n0;e\r\n\r\n"),
    "trailers": chunked(chunks(BODY, end=b"0\r\nX-Sum: 1\r\nContent-Length: 5\r\n\r\n")),
    "an empty line before": b"\r\n" + post(LENGTH),
    "host with a port": post(LENGTH, host=b"Host: localhost:8080\r\n"),
    "host in brackets": post(LENGTH, host=b"Host: [::1]:8080\r\n"),
    "host with an empty port": post(LENGTH, host=b"Host: localhost:\r\n"),
    "umlaut in a value": post(LENGTH, "X-A: ä".encode()),
    "latin-1 in a value": post(LENGTH, b"X-A: \xe4"),
    "absolute target": post(LENGTH).replace(b"POST /", b"POST http://localhost/"),
    "absolute target in capitals": post(LENGTH).replace(b"POST /", b"POST HTTP://localhost:80/"),
    "HTTP/1.2": post(LENGTH).replace(b"HTTP/1.1", b"HTTP/1.2"),
    "identity": post(LENGTH, b"Content-Encoding: identity"),
}


async def test_what_the_grammar_allows_is_taken(client):
    assert not await wrong(client, GOOD, [202, 200], LAST)


async def test_requests_in_pieces(client):
    for data in (chunked(chunks(BODY[:9], BODY[9:], end=b"0\r\nX-A: b\r\n\r\n")), post(LENGTH)):
        reader, writer = await asyncio.open_connection("127.0.0.1", client.port)
        for i in range(len(data)):
            writer.write(data[i : i + 1])
            await asyncio.sleep(0)
        assert (await asyncio.wait_for(reader.readuntil(b"\r\n"), PATIENCE)).split()[1] == b"202"
        writer.close()


async def test_other_versions(client):
    cases = {v: b"GET /health/live HTTP/%b\r\n%b\r\n" % (v.encode(), HOST) for v in ("2.0", "0.9", "3.0")}
    cases["the preface of HTTP/2"] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
    assert not await wrong(client, cases, [505])


async def test_a_length_beyond_all_bounds(client):
    assert statuses(await exchange(client, post(b"Content-Length: " + b"9" * 5000) + SECOND)) == [413]


async def test_chunks_beyond_the_bound(client):
    assert statuses(await exchange(client, chunked(b"fffffffffffffff\r\n") + SECOND)) == [413]


async def test_the_host_of_an_absolute_target_counts():
    head = read_head(b"GET http://real:81?q=1 HTTP/1.1\r\nHost: other\r\nX: y")
    assert (head.target, head.fields) == ("/?q=1", [("host", "real:81"), ("x", "y")])


async def test_a_long_run_of_blanks_is_read_in_no_time():
    begun = time.thread_time()
    read_head(b"GET / HTTP/1.1\r\nHost: x\r\nX-A: a" + b" " * 16_000 + b"b" + b"\t " * 8_000)
    assert time.thread_time() - begun < 0.05


# -- codings of the body


async def test_a_compressed_body(client):
    for coding in (b"gzip", b"GZIP", b"br", b"identity, deflate", b"x"):
        data = post(b"Content-Encoding: " + coding, b"Connection: close", LENGTH)
        for path in (b"/api/v1/notify", b"/api/v1/notifications", b"/send", b"/api/v1/admin/broadcast"):
            said = await exchange(client, data.replace(b"/api/v1/notify", path))
            assert statuses(said) == [415] and b"accept-encoding: identity" in said.lower(), (path, coding)


# -- Expect

EXPECT = b"Expect: 100-continue"


async def test_the_body_is_asked_for(client):
    said = await exchange(client, post(LENGTH, EXPECT, b"Connection: close", body=b""), BODY)
    assert statuses(said) == [100, 202]
    said = await exchange(client, chunked(b"", b"expect: 100-Continue", b"Connection: close"), chunks(BODY))
    assert statuses(said) == [100, 202]


async def test_the_body_is_not_asked_for_in_vain(client, start_pod):
    guarded = await start_pod("pod-b", auth_mode="token", admin_token="t" * 32)
    large = b"Content-Length: 9999999"
    refused = {
        413: (client, post(large, EXPECT, body=b"")),
        415: (client, post(LENGTH, EXPECT, body=b"").replace(b"application/json", b"text/plain")),
        401: (guarded, post(LENGTH, EXPECT, body=b"")),
        404: (client, post(LENGTH, EXPECT, body=b"").replace(b"/notify", b"/nowhere")),
        405: (client, post(LENGTH, EXPECT, body=b"").replace(b"/notify", b"/metrics")),
    }
    for status, (server, data) in refused.items():
        said = await exchange(server, data + SECOND)
        assert statuses(said) == [status] and b"connection: close" in said.lower(), said


async def test_a_compressed_body_is_not_asked_for(client):
    assert statuses(await exchange(client, post(LENGTH, EXPECT, b"Content-Encoding: gzip", body=b""))) == [415]


async def test_a_body_of_a_preflight_is_not_asked_for_beyond_the_bound(client):
    data = post(b"Content-Length: 9999999", EXPECT, body=b"").replace(b"POST", b"OPTIONS")
    assert statuses(await exchange(client, data)) == [413]


async def test_another_expectation(client):
    for expected in (b"200-ok", b"", b"100-continue, x", b"100-continue=1"):
        for data in (post(LENGTH, b"Expect: " + expected), GET + HOST + b"Expect: " + expected + b"\r\n\r\n"):
            assert statuses(await exchange(client, data + SECOND)) == [417], expected


async def test_an_old_client_expects_nothing(client):
    data = post(LENGTH, EXPECT).replace(b"HTTP/1.1", b"HTTP/1.0")
    assert statuses(await exchange(client, data)) == [202]


async def test_no_body_to_ask_for(client):
    said = await exchange(client, post(b"Content-Length: 0", EXPECT, b"Connection: close", body=b""))
    assert statuses(said) == [400]


# -- HTTP/1.0


async def test_an_old_client_needs_no_host_and_gets_no_chunks(client):
    for path in (b"/health/live", b"/", b"/metrics", b"/openapi.json", b"/docs/ru/README.md", b"/nowhere"):
        said = await exchange(client, b"GET " + path + b" HTTP/1.0\r\n\r\n")
        head, _, body = said.partition(b"\r\n\r\n")
        assert b"connection: close" in head.lower() and b"transfer-encoding" not in head.lower()
        assert b"content-length: %d" % len(body) in head.lower(), path


async def test_an_old_client_that_wants_to_stay(client):
    kept = b"GET /health/live HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n"
    said = await exchange(client, kept * 2 + b"GET /health/live HTTP/1.0\r\n\r\n" + SECOND)
    assert statuses(said) == [200, 200, 200] and said.lower().count(b"connection: keep-alive") == 2


async def test_an_old_client_that_follows_events(client):
    reader, writer = await asyncio.open_connection("127.0.0.1", client.port)
    writer.write(b"GET /api/v1/admin/events HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
    head = (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), PATIENCE)).lower()
    assert b"transfer-encoding" not in head and b"connection: close" in head and b"content-length" not in head
    assert await asyncio.wait_for(reader.readline(), PATIENCE) == b"retry: 1000\n"
    writer.close()


@pytest.mark.parametrize(
    ("lines", "kept"),
    [
        (b"Connection: close", False),
        (b"Connection: Close", False),
        (b"Connection: x, close", False),
        (b"Connection: close\r\nConnection: keep-alive", False),
        (b"Connection: x", True),
        (b"Connection: keep-alive, x", True),
    ],
)
async def test_a_connection_is_kept_unless_it_is_to_be_closed(lines, kept):
    assert read_head(b"GET / HTTP/1.1\r\nHost: x\r\n" + lines).keep_alive is kept


async def test_an_upgrade_with_a_body_is_none(client):
    data = b"GET /ws?user_id=1&login=alice HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    data += (
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nContent-Length: 2\r\n\r\n\x88\x00"
    )
    assert statuses(await exchange(client, data + LAST))[0] == 400


# -- bodies that are JSON, and too much of it


def nested(levels, opening=b"[", closing=b"]"):
    return opening * levels + closing * levels


async def test_json_nested_as_deep_as_python_can_is_refused_and_the_connection_lives(client):
    for levels in (200, 900, 980, 990, 1000, 50_000):
        for path, form in (
            (b"/api/v1/notify", b'{"target":[{"id":1,"login":"a"}],"message":"x","data":{"a":%b}}'),
            (b"/api/v1/notifications", b'{"channel":"inapp","recipient":"1-a","content":"x","data":{"a":%b}}'),
            (b"/api/v1/notifications/batch", b'{"notifications":[{"data":{"a":%b}}]}'),
            (b"/send", b"%b"),
            (b"/api/v1/sessions", b'{"subscription":%b}'),
            (b"/api/v1/admin/keys", b'{"name":%b}'),
            (b"/api/v1/admin/dlq/requeue", b'{"filter":%b}'),
            (b"/api/v1/admin/broadcast", b'{"message":%b}'),
        ):
            body = form % nested(levels)
            for key in ((), (b"Idempotency-Key: k",)):
                data = post(b"Content-Length: %d" % len(body), *key, body=body).replace(b"/api/v1/notify", path)
                assert statuses(await exchange(client, data + LAST)) == [400, 200], (path, levels)


async def test_a_batch_full_of_errors_names_one_of_each_item(client):
    item = {f"a{number}": 1 for number in range(100)}
    answer = await client.post("/api/v1/notifications/batch", json={"notifications": [item] * 1000})
    assert answer.status_code == 201 and len(answer.content) < 300_000
    rows = answer.json()["notifications"]
    assert len(rows) == 1000 and all(row["errors"] for row in rows)
    assert len(rows[0]["errors"]) == 101 and rows[0]["errors"][-1] == {"path": "", "message": "3 more"}
    assert rows[999]["errors"] == [{"path": "channel", "message": "is required"}, {"path": "", "message": "102 more"}]


async def test_a_batch_under_a_key_may_hold_bad_text(client):
    body = b'{"notifications":[{"channel":"inapp","recipient":"1-a","content":"\\ud800"}]}'
    for _ in range(2):
        answer = await client.post(
            "/api/v1/notifications/batch",
            content=body,
            headers={"Idempotency-Key": "k", "Content-Type": "application/json"},
        )
        assert answer.status_code == 201 and answer.json()["rejected"] == 1
    assert answer.headers["idempotent-replayed"] == "true"


async def test_all_users_over_their_limit_are_found_in_no_time(start_pod):
    client = await start_pod("pod-b", notify_rate_limit="1/1h")
    body = {"target": [{"id": number, "login": "a"} for number in range(1, 1001)], "message": "x"}
    assert (await client.post("/api/v1/notify", json=body)).status_code == 202
    begun = time.process_time()
    answer = await client.post("/api/v1/notify", json=body)
    assert answer.status_code == 429 and time.process_time() - begun < 0.2
    assert [error["path"] for error in answer.json()["errors"]] == [f"target[{place}]" for place in range(1000)]
