"""Ctrl-C, which the one file hears twice."""

from __future__ import annotations

import signal

import pytest
from entry import ECHO, Interrupt


def test_the_bootloaders_copy_of_an_interrupt_is_not_heard_and_a_second_one_is(monkeypatch):
    now = [100.0]
    monkeypatch.setattr("entry.time.monotonic", lambda: now[0])
    interrupt = Interrupt()
    with pytest.raises(KeyboardInterrupt):
        interrupt(signal.SIGINT, None)
    now[0] += ECHO / 2
    interrupt(signal.SIGINT, None)
    now[0] += ECHO * 2
    with pytest.raises(KeyboardInterrupt):
        interrupt(signal.SIGINT, None)
