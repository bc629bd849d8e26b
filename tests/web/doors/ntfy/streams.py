"""Streams of ntfy's door as a client without a library reads them."""

import asyncio
import json

from tests.support import PATIENCE


class Stream:
    """An answer without an end: its head, and its lines as they come."""

    def __init__(self, reader, writer, status, headers):
        self.reader, self.writer, self.status, self.headers = reader, writer, status, headers
        self._text = b""

    @classmethod
    async def open(cls, client, path, **headers):
        reader, writer = await asyncio.open_connection("127.0.0.1", client.port)
        names = {"Host": f"127.0.0.1:{client.port}"} | headers
        lines = [f"GET {path} HTTP/1.1", *(f"{name}: {value}" for name, value in names.items())]
        writer.write("\r\n".join([*lines, "", ""]).encode())
        status, *fields = (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), PATIENCE)).decode().split("\r\n")
        found = {name.lower(): value for name, _, value in (field.partition(": ") for field in fields if field)}
        return cls(reader, writer, int(status.split()[1]), found)

    async def line(self):
        """The next line, without its end; None at the end of the stream."""
        while b"\n" not in self._text:
            size = int(await asyncio.wait_for(self.reader.readuntil(b"\r\n"), PATIENCE), 16)
            chunk = await asyncio.wait_for(self.reader.readexactly(size + 2), PATIENCE)
            if not size:
                return None
            self._text += chunk[:-2]
        line, _, self._text = self._text.partition(b"\n")
        return line.decode()

    async def event(self, kind=None):
        """The next event of a stream of JSON; with `kind`, it must be of that one."""
        event = json.loads(await self.line())
        assert kind in (None, event["event"]), event
        return event

    def close(self):
        self.writer.close()
