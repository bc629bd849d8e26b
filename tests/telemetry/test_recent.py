"""Figures of the last seconds, from counters that go on for ever."""

from notifier.telemetry.metrics import Histogram
from notifier.telemetry.recent import RecentCounts, RecentHistogram, RecentLag


def observed(recent, histogram, *values):
    for value in values:
        histogram.observe(value)
    recent.tick()


def test_what_is_older_than_the_window_is_forgotten():
    histogram = Histogram()
    histogram.observe(9.0, 100)
    recent = RecentHistogram(histogram, seconds=2)
    observed(recent, histogram, *[0.2] * 10)
    assert 0.1 < recent.quantile(0.99) <= 0.25
    observed(recent, histogram, *[0.001] * 10)
    observed(recent, histogram)
    assert recent.quantile(0.99) <= 0.001
    observed(recent, histogram)
    assert recent.quantile(0.99) is None


def test_two_outliers_are_no_percentile_and_three_are():
    histogram = Histogram()
    recent = RecentHistogram(histogram)
    observed(recent, histogram, 0.001, 0.001, 0.001, 0.9, 0.9)
    assert recent.quantile(0.99) <= 0.001
    observed(recent, histogram, 0.9)
    assert recent.quantile(0.99) > 0.5


def test_one_late_turn_of_the_loop_is_none_and_two_are():
    lag = RecentLag()
    assert lag.value is None
    for seconds in (0.0, 0.0, 0.7, 0.0):
        lag.note(seconds)
    assert lag.value == 0.0
    lag.note(0.3)
    assert lag.value == 0.3


def test_counts_grow():
    counts = {("sms", "sent"): 5}
    recent = RecentCounts(counts, 60)
    for sent in (6, 8, 20):
        counts["sms", "sent"] = sent
        recent.tick()
    counts["sms", "failed"] = 1  # since the last look
    assert recent.grown(2) == {("sms", "sent"): 12, ("sms", "failed"): 1}
    assert recent.grown(60) == {("sms", "sent"): 15, ("sms", "failed"): 1}
