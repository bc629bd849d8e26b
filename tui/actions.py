"""Operations that cannot be undone: a question, then the deed. No Textual."""

from __future__ import annotations

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
