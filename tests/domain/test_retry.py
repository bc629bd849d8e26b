"""Waits before retries."""

from notifier.domain.retry import LONGEST, RetryPolicy


def test_waits():
    policy = RetryPolicy((5.0, 30.0, 120.0))
    low, high = (lambda a, b: a), (lambda a, b: b)
    assert [policy.wait(n, None, low) for n in range(5)] == [4.0, 24.0, 96.0, 96.0, 96.0]
    assert [policy.wait(n, None, high) for n in range(3)] == [6.0, 36.0, 144.0]
    assert policy.wait(0, 60.0, low) == 60.0
    assert policy.wait(2, 1.0, low) == 96.0
    doubling = RetryPolicy((5.0,), 2.0)
    assert [doubling.wait(n, None, lambda a, b: 1.0) for n in range(4)] == [2.0, 4.0, 8.0, 16.0]


def test_no_wait_is_longer_than_a_day():
    high = lambda a, b: b  # noqa: E731
    assert RetryPolicy((10 * LONGEST,)).wait(0, None, lambda a, b: 1.0) == LONGEST
    assert RetryPolicy((5.0,)).wait(0, 10 * LONGEST, high) == LONGEST
    assert RetryPolicy((), 1.0).wait(10_000, None, lambda a, b: 1.0) == LONGEST


def test_chance_spreads_a_wait_by_a_fifth():
    asked = []
    RetryPolicy((5.0,)).wait(0, None, lambda low, high: asked.append((low, high)) or 1.0)
    assert asked == [(0.8, 1.2)]
