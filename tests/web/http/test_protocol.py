"""The HTTP protocol class over real sockets: deadlines, bounds, order, the drain, and the handover of an upgrade."""

import asyncio
import base64
import gc
import logging
import os
import resource
import socket
import time
import tracemalloc

import pytest
from sanic import Sanic, response
from sanic.http import Http
from sanic.http.constants import Stage

from notifier.live.frames import CLOSE, INTERNAL_ERROR, TEXT, TOO_BIG, encode_close, encode_text
from notifier.live.websocket import WebSocket
from notifier.web.http.errors import Problems
from notifier.web.http.lane import HELD_MAX
from notifier.web.http.protocol import LINGER, REQUEST_DEADLINE, STALL, NotifierProtocol, check_upgrade, take_over
from tests.live.test_frames import frame
from tests.support import PATIENCE, eventually

KEY = "dGhlIHNhbXBsZSBub25jZQ=="  # of RFC 6455 §1.3, as is the answer to it
UPGRADE = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": KEY}
LARGE = 8 * 1024 * 1024
NOTIFY = b"POST /api/v1/notify HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{}"
ACCEPTED = b"HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n"


class Echo(WebSocket):
    __slots__ = ("ended",)

    def on_text(self, payload):
        self.send(payload)

    def on_closed(self, code, reason):
        self.ended = (code, reason)


class Lane:
    """Stands where the express lane does: notes whom it was given, and answers at once or when it is told."""

    def __init__(self):
        self.at_once = None
        self.waiting = []
        self.taken = self.unfinished = 0

    def take(self, connection, data):
        total = data.index(b"\r\n\r\n") + 6
        if len(data) < total:
            self.unfinished += 1
            return -total
        self.taken += 1
        if self.at_once is None:
            self.waiting.append(connection)
        else:
            connection.answer(self.at_once)
        return total


class Served:
    """A Sanic application on a loopback port, and what its handlers saw."""

    def __init__(self, loop):
        self.loop = loop
        self.lane = Lane()
        self.sockets = []
        self.released = asyncio.Event()
        self.begun = asyncio.Event()
        self.on_taken = lambda: None
        Sanic.test_mode = True
        self.app = Sanic("served", configure_logging=False, error_handler=Problems())
        self.app.config.update(REQUEST_MAX_SIZE=100_000, ACCESS_LOG=False, KEEP_ALIVE_TIMEOUT=75)
        self.app.ctx.express = self.lane
        self.app.get("/ws")(self._ws)
        self.app.get("/ok")(self._ok)
        self.app.post("/size")(self._size)
        self.app.post("/api/v1/notify", name="left_by_the_lane")(self._size)
        self.app.get("/wait")(self._wait)
        self.app.get("/large")(self._large)

    async def _ws(self, request):
        one = Echo(max_frame=65536, send_buffer=1 << 20)
        subprotocol = check_upgrade(request, "notifier.v1")
        self.sockets.append(one)
        take_over(request, one, subprotocol, self.on_taken)

    async def _ok(self, _request):
        return response.text("ok")

    async def _size(self, request):
        return response.text(str(len(request.body)))

    async def _wait(self, _request):
        self.begun.set()
        await self.released.wait()
        return response.text("waited")

    async def _large(self, _request):
        return response.raw(b"x" * LARGE)

    async def start(self):
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
        options = {"sock": self.listener, "protocol": NotifierProtocol, "access_log": False}
        self.server = await self.app.create_server(return_asyncio_server=True, **options)
        await self.server.startup()
        await self.server.before_start()
        await self.server.after_start()
        self.port = self.listener.getsockname()[1]

    async def stop(self):
        self.server.close()
        for connection in list(self.connections):
            connection.abort()
        for one in self.sockets:
            one.abort()
        await self.server.before_stop()
        await self.server.after_stop()

    @property
    def connections(self):
        return self.server.connections

    def later(self, seconds):
        """Gives all connections a clock that is this far ahead."""
        now = time.monotonic() + seconds
        for connection in list(self.connections):
            connection.check_deadlines(now)

    async def connect(self):
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        return Client(self, reader, writer)


