"""Numbers as a person reads them."""

import pytest

from tui import humanise


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        (None, "–"),
        (0, "0"),
        (1204, "1,204"),
        (99_999, "99,999"),
        (100_000, "100k"),
        (999_499, "999k"),
        (999_999, "1.0M"),
        (1_250_000, "1.2M"),
        (45_000_000, "45M"),
        (3e9, "3.0G"),
        (7e15, "7000T"),
    ],
)
def test_counts(number: float | None, shown: str) -> None:
    assert humanise.count(number) == shown


@pytest.mark.parametrize(
    ("value", "shown"), [(0, "0"), (3.0, "3"), (0.44, "0.4"), (9.96, "10"), (1204.4, "1,204"), (None, "–")]
)
def test_rates(value: float | None, shown: str) -> None:
    assert humanise.rate(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [(None, "–"), (0.84, "0.8 ms"), (12.3, "12 ms"), (999.4, "999 ms"), (1200, "1.2 s"), (120_000, "2 min")],
)
def test_latencies(value: float | None, shown: str) -> None:
    assert humanise.milliseconds(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [(None, "–"), (-3, "0 s"), (59.9, "59 s"), (60, "1 min"), (7200, "2 h"), (86_400 * 5, "5 d")],
)
def test_spans(value: float | None, shown: str) -> None:
    assert humanise.span(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"), [(None, "–"), (512, "512 B"), (1536, "1.5 KiB"), (3 << 20, "3.0 MiB"), (5 << 30, "5.0 GiB")]
)
def test_sizes(value: int | None, shown: str) -> None:
    assert humanise.size(value) == shown


def test_times_are_utc() -> None:
    assert humanise.clock(1_704_110_400.5) == "12:00:00"
    assert humanise.stamp(1_704_110_400.5) == "2024-01-01 12:00:00.500 UTC"
    assert humanise.stamp(None) == humanise.clock(None) == "–"


def test_plural() -> None:
    assert humanise.plural(1, "user") == "1 user"
    assert humanise.plural(1204, "user") == "1,204 users"
