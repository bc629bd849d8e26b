"""One line in so many seconds, and the number of those kept back."""

from notifier.domain.seldom import Seldom


def test_what_is_kept_back_is_counted():
    seldom = Seldom(1.0)
    assert [seldom.allows(now) for now in (0.0, 0.1, 0.9, 1.0, 1.5, 3.0)] == [0, None, None, 2, None, 1]
