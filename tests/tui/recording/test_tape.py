"""A recording is written for its owner alone, holds what came and when, and is read by time."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest

from tui.client import ADMIN, ApiError, Failure
from tui.recording import recorder as recorder_module
from tui.recording.recorder import Recorder, key_of
from tui.recording.tape import METRICS, Tape
from tui.sse import ServerEvent


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def made(tmp_path: Path, clock: Clock) -> Recorder:
    return Recorder(tmp_path / "night.rec", "@prod host:1", clock)


def tape_of(recorder: Recorder, tmp_path: Path) -> Tape:
    recorder.close()
    return Tape(tmp_path / "night.rec")


def test_the_last_answer_before_a_moment_counts(made: Recorder, clock: Clock, tmp_path: Path) -> None:
    for second, value in ((1, "a"), (2, "a"), (5, "b")):
        clock.now = 1_000.0 + second
        made.answered("/x", {"value": value})
    tape = tape_of(made, tmp_path)
    assert (tape.place, tape.began, tape.length) == ("@prod host:1", 1_000.0, 5.0)
    assert [tape.answer("/x", t)["value"] for t in (1.0, 4.9, 5.0, 99.0)] == ["a", "a", "b", "b"]
    assert sum(b"/x" in line for line in (tmp_path / "night.rec").read_bytes().splitlines()) == 2
    for key, t in (("/x", 0.5), ("/y", 3.0)):
        with pytest.raises(ApiError, match="nothing of this"):
            tape.answer(key, t)


def test_a_failure_is_one_again(made: Recorder, clock: Clock, tmp_path: Path) -> None:
    made.answered("/x", {})
    clock.now += 1
    made.failed("/x", ApiError(Failure.UNAVAILABLE, "the store is away"))
    clock.now += 1
    made.answered("/x", {"value": 2})
    tape = tape_of(made, tmp_path)
    with pytest.raises(ApiError, match="the store is away") as raised:
        tape.answer("/x", 1.5)
    assert raised.value.failure is Failure.UNAVAILABLE
    assert tape.answer("/x", 2.0) == {"value": 2}


def test_events_and_figures_of_a_time(made: Recorder, clock: Clock, tmp_path: Path) -> None:
    for second in range(5):
        clock.now = 1_000.0 + second
        made.answered(METRICS, {"uptime_s": second})
        made.happened([ServerEvent("client.connected", f'{{"n":{second}}}'), ServerEvent(":", "comment")])
    tape = tape_of(made, tmp_path)
    assert [body["uptime_s"] for _, body in tape.figures(1.0, 3.0)] == [2, 3]
    assert tape.events(1.0, 3.0) == [ServerEvent("client.connected", f'{{"n":{n}}}') for n in (2, 3)]


def test_changes_are_found_in_order(made: Recorder, clock: Clock, tmp_path: Path) -> None:
    pods = [{"pod_id": "pod-a", "alive": True}]
    steps = [
        lambda: made.answered("/health", {"status": "ok", "uptime_s": 1}),
        lambda: made.answered(f"{ADMIN}/pods", {"pods": pods}),
        lambda: made.answered("/health", {"status": "ok", "uptime_s": 2}),
        lambda: made.answered("/health", {"status": "degraded"}),
        lambda: made.answered(f"{ADMIN}/pods", {"pods": [pods[0] | {"alive": False}]}),
        lambda: made.failed(METRICS, ApiError(Failure.UNREACHABLE, "connection refused")),
        lambda: made.answered(METRICS, {}),
        lambda: made.happened([ServerEvent("provider.circuit", "{}")]),
    ]
    for second, step in enumerate(steps):
        clock.now = 1_000.0 + second
        step()
    tape = tape_of(made, tmp_path)
    assert [tuple(change) for change in tape.changes] == [
        (3.0, "health degraded"),
        (4.0, "pod-a gone"),
        (5.0, "no answer: connection refused"),
        (6.0, "the server answers again"),
        (7.0, "provider.circuit"),
    ]
    after, before = tape.change_after(4.0), tape.change_before(4.0)
    assert after is not None and after.t == 5.0
    assert before is not None and before.t == 3.0
    assert tape.change_after(7.0) is tape.change_before(3.0) is None


def test_the_file_is_its_owners_and_overwrites_nothing(tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        Recorder(tmp_path / "a.rec", "x").close()
    finally:
        os.umask(old)
    assert stat.S_IMODE((tmp_path / "a.rec").stat().st_mode) == 0o600
    with pytest.raises(FileExistsError):
        Recorder(tmp_path / "a.rec", "x")


def test_a_full_file_ends_the_recording(made: Recorder, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(recorder_module, "FILE_MAX", 200)
    for number in range(50):
        made.answered("/x", {"value": number})
    assert made.ended.startswith("the recording has")
    assert (tmp_path / "night.rec").stat().st_size <= 200


def test_a_full_disk_ends_the_recording() -> None:
    full = Recorder.__new__(Recorder)
    full.ended = ""
    with open("/dev/full", "w") as full._file:
        full._size, full._clock, full._began, full._last = 0, lambda: 0.0, 0.0, {}
        full.answered("/x", {"value": "y" * 100_000})
        full.flush()
        assert full.ended == "No space left on device"
        full.close()


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"{",
        b"[]",
        b'{"t":1.0,"key":"/x","body":3}',
        b'{"t":9e999,"key":"/x","body":{}}',
        b'{"t":1.0,"events":[3]}',
        b"\xff" * 99,
    ],
)
def test_broken_lines_are_left_out(made: Recorder, tmp_path: Path, line: bytes) -> None:
    made.answered("/health", {"status": "ok"})
    made.close()
    with (tmp_path / "night.rec").open("ab") as file:
        file.write(
            line + b"\n" + json.dumps({"t": 2.0, "key": "/z", "body": {"ok": 1}}, separators=(",", ":")).encode()
        )
        file.write(b'\n{"t":3.0,"key":"/z","body":{"cut')
    tape = Tape(tmp_path / "night.rec")
    assert tape.answer("/z", 9.0) == {"ok": 1}
    assert tape.events(0.0, 9.0) == []


@pytest.mark.parametrize(
    ("at", "began"), [("1e18", 0.0), ("-5", 0.0), ("253402300799", 32_503_680_000.0), ('"x"', 0.0)]
)
def test_times_that_no_calendar_has(tmp_path: Path, at: str, began: float) -> None:
    (tmp_path / "odd").write_text(
        f'{{"notifier_recording":1,"place":3,"at":{at}}}\n{{"t":99999999999,"key":"/x","body":{{}}}}\n'
    )
    tape = Tape(tmp_path / "odd")
    assert (tape.began, tape.length, tape.place) == (began, 0.0, "an unknown server")


@pytest.mark.parametrize("content", [b"", b"{}", b"\x00" * 9000, b'{"notifier_recording":2}', b"[[["])
def test_another_file_is_no_recording(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "other").write_bytes(content)
    with pytest.raises(ValueError, match="is no recording"):
        Tape(tmp_path / "other")


def test_the_name_of_a_request_has_its_parameters_in_order() -> None:
    assert key_of("/x", {}) == "/x"
    assert key_of("/x", {"b": "1 2", "a": "ё"}) == "/x?a=%D1%91&b=1+2"
