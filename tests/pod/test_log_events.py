"""Warnings and errors of the log as events; a storm of them is told by its number."""

import logging
import time

import pytest

from notifier.pod.log_events import PER_SECOND, LogEvents
from notifier.telemetry.lines import Line


class Feed:
    def __init__(self):
        self.notes = []

    def note(self, kind, facts, ago):
        self.notes.append((kind, facts))
        self.ago = ago


@pytest.fixture
def log():
    log = logging.getLogger("log-events-test")
    log.propagate = False
    log.now, log.feed = 5.0, Feed()
    log.addHandler(handler := LogEvents(log.feed, "pod-a", clock=lambda: log.now))
    yield log
    log.removeHandler(handler)


def test_warnings_and_errors_alone(log):
    log.info("quiet")
    log.warning("redis.slow", extra={"seconds": 0.3, "waiting": 2})
    log.error("request.failed")
    assert log.feed.notes == [
        ("log", {"level": "warning", "event": "redis.slow", "instance": "pod-a", "text": "seconds=0.3 waiting=2"}),
        ("log", {"level": "error", "event": "request.failed", "instance": "pod-a", "text": ""}),
    ]


def test_a_storm_is_told_by_its_number(log):
    for _ in range(PER_SECOND + 7):
        log.warning("x")
    assert len(log.feed.notes) == PER_SECOND
    log.now += 1
    log.warning("y", extra={"long": "z" * 5000})
    _, facts = log.feed.notes[-1]
    assert facts["event"] == "y" and facts["text"].startswith("long=zz") and len(facts["text"]) == 300
    log.warning("z")
    assert "left_out" not in log.feed.notes[-1][1]["text"]


def test_lines_of_other_processes_keep_their_age():
    feed = Feed()
    handler = LogEvents(feed, "pod-1")
    handler.tell([Line(7, time.time() - 3, "pod supervisor", "error", "child.died", "child=pod-2 exit_code=-9")])
    assert feed.notes == [
        (
            "log",
            {
                "level": "error",
                "event": "child.died",
                "instance": "pod supervisor",
                "text": "child=pod-2 exit_code=-9",
            },
        )
    ]
    assert 2.9 < feed.ago < 4
