"""The WebSocket on a transport: pings, the silent, the slow, the closing handshake. The clock is the test's."""

import asyncio
import logging
import socket

import pytest

from notifier.live import frames
from notifier.live.frames import BINARY, CLOSE, PING, PONG, TEXT, FrameReader, encode_close, encode_frame
from notifier.live.websocket import (
    CUT_OFF,
    FRAMES_PER_TURN,
    HANDSHAKE,
    LINGER,
    PING_INTERVAL,
    PONG_ROOM,
    SILENCE,
    STALL,
    WebSocket,
)
from tests.live.test_frames import frame
from tests.support import eventually

BUFFER = 64 * 1024


class Transport:
    """A transport whose peer reads as much as the test says; what is sent stands in `sent` when it has been read."""

    def __init__(self, reads=True):
        self.reads = reads
        self.sent = bytearray()
        self.waiting = bytearray()
        self.protocol = None
        self.closing = False
        self.lost = False
        self.ended = False
        self.listens = True
        self._paused = False

    def set_write_buffer_limits(self, high, low):
        self._high, self._low = high, low

    def set_protocol(self, protocol):
        self.protocol = protocol

    def pause_reading(self):
        self.listens = False

    def resume_reading(self):
        self.listens = True

    def can_write_eof(self):
        return True

    def write_eof(self):
        self.ended = True

    def get_write_buffer_size(self):
        return len(self.waiting)

    def is_closing(self):
        return self.closing

    def write(self, data):
        assert not self.closing
        assert not self.ended
        assert not self.lost
        self.waiting += data
        if self.reads:
            self.read()
        elif len(self.waiting) > self._high and not self._paused:
            self._paused = True
            self.protocol.pause_writing()

    def read(self, size=None):
        """The peer reads this many bytes, or all."""
        size = len(self.waiting) if size is None else size
        self.sent += self.waiting[:size]
        del self.waiting[:size]
        if self._paused and len(self.waiting) <= self._low:
            self._paused = False
            self.protocol.resume_writing()
        if self.closing and not self.waiting:
            self._lose()

    def close(self):
        self.closing = True
        if not self.waiting:
            self._lose()

    def abort(self):
        self.closing = True
        self._lose()

    def _lose(self):
        if not self.lost:
            self.lost = True
            self.protocol.connection_lost(None)


class Peer(WebSocket):
    """A connection that notes what happens to it, and echoes text."""

    def __init__(self, transport=None, reads=True):
        super().__init__(max_frame=64 * 1024, send_buffer=BUFFER)
        self.now = 1000.0
        self.clock = lambda: self.now
        self.texts = []
        self.ends = []
        self.rooms = 0
        self.transport = transport or Transport(reads)
        self.attach(self.transport)

    def on_text(self, payload):
        if payload == b"boom":
            raise RuntimeError("boom")
        self.texts.append(payload)

    def on_closed(self, code, reason):
        self.ends.append((code, reason))

    def on_room(self):
        self.rooms += 1

    def after(self, seconds):
        """Moves the clock on as the server does: a look at the clocks every second, and one at the end."""
        end = self.now + seconds
        while self.now < end:
            self.now = min(end, self.now + 1.0)
            self.tick(self.now)

    def says(self, opcode, payload=b""):
        self.data_received(frame(opcode, payload))

    def heard(self):
        """The frames that have reached the peer since the last look."""
        data, self.transport.sent = bytes(self.transport.sent), bytearray()
        return server_frames(data)


def server_frames(data):
    """The frames in what a server sent."""
    found, position = [], 0
    while position < len(data):
        size, start = data[position + 1], position + 2
        if size == 126:
            size, start = int.from_bytes(data[start : start + 2], "big"), start + 2
        elif size == 127:
            size, start = int.from_bytes(data[start : start + 8], "big"), start + 8
        found.append((data[position] & 0x0F, data[start : start + size]))
        position = start + size
    return found


def closing(code, reason=""):
    return (CLOSE, code.to_bytes(2, "big") + reason.encode())


# -- messages


def test_messages_both_ways():
    peer = Peer()
    peer.says(TEXT, b"a")
    peer.data_received(frame(TEXT, b"b") + frame(TEXT, b"c")[:3])
    peer.data_received(frame(TEXT, b"c")[3:])
    assert peer.texts == [b"a", b"b", b"c"]
    peer.send(b"hello")
    peer.send_frames(encode_frame(TEXT, b"x") * 2)
    assert peer.heard() == [(TEXT, b"hello"), (TEXT, b"x"), (TEXT, b"x")]
    assert peer.open
    assert peer.has_room
    assert peer.buffered == 0


