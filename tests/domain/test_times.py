"""Times and durations (contract: words, §2)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.domain.times import format_time, normalise_time, parse_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("500ms", 0.5), ("5s", 5), ("15m", 900), ("24h", 86400), ("7d", 604800), ("30", 30), ("1.5s", 1.5)],
)
def test_duration(text, seconds):
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "s", "5 s", "-5s", "5x", "1e3", "٣s", "5S", "inf", "nan"])
def test_no_duration(text):
    assert parse_duration(text) is None


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2024-01-01T12:00:00Z", "2024-01-01T12:00:00.000Z"),
        ("2024-01-01T12:00:00.1239Z", "2024-01-01T12:00:00.123Z"),
        ("2024-01-01T14:00:00+02:00", "2024-01-01T12:00:00.000Z"),
        ("2024-01-01t12:00:00z", "2024-01-01T12:00:00.000Z"),
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000Z"),
    ],
)
def test_time_is_brought_to_utc(text, utc):
    assert normalise_time(text) == utc


@pytest.mark.parametrize(
    "text", ["", "2024-01-01", "2024-13-01T00:00:00Z", "2024-01-01T12:00:00", "2024-01-01T23:59:60Z", "now"]
)
def test_no_time(text):
    assert normalise_time(text) is None


@given(st.integers(0, 4_000_000_000_000))
def test_format_keeps_every_millisecond(millis):
    text = format_time(millis / 1000)
    assert normalise_time(text) == text
    assert text.endswith(f".{millis % 1000:03d}Z")
