"""Figures of providers, summed over instances."""

from notifier.pod.providers import sum_rows


def row(**facts):
    base = {"name": "smtp", "channel": "email", "state": "closed", "failures": 0, "open_until": 0}
    return base | {"sent": 1, "failed": 0, "rate_per_s": 0.1, "hosts": [], "hosts_open": 0, "latencies": []} | facts


def test_counts_are_added_and_latencies_put_together():
    answers = [[row(sent=2, rate_per_s=0.1, latencies=[3.0])], [row(sent=5, failed=1, latencies=[1.0, 2.0])]]
    (found,) = sum_rows(answers)
    assert (found["sent"], found["failed"], found["rate_per_s"]) == (7, 1, 0.2)
    assert found["latency_ms"] == {"p50": 2.0, "p95": 3.0, "p99": 3.0}
    assert "latencies" not in found


def test_hosts_are_those_of_the_instance_that_knows_the_most():
    host = {"host": "a.example", "state": "open", "failures": 5, "open_until": 1_700_000_000_000}
    (found,) = sum_rows([[row()], [row(hosts=[host], hosts_open=1)]])
    assert found["hosts_open"] == 1
    assert found["hosts"][0]["open_until"] == "2023-11-14T22:13:20.000Z"
    assert found["open_until"] is None


def test_an_older_instance_names_no_hosts():
    old = row(channel="sms")
    del old["hosts"], old["hosts_open"]
    found = sum_rows([[old], [row()]])
    assert [(one["channel"], one["hosts"], one["hosts_open"]) for one in found] == [("email", [], 0), ("sms", [], 0)]
