"""A recording on disk, read by its index: where each answer stands, and at which time. No Textual."""

from __future__ import annotations

import json
import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from tui.client import ADMIN, ApiError, Failure
from tui.figures import Health
from tui.model import Instance
from tui.record import Json, moment, rows, text
from tui.sse import ServerEvent

LATEST = 32_503_680_000.0  # the year 3000: a recording that claims to be later is shown as of then
LENGTH_MAX = 366 * 86_400.0  # seconds; lines of later are left out
LINE_MAX = 64 << 20  # bytes of a line; a longer one is left out
METRICS = "/api/v1/metrics"
_HEAD = re.compile(rb'\{"t":([0-9]{1,12}(?:\.[0-9]{1,9})?),"(key|events)":(?:"((?:[^"\\]|\\.){1,2000})")?')
_TOLD = ("pod.", "provider.", "channel.")
_WATCHED = ("/health", f"{ADMIN}/pods", f"{ADMIN}/problems")
_FAILURES = {failure.value: failure for failure in Failure}


class Change(NamedTuple):
    """A moment at which the server was not as before, and in which way."""

    t: float
    said: str


class Tape:
    """Raises `ValueError` where the file is no recording. Lines that are broken are left out."""

    def __init__(self, path: Path) -> None:
        """Reads the file once; of answers only their place is kept."""
        self._file = path.open("rb")
        head = _decoded(self._file.readline(4096))
        if head.get("notifier_recording") != 1:
            raise ValueError(f"{path.name} is no recording of a dashboard")
        self.place = text(head, "place") or "an unknown server"
        self.began = min(moment(head.get("at")) or 0.0, LATEST)
        self.length = 0.0
        self.changes: list[Change] = []
        self._answers: dict[str, tuple[list[float], list[int]]] = {}
        self._events: tuple[list[float], list[int]] = ([], [])
        self._before: dict[str, object] = {METRICS: "answers"}
        self._index()

    def answer(self, key: str, t: float) -> Json:
        """The last answer to a request at `t` seconds; raises the `ApiError` that was recorded, or that there is
        none."""
        times, offsets = self._answers.get(key, ([], []))
        place = bisect_right(times, t) - 1
        if place < 0:
            raise ApiError(Failure.REJECTED, "the recording has nothing of this at this time")
        row = self._at(offsets[place])
        if "error" in row:
            raise ApiError(_FAILURES.get(text(row, "error"), Failure.UNREACHABLE), text(row, "said"))
        body = row.get("body")
        return body if isinstance(body, Mapping) else {}

    def figures(self, after: float, until: float) -> Iterator[tuple[float, Json]]:
        """The answers to `GET metrics` in this time, with their seconds; failures are left out."""
        times, offsets = self._answers.get(METRICS, ([], []))
        for place in range(bisect_right(times, after), bisect_right(times, until)):
            body = self._at(offsets[place]).get("body")
            if isinstance(body, Mapping):
                yield times[place], body

    def events(self, after: float, until: float) -> list[ServerEvent]:
        """The events in this time."""
        times, offsets = self._events
        found: list[ServerEvent] = []
        for place in range(bisect_right(times, after), bisect_right(times, until)):
            found += _events_of(self._at(offsets[place]))
        return found

    def change_after(self, t: float) -> Change | None:
        """The next change."""
        place = bisect_right(self.changes, t, key=lambda change: change.t)
        return self.changes[place] if place < len(self.changes) else None

    def change_before(self, t: float) -> Change | None:
        """The change before."""
        place = bisect_left(self.changes, t, key=lambda change: change.t)
        return self.changes[place - 1] if place else None

    def close(self) -> None:
        """Closes the file."""
        self._file.close()

    def _index(self) -> None:
        offset = self._file.tell()
        while line := self._file.readline(LINE_MAX):
            found = _HEAD.match(line)
            if found and line.endswith(b"}\n") and float(found[1]) <= LENGTH_MAX:
                self._place(float(found[1]), found[3], offset, line)
            offset += len(line)
        self.changes.sort()

    def _place(self, t: float, key: bytes | None, offset: int, line: bytes) -> None:
        self.length = max(self.length, t)
        name = "" if key is None else str(json.loads(b'"' + key + b'"'))
        times, offsets = self._events if key is None else self._answers.setdefault(name, ([], []))
        if times and t < times[-1]:  # the clock was set back
            t = times[-1]
        times.append(t)
        offsets.append(offset)
        if key is None:
            self._note_events(t, line)
        elif name == METRICS:
            self._note(t, name, _decoded(line) if b',"error":' in line else {})
        elif name in _WATCHED:
            self._note(t, name, _decoded(line))

    def _note(self, t: float, key: str, row: Json) -> None:
        """Keeps the change, if this answer is another than the one before."""
        state, said = _state(key, row)
        if self._before.get(key, state) != state:
            self.changes.append(Change(t, said))
        self._before[key] = state

    def _note_events(self, t: float, line: bytes) -> None:
        if any(f'["{start}'.encode() in line for start in _TOLD):
            kinds = [event.kind for event in _events_of(_decoded(line)) if event.kind.startswith(_TOLD)]
            self.changes += [Change(t, kind) for kind in dict.fromkeys(kinds)]

    def _at(self, offset: int) -> Json:
        self._file.seek(offset)
        return _decoded(self._file.readline(LINE_MAX))


def _state(key: str, row: Json) -> tuple[object, str]:
    """The part of an answer whose change matters, and the change in words."""
    if "error" in row:
        return "error", f"no answer: {text(row, 'said')}"
    body = row.get("body")
    body = body if isinstance(body, Mapping) else {}
    if key == "/health":
        health = Health.read(body)
        parts = tuple((part.name, part.status) for part in health.components)
        return (health.status, parts), f"health {health.status}"
    if key == f"{ADMIN}/pods":
        states = tuple(sorted((row.pod_id, row.state) for row in map(Instance.read, rows(body, "pods"))))
        return states, ", ".join(f"{name} {state}" for name, state in states)[:200] or "no instances"
    if key == METRICS:
        return "answers", "the server answers again"
    problems = tuple(sorted((text(row, "kind"), text(row, "subject")) for row in rows(body, "problems")))
    return problems, "; ".join(text(row, "text") for row in rows(body, "problems"))[:200] or "no problems"


def _events_of(row: Json) -> list[ServerEvent]:
    found = row.get("events")
    pairs = found if isinstance(found, list) else []
    return [ServerEvent(*pair) for pair in pairs if _is_pair(pair)]


def _is_pair(pair: object) -> bool:
    return isinstance(pair, list) and len(pair) == 2 and all(isinstance(part, str) for part in pair)


def _decoded(line: bytes) -> Json:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, Mapping) else {}
