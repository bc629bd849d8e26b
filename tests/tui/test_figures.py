"""Rates and latencies out of counts, and health in words."""

from tui.figures import SAMPLES_MAX, Figures, Health, History


def figures(at: float, sent: int, **more: object) -> Figures:
    return Figures.read({"sent": sent, "pushed": 2 * sent, "acked": 0, "auto_cleared": 0, **more}, at=at)


def test_rates_are_per_second_over_the_last_seconds() -> None:
    history = History()
    for second in range(10):
        history.add(figures(float(second), 100 * second))
    assert history.latest is not None
    assert history.latest.rates == (100.0, 200.0, 0.0, 0.0)


def test_lumps_are_smoothed() -> None:
    history = History()
    for second in range(11):
        history.add(figures(float(second), 500 * (second // 5)))
    assert history.latest is not None
    assert history.latest.rates[0] == 100.0


def test_the_first_sample_has_no_rate_and_a_restart_no_negative_one() -> None:
    history = History()
    history.add(figures(0.0, 900))
    assert history.latest is not None
    assert history.latest.rates == (0.0,) * 4
    history.add(figures(1.0, 3))
    assert history.latest.rates == (0.0,) * 4


def test_history_is_bounded() -> None:
    history = History()
    for second in range(SAMPLES_MAX + 5):
        history.add(figures(float(second), second))
    samples = history.samples()
    assert len(samples) == SAMPLES_MAX
    assert samples[0].figures.at == 5.0


def test_latencies_may_be_missing() -> None:
    assert figures(0.0, 1).p50 is None
    assert figures(0.0, 1, latency_ms={"p50": 1.5, "p99": None}).p50 == 1.5


def test_health_says_what_each_part_says() -> None:
    workers = {"status": "degraded", "running": 5, "failing": {"janitor": "timeout"}}
    health = Health.read(
        {"status": "degraded", "components": {"redis": {"status": "ok", "restarts": 0}, "workers": workers}}
    )
    redis, worker = health.components
    assert (redis.status, redis.detail) == ("ok", "")
    assert (worker.status, worker.detail) == ("degraded", "running 5, janitor: timeout")
    assert Health.read({}).status == "unknown"
    assert Health.read({"components": {"x": "odd"}}).components[0].status == "odd"


def test_health_names_the_circuits_that_are_not_closed() -> None:
    channels = {"sms": {"a": "closed", "b": "open"}, "email": {"c": "half_open"}, "push:ios": {"d": "closed"}}
    row = {"status": "ok", "components": {"providers": {"status": "degraded", "channels": channels}}}
    (component,) = Health.read(row).components
    assert (component.status, component.detail) == ("degraded", "sms: b open, email: c half_open")
