"""Checks of single values: at the edges of what is taken, and just beyond."""

import pytest

from notifier.domain.checks import (
    MAX_DATA_BYTES,
    MAX_DEPTH,
    MAX_URL,
    bad_text_within,
    data_problem,
    duration_problem,
    is_too_deep,
    seconds_of,
    text_problem,
    time_problem,
    url_problem,
)


def nested(levels, kind=list):
    value = 0
    for _ in range(levels):
        value = [value] if kind is list else {"a": value}
    return value


@pytest.mark.parametrize("text", ["a", "abc", "é😀z", "a\nb"])
def test_text_that_is_taken(text):
    assert text_problem(text, 1, 3) is None


@pytest.mark.parametrize("text", ["", "abcd", "a\0", "a\ud800", None, 5, b"a", ["a"]])
def test_text_that_is_not(text):
    assert text_problem(text, 1, 3)


@pytest.mark.parametrize(
    "url", ["/", "/path?x=1#y", "https://a.example/é", "app+x.y-z://open", "/" + "x" * (MAX_URL - 1)]
)
def test_urls_that_are_taken(url):
    assert url_problem(url) is None


@pytest.mark.parametrize(
    "url",
    [
        *("", "path", "//a b", "javascript://x", "JavaScript://%0aalert(1)", "data://x", "vbscript://x", "1a://x"),
        *("a:/x", "https://a\n", "https://a b", "/" + "x" * MAX_URL, None, 5),
    ],
)
def test_urls_that_are_not(url):
    assert url_problem(url)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("15m", 900.0),
        ("1h", 3600.0),
        (90, 90.0),
        (0.5, 0.5),
        (True, None),
        (1e12, None),
        (float("nan"), None),
        (None, None),
    ],
)
def test_seconds_as_text_or_as_a_number(value, seconds):
    assert seconds_of(value) == seconds


def test_durations_within_bounds():
    assert [duration_problem(value, 1.0, 60.0) is None for value in (1, 60, "1m", 0.99, 61, "2m", "x")] == [
        True
    ] * 3 + [False] * 4


@pytest.mark.parametrize("value", ["2024-01-01T12:00:00Z", "2024-01-01T12:00:00.5+03:00"])
def test_times_that_are_taken(value):
    assert time_problem(value) is None


@pytest.mark.parametrize("value", ["2024-01-01", "2024-01-01T12:00:00", "2024-13-01T12:00:00Z", "now", 5, None])
def test_times_that_are_not(value):
    assert time_problem(value)


def test_data_up_to_its_size():
    room = MAX_DATA_BYTES - len('{"a":""}')
    assert data_problem({"a": "x" * room}) is None
    assert data_problem({"a": "x" * (room + 1)})
    assert [bool(data_problem(value)) for value in ([], "x", None, {"a": "\0"}, {"\ud800": 1})] == [True] * 5


@pytest.mark.parametrize("kind", [list, dict])
def test_depth(kind):
    assert not is_too_deep(nested(MAX_DEPTH, kind)) and is_too_deep(nested(MAX_DEPTH + 1, kind))
    assert is_too_deep(nested(100_000, kind))


def test_bad_text_at_any_depth():
    assert bad_text_within([{"a": [{"b": "\0"}]}]) and bad_text_within({"a\0": 1}) and bad_text_within(["\udfff"])
    assert not bad_text_within([{"a": [{"b": "fine"}]}, 5, None])
