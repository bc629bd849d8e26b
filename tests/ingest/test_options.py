"""librdkafka's options: whose they are, and what becomes of wrong ones."""

import logging
import subprocess
import sys

import pytest

from notifier.config import load
from notifier.errors import NotifierError
from notifier.ingest.client_log import AGAIN_AFTER, MAX_LINE, ClientLog
from notifier.ingest.options import check_options, options_of
from notifier.ingest.state import State, brokers_up


def options(**extra):
    return options_of(
        ["a:1", "b:2"], "group", "pod-a", {name.replace("_", "."): value for name, value in extra.items()}
    )


def test_the_operators_options_stand_over_the_defaults():
    found = options(session_timeout_ms="6000", security_protocol="plaintext")
    assert found["bootstrap.servers"] == "a:1,b:2"
    assert (found["session.timeout.ms"], found["security.protocol"]) == ("6000", "plaintext")
    check_options(found)


@pytest.mark.parametrize("name", ["enable_auto_offset_store", "enable_auto_commit", "group_id", "bootstrap_servers"])
def test_what_acknowledging_rests_on_is_the_programs(name):
    with pytest.raises(NotifierError, match=f"kafka.{name.replace('_', '.')}"):
        options(**{name: "x"})


@pytest.mark.parametrize(
    ("name", "value"), [("nonsense", "1"), ("fetch.min.bytes", "lots"), ("ssl.ca.location", "/no")]
)
def test_a_wrong_option_is_named_before_anything_starts(name, value):
    with pytest.raises(NotifierError, match=name):
        check_options(options_of(["a:1"], "group", "pod-a", {name: value, "security.protocol": "ssl"}))


def test_serve_refuses_a_wrong_option_as_a_wrong_setting(tmp_path):
    file = tmp_path / "c.yml"
    file.write_text("kafka_brokers: 127.0.0.1:1\nkafka:\n  nonsense.option: hush\n")
    command = [sys.executable, "-m", "notifier", "serve", "--addr", "127.0.0.1:0", "--config", str(file)]
    answer = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert answer.returncode == 2
    assert "nonsense.option" in answer.stderr
    assert "Traceback" not in answer.stderr


def test_options_do_not_show_themselves(tmp_path):
    file = tmp_path / "c.yml"
    file.write_text("kafka:\n  sasl.password: hush-hush\n")
    settings = load({}, {}, file)
    assert settings.kafka["sasl.password"] == "hush-hush"
    assert "hush-hush" not in repr(settings)


@pytest.mark.parametrize(
    ("brokers", "roles", "reads"), [("", "kafka", False), ("a:1", "http,delivery", False), ("a:1", "kafka", True)]
)
def test_who_reads(brokers, roles, reads):
    assert load({}, {"KAFKA_BROKERS": brokers, "ROLES": roles}).reads_kafka is reads


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


def test_what_librdkafka_says_without_end_is_logged_now_and_then(caplog):
    now = [0.0]
    client = ClientLog(lambda: now[0])
    for _ in range(1000):
        client.log(logging.ERROR, "%s [%s] %s", "FAIL", "pod-a#consumer-1", "refused" * 1000)
    client.log(logging.ERROR, "%s [%s] %s", "SASL", "pod-a#consumer-1", "no such mechanism")
    now[0] = AGAIN_AFTER
    client.say(logging.ERROR, "FAIL", "refused")
    assert [record.kind for record in caplog.records] == ["FAIL", "SASL", "FAIL"]
    assert len(caplog.records[0].line) == MAX_LINE
