"""Writes a recording while the dashboard runs. No Textual."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import urlencode

from tui.client import ADMIN, DELIVERIES, DELIVERIES_PAGE, PAGE, AdminClient, ApiError
from tui.record import Json
from tui.sse import ServerEvent

FILE_MAX = 2 << 30  # bytes of a recording; it ends there
SWEEP = 10.0  # seconds between two looks at what no view may be showing
_PAGES: tuple[tuple[str, dict[str, str]], ...] = (
    (f"{ADMIN}/clients", {"limit": str(PAGE)}),
    (f"{ADMIN}/users", {"limit": str(PAGE)}),
    (f"{ADMIN}/pending", {"limit": str(PAGE)}),
    (DELIVERIES, {"page": "1", "limit": str(DELIVERIES_PAGE)}),
    (f"{ADMIN}/dlq", {"limit": str(PAGE)}),
    (f"{ADMIN}/providers", {}),
    (f"{ADMIN}/queues", {}),
    (f"{ADMIN}/channels", {}),
    (f"{ADMIN}/talkers", {"minutes": "15"}),
    (f"{ADMIN}/doors", {}),
    (f"{ADMIN}/history/metrics", {"minutes": "60"}),
    (f"{ADMIN}/talkers", {"minutes": "1"}),
    (f"{ADMIN}/talkers", {"minutes": "15"}),
    (f"{ADMIN}/channels", {}),
)


def key_of(path: str, params: Mapping[str, str]) -> str:
    """The name of a request in a recording: its path and its parameters in order."""
    return f"{path}?{urlencode(sorted(params.items()))}" if params else path


class Recorder:
    """One new file of mode 0600. A failed write ends the recording, and `ended` says why."""

    def __init__(self, path: Path, place: str, clock: Callable[[], float] = time.time) -> None:
        """Raises `OSError` where the file exists already or cannot be made."""
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)
        self._file = os.fdopen(os.open(path, flags, 0o600), "w", encoding="utf-8", buffering=1 << 16)
        self._clock = clock
        self._began = clock()
        self._last: dict[str, str] = {}
        self._size = 0
        self.ended = ""
        self._write({"notifier_recording": 1, "place": place, "at": self._began})

    def answered(self, key: str, body: Json) -> None:
        """An answer came."""
        said = _json(body)
        if self._last.get(key) != said:
            self._last[key] = said
            self._put(f'{{"t":{self._t},"key":{_json(key)},"body":{said}}}')

    def failed(self, key: str, error: ApiError) -> None:
        """No answer came, or a refusal."""
        self._last.pop(key, None)
        self._write({"t": self._t, "key": key, "error": error.failure.value, "said": str(error)})

    def happened(self, events: list[ServerEvent]) -> None:
        """Events came."""
        told = [[event.kind, event.data] for event in events if event.kind != ":"]
        if told:
            self._write({"t": self._t, "events": told})

    def flush(self) -> None:
        """Puts on disk what was written."""
        self._try(self._file.flush)

    def close(self) -> None:
        """Stops the recording."""
        self._try(self._file.close)

    @property
    def _t(self) -> float:
        return round(max(0.0, self._clock() - self._began), 3)

    def _write(self, row: Json) -> None:
        self._put(_json(row))

    def _put(self, line: str) -> None:
        if self.ended:
            return
        self._size += len(line) + 1
        if self._size > FILE_MAX:
            self.ended = f"the recording has {FILE_MAX >> 30} GiB"
        else:
            self._try(lambda: self._file.write(f"{line}\n"))

    def _try(self, act: Callable[[], object]) -> None:
        try:
            act()
        except OSError as error:
            self.ended = error.strerror or str(error)


class RecordingClient(AdminClient):
    """A client that records what it reads."""

    def __init__(self, url: str, token: str | None, read_only: bool, path: Path, label: str = "") -> None:
        """Raises `OSError` where the file cannot be made, and `ValueError` as `AdminClient` does."""
        super().__init__(url, token, read_only, label)
        self.recorder = Recorder(path, self.place)

    @property
    def remark(self) -> str:
        """The recording, or why it ended."""
        ended = self.recorder.ended
        return f"NOT RECORDING: {ended}" if ended else "● recording"

    def duties(self) -> list[Coroutine[Any, Any, None]]:
        """The sweep."""
        return [self.sweep()]

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.recorder.close()
        await super().__aexit__(kind, error, trace)

    async def events(self, since: str = "") -> AsyncIterator[list[ServerEvent]]:
        """The events, recorded as they pass."""
        async for batch in super().events(since):
            self.recorder.happened(batch)
            yield batch

    async def sweep(self) -> None:
        """Reads, for ever, what the views show that are not in front: the first page of each."""
        while True:
            for path, params in _PAGES:
                await _let(self._read(path, params))
            self.recorder.flush()
            await asyncio.sleep(SWEEP)

    async def _read(self, path: str, params: Mapping[str, str], also: int = 0) -> Json:
        try:
            answer = await super()._read(path, params, also)
        except ApiError as error:
            self.recorder.failed(key_of(path, params), error)
            raise
        self.recorder.answered(key_of(path, params), answer)
        return answer


async def _let(reading: Awaitable[Json]) -> None:
    """A failure is in the recording already."""
    try:
        await reading
    except ApiError:
        return


def _json(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))