class Client:
    """A client that says bytes."""

    def __init__(self, served, reader, writer):
        self.served, self.reader, self.writer = served, reader, writer

    async def say(self, data):
        self.writer.write(data)
        await self.writer.drain()

    async def ask(self, line, headers=(), body=b""):
        lines = [line, "Host: localhost", *(f"{name}: {value}" for name, value in dict(headers).items())]
        await self.say("\r\n".join(lines).encode() + b"\r\n\r\n" + body)

    async def head(self):
        """Status and headers of the next answer."""
        text = (await asyncio.wait_for(self.reader.readuntil(b"\r\n\r\n"), PATIENCE)).decode()
        lines = text.strip().split("\r\n")
        return int(lines[0].split()[1]), {k.lower(): v.strip() for k, v in (line.split(":", 1) for line in lines[1:])}

    async def answer(self):
        status, headers = await self.head()
        return status, headers, await self.reader.readexactly(int(headers.get("content-length", 0)))

    async def rest(self):
        """All until the other side ends the connection."""
        return await asyncio.wait_for(self.reader.read(), PATIENCE)

    async def upgrade(self, **headers):
        await self.ask("GET /ws?token=secret HTTP/1.1", UPGRADE | headers)
        return await self.head()

    async def frames(self, number):
        """The next bytes of that number."""
        return await asyncio.wait_for(self.reader.readexactly(number), PATIENCE)


@pytest.fixture
def served(loop):
    one = Served(loop)
    loop.run_until_complete(one.start())
    yield one
    loop.run_until_complete(one.stop())


@pytest.fixture
def client(loop, served):
    one = loop.run_until_complete(served.connect())
    yield one
    one.writer.close()


# -- bounds


async def test_headers_up_to_16_kib(client):
    await client.ask("GET /ok HTTP/1.1", {"X-Long": "a" * 15_000})
    assert (await client.answer())[0] == 200
    await client.ask("GET /ok HTTP/1.1", {"X-Long": "a" * 17_000})
    status, headers, body = await client.answer()
    assert (status, headers["connection"]) == (431, "close")
    assert b"16 KiB" in body
    assert await client.rest() == b""


async def test_endless_headers(served, client):
    await client.say(b"GET /ok HTTP/1.1\r\n")
    await client.say(b"X: " + b"a" * LARGE)
    assert (await client.head())[0] == 431


async def test_one_who_sends_too_much_is_told_so_all_the_same(served, client):
    await client.ask("POST /size HTTP/1.1", {"Content-Length": LARGE}, b"x" * LARGE)
    assert (await client.answer())[0] == 413
    assert await client.rest() == b""
    client.writer.close()
    await eventually(lambda: not served.connections, "the end")


async def test_one_who_goes_on_sending_is_left_in_time(served, client):
    await client.ask("POST /size HTTP/1.1", {"Content-Length": LARGE})
    assert (await client.answer())[0] == 413
    await client.rest()
    served.later(LINGER - 1)
    await client.say(b"x" * 1000)
    assert served.connections
    served.later(LINGER)
    await eventually(lambda: not served.connections, "the end")


# -- deadlines


async def test_a_connection_that_says_nothing(served, client):
    await eventually(lambda: [c for c in served.connections if c.http is not None])
    served.later(REQUEST_DEADLINE - 1)
    assert served.connections
    served.later(REQUEST_DEADLINE + 1)
    assert await client.rest() == b""


