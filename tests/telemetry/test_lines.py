"""Log lines of a process that another one tells on."""

import logging

import pytest

from notifier.telemetry.lines import KEPT, MAX_TEXT, Lines, lines_in, newer


@pytest.fixture
def log():
    log = logging.getLogger("lines-test")
    log.propagate = False
    log.text = b""
    yield log
    for handler in list(log.handlers):
        log.removeHandler(handler)


def keep(log):
    for handler in list(log.handlers):
        log.removeHandler(handler)
    log.addHandler(Lines("pod keeper", log.text, lambda text: setattr(log, "text", text)))


def test_warnings_and_errors_with_their_facts(log):
    keep(log)
    log.info("quiet")
    log.warning("redis.restarted", extra={"after_s": 0.3})
    log.error("child.died")
    first, second = lines_in(log.text)
    assert first[2:] == ("pod keeper", "warning", "redis.restarted", "after_s=0.3")
    assert second[2:] == ("pod keeper", "error", "child.died", "")
    assert (first.number, second.number) == (1, 2) and 0 <= second.at - first.at < 1
    assert newer([first, second], 1) == [second] and lines_in(b"") == []


def test_the_last_ones_are_kept_short_and_a_successor_counts_on(log):
    keep(log)
    for number in range(2 * KEPT):
        log.warning("w" * 1000, extra={"long": "😀" * 1000})
        if number == KEPT:
            keep(log)
    lines = lines_in(log.text)
    assert [line.number for line in lines] == list(range(KEPT + 1, 2 * KEPT + 1))
    assert {len(line.event) for line in lines} == {len(line.text) for line in lines} == {MAX_TEXT}
    assert len(log.text) < 128 * 1024
