"""Clients that mean harm, over raw sockets. Each runs in a process of its own, so that it slows no measurement down.

A function opens its sockets, does its worst for some seconds or until the server ends them, and returns figures.
"""

from __future__ import annotations

import base64
import os
import select
import socket
import time
from collections import Counter
from collections.abc import Callable
from typing import NamedTuple

HEAD = b"POST /api/v1/notify HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
SMALL = 4096  # bytes of a receive buffer that is soon full
PINGS = b"\x89\x84\x00\x00\x00\x00ping" * 500
PATIENCE = 5.0


class Ended(NamedTuple):
    """Of so many sockets these were ended by the server, the last of them so many seconds after its connect."""

    sockets: int
    ended: int
    last: float


def connect(port: int, receive_buffer: int = 0) -> socket.socket:
    """A connected socket."""
    sock = socket.socket()
    if receive_buffer:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    sock.settimeout(PATIENCE)
    sock.connect(("127.0.0.1", port))
    return sock


def upgrade(port: int, user: int, receive_buffer: int = 0) -> tuple[int, socket.socket]:
    """Asks for a WebSocket of a user; the status, and the socket. Reads nothing behind the head."""
    sock = connect(port, receive_buffer)
    key = base64.b64encode(os.urandom(16)).decode()
    lines = [f"GET /ws?user_id={user}&login=u HTTP/1.1", "Host: localhost", "Upgrade: websocket", "Connection: Upgrade"]
    lines += ["Sec-WebSocket-Version: 13", f"Sec-WebSocket-Key: {key}"]
    sock.sendall("\r\n".join(lines).encode() + b"\r\n\r\n")
    head = b""
    while not head.endswith(b"\r\n\r\n") and (byte := sock.recv(1)):
        head += byte
    return int(head.split()[1]), sock


def never_read(port: int, first_user: int, count: int, seconds: float) -> int:
    """WebSockets that are opened and never read from; how many there were."""
    sockets = [upgrade(port, first_user + number, SMALL)[1] for number in range(count)]
    time.sleep(seconds)
    for sock in sockets:
        sock.close()
    return count


def flood_with_pings(port: int, first_user: int, count: int, seconds: float) -> tuple[int, int]:
    """WebSockets that send pings without end and read no answer; how many pings left, and how many sockets are open."""
    sockets = {upgrade(port, first_user + number, SMALL)[1] for number in range(count)}
    for sock in sockets:
        sock.setblocking(False)
    sent, deadline = 0, time.monotonic() + seconds
    while time.monotonic() < deadline and sockets:
        _, writable, _ = select.select([], sockets, [], 0.1)
        for sock in writable:
            try:
                sent += sock.send(PINGS)
            except OSError:
                sockets.discard(sock)
                sock.close()
    for sock in sockets:
        sock.close()
    return sent // (len(PINGS) // 500), len(sockets)


def many_of_one_user(port: int, user: int, count: int, seconds: float) -> Counter[int]:
    """WebSockets of one user, all open together for some seconds; the answers by status."""
    answers = [upgrade(port, user) for _ in range(count)]
    time.sleep(seconds)
    for _, sock in answers:
        sock.close()
    return Counter(status for status, _ in answers)


def drip(port: int, count: int, beginning: bytes, seconds: float) -> Ended:
    """Connections that say a beginning, and then a byte a second."""
    return _wait_for_end(_connect_many(port, count, lambda number: HEAD + beginning), seconds, drip=b"x")


def half_open(port: int, count: int, seconds: float) -> Ended:
    """Connections of which every other says nothing, and the rest half a request."""
    return _wait_for_end(_connect_many(port, count, lambda number: HEAD if number % 2 else b""), seconds)


def _connect_many(port: int, count: int, say: Callable[[int], bytes]) -> dict[int, tuple[socket.socket, float]]:
    opened: dict[int, tuple[socket.socket, float]] = {}
    for number in range(count):
        sock = connect(port)
        if said := say(number):
            sock.sendall(said)
        sock.setblocking(False)
        opened[sock.fileno()] = (sock, time.monotonic())
    return opened


def _wait_for_end(opened: dict[int, tuple[socket.socket, float]], seconds: float, drip: bytes = b"") -> Ended:
    """Waits until the server has ended all, for at most so many seconds after the last connect."""
    poll, count, last = select.poll(), len(opened), 0.0
    for descriptor in opened:
        poll.register(descriptor, select.POLLIN)
    deadline = time.monotonic() + seconds
    next_drip = time.monotonic() + 1.0
    while opened and time.monotonic() < deadline:
        for descriptor, _ in poll.poll(100):
            sock, begun = opened[descriptor]
            if _is_over(sock):
                last = max(last, time.monotonic() - begun)
                poll.unregister(descriptor)
                opened.pop(descriptor)
                sock.close()
        if drip and time.monotonic() >= next_drip:
            next_drip += 1.0
            for sock, _ in opened.values():
                _say(sock, drip)
    ended = count - len(opened)
    for sock, _ in opened.values():
        sock.close()
    return Ended(count, ended, last)


def _is_over(sock: socket.socket) -> bool:
    try:
        return not sock.recv(65536)
    except BlockingIOError:
        return False
    except OSError:
        return True


def _say(sock: socket.socket, data: bytes) -> None:
    try:
        sock.send(data)
    except OSError:
        return  # the server has ended it: the poll tells
