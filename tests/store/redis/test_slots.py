"""Slots of Redis Cluster as Redis itself counts them, and a tag for each."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis.crc import key_slot

from notifier.store.redis.slots import SLOTS, slot_of, tags


@pytest.mark.parametrize("key", ["foo", "{user}:1", "{}{x}", "a{}b", "{a", "a}{b}", "{{x}}", "stream:user:{1-zoé}", ""])
def test_a_key_s_slot(key):
    assert slot_of(key) == slot_of(key.encode()) == key_slot(key.encode())


@given(st.binary(max_size=40))
def test_any_key_s_slot(key):
    assert slot_of(key) == key_slot(key)


def test_every_slot_has_a_tag_that_falls_into_it():
    assert len(tags()) == SLOTS
    assert all(slot_of(f"notif:users:{{{tag}}}") == slot for slot, tag in enumerate(tags()) if slot % 97 == 0)
