"""A provider's URL in parts. Its errors hold no user, password, path or query."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any, TypeVar
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from notifier.providers.base import SetupError
from notifier.providers.parameters import Parameter

T = TypeVar("T")
D = TypeVar("D")


DOTS = frozenset({".", ".."})  # no quoting keeps these from leading to another path (RFC 3986 §5.2.4)


class ProviderUrl:
    """The parts of a URL, decoded. Raises `SetupError` where it is none."""

    def __init__(self, text: str) -> None:
        try:
            parts = urlsplit(text)
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
        self._values = dict(pairs)

    @property
    def port(self) -> int | None:
        """The port, where one is named; raises `SetupError`."""
        try:
            return self._parts.port
        except ValueError:
            raise SetupError("a provider's URL is malformed") from None

    def get(self, parameter: Parameter[T], default: D) -> T | D:
        """The value of a parameter, `default` where it is not given; raises `SetupError`."""
        return self._read(parameter) if parameter.name in self._values else default

    def needed(self, parameter: Parameter[T]) -> T:
        """The value of a parameter that has to be there; raises `SetupError`."""
        if not self._values.get(parameter.name):
            raise self.error(f"{parameter.name}= is needed: {parameter.about}")
        return self._read(parameter)

    def refuse_unknown(self, known: Iterable[Parameter[Any]]) -> None:
        """Raises `SetupError` when a parameter is given that the provider does not declare."""
        names = [one.name for one in known]
        unknown = ", ".join(sorted(name[:32] for name in self._values.keys() - set(names)))
        if unknown:
            takes = ", ".join(f"{name}=" for name in names) or "none"
            raise self.error(f"unknown parameter: {unknown} (it takes {takes})")

    def without(self, *parameters: Parameter[Any]) -> str:
        """The URL itself, without these parameters of ours."""
        names = {one.name for one in parameters}
        pairs = [pair for pair in self._parts.query.split("&") if pair and pair.partition("=")[0] not in names]
        return self._parts._replace(query="&".join(pairs)).geturl()

    @property
    def label(self) -> str:
        """A name without user, password or query; a path, which may hold a secret, as four digits of its digest."""
        port = f":{self.port}" if self.port else ""
        path = "" if self.path in ("", "/") else f"/{hashlib.sha256(self.path.encode()).hexdigest()[:4]}"
        return f"{self.scheme}:{self.host}{port}{path}"

    def error(self, text: str) -> SetupError:
        """A `SetupError` that names scheme and host."""
        return SetupError(f"{self.scheme}://{self.host}: {text}")

    def _read(self, parameter: Parameter[T]) -> T:
        try:
            return parameter.read(self._values[parameter.name])
        except ValueError:
            raise self.error(f"{parameter.name}= must be {parameter.form}") from None
