"""Parameters of providers' URLs: declared once on the class, with the description that errors and the guide print."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic, NamedTuple, TypeVar

from notifier.domain.times import parse_duration

T = TypeVar("T")


class Parameter(NamedTuple, Generic[T]):
    """`name=` of a URL. `about` describes it in one clause; `read` makes a value of its text, or raises `ValueError`,
    and `form` says what it takes."""

    name: str
    about: str
    read: Callable[[str], T]
    form: str = "text"


def text(name: str, about: str) -> Parameter[str]:
    """Any text."""
    return Parameter(name, about, str)


def choice(name: str, words: Sequence[str], about: str) -> Parameter[str]:
    """One of several words."""

    def read(given: str) -> str:
        if given not in words:
            raise ValueError(given)
        return given

    return Parameter(name, about, read, f"one of {', '.join(words)}")


def share(name: str, about: str) -> Parameter[float]:
    """A number of 0-1."""

    def read(given: str) -> float:
        value = float(given)
        if not 0 <= value <= 1:
            raise ValueError(given)
        return value

    return Parameter(name, about, read, "a number of 0-1")


def duration(name: str, about: str, most: float = 60.0) -> Parameter[float]:
    """A duration such as `50ms`, in seconds, `most` at most."""

    def read(given: str) -> float:
        value = parse_duration(given)
        if value is None or value > most:
            raise ValueError(given)
        return value

    return Parameter(name, about, read, f"a duration of at most {most:g}s")


def whole(name: str, about: str) -> Parameter[int]:
    """An integer."""
    return Parameter(name, about, int, "an integer")
