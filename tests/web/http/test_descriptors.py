"""Connections are refused by the number of their socket, before the last descriptor is gone."""

import errno
import os
import resource

import pytest

from notifier.web.http import descriptors
from notifier.web.http.descriptors import Admission, Descriptors, raise_limit


@pytest.mark.parametrize(
    ("limit", "number", "admission"),
    [
        (1024, 959, Admission.ADMIT),
        (1024, 960, Admission.TURN_AWAY),
        (1024, 991, Admission.TURN_AWAY),
        (1024, 992, Admission.DROP),
        (100, 74, Admission.ADMIT),
        (100, 75, Admission.TURN_AWAY),
        (100, 88, Admission.DROP),
        (resource.RLIM_INFINITY, 1_000_000, Admission.ADMIT),
    ],
)
def test_a_reserve_is_kept_back(monkeypatch, limit, number, admission):
    bound = Descriptors(limit)
    monkeypatch.setattr(bound, "_next_number", lambda: number)
    assert bound.admit() is admission


def test_the_next_number_is_looked_at_and_given_back(tmp_path):
    bound = Descriptors(1024)
    number = bound._next_number()
    with (tmp_path / "file").open("w") as file:
        assert file.fileno() == number
        assert bound._next_number() > number


def test_without_any_descriptor_left_it_is_dropped(monkeypatch):
    def fail(descriptor):
        raise OSError(errno.EMFILE, "Too many open files")

    bound = Descriptors(1024)
    monkeypatch.setattr(os, "dup", fail)
    assert bound.admit() is Admission.DROP


def test_who_is_refused_is_counted_and_logged_seldom(monkeypatch, caplog):
    bound = Descriptors(1024)
    monkeypatch.setattr(bound, "_next_number", lambda: 1000)
    for _ in range(5):
        bound.admit()
    assert bound.refused == 5
    (record,) = (record for record in caplog.records if record.message == "connections.refused")
    assert (record.limit, record.reserve) == (1024, 64) and "LimitNOFILE" in record.cure


@pytest.mark.parametrize(("limits", "expected"), [((100, 5000), (5000, 5000)), ((5000, 5000), None)])
def test_the_soft_limit_is_raised_to_the_hard_one(monkeypatch, limits, expected):
    set_to = []
    monkeypatch.setattr(descriptors.resource, "getrlimit", lambda which: limits)
    monkeypatch.setattr(descriptors.resource, "setrlimit", lambda which, new: set_to.append(new))
    raise_limit()
    assert set_to == ([expected] if expected else [])