@pytest.mark.parametrize(
    "began", [b"G", b"GET /ok HTTP/1.1\r\nX: y\r\n", b"POST /size HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nx"]
)
async def test_a_request_that_comes_too_slowly(served, client, began):
    await client.say(began)
    await eventually(lambda: [c for c in served.connections if c.http is not None and c.http.stage is not Stage.IDLE])
    served.later(REQUEST_DEADLINE - 1)
    await client.say(b"\r" if began == b"G" else b"x")
    await asyncio.sleep(0.01)  # a byte more is no new beginning
    served.later(REQUEST_DEADLINE + 1)
    assert (await client.answer())[0] == 408
    assert await client.rest() == b""


async def test_a_refused_body_that_comes_too_slowly(served, client):
    await client.ask("POST /nothing HTTP/1.1", {"Content-Length": 90_000}, b"x")
    assert (await client.answer())[0] == 404
    await client.say(b"x")
    served.later(REQUEST_DEADLINE + 1)
    assert await client.rest() == b""


async def test_a_kept_connection_may_be_idle_for_longer(served, client):
    await client.ask("GET /ok HTTP/1.1")
    assert (await client.answer())[0] == 200
    served.later(REQUEST_DEADLINE + 1)
    served.later(74)
    await client.ask("GET /ok HTTP/1.1")
    assert (await client.answer())[0] == 200
    served.later(76)
    assert await client.rest() == b""


async def test_each_pipelined_request_has_its_own_time(served, client):
    await client.ask("GET /wait HTTP/1.1")
    await served.begun.wait()
    (connection,) = served.connections
    connection._began -= 14
    await client.say(b"GET /ok HTTP/1.1\r\nHost: x\r\n")
    served.released.set()
    assert (await client.answer())[0] == 200
    served.later(REQUEST_DEADLINE - 1)
    await client.say(b"\r\n")
    assert (await client.answer())[0] == 200


async def test_a_handler_that_takes_too_long(served, client):
    await client.ask("GET /wait HTTP/1.1")
    await served.begun.wait()
    served.later(59)
    served.later(61)
    status, headers, _ = await client.answer()
    assert (status, headers["retry-after"]) == (503, "1")


