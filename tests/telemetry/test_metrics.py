"""Metrics as plain numbers, and their way to the other workers."""

import pytest

from notifier.telemetry.metrics import SECONDS, Histogram, quantile_of
from notifier.telemetry.tally import _decode, _encode


async def test_a_pods_tally_is_read_back_by_the_worker_that_follows(client):
    """A gauge that is no number would keep a worker that died from being started again."""
    written = client.pod.metrics.tally()
    assert _decode(_encode(written)).gauges == written.gauges


def test_a_quantile_is_interpolated_within_its_bucket():
    histogram = Histogram()
    assert quantile_of(SECONDS, histogram.counts, 0.5) == 0.0
    histogram.observe(0.03, times=100)
    assert quantile_of(SECONDS, histogram.counts, 0.5) == pytest.approx(0.0375)
    assert quantile_of(SECONDS, histogram.counts, 1.0) == 0.05
