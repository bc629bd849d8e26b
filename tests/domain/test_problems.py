"""The rules of problems: when there is one, which are one, how bad they are, and their words."""

import pytest

from notifier.domain.problems import (
    ChannelShare,
    Kind,
    Problem,
    ProviderSign,
    Severity,
    Shared,
    Signs,
    Thresholds,
    merged,
    own_problems,
    plain_words_for,
    shared_problems,
    words_for,
)

LIMITS = Thresholds(0.5, 0.1, 0.1, 2.0, 1.0, 1000, 10, 10_000, 100)
WELL = Signs(True, None, False, False, (), 0.001, 0.0, 0.002, 0.0, None, (), {})
CALM = Shared((), 0, {}, 0, {})
SMS = ProviderSign("sms", "sms", "closed", False, 0.1, False)
ROW = ChannelShare("sms", False, 0, 0)


def own(**changes):
    return [(one.kind, one.subject) for one in own_problems("a", WELL._replace(**changes), LIMITS)]


def shared(**changes):
    return [(one.kind, one.subject) for one in shared_problems(CALM._replace(**changes), LIMITS)]


def test_an_instance_that_is_well_has_none():
    assert own(providers=[SMS]) == [] and shared(channels=[ROW]) == []


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"store_up": False, "failing": {"janitor": "x"}, "refusal": "x"}, [(Kind.STORE_AWAY, "")]),
        ({"disk_full": True, "refusal": "x"}, [(Kind.DISK_FULL, "")]),
        ({"disk_low": True}, [(Kind.DISK_FULL, "")]),
        ({"refusal": "refuses writes (OOM): it is full"}, [(Kind.STORE_REFUSING, "")]),
        ({"unsafe": ["appendonly no"]}, [(Kind.STORE_UNSAFE, "appendonly no")]),
        ({"store_p99": 0.2}, [(Kind.STORE_SLOW, "a")]),
        ({"store_p99": None, "push_p99": None, "loop_lag": None}, []),
        ({"loop_lag": 0.11}, [(Kind.LOOP_LAG, "a")]),
        ({"push_p99": 0.919}, [(Kind.DELIVERY_SLOW, "")]),
        ({"clock_skew": -7.0}, [(Kind.CLOCK_SKEW, "a")]),
        ({"clock_skew": 1.0}, []),
        ({"kafka": "no broker can be reached"}, [(Kind.KAFKA_AWAY, "")]),
        ({"failing": {"janitor": "x"}}, [(Kind.DUTY_FAILING, "a janitor")]),
        ({"providers": [SMS._replace(state="open")]}, [(Kind.CIRCUIT_OPEN, "sms")]),
        ({"providers": [SMS._replace(state="half_open", only=True)]}, [(Kind.CIRCUIT_OPEN, "sms")]),
        ({"providers": [SMS._replace(p95=2.1)]}, [(Kind.PROVIDER_SLOW, "sms")]),
        ({"providers": [SMS._replace(simulated=True)]}, [(Kind.SIMULATED, "sms")]),
    ],
)
def test_what_an_instance_finds_wrong_with_itself(changes, expected):
    assert own(**changes) == expected


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"gone": {"c": 5.0}}, [(Kind.INSTANCE_GONE, "c")]),
        ({"channels": [ROW._replace(paused=True, waiting=5000)]}, [(Kind.CHANNEL_PAUSED, "sms")]),
        ({"channels": [ROW._replace(waiting=1001)]}, [(Kind.QUEUE_GROWING, "sms")]),
        ({"channels": [ROW._replace(waiting=1000)]}, []),
        ({"channels": [ROW._replace(held=3)]}, [(Kind.DELIVERIES_HELD, "sms")]),
        ({"dead_recent": 11}, [(Kind.DEAD_LETTERS_GROWING, "")]),
        ({"kafka_lag": 10_001}, [(Kind.KAFKA_LAG, "")]),
        ({"sources": {"loop": 101.0, "shop": 99.0}}, [(Kind.FLOOD, "loop")]),
    ],
)
def test_what_all_share(changes, expected):
    assert shared(**changes) == expected


