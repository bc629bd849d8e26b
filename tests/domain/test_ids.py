"""Ids (RFC 9562)."""

import uuid

import pytest

from notifier.domain.ids import derived_id, is_notification_id, is_stream_id, new_seed, random_id, stream_position


def test_random_ids_are_version_4():
    ids = {random_id() for _ in range(1000)}
    assert len(ids) == 1000
    assert {(uuid.UUID(i).version, uuid.UUID(i).variant) for i in ids} == {(4, uuid.RFC_4122)}


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
