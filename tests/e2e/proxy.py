"""A relay on a loopback port that can be slow, cut, gone or lossy: the network between the program and its Redis."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Callable


def reply_end(data: bytes, at: int = 0) -> int:
    """The end of the RESP reply that begins at `at`; 0 when it is not whole. Raises `ValueError` for what is none."""
    line = data.find(b"\r\n", at) + 2
    if line < 2:
        return 0
    kind = data[at : at + 1]
    if kind in (b"+", b"-", b":"):
        return line
    length = int(data[at + 1 : line - 2])
    if kind == b"$":
        end = line if length < 0 else line + length + 2
        return end if end <= len(data) else 0
    if kind != b"*":
        raise ValueError(data[at : line - 2])
    for _ in range(max(0, length)):
        line = reply_end(data, line)
        if not line:
            return 0
    return line


class Proxy:
    """Passes connections on to another loopback port."""

    def __init__(self, target: int) -> None:
        self.target = target
        self.port = 0
        self.delay = (0.0, 0.0)  # seconds by which bytes are late on their way to the port, at least and at most
        self.reply_delay = (0.0, 0.0)  # the same on their way back
        self.swallow = 0  # replies that are to be swallowed, whosever they are
        self.cut_replies = 0  # connections that are to be cut in the middle of a reply
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()

    async def open(self) -> None:
        """Listens; on the same port as before after a cut."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def cut(self) -> None:
        """Drops every connection with a reset, and refuses new ones until `open`."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for writer in self._writers:
            writer.transport.abort()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            onward, back = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            writer.transport.abort()
            return
        ways = ((reader, back, lambda: self.delay), (onward, writer, lambda: self.reply_delay))
        for source, sink, delay in ways:
            task = asyncio.create_task(self._pass_on(source, sink, delay, (writer, back), onward))
            self._tasks.add(task)
            self._writers.add(sink)
            task.add_done_callback(self._tasks.discard)

    async def _pass_on(
        self,
        source: asyncio.StreamReader,
        sink: asyncio.StreamWriter,
        delay: Callable[[], tuple[float, float]],
        both: tuple[asyncio.StreamWriter, ...],
        onward: asyncio.StreamReader,
    ) -> None:
        late: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
        writing = asyncio.create_task(self._write_late(late, sink))
        try:
            with contextlib.suppress(OSError):
                due = 0.0
                while data := await source.read(65536):
                    if source is onward:
                        data = self._spoil(data, both)
                    due = max(due, asyncio.get_running_loop().time() + random.uniform(*delay()))
                    late.put_nowait((due, data))
        finally:
            writing.cancel()
            for writer in both:
                self._writers.discard(writer)
                writer.transport.abort()

    def _spoil(self, data: bytes, both: tuple[asyncio.StreamWriter, ...]) -> bytes:
        """The part of replies that is passed on: without one of them, or half of them and no more."""
        if self.swallow and data[:1] in b"*$+-:" and (end := reply_end(data)):
            self.swallow -= 1
            return data[end:]
        if self.cut_replies and len(data) > 8:
            self.cut_replies -= 1
            both[0].write(data[: len(data) // 2])
            for writer in both:
                writer.close()
            return b""
        return data

    async def _write_late(self, late: asyncio.Queue[tuple[float, bytes]], sink: asyncio.StreamWriter) -> None:
        loop = asyncio.get_running_loop()
        while True:
            due, data = await late.get()
            await asyncio.sleep(max(0.0, due - loop.time()))
            sink.write(data)
