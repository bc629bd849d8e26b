"""One request after another on a connection, as Sanic serves them, with RFC 9112 obeyed where Sanic is lenient."""

from __future__ import annotations

from typing import Any, Protocol, cast

from sanic.compat import Header
from sanic.exceptions import BadRequest, PayloadTooLarge, RequestCancelled, SanicException
from sanic.headers import format_http1_response
from sanic.http.constants import Stage
from sanic.http.http1 import HTTP_CONTINUE, Http

from notifier.web.http.framing import Chunks, Head, ends_line_by_itself, read_head


class Carrier(Protocol):
    """The connection under the requests: `NotifierProtocol`."""

    app: Any
    request_class: Any
    state: dict[str, Any]
    transport: Any

    def await_request(self) -> None: ...
    def leave_unread(self) -> None: ...


class BoundedHttp(Http):
    """Sanic's HTTP/1.1 with heads and chunks read as `framing.py` says, bounds of its own, and answers for HTTP/1.0."""

    __slots__ = ("_chunks",)
    protocol: Carrier  # type: ignore[assignment]  # Sanic declares its own class, of which ours is one
    request_body: Any
    request_bytes: Any
    response_func: Any
    HEADER_MAX_SIZE = 16 * 1024  # contract §10; Sanic would make it smaller when bodies are kept small

    def init_for_request(self) -> None:
        super().init_for_request()
        self._chunks: Chunks | None = None
        self.protocol.await_request()

    async def http1(self) -> None:
        try:
            await super().http1()
        finally:
            if self.request_body:
                self.protocol.leave_unread()

    # -- the request

    async def http1_request_header(self) -> None:
        """Reads the head of a request into `self.request`."""
        end = await self._receive_head()
        data = bytes(self.recv_buffer[:end])
        head = read_head(data)
        protocol = self.protocol
        self.url = head.target
        self.keep_alive = head.keep_alive
        self.head_only = head.method == "HEAD"
        fields = Header(head.fields)
        self.upgrade_websocket = fields.getone("upgrade", "").lower() == "websocket"
        self.request = protocol.request_class(
            url_bytes=head.target.encode(),
            headers=fields,
            head=data,
            version=head.version,
            method=head.method,
            transport=cast(Any, protocol.transport),
            app=protocol.app,
        )
        self.request.stream = self
        protocol.request_class._current.set(self.request)
        protocol.state["requests_count"] += 1
        del self.recv_buffer[: end + 4]
        self._prepare_for_body(head)

    async def _receive_head(self) -> int:
        """Waits for a whole head, and says where it ends."""
        buffer, start, end = self.recv_buffer, 0, -1
        while end < 0:
            while buffer.startswith(b"\r\n"):  # an empty line before a request is no part of it (RFC 9112 §2.2)
                del buffer[:2]
            end = buffer.find(b"\r\n\r\n", start)
            if max(end, start) >= self.HEADER_MAX_SIZE:
                raise SanicException("the headers are larger than 16 KiB", status_code=431)
            if end < 0:
                if ends_line_by_itself(buffer, start):
                    raise BadRequest("a line ends with a bare LF")
                start = max(0, len(buffer) - 3)
                if start < self.HEADER_MAX_SIZE:
                    await self._receive_more()
        return end

    def _prepare_for_body(self, head: Head) -> None:
        self.request_bytes_left = self.request_bytes = head.length or 0
        self.expecting_continue = head.expects
        if head.length is None:
            self._chunks = Chunks(self.recv_buffer, self._receive_more)
        self.request_body = head.has_body

    async def read(self) -> bytes | None:
        """The next bytes of the body; None, and `request_body` with it, at its end."""
        if self._chunks is None:
            return await super().read()
        if self.expecting_continue:
            self.expecting_continue = False
            await self._send(HTTP_CONTINUE)
        try:
            return await self._read_chunked(self._chunks)
        except SanicException:
            self.leave_body()
            raise

    async def _read_chunked(self, chunks: Chunks) -> bytes | None:
        if not chunks.is_open:
            size = await chunks.next_size()
            if size == 0:
                self.request_body = None
                return None
            self.request_bytes += size
            if self.request_bytes > self.request_max_size:
                raise PayloadTooLarge("the body is too large")
        return await chunks.read()

    def leave_body(self) -> None:
        """Closes the connection after the answer, whatever is still to come of the body."""
        self.keep_alive, self.request_body = False, None
        self.protocol.leave_unread()

    # -- the answer

    async def http1_response_header(self, data: bytes, end_stream: bool) -> None:
        """Sends the head of an answer with its first bytes."""
        if self.expecting_continue:
            # The body was not asked for, and may come all the same: what comes next is no request for certain.
            self.expecting_continue = False
            self.leave_body()
        if self._has_no_length(data, end_stream):
            await self._begin_until_close(data)
        else:
            await super().http1_response_header(data, end_stream)

    def _has_no_length(self, data: bytes, end_stream: bool) -> bool:
        """True for an answer of unknown length to HTTP/1.0, which knows no chunks (RFC 9112 §6.1)."""
        response = self.response
        if self.request.version != "1.0" or end_stream or self.head_only:
            return False
        return "content-length" not in response.headers and bool(data or not getattr(response, "body", None))

    async def _begin_until_close(self, data: bytes) -> None:
        self.keep_alive = False
        self.response.headers["connection"] = "close"
        self.response_func = self._go_on_until_close
        self.stage = Stage.RESPONSE
        await self._send(format_http1_response(self.response.status, self.response.processed_headers) + data)

    async def _go_on_until_close(self, data: bytes, end_stream: bool) -> None:
        if data:
            await self._send(data)
        if end_stream:
            self.response_func = None
            self.stage = Stage.IDLE

    async def error_response(self, exception: Exception) -> None:
        if isinstance(exception, RequestCancelled):  # the client has gone: nobody to answer, nothing to log
            return
        if self.stage is Stage.REQUEST:
            self.protocol.leave_unread()
        await super().error_response(exception)
        if self.request_body and not self.keep_alive:  # Sanic would wait for the rest of it
            self.leave_body()