async def test_an_answer_that_nobody_reads(served, loop):
    with socket.socket() as one:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        one.setblocking(False)
        await loop.sock_connect(one, ("127.0.0.1", served.port))
        await loop.sock_sendall(one, b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
        await eventually(lambda: any(not c._can_write.is_set() for c in served.connections), "a full buffer")
        served.later(0)
        served.later(STALL - 1)
        assert served.connections
        served.later(STALL + 1)
        await eventually(lambda: not served.connections, "the end")


# -- the express lane


async def test_the_rest_of_a_refused_body_is_no_request(served, client):
    await client.ask("POST /nothing HTTP/1.1", {"Content-Length": len(NOTIFY)})
    assert (await client.answer())[0] == 404
    await client.say(NOTIFY)
    await client.ask("GET /ok HTTP/1.1")
    assert (await client.answer())[2] == b"ok"
    assert served.lane.taken == 0


async def test_what_comes_behind_an_express_request_keeps_its_place(served, client):
    await client.say(NOTIFY + b"GET /ok HT")
    await eventually(lambda: served.lane.waiting, "the request")
    connection = served.lane.waiting.pop()
    await client.say(b"TP/1.1\r\nHo")
    await eventually(lambda: len(connection._later) == len("GET /ok HTTP/1.1\r\nHo"), "what is held")
    connection.answer(ACCEPTED)
    connection.data_received(b"st: x\r\n\r\n")  # read in the same turn of the loop
    assert (await client.answer())[0] == 202
    assert (await client.answer())[2] == b"ok"


async def test_the_first_bytes_of_a_connection_may_be_an_express_request(served, loop):
    served.lane.at_once = ACCEPTED
    for _ in range(20):  # connection and request arrive together: Sanic's task has not begun
        reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
        writer.write(NOTIFY + b"GET /ok HTTP/1.1\r\nHost: x\r\n\r\n")
        assert await reader.readexactly(len(ACCEPTED)) == ACCEPTED
        assert await reader.readuntil(b"\r\n") == b"HTTP/1.1 200 OK\r\n"
        writer.close()
    assert served.lane.taken == 20


async def test_express_requests_in_a_row(served, client):
    await client.say(NOTIFY * 3)
    for number in range(3):
        await eventually(lambda number=number: served.lane.taken == number + 1, "the request")
        served.lane.waiting.pop().answer(ACCEPTED)
        assert (await client.answer())[0] == 202


async def test_a_body_may_come_behind_its_head(served, client):
    served.lane.at_once = ACCEPTED
    for _ in range(2):
        await client.say(NOTIFY[:-2])
        await eventually(lambda: any(c.stream and c.stream.needed for c in served.connections), "the head")
        for byte in b"{}GET /ok HT":
            await client.say(bytes([byte]))
        await client.say(b"TP/1.1\r\nHost: x\r\n\r\n")
        assert (await client.answer())[0] == 202
        assert (await client.answer())[2] == b"ok"
    assert (served.lane.taken, served.lane.unfinished) == (2, 2)


async def test_a_body_that_comes_too_slowly_behind_its_head(served, client):
    await client.say(NOTIFY[:-2])
    await eventually(lambda: served.lane.unfinished, "the head")
    served.later(REQUEST_DEADLINE - 1)
    await client.say(b"{")
    await eventually(lambda: [c for c in served.connections if c.stream._part.endswith(b"{")], "a byte of it")
    served.later(REQUEST_DEADLINE + 1)  # given up, and then refused by the next look
    await asyncio.sleep(0)
    served.later(REQUEST_DEADLINE + 1)
    assert (await client.answer())[0] == 408
    assert await client.rest() == b""
    assert served.lane.taken == 0


async def test_a_client_that_leaves_within_its_body(served, client, caplog):
    await client.say(NOTIFY[:-2] + b"{")
    await eventually(lambda: served.lane.unfinished, "the head")
    client.writer.write_eof()
    await client.rest()
    await eventually(lambda: not served.connections, "the end")
    assert served.lane.taken == 0 and "Traceback" not in caplog.text


async def test_a_request_whose_body_is_yet_to_come_is_the_last(served, client):
    await client.say(NOTIFY[:-2])
    await eventually(lambda: served.lane.unfinished, "the head")
    (connection,) = served.connections
    assert not connection.close_if_idle()
    await client.say(b"{}")
    await eventually(lambda: served.lane.waiting, "the request")
    served.lane.waiting.pop().answer(ACCEPTED)
    assert await client.rest() == ACCEPTED


async def test_what_is_held_is_bounded(served, client):
    await client.say(NOTIFY)
    await eventually(lambda: served.lane.waiting, "the request")
    (connection,) = served.connections
    client.writer.write(b"x" * LARGE)
    await eventually(lambda: len(connection.stream._later) > HELD_MAX, "a full buffer")
    held = len(connection.stream._later)
    await asyncio.sleep(0.05)
    assert len(connection.stream._later) == held < 400_000


async def test_answers_that_nobody_reads_do_not_pile_up(served, loop):
    served.lane.at_once = b"HTTP/1.1 202 Accepted\r\ncontent-length: 60000\r\n\r\n" + b"x" * 60_000
    with socket.socket() as one:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        one.setblocking(False)
        await loop.sock_connect(one, ("127.0.0.1", served.port))
        await eventually(lambda: served.connections, "the connection")
        (connection,) = served.connections

        def arrived():
            return served.lane.taken + connection.state["requests_count"]

        while connection._can_write.is_set():
            before = arrived()
            await loop.sock_sendall(one, NOTIFY)
            await eventually(lambda before=before: arrived() > before or not connection._can_write.is_set())
        for _ in range(200):
            await loop.sock_sendall(one, NOTIFY)
            await asyncio.sleep(0)
            assert connection.transport.get_write_buffer_size() < 200_000


async def test_a_client_that_leaves_before_its_express_answer(served, client):
    await client.say(NOTIFY + b"GET /ok")
    await eventually(lambda: served.lane.waiting, "the request")
    client.writer.transport.abort()
    await eventually(lambda: not served.connections, "the end")
    served.lane.waiting.pop().answer(ACCEPTED)


# -- the drain


async def test_an_abort_within_a_request_is_no_error(served, client, caplog):
    await client.say(b"GET /ok HT")
    await eventually(lambda: [c for c in served.connections if c.http is not None and c.http.stage is not Stage.IDLE])
    (connection,) = served.connections
    task = connection._task
    connection.abort()
    await asyncio.wait([task])
    assert not served.connections
    assert not caplog.records


async def test_an_idle_connection_is_closed(served, client):
    await client.ask("GET /ok HTTP/1.1")
    await client.answer()
    (connection,) = served.connections
    assert connection.close_if_idle()
    assert await client.rest() == b""


async def test_a_request_on_its_way_is_the_last(served, client):
    await client.ask("GET /wait HTTP/1.1")
    await served.begun.wait()
    (connection,) = served.connections
    assert not connection.close_if_idle()
    served.released.set()
    status, headers, body = await client.answer()
    assert (status, headers["connection"], body) == (200, "close", b"waited")
    assert await client.rest() == b""


async def test_an_express_request_on_its_way_is_the_last(served, client):
    await client.say(NOTIFY)
    await eventually(lambda: served.lane.waiting, "the request")
    (connection,) = served.connections
    assert not connection.close_if_idle()
    served.lane.waiting.pop().answer(ACCEPTED)
    assert await client.rest() == ACCEPTED


# -- the handover


async def test_an_upgrade(client):
    status, headers = await client.upgrade(
        **{"Sec-WebSocket-Protocol": "bearer.x, notifier.v1", "X-Request-ID": "mine"}
    )
    assert status == 101
    assert headers["sec-websocket-accept"] == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
    assert headers["sec-websocket-protocol"] == "notifier.v1"
    assert headers["x-request-id"] == "mine"
    await client.say(frame(TEXT, b"hello"))
    assert await client.frames(7) == encode_text(b"hello")


@pytest.mark.slow
async def test_an_upgrade_leaves_nothing_of_sanic_behind(served):
    """Not even until the next garbage collection: thousands connect at once."""
    gc.collect()
    before = sanics_part()
    gc.disable()
    try:
        client = await served.connect()
        await client.upgrade()
        await client.say(frame(TEXT, b"hello"))
        await client.frames(7)
        left = [one for one in sanics_part() if all(one is not other for other in before)]
    finally:
        gc.enable()
    assert left == []


def sanics_part():
    return [one for one in gc.get_objects() if isinstance(one, NotifierProtocol | Http)]


async def test_frames_that_come_with_the_request(client):
    await client.ask("GET /ws HTTP/1.1", UPGRADE, frame(TEXT, b"early") + frame(TEXT, b"late")[:3])
    assert (await client.head())[0] == 101
    await client.say(frame(TEXT, b"late")[3:])
    assert await client.frames(13) == encode_text(b"early") + encode_text(b"late")


@pytest.mark.parametrize(
    "change",
    [
        {"Upgrade": "h2c"},
        {"Connection": "keep-alive"},
        {"Sec-WebSocket-Key": "short"},
        {"Sec-WebSocket-Key": base64.b64encode(b"x" * 15).decode()},
        {"Sec-WebSocket-Key": "not base64 at all !!!!!!"},
    ],
)
async def test_what_is_no_upgrade(client, change):
    status, headers = await client.upgrade(**change)
    assert (status, headers["content-type"]) == (400, "application/problem+json")


async def test_an_upgrade_of_http_1_0(client):
    await client.ask("GET /ws HTTP/1.0", UPGRADE)
    assert (await client.head())[0] == 400


async def test_another_version(client):
    status, headers = await client.upgrade(**{"Sec-WebSocket-Version": "8"})
    assert (status, headers["sec-websocket-version"]) == (426, "13")


async def test_a_beginning_that_fails_closes_that_connection(served, client):
    def fail():
        raise RuntimeError("no")

    served.on_taken = fail
    assert (await client.upgrade())[0] == 101
    assert await client.frames(4 + len("internal error")) == encode_close(INTERNAL_ERROR, "internal error")


async def test_no_token_is_logged(served, client, caplog):
    with caplog.at_level(logging.DEBUG):
        await client.upgrade()
        client.writer.close()
        await eventually(lambda: hasattr(served.sockets[0], "ended"), "the end")
    assert "secret" not in caplog.text


async def test_a_frame_that_is_too_big_is_answered_before_the_connection_ends(served, client):
    await client.upgrade()
    await client.say(b"\x81\xff" + LARGE.to_bytes(8, "big") + b"\0\0\0\0" + b"x" * LARGE)
    assert (await client.frames(4))[2:] == TOO_BIG.to_bytes(2, "big")
    assert await client.rest() == b"message too big"
    client.writer.close()
    await eventually(lambda: hasattr(served.sockets[0], "ended"), "the end")
    assert served.sockets[0].ended[0] == TOO_BIG


async def test_one_flood_does_not_hold_up_the_others(served, client):
    quiet = await served.connect()
    await client.upgrade()
    await quiet.upgrade()
    client.writer.write(frame(0x9) * 100_000)
    longest = 0.0
    for _ in range(20):
        begun = time.perf_counter()
        await quiet.say(frame(TEXT, b"x"))
        assert await quiet.frames(3) == encode_text(b"x")
        longest = max(longest, time.perf_counter() - begun)
    assert longest < 0.5
    quiet.writer.close()


async def test_closing_from_the_other_side(served, client):
    await client.upgrade()
    await client.say(frame(CLOSE, (1000).to_bytes(2, "big")))
    assert await client.rest() == encode_close(1000, "")
    assert served.sockets[0].ended[0] == 1000


async def upgrade_many(served, number):
    """Descriptors of that many more clients whose sockets have been handed over; they cost this process next to nothing."""
    head = "\r\n".join(["GET /ws HTTP/1.1", "Host: x", *(f"{name}: {value}" for name, value in UPGRADE.items())])
    found: list[int] = []
    before = len(served.sockets)
    for i in range(number):
        with socket.create_connection(("127.0.0.1", served.port)) as one:
            one.sendall(head.encode() + b"\r\n\r\n")
            found.append(one.detach())
        if i % 100 == 99:
            await eventually(lambda: len(served.sockets) == before + len(found), "the upgrades")
    return found


@pytest.mark.slow
async def test_a_handover_leaves_nothing_behind(served):
    """Of 2,000 connections no task and no object of Sanic's stays, and less than 4 KiB each: with and without a collection."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    number = 2000
    clients = await upgrade_many(served, 100)
    gc.collect()
    others = {id(one) for one in gc.get_objects() if isinstance(one, NotifierProtocol)}  # of tests before this one
    tasks = len(asyncio.all_tasks())
    tracemalloc.start()
    try:
        clients += await upgrade_many(served, number)
        before = tracemalloc.get_traced_memory()[0] / number
        gc.collect()
        after = tracemalloc.get_traced_memory()[0] / number
    finally:
        tracemalloc.stop()
    assert after <= before < 4096
    assert len(served.sockets) == number + 100
    assert len(asyncio.all_tasks()) == tasks
    assert not [one for one in gc.get_objects() if isinstance(one, NotifierProtocol) and id(one) not in others]
    for descriptor in clients:
        os.close(descriptor)
    await eventually(lambda: all(hasattr(one, "ended") for one in served.sockets), "the end")
