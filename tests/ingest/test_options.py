"""librdkafka's options: whose they are, and what becomes of wrong ones."""

import subprocess
import sys

import pytest

from notifier.config import load
from notifier.errors import NotifierError
from notifier.ingest.options import check_options, options_of


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
