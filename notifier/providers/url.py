"""A provider's URL taken apart, with every parameter checked and no secret in what is said of it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import TypeVar
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from notifier.domain.times import parse_duration
from notifier.providers.base import SetupError

T = TypeVar("T")
_WITHOUT_PORT = ("twilio", "apprise")  # what stands after their host is something else


class ProviderUrl:
    """What a URL says. Parameters are taken one by one; `done` refuses what nobody took."""

    def __init__(self, text: str) -> None:
        try:
            parts = urlsplit(text)
            self.port = None if parts.scheme.lower() in _WITHOUT_PORT else parts.port
            pairs = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
        except ValueError:
            raise SetupError("a provider's URL is malformed") from None
        self.scheme = parts.scheme.lower()
        self.host = parts.hostname or ""
        self.user = unquote(parts.username or "")
        self.password = unquote(parts.password or "")
        self.path = unquote(parts.path)
        self.netloc_host = unquote(parts.netloc.rpartition("@")[2])  # as it was written: a number may stand there
        self.after_scheme = text.partition("://")[2]
        self._parts: SplitResult = parts
        self._parameters = dict(pairs)

    def text(self, name: str, default: str = "") -> str:
        """A parameter as text."""
        return self._parameters.pop(name, default)

    def needed(self, name: str, what: str) -> str:
        """A parameter that has to be there; raises `SetupError`."""
        value = self.text(name)
        if not value:
            raise self.error(f"{name}= is needed: {what}")
        return value

    def choice(self, name: str, known: tuple[str, ...], default: str) -> str:
        """One of several words; raises `SetupError`."""
        value = self.text(name, default)
        if value not in known:
            raise self.error(f"{name}= must be one of {', '.join(known)}")
        return value

    def share(self, name: str, default: float) -> float:
        """A number of 0 … 1; raises `SetupError`."""
        return self._read(name, default, float, lambda value: 0 <= value <= 1, "a number of 0-1")

    def seconds(self, name: str, default: float, most: float = 60.0) -> float:
        """A duration such as `50ms`, in seconds; raises `SetupError`."""
        return self._read(name, default, _duration, lambda value: value <= most, f"a duration of at most {most:g}s")

    def whole(self, name: str, default: int | None) -> int | None:
        """An integer; raises `SetupError`."""
        return self._read(name, default, int, lambda value: True, "an integer")

    def without(self, *names: str) -> str:
        """The URL itself, less these parameters of ours."""
        pairs = [pair for pair in self._parts.query.split("&") if pair and pair.partition("=")[0] not in names]
        for pair in pairs:
            self._parameters.pop(unquote(pair.partition("=")[0]), None)
        return self._parts._replace(query="&".join(pairs)).geturl()

    @property
    def label(self) -> str:
        """A name without user, password or query; a path, which may hold a secret, as four digits of its digest."""
        port = f":{self.port}" if self.port else ""
        path = "" if self.path in ("", "/") else f"/{hashlib.sha256(self.path.encode()).hexdigest()[:4]}"
        return f"{self.scheme}:{self.host}{port}{path}"

    def done(self) -> None:
        """Raises `SetupError` when a parameter was given that nobody knows."""
        if self._parameters:
            names = ", ".join(sorted(name[:32] for name in self._parameters))
            raise self.error(f"unknown parameter: {names}")

    def error(self, text: str) -> SetupError:
        """What is wrong with this URL."""
        return SetupError(f"{self.scheme}://{self.host}: {text}")

    def _read(self, name: str, default: T, read: Callable[[str], T], fits: Callable[[T], bool], what: str) -> T:
        if name not in self._parameters:
            return default
        text = self._parameters.pop(name)
        try:
            value = read(text)
            if fits(value):
                return value
        except ValueError:
            pass
        raise self.error(f"{name}= must be {what}")


def _duration(text: str) -> float:
    value = parse_duration(text)
    if value is None:
        raise ValueError(text)
    return value
