"""Scopes, callers and API keys. Contract §10."""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import StrEnum
from typing import NamedTuple

from notifier.domain.checks import text_problem
from notifier.domain.doors import DoorTerms
from notifier.domain.users import User

MAX_NAME = 64
MAX_SCOPES = 16  # repeats are none
_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9 ._@+\-]{0,62}[A-Za-z0-9._@+\-])?").fullmatch


class Scope(StrEnum):
    """A scope of a key: endpoints that send, endpoints that read, those and what the operators' API shows, or all."""

    NOTIFY = "notify"
    READ = "read"
    OBSERVE = "observe"
    ADMIN = "admin"


class Caller(NamedTuple):
    """The caller of a request.

    `name` is `anybody`, `admin-token`, `key:NAME` or `user:1-alice`: what follows a colon cannot hold one, so that no
    two kinds share a name. `user` is the inbox user that a token names, `expires_at` its end in Unix seconds; `key_id`
    is an API key's id, else empty.
    """

    name: str
    scopes: frozenset[Scope] = frozenset()
    user: User | None = None
    expires_at: float | None = None
    key_id: str = ""

    @property
    def identity(self) -> str:
        """The name of one caller alone: two API keys may be called the same, and are two callers."""
        return f"key:{self.key_id}" if self.key_id else self.name

    def may(self, scope: Scope) -> bool:
        """True for a caller with this scope; `admin` includes the others, `observe` includes `read`."""
        return scope in self.scopes or Scope.ADMIN in self.scopes or (scope is Scope.READ and self._observes)

    @property
    def _observes(self) -> bool:
        return Scope.OBSERVE in self.scopes

    def may_follow(self, user: User) -> bool:
        """True where the caller may open a user's inbox: their own, or any with the scope `admin`."""
        return self.user == user or Scope.ADMIN in self.scopes


ANYBODY = Caller("anybody", frozenset(Scope))  # with `AUTH_MODE=none`
ADMIN_TOKEN = Caller("admin-token", frozenset(Scope))


class ApiKey(NamedTuple):
    """An API key without its secret; `created_at` is RFC 3339, `expires_at` Unix seconds. `door` are the terms of a key
    that opens a door, and nothing else."""

    id: str
    name: str
    scopes: tuple[Scope, ...]
    created_at: str
    expires_at: float | None = None
    door: DoorTerms | None = None


class KeyRequest(NamedTuple):
    """A valid request for an API key; a door's key has no scopes."""

    name: str
    scopes: tuple[Scope, ...]
    expires_at: float | None = None
    door: DoorTerms | None = None


def name_problem(value: object) -> str | None:
    """The name of a key: 1-64 letters, digits, spaces and `. _ @ + -`, a letter or digit first."""
    return text_problem(value, 1, MAX_NAME) or (None if _NAME(str(value)) else _NAME_EXPECTED)


def scopes_problem(value: object) -> str | None:
    """The scopes of a key: a list of at least one."""
    if type(value) is list and 1 <= len(value) <= MAX_SCOPES and all(scope in list(Scope) for scope in value):
        return None
    return f"must be a list of {', '.join(Scope)}"


def ordered(names: Iterable[str]) -> tuple[Scope, ...]:
    """Scopes by their names, each once, in the order of `Scope`."""
    wanted = set(names)
    return tuple(scope for scope in Scope if scope in wanted)


_NAME_EXPECTED = "must be letters, digits, spaces and . _ @ + -, with a letter or digit first"
