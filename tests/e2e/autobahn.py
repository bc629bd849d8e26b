"""The Autobahn cases against the protocol class of /ws: `python -m tests.e2e.autobahn [case or glob …]`.

An echo server takes its sockets over from Sanic as `/ws` does. Compression (12.*, 13.*) is not offered, so not asked for.
"""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from kosoku import FailureError, run_fuzzingclient
from sanic import Request, Sanic

from notifier.live.frames import BINARY, encode_frame
from notifier.live.websocket import WebSocket
from notifier.web.http.protocol import NotifierProtocol, check_upgrade, take_over

LARGEST = 64 * 1024 * 1024  # the cases of 9.* send up to 16 MiB
NOT_OFFERED = ["12.*", "13.*"]
# In 7.1.5 a fragment follows the close frame: it may meet a closed socket, whose reset overtakes the answer.
MAY_FAIL = {"7.1.5"}


class Echo(WebSocket):
    """Says what it is told."""

    __slots__ = ()

    def on_text(self, payload: bytes) -> None:
        self.send(payload)

    def on_binary(self, payload: bytes) -> None:
        self.send_frames(encode_frame(BINARY, payload))


@asynccontextmanager
async def echo_server() -> AsyncIterator[str]:
    """An echo server on a loopback port; its URL."""
    Sanic.test_mode = True
    app = Sanic("echo", configure_logging=False)

    @app.get("/")
    async def endpoint(request: Request) -> None:
        check_upgrade(request, "notifier.v1")
        take_over(request, Echo(max_frame=LARGEST, send_buffer=LARGEST), None, lambda: None)

    with socket.create_server(("127.0.0.1", 0)) as sock:
        options: dict[str, Any] = {"sock": sock, "protocol": NotifierProtocol, "access_log": False}
        server = await app.create_server(return_asyncio_server=True, **options)
        assert server is not None
        await server.startup()
        await server.before_start()
        await server.start_serving()
        try:
            yield f"ws://127.0.0.1:{sock.getsockname()[1]}/"
        finally:
            server.close()


async def run_cases(cases: Sequence[str] = ()) -> list[Any]:
    """The results of these cases, or of all that are asked for here."""
    async with echo_server() as url:
        try:
            return await run_fuzzingclient(url, list(cases) or None, NOT_OFFERED)
        except FailureError as failure:
            return list(failure.results)


def unexpected(results: Sequence[Any]) -> list[str]:
    """The failures among results, one line each."""
    failed = [result for result in results if not result.passed and result.case_id not in MAY_FAIL]
    return [f"{r.case_id}: {r.behavior.value}, {r.behavior_close.value}: {r.result} {r.result_close}" for r in failed]


def main() -> int:
    """Runs the cases named on the command line; the exit code."""
    results = asyncio.run(run_cases(sys.argv[1:]))
    failures = unexpected(results)
    for line in failures:
        print(line)
    print(f"{len(results)} cases, {len(failures)} failed")
    return 1 if failures or not results else 0


if __name__ == "__main__":
    sys.exit(main())