def test_what_a_circuit_holds_is_told_with_it():
    circuit = Problem(kind=Kind.CIRCUIT_OPEN, subject="push:android", channel="push", since=60.0)
    held = Problem(kind=Kind.DELIVERIES_HELD, subject="push", channel="push", value=218)
    hosts = Problem(kind=Kind.DELIVERIES_HELD, subject="webhook", channel="webhook", value=3)
    found = merged([held, hosts, circuit])
    assert [words_for(one, 600.0) for one in found] == ["push:android circuit open 9m, 218 held", "webhook: 3 held"]


def test_one_subject_is_one_problem_the_worst_value_and_the_earliest_beginning():
    slow = [Problem(kind=Kind.PROVIDER_SLOW, subject="sms", value=v, since=s) for v, s in ((2.5, 9.0), (4.0, 12.0))]
    assert merged(slow) == [Problem(kind=Kind.PROVIDER_SLOW, subject="sms", value=4.0, since=9.0)]


def test_the_worst_comes_first_and_notices_last():
    kinds = [Kind.SIMULATED, Kind.FLOOD, Kind.CIRCUIT_OPEN, Kind.LOOP_LAG, Kind.STORE_AWAY]
    found = [one.kind for one in merged([Problem(kind=kind) for kind in kinds])]
    assert found == [Kind.STORE_AWAY, Kind.CIRCUIT_OPEN, Kind.LOOP_LAG, Kind.FLOOD, Kind.SIMULATED]


def test_severities():
    one = own_problems("a", WELL._replace(providers=[SMS._replace(state="open", only=True)]), LIMITS)
    low = own_problems("a", WELL._replace(disk_low=True), LIMITS)
    assert [found.severity for found in (*one, *low)] == [Severity.WARNING, Severity.WARNING]
    assert Problem(kind=Kind.DISK_FULL).severity is Severity.CRITICAL
    assert not Problem(kind=Kind.SIMULATED).is_fault and Problem(kind=Kind.FLOOD).is_fault


@pytest.mark.parametrize(
    ("problem", "words"),
    [
        (Problem(kind=Kind.STORE_AWAY, since=990.0), "Redis away 10s"),
        (Problem(kind=Kind.INSTANCE_GONE, subject="pod-3", since=880.0), "pod-3 gone 2m"),
        (Problem(kind=Kind.INSTANCE_GONE, subject="pod-3", since=-9000.0), "pod-3 gone 2h"),
        (Problem(kind=Kind.CHANNEL_PAUSED, subject="sms", value=40, since=1000.0), "sms paused 0s, 40 waiting"),
        (Problem(kind=Kind.DELIVERY_SLOW, value=0.919), "push p99 919 ms"),
        (Problem(kind=Kind.PROVIDER_SLOW, subject="sms", value=3.21), "sms slow: p95 3.2 s"),
        (Problem(kind=Kind.CIRCUIT_OPEN, subject="sms", value=0, note="for one recipient"), None),
        (Problem(kind=Kind.FLOOD, subject="loop", value=168.0), "loop floods: 168 notifications/s"),
    ],
)
def test_words(problem, words):
    assert words_for(problem, 1000.0) == (words or "sms circuit open for one recipient, 0 held")


@pytest.mark.parametrize("kind", Kind)
def test_every_kind_has_words_of_sixty_characters(kind):
    text = words_for(Problem(kind=kind, subject="s" * 200, value=1e9, note="n" * 300, since=0.0), 1e9)
    assert 0 < len(text) <= 60


def test_names_that_senders_chose_are_not_told_to_everybody():
    flood = Problem(kind=Kind.FLOOD, subject="the-secret-project", value=168.0)
    assert plain_words_for(flood, 0.0) == "one source floods: 168 notifications/s"
    assert plain_words_for(Problem(kind=Kind.CHANNEL_PAUSED, subject="sms", value=1), 0.0) == "sms paused, 1 waiting"
