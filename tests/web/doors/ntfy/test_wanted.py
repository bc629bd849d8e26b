"""Subscriptions as requests ask for them: topics, since when, and filters."""

import pytest

from notifier.web.doors.ntfy.parameters import Parameters
from notifier.web.doors.ntfy.refusals import Refusal
from notifier.web.doors.ntfy.wanted import MAX_TOPICS, Since, read_since, read_wanted

NOW = 1_800_000_000.0
MESSAGE = {"event": "message", "id": "abcdefghijkl", "topic": "ops", "message": "hi"}


def wanted(topics="ops", headers=None, **query):
    return read_wanted(topics, Parameters({}, (headers or {}).get, query.items()), NOW)


def number(call):
    with pytest.raises(Refusal) as raised:
        call()
    return raised.value.number


@pytest.mark.parametrize(
    ("text", "since"),
    [
        ("all", Since("all")),
        ("none", Since("none")),
        ("latest", Since("latest")),
        ("", Since("none")),
        ("1700000000", Since("time", 1_700_000_000.0)),
        ("0", Since("time", 0.0)),
        ("10m", Since("time", NOW - 600)),
        ("1h30m", Since("time", NOW - 5400)),
        ("1.5h", Since("time", NOW - 5400)),
        ("500ms", Since("time", NOW - 0.5)),
        ("AbCdEf123456", Since("id", id="AbCdEf123456")),
        ("123456789012", Since("id", id="123456789012")),
    ],
)
def test_since(text, since):
    assert read_since(text, False, NOW) == since


def test_a_poll_that_says_nothing_gets_all():
    assert read_since("", True, NOW) == Since("all")
    assert read_since("none", True, NOW) == Since("none")


@pytest.mark.parametrize("text", ["ALL", "yesterday", "-5", "1d", "1.2.3s", "2024-01-01", "abc", "1e5", "10 m"])
def test_what_is_no_since(text):
    assert number(lambda: read_since(text, False, NOW)) == 40008


def test_topics_are_named_once_and_are_none_of_the_reserved():
    assert wanted("x,b,x").topics == ("x", "b")
    for topics in ("", ",", "a,", "a,,b", "x" * 65, "ä", ",".join(f"t{n}" for n in range(MAX_TOPICS + 1))):
        assert number(lambda topics=topics: wanted(topics)) == 40009, topics
    for topics in ("docs", "ops,v1", "ntfy"):
        assert number(lambda topics=topics: wanted(topics)) == 40010, topics


def test_parameters_are_headers_or_the_query_under_any_of_their_names():
    assert wanted(poll="1", scheduled="true").poll and wanted(po="yes").poll and wanted(headers={"x-poll": "1"}).poll
    assert not wanted(poll="0").poll and not wanted().scheduled and wanted(sched="1").scheduled
    assert wanted(headers={"x-since": "all"}).since == wanted(si="all").since == Since("all")
    assert wanted(p="high,1").priorities == {4, 1} and wanted(ta="a, b").tags == {"a", "b"}
    assert number(lambda: wanted(priority="loud")) == 40007


@pytest.mark.parametrize(
    ("query", "taken"),
    [
        ({}, True),
        ({"id": "abcdefghijkl"}, True),
        ({"id": "zzzzzzzzzzzz"}, False),
        ({"message": "hi"}, True),
        ({"message": "h"}, False),
        ({"title": "T"}, False),
        ({"priority": "default"}, True),
        ({"priority": "4,5"}, False),
        ({"tags": "a"}, False),
    ],
)
def test_filters(query, taken):
    assert wanted(**query).takes(MESSAGE) is taken


def test_filters_of_what_a_message_has():
    message = MESSAGE | {"title": "T", "priority": 5, "tags": ["a", "b"]}
    assert wanted(title="T", priority="5", tags="b,a").takes(message)
    assert not wanted(tags="a,c").takes(message) and not wanted(priority="3").takes(message)


def test_clears_and_deletes_pass_the_filters_but_not_the_topics():
    clear = {"event": "message_clear", "topic": "ops", "id": "x"}
    assert wanted(title="T", tags="a").takes(clear) and not wanted("other").takes(clear)
    assert not wanted("other").takes(MESSAGE)
