"""Operations that cannot be undone: a question, then the deed. No Textual."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from tui.client import AdminClient


class Action(Protocol):
    """Something that cannot be undone."""

    async def question(self, client: AdminClient) -> str | None:
        """The question: the operation, its object and the number, as of now; None where there is nothing to do."""
        ...

    async def perform(self, client: AdminClient) -> str:
        """Does it; what was done, in words. Raises `ApiError`."""
        ...


@dataclass(frozen=True)
class Choice:
    """One of several operations, by the letter that chooses it; `help` says what comes of it."""

    key: str
    label: str
    help: str
    action: Action
