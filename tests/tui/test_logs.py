"""Log lines and events with a past: what happened before the dashboard was opened, and while it was cut off."""

from __future__ import annotations

from tests.tui.fake_server import FakeCluster, small_cluster
from tests.tui.support import Stage, play
from tui.details.record import RecordDetail
from tui.events import LOGS_MAX, Tail


def with_a_past() -> FakeCluster:
    cluster = small_cluster()
    happened = cluster.cockpit.happened
    happened("instance.started", 7200, instance="pod-b")
    happened("provider.circuit", 600, channel="push", provider="fcm", state="open")
    happened("log", 500, level="warning", event="redis.silent", instance="pod-a", text="no reply for 3 s")
    happened("log", 400, level="error", event="duty.failed", instance="pod-b", text="janitor: \x1b[31mtimeout")
    happened("log", 200_000, level="error", event="too.old", instance="pod-b", text="of the day before")
    return cluster


def test_warnings_and_errors_of_before_are_there() -> None:
    async def story(stage: Stage) -> None:
        await stage.view("l", "2 log lines, warnings and errors", "▲ warning", "redis.silent", "✕ error", "duty.failed")
        assert "\\x1b[31mtimeout" in stage.screen
        assert "too.old" not in stage.screen
        stage.server.emit("log", level="error", event="store.spoilt", instance="pod-a", text="key 7")
        await stage.sees("3 log lines", "store.spoilt")
        assert stage.table.selected is not None
        assert stage.table.selected.named == "store.spoilt"
        await stage.press("enter")
        await stage.until(lambda: isinstance(stage.page, RecordDetail))
        await stage.sees("Level     error", "key 7")

    play(story, cluster=with_a_past())


def test_a_line_of_a_supervisor_names_it() -> None:
    async def story(stage: Stage) -> None:
        await stage.view("l", "2 log lines")
        who = "pod supervisor"
        stage.server.emit("log", level="error", event="child.died", instance=who, text="child=pod-2 exit_code=-9")
        await stage.sees("3 log lines", who, "child.died")
        stage.burst("/", "supervisor", "enter")
        await stage.sees("1 of 3 log lines")

    play(story, size=(160, 40), cluster=with_a_past())


def test_errors_alone_by_a_key() -> None:
    async def story(stage: Stage) -> None:
        await stage.view("l", "2 log lines")
        await stage.press("f")
        await stage.sees("1 log line, errors alone", "duty.failed")
        assert "redis.silent" not in stage.screen
        stage.server.emit("log", level="warning", event="disk.low", instance="pod-a", text="12 MiB")
        await stage.until(lambda: len(stage.app.world.tail.logs()) == 3)
        assert "disk.low" not in stage.screen
        await stage.press("f")
        await stage.sees("3 log lines, warnings and errors", "disk.low")
        stage.burst("/", "silent", "enter")
        await stage.sees("1 of 3 log lines")

    play(story, cluster=with_a_past())


def test_no_log_lines_are_good_news() -> None:
    async def story(stage: Stage) -> None:
        await stage.view("l", "No warning and no error within the last day")
        await stage.press("f")
        await stage.sees("No error within the last day")

    play(story)


def test_events_have_a_past_and_the_notable_ones_a_key() -> None:
    async def story(stage: Stage) -> None:
        await stage.view("7", "2 events", "provider.circuit", "instance.started")
        stage.server.emit("client.connected", 3, user_id=1, login="alice")
        await stage.sees("5 events", "client.connected")
        await stage.press("f")
        await stage.sees("2 events, the notable ones")
        assert "client.connected" not in stage.screen
        await stage.press("f")
        await stage.sees("client.connected")

    play(story, cluster=with_a_past())


def test_what_was_missed_while_cut_off_comes_once() -> None:
    async def story(stage: Stage) -> None:
        await stage.view("7", "2 events")
        for queue in stage.server.listeners:
            queue.put_nowait(None)
        stage.cluster.cockpit.happened("channel.paused", -1, channel="sms")
        await stage.sees("3 events", "channel.paused")
        await stage.until(lambda: stage.app.world.following)
        assert len(stage.app.world.tail.newest_first()) == 3
        assert len(stage.app.world.tail.logs()) == 2

    play(story, cluster=with_a_past())


def test_events_in_thousands_leave_log_lines_alone() -> None:
    tail = Tail()
    tail.add("log", '{"type":"log","level":"error","event":"x","time":"2024-01-01T00:00:00.000Z"}')
    for _ in range(6000):
        tail.add("client.connected", '{"type":"client.connected"}')
    assert [line.named for line in tail.logs()] == ["x"]
    for number in range(LOGS_MAX + 5):
        tail.add("log", f'{{"type":"log","level":"error","event":"{number}"}}')
    assert len(tail.logs()) == LOGS_MAX


def test_an_older_server_is_asked_nothing_that_it_does_not_know() -> None:
    async def story(stage: Stage) -> None:
        assert stage.asked("GET", "/api/v1/admin/events") == 1
        assert not [path for _, path in stage.server.requests if "events?" in path]

    play(story)
