"""Users of deliveries (contract §7)."""

import pytest

from notifier.domain.deliveries import user_problem


@pytest.mark.parametrize(
    "user",
    ["1-alice", "अजय", "क्‍ष", "می‌شود", "e\u0301", "👩‍👩‍👧", "a b", "a\u00a0b", "x" * 128, "{a}:*", "\u0627\u0644\u200f"],
)
def test_a_user_is_any_text(user):
    assert user_problem(user) is None


@pytest.mark.parametrize(
    "user", ["", "x" * 129, "a\nb", "a\r", "\0", "\x1b[31m", "\x7f", "\x85", "\u2028", "\u2029", "\ud800", 7]
)
def test_a_user_is_one_line_of_text(user):
    assert user_problem(user) is not None
