"""State of the consumer: health, and the brokers in librdkafka's statistics."""

from notifier.ingest.state import State, brokers_up


def test_brokers_in_statistics():
    text = '{"brokers": {"a:1/1": {"state": "UP"}, "b:1/2": {"state": "DOWN"}, "GroupCoordinator": {"state": "UP"}}}'
    assert brokers_up(text) == 1
    assert brokers_up('{"brokers": {}}') == 0


def test_health_says_why_it_is_degraded():
    state = State()
    assert state.report()["error"] == "the consumer is not running"
    state.running = True
    assert state.report()["error"] == "no broker can be reached"
    state.brokers_up, state.paused = 1, "the store is not available"
    assert state.report()["error"] == "paused: the store is not available"
    state.paused, state.trouble = "", "Broker: Unknown topic or partition"
    assert state.report()["error"] == "Broker: Unknown topic or partition"
    state.trouble = ""
    assert state.report()["status"] == "ok"
    assert "error" not in state.report()
