"""Figures of each minute: what an instance writes, and the series of all."""

import msgspec

from notifier.pod.history import Minute, Minutes, by_minute, series_of
from notifier.store.history import Kept
from notifier.telemetry.metrics import Metrics


def decoded(data):
    return msgspec.msgpack.decode(data, type=Minute)


def test_a_minute_counts_what_came_in_it():
    metrics = Metrics()
    metrics.sent = 100
    minutes = Minutes(metrics, lambda: 7, lambda: None)
    metrics.sent += 3
    metrics.count("deliveries", "sms", "sent")
    metrics.count_push(2, 0.2)
    minutes.note_lag(0.4)
    first = decoded(minutes.read(10))
    assert (first.accepted, first.connections, first.channels) == (3, 7, {"sms": (1, 0)})
    metrics.sent += 4
    metrics.count("deliveries", "sms", "failed")
    assert decoded(minutes.read(10)).accepted == 7
    metrics.sent += 1  # after the last look at that minute: the next one has it
    second = decoded(minutes.read(11))
    assert (second.accepted, second.loop_lag, sum(second.latency)) == (1, 0.0, 0)
    assert second.channels == {}


def test_series_sum_the_instances_and_holes_are_holes():
    fast, slow = [0] * 15, [0] * 15
    fast[0], slow[8] = 98, 2
    a = Minute(connections=2, accepted=5, latency=fast, queued=4, dead=9, channels={"sms": (3, 1)}, loop_lag=0.01)
    b = Minute(connections=1, accepted=1, latency=slow, queued=3, dead=9, channels={"push": (1, 0)})
    series = series_of([[a, b], [], [b]])
    assert series["accepted"] == [6, None, 1] and series["connections"] == [3, None, 1]
    assert (series["sent"][0], series["failed"][0]) == (4, 1)
    assert (series["queued"][0], series["dead"][0]) == (4, 9)  # of the cluster: every instance sees the same
    assert 100 < series["p99_ms"][0] <= 250 and series["store_ms"] == [None, None, None]
    assert series["loop_lag_ms"] == [10.0, None, 0.0]


def test_what_another_version_wrote_is_left_out():
    sound = Kept(7, "a", msgspec.msgpack.encode(Minute(accepted=1)))
    assert by_minute([Kept(7, "b", b"\x00"), sound]) == {7: [Minute(accepted=1)]}
