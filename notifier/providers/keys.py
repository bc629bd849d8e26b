"""Private keys of providers, and the tokens that are signed with them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from notifier.providers.base import SetupError

MAX_FILE = 64 * 1024


def read_file(path: str, what: str) -> str:
    """The text of a file that a URL names; raises `SetupError`."""
    try:
        with Path(path).expanduser().open(encoding="utf-8") as file:
            return file.read(MAX_FILE)
    except (OSError, UnicodeDecodeError) as error:
        raise SetupError(f"{what} {path} cannot be read: {type(error).__name__}") from None


def load_key(pem: str, what: str) -> Any:
    """A private key in PEM, loaded once: loading an RSA key anew costs a millisecond each time."""
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        return load_pem_private_key(pem.encode(), None)
    except (ValueError, TypeError):
        raise SetupError(f"{what} is no private key in PEM without a password") from None


class Token:
    """A token that is used until its time is nearly over."""

    def __init__(self, make: Callable[[float], str], life: float, now: Callable[[], float]) -> None:
        """`make` signs a token at a time (Unix seconds) that may be used for `life` seconds."""
        self._make = make
        self._life = life
        self._now = now
        self._value = ""
        self._until = 0.0

    def get(self) -> str:
        """The token."""
        now = self._now()
        if now >= self._until:
            self._value, self._until = self._make(now), now + self._life
        return self._value

    def forget(self) -> None:
        """The next one is made anew."""
        self._until = 0.0
