"""Anything that one can go to: what the server found, and the views. No I/O."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated

from tui.model import Ownerless, UserKey
from tui.record import Json, Moment, Raw, Read, Row, Text, rows, text, whole

VIEW = "view"


def _user(row: Json) -> UserKey | None:
    found = UserKey(whole(row, "user_id"), text(row, "login"))
    if found.id and found.login:
        return found
    return UserKey.parse(text(row, "id")) if text(row, "kind") in ("user", "login") else None


@dataclass(frozen=True, slots=True)
class Found(Ownerless, Read):
    """A place to go to, as a row of `GET find`: `kind` and `id` name it, `label` says more of it."""

    kind: Text
    id: Text
    label: Text
    at: Moment
    user: Annotated[UserKey | None, Row(_user)]
    raw: Raw

    @property
    def identity(self) -> str:
        """The id that `y` copies."""
        return self.id

    @property
    def haystack(self) -> str:
        """The text that a filter searches, in lower case."""
        return f"{self.kind} {self.id} {self.label}".lower()


def read_found(answer: Json) -> list[Found]:
    """The rows of `GET find`."""
    return [Found.read(row) for row in rows(answer, "results") if text(row, "id")]


def views_named(typed: str, views: Iterable[tuple[str, str]]) -> list[Found]:
    """The views, of (name, title), one of whose words begins with what is typed."""
    typed = typed.strip().lower()
    return [
        Found.read({"kind": VIEW, "id": name, "label": title})
        for name, title in views
        if typed and (name.startswith(typed) or any(_tail.startswith(typed) for _tail in _tails(title.lower())))
    ]


def _tails(title: str) -> list[str]:
    words = title.split()
    return [" ".join(words[place:]) for place in range(len(words))]


def guessed(typed: str) -> list[Found]:
    """The thing that a text names by its form alone, for a server that does not search: a user, or a delivery's id."""
    typed = typed.strip()
    if (user := UserKey.parse(typed)) is not None:
        return [Found.read({"kind": "user", "id": str(user), "label": user.login})]
    looks_like_id = len(typed) == 36 and typed.count("-") == 4
    return [Found.read({"kind": "delivery", "id": typed.lower(), "label": "by its id"})] if looks_like_id else []


def the_one(typed: str, found: list[Found]) -> Found | None:
    """The one that is meant without a choice: the only one, or the only one of exactly this name."""
    exact = [each for each in found if typed.strip().lower() in (each.id.lower(), each.label.lower())]
    if len(exact) == 1:
        return exact[0]
    return found[0] if len(found) == 1 else None
