"""Numbers, spans and times as a person reads them at a glance; nothing wider than nine cells."""

from __future__ import annotations

from tui.times import TIMES

NONE = "–"
_MAGNITUDES = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))
_SPANS = ((86_400.0, "d"), (3_600.0, "h"), (60.0, "min"))


def count(number: float | None) -> str:
    """`1,204`, and from a hundred thousand on `123k`, `1.2M`."""
    if number is None:
        return NONE
    if abs(number) < 100_000:
        return f"{round(number):,}"
    size, letter = next(pair for pair in _MAGNITUDES if abs(number) >= pair[0] * 0.9995)
    scaled = number / size
    return f"{scaled:.1f}{letter}" if abs(scaled) < 9.95 else f"{scaled:.0f}{letter}"


def short(number: float | None) -> str:
    """The same in at most five characters: from ten thousand on `12k`."""
    if number is None or abs(number) < 9_999.5:
        return count(number)
    size, letter = next(pair for pair in _MAGNITUDES if abs(number) >= pair[0] * 0.9995)
    return f"{number / size:.0f}{letter}"


def rate(per_second: float | None) -> str:
    """A number of things a second: `0`, `0.4`, `12`, `1,204`."""
    if per_second is None or per_second >= 9.95 or per_second == int(per_second):
        return count(per_second)
    return f"{per_second:.1f}"


def milliseconds(value: float | None) -> str:
    """A latency given in milliseconds: `0.8 ms`, `120 ms`, `1.2 s`."""
    if value is None:
        return NONE
    if value < 9.95:
        return f"{value:.1f} ms"
    if value < 999.5:
        return f"{value:.0f} ms"
    return f"{value / 1000:.1f} s" if value < 59_950 else span(value / 1000)


def span(seconds: float | None) -> str:
    """A length of time given in seconds: `4 s`, `3 min`, `2 h`, `5 d`; never negative."""
    if seconds is None:
        return NONE
    for size, unit in _SPANS:
        if seconds >= size:
            return f"{count(int(seconds // size))} {unit}"
    return f"{max(0, int(seconds))} s"


def size(octets: int | None) -> str:
    """A number of bytes: `512 B`, `1.5 KiB`, `3.0 MiB`."""
    if octets is None:
        return NONE
    value = float(octets)
    for unit in ("B", "KiB", "MiB"):
        if value < 1024:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1024
    return f"{value:.1f} GiB"


def clock(moment: float | None) -> str:
    """The time of day of a moment in unix seconds: `14:03:22`."""
    return NONE if moment is None else TIMES.at(moment).strftime("%H:%M:%S")


def stamp(moment: float | None) -> str:
    """Date and time to the millisecond: `2026-01-31 14:03:22.123 UTC`, or `15:03:22.123 +01:00` in local time."""
    if moment is None:
        return NONE
    text = TIMES.at(moment).isoformat(sep=" ", timespec="milliseconds")
    return f"{text[:-6]} {'UTC' if TIMES.zone else text[-6:]}"


def plural(number: int, noun: str, several: str = "") -> str:
    """`1 connection`, `1,204 connections`; `several` where an s is not enough."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {several or noun + 's'}"
