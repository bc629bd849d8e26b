"""Ids (RFC 9562)."""

import os
import uuid

import pytest

from notifier.domain.ids import (
    derived_id,
    is_notification_id,
    is_stream_id,
    new_seed,
    random_id,
    random_ids,
    serial_id,
    stream_position,
)


def test_random_ids_are_version_4():
    ids = {random_id() for _ in range(1000)}
    assert len(ids) == 1000
    assert {(uuid.UUID(i).version, uuid.UUID(i).variant) for i in ids} == {(4, uuid.RFC_4122)}


def test_many_at_a_time_are_as_many_and_as_different():
    drawn = [one for count in (1, 0, 300, 7, 1000) for one in random_ids(count)]
    assert len(set(drawn)) == len(drawn) == 1308
    assert {uuid.UUID(one.decode()).version for one in drawn} == {4}


def test_serial_ids_are_unique_and_of_version_4():
    ids = [serial_id() for _ in range(70_000)]
    assert len(set(ids)) == len(ids)
    assert all(is_notification_id(one) and uuid.UUID(one).version == 4 for one in ids[::1000])


def test_a_fork_draws_its_own():
    serial_id(), random_id()
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.write(writing, b" ".join([serial_id().encode(), *random_ids(3)]))
        os._exit(0)
    os.waitpid(child, 0)
    theirs = os.read(reading, 1000).split()
    assert len(theirs) == 4 and not set(theirs) & {serial_id().encode(), *random_ids(255)}


def test_derived_ids_depend_on_seed_and_name():
    seed = new_seed()
    assert derived_id(seed, "1-alice") == derived_id(seed, "1-alice")
    assert len({derived_id(seed, "1-alice"), derived_id(seed, "2-bob"), derived_id(new_seed(), "1-alice")}) == 3
    assert uuid.UUID(derived_id(seed, "x")).variant == uuid.RFC_4122


@pytest.mark.parametrize("text", ["", "1", "1-", "-1", "a-b", "+", "1-0-0", None, 1, "1" * 16 + "-0"])
def test_no_stream_id(text):
    assert not is_stream_id(text)


def test_stream_ids_compare_by_number():
    assert stream_position("10-2") > stream_position("9-10")
    assert is_notification_id(random_id()) and not is_notification_id("x")