def test_binary_is_not_spoken():
    peer = Peer()
    peer.says(BINARY, b"x")
    assert peer.heard() == [closing(frames.UNSUPPORTED_DATA, "text frames only")]


def test_a_handler_that_fails_closes_this_connection_alone(caplog):
    peer = Peer()
    with caplog.at_level(logging.ERROR, "notifier.live"):
        peer.data_received(frame(TEXT, b"a") + frame(TEXT, b"boom") + frame(TEXT, b"b"))
    assert peer.texts == [b"a"]
    assert peer.heard() == [closing(frames.INTERNAL_ERROR, "internal error")]
    assert "websocket.handler_failed" in caplog.text
    peer.says(TEXT, b"c")
    assert peer.texts == [b"a"]
    peer.after(LINGER)
    assert peer.ends == [(frames.INTERNAL_ERROR, "internal error")]


@pytest.mark.parametrize(
    ("data", "code"),
    [(frame(3), 1002), (frame(TEXT, b"\xff"), 1007), (frame(TEXT, b"a" * 65537), 1009), (frame(CLOSE, b"\x03"), 1002)],
)
def test_a_broken_stream_is_answered_and_left(data, code):
    peer = Peer()
    peer.data_received(data)
    ((opcode, payload),) = peer.heard()
    assert (opcode, int.from_bytes(payload[:2], "big")) == (CLOSE, code)
    assert peer.transport.ended
    peer.data_received(data * 2)
    peer.says(TEXT, b"not looked at")
    peer.tick(peer.now + LINGER - 0.1)
    assert not peer.transport.lost
    assert not peer.eof_received()  # the transport closes then
    peer.after(LINGER)
    assert peer.transport.lost
    assert peer.heard() == peer.texts == []
    assert [end[0] for end in peer.ends] == [code]


# -- clocks


def test_a_ping_every_20_seconds():
    peer = Peer()
    peer.after(PING_INTERVAL - 0.5)
    assert peer.heard() == []
    for _ in range(5):
        peer.after(PING_INTERVAL)
        assert peer.heard() == [(PING, b"")]
        peer.says(PONG)
    assert peer.ends == []


@pytest.mark.parametrize("sign", [PONG, TEXT, PING])
def test_whatever_comes_is_a_sign_of_life(sign):
    peer = Peer()
    for _ in range(10):
        peer.after(PING_INTERVAL)
        peer.says(sign, b"x")
    peer.after(1)
    assert peer.ends == []


def test_the_silent_is_dropped_20_seconds_after_the_ping():
    peer = Peer()
    peer.after(PING_INTERVAL + SILENCE - 1)
    assert peer.ends == []
    assert peer.heard() == [(PING, b"")]
    peer.after(1)
    assert peer.ends == [(frames.ABNORMAL, "the client is silent")]
    assert peer.transport.lost
    peer.after(100)
    assert len(peer.ends) == 1


def test_nobody_is_dropped_because_this_process_stood_still():
    silent, slow = Peer(), Peer(reads=False)
    slow.send(b"x")
    for peer in (silent, slow):
        peer.after(PING_INTERVAL if peer is silent else 3)
        peer.now += 60
        peer.tick(peer.now)
        assert peer.open
    silent.says(PONG)  # had been sent in time
    silent.after(2)
    slow.after(STALL - 1)
    assert silent.open
    assert slow.open
    slow.after(2)
    assert not slow.open


def test_who_spoke_before_the_ping_and_not_after_is_silent():
    peer = Peer()
    peer.after(PING_INTERVAL - 1)
    peer.says(TEXT, b"x")
    peer.after(1 + SILENCE)
    assert peer.ends == [(frames.ABNORMAL, "the client is silent")]


# -- who does not read


def test_one_that_never_reads_is_cut_off_and_costs_no_more_than_its_buffer():
    peer = Peer(reads=False)
    message = b"x" * 1000
    for _ in range(10_000):
        peer.send(message)
    assert not peer.open
    assert peer.buffered <= BUFFER + len(message) + 100
    assert peer.ends == []
    peer.after(CUT_OFF - 0.5)
    assert peer.ends == []
    peer.after(0.5)
    assert peer.ends == [(frames.TRY_AGAIN_LATER, "the client does not read")]
    assert peer.transport.lost


def test_one_that_reads_again_in_time_is_told_why():
    peer = Peer(reads=False)
    while peer.open:
        peer.send(b"x" * 1000)
    peer.transport.reads = True
    peer.transport.read()
    assert peer.heard()[-1] == closing(frames.TRY_AGAIN_LATER, "the client does not read")
    peer.data_received(frame(CLOSE, (1013).to_bytes(2, "big")))
    assert peer.ends == [(frames.TRY_AGAIN_LATER, "the client does not read")]


def test_one_that_reads_nothing_for_10_seconds_is_cut_off():
    peer = Peer(reads=False)
    peer.send(b"x")
    peer.after(STALL - 1)
    assert peer.open
    peer.says(TEXT, b"I write, but do not read")
    peer.after(2)
    assert not peer.open
    peer.after(CUT_OFF)
    assert peer.ends == [(frames.TRY_AGAIN_LATER, "nothing moved")]


def test_one_that_reads_slowly_is_not():
    peer = Peer(reads=False)
    peer.send(b"x" * 200)
    for _ in range(20):
        peer.after(STALL - 1)
        peer.says(PONG)
        peer.transport.read(1)
        assert peer.open


def test_room_is_told_when_what_waited_has_gone_out():
    peer = Peer(reads=False)
    peer.send(b"x" * (BUFFER // 2))
    assert not peer.has_room
    assert peer.rooms == 0
    peer.transport.read(1000)
    assert peer.rooms == 0
    peer.transport.read()
    assert peer.has_room
    assert peer.rooms == 1


def test_no_room_is_told_when_it_is_closing():
    peer = Peer(reads=False)
    peer.send(b"x" * (BUFFER // 2))
    peer.close()
    peer.transport.read()
    assert peer.rooms == 0


@pytest.mark.parametrize("size", [0, 125])
def test_a_flood_of_pings_from_one_that_does_not_read_costs_nothing(size):
    peer = Peer(reads=False)
    flood = frame(PING, b"p" * size) * (FRAMES_PER_TURN - 1)
    for _ in range(200):
        peer.data_received(flood)
    assert peer.buffered <= PONG_ROOM + 127
    peer.says(PING, b"the last")
    peer.transport.reads = True
    peer.transport.read()
    peer.after(1)
    pongs = peer.heard()
    assert pongs[-1] == (PONG, b"the last")
    assert len(pongs) <= PONG_ROOM // (2 + size) + 2
    peer.says(PING, b"one more")
    assert peer.heard() == [(PONG, b"one more")]


def test_pings_are_answered():
    peer = Peer()
    peer.says(PING, b"p")
    peer.says(PING)
    assert peer.heard() == [(PONG, b"p"), (PONG, b"")]


# -- turns


def test_many_frames_of_one_read_take_several_turns(loop):
    peer = Peer()
    wire = b"".join(frame(TEXT, b"%d" % i) for i in range(2 * FRAMES_PER_TURN + 10))

    async def read():
        peer.data_received(wire + frame(TEXT, b"behind")[:4])
        peer.data_received(frame(TEXT, b"behind")[4:] + frame(TEXT, b"last"))  # a transport may have read more
        assert len(peer.texts) == FRAMES_PER_TURN
        assert not peer.transport.listens
        await asyncio.sleep(0)
        assert len(peer.texts) == 2 * FRAMES_PER_TURN
        await eventually(lambda: peer.texts[-1] == b"last")

    loop.run_until_complete(read())
    assert peer.texts == [*(b"%d" % i for i in range(2 * FRAMES_PER_TURN + 10)), b"behind", b"last"]
    assert peer.transport.listens


@pytest.mark.parametrize("end", ["abort", "close", "refuse"])
def test_a_connection_that_ends_has_no_more_turns(loop, end):
    peer = Peer()

    async def read():
        peer.data_received(frame(TEXT, b"a") * FRAMES_PER_TURN + ENDS[end] + frame(TEXT, b"b") * 200)
        if end == "abort":
            peer.abort()
        for _ in range(5):
            await asyncio.sleep(0)

    loop.run_until_complete(read())
    assert peer.texts == [b"a"] * FRAMES_PER_TURN
    peer.after(LINGER)
    assert peer.transport.lost
    assert len(peer.ends) == 1
    assert peer._rest is None


# -- closing


def test_closing_from_here():
    peer = Peer()
    peer.close(frames.SERVICE_RESTART, "restart")
    assert peer.heard() == [closing(1012, "restart")]
    assert not peer.open
    peer.send(b"too late")
    peer.close(frames.NORMAL, "again")
    peer.says(TEXT, b"ignored")
    peer.says(PING, b"ignored")
    assert peer.heard() == []
    assert peer.texts == []
    assert peer.ends == []
    peer.data_received(encode_client_close(1012))
    assert peer.transport.lost
    assert peer.ends == [(1012, "restart")]


def encode_client_close(code, reason=b""):
    return frame(CLOSE, code.to_bytes(2, "big") + reason)


ENDS = {"abort": b"", "close": encode_client_close(1000), "refuse": frame(3)}


def test_one_that_does_not_answer_a_close_is_dropped_after_5_seconds():
    peer = Peer()
    peer.close(frames.SERVICE_RESTART)
    peer.after(HANDSHAKE - 0.5)
    assert peer.ends == []
    peer.after(0.5)
    assert peer.ends == [(1012, "")]


@pytest.mark.parametrize(
    ("said", "answer", "end"),
    [
        (encode_client_close(1000, b"bye"), encode_close(1000, ""), (1000, "bye")),
        (encode_client_close(4000), encode_close(4000, ""), (4000, "")),
        (frame(CLOSE), encode_close(1000, ""), (1005, "")),
    ],
)
def test_closing_from_there(said, answer, end):
    peer = Peer()
    peer.data_received(frame(TEXT, b"a") + said + frame(TEXT, b"after") + frame(PING))
    assert peer.texts == [b"a"]
    assert peer.transport.sent == answer
    assert peer.transport.lost
    assert peer.ends == [end]


def test_what_waits_goes_out_before_the_end():
    peer = Peer(reads=False)
    peer.send(b"x" * 100)
    peer.data_received(encode_client_close(1000))
    assert not peer.transport.lost
    peer.transport.read()
    assert peer.heard() == [(TEXT, b"x" * 100), closing(1000)]
    assert peer.ends == [(1000, "")]


def test_one_that_says_goodbye_and_does_not_read_is_dropped_after_5_seconds():
    peer = Peer(reads=False)
    peer.send(b"x" * 100)
    peer.data_received(encode_client_close(1000))
    peer.after(HANDSHAKE)
    assert peer.ends == [(1000, "")]


def test_a_lost_connection_is_told_once():
    peer = Peer()
    peer.connection_lost(ConnectionResetError())
    peer.connection_lost(None)
    assert peer.ends == [(frames.ABNORMAL, "")]
    peer.send(b"x")
    peer.close()
    peer.abort()
    peer.tick(peer.now + 1000)
    peer.cut_off("x")
    assert peer.ends == [(frames.ABNORMAL, "")]
    assert peer.buffered == 0


def test_an_abort():
    peer = Peer()
    peer.abort()
    assert peer.ends == [(frames.ABNORMAL, "")]
    assert peer.heard() == []


def test_closing_from_both_sides_at_once():
    peer = Peer()
    peer.close(frames.SERVICE_RESTART)
    peer.data_received(encode_client_close(1001) + encode_client_close(1001))
    assert peer.heard() == [closing(1012)]
    assert peer.ends == [(1012, "")]


def test_it_holds_nothing_between_messages():
    peer = Peer()
    peer.says(TEXT, b"x" * 60_000)
    assert isinstance(peer, FrameReader)
    assert (peer._tail, peer._fragments, peer._size) == (None, None, 0)


# -- over a real connection


@pytest.fixture
def connected(loop):
    """A connection over loopback: the `Peer` here, and the other end as a plain socket."""
    peers, sockets = [], []

    class Starter(asyncio.Protocol):
        def connection_made(self, transport):
            peers.append(Peer(transport))

    async def connect():
        server = await loop.create_server(Starter, "127.0.0.1", 0)
        other = socket.socket()
        other.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        other.setblocking(False)
        await loop.sock_connect(other, server.sockets[0].getsockname())
        sockets.append(other)
        await eventually(lambda: peers, "the connection")
        server.close()
        return peers[0], other

    yield connect
    for other in sockets:
        other.close()


async def test_a_real_one_that_never_reads(loop, connected):
    peer, _ = await connected()
    for _ in range(20_000):
        peer.send(b"x" * 1000)
        await asyncio.sleep(0)
        if not peer.open:
            break
    assert peer.ends == []
    assert BUFFER < peer.buffered <= BUFFER + 2000
    peer.after(CUT_OFF)
    await eventually(lambda: peer.ends, "the end")
    assert peer.ends == [(frames.TRY_AGAIN_LATER, "the client does not read")]


async def test_a_real_one_that_reads_late_gets_all(loop, connected):
    peer, other = await connected()
    said = [b"%d" % i * 100 for i in range(100)]
    for text in said:
        peer.send(text)
    peer.close(frames.SERVICE_RESTART)
    received = b""
    while not received.endswith(encode_close(1012, "")):
        received += await asyncio.wait_for(loop.sock_recv(other, 1000), 5)
    assert server_frames(received) == [*((TEXT, text) for text in said), closing(1012)]
    await loop.sock_sendall(other, encode_client_close(1012))
    assert await asyncio.wait_for(loop.sock_recv(other, 10), 5) == b""
    assert peer.ends == [(1012, "")]


async def test_a_real_end_of_the_other_side(loop, connected):
    peer, other = await connected()
    other.shutdown(socket.SHUT_WR)
    await eventually(lambda: peer.ends, "the end")
    assert peer.ends == [(frames.ABNORMAL, "")]
