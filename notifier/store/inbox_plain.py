"""The place of plain commands beside the scripts of inboxes: `express.py` sits here unless `LEAN_PATH=off`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from notifier.errors import NotifierError
from notifier.store.inbox_values import Accepted, Announce, Arrivals, Item


class PlainPath(Protocol):
    """Plain commands in place of scripts: `express.py`."""

    def alone(self, user: str, length: int | None) -> None: ...
    def serves(self, user: str) -> bool: ...
    def forget(self, user: str) -> None: ...
    def forget_all(self) -> None: ...
    def taking(self, users: Iterable[str]) -> Callable[[bool], None]: ...
    def unseen(self, user: str, fresh: list[bytes | int | None]) -> list[bytes | int | None]: ...
    def submit(
        self, items: Sequence[Item], on_part: Announce, on_accepted: Callable[[Accepted | NotifierError], None]
    ) -> bool: ...
    def read(
        self,
        user: str,
        pairs: Sequence[tuple[str, str]],
        on_read: Callable[[list[int] | NotifierError, list[bytes]], None],
    ) -> bool: ...
    def bring_up_to_date(self) -> None: ...


class PlainSeat:
    """The plain path of one store, or none: then scripts do all of it, and every method here does nothing."""

    __slots__ = ("path",)

    def __init__(self) -> None:
        self.path: PlainPath | None = None

    @property
    def flag(self) -> int:
        """1 where there is a plain path, as an argument of scripts."""
        return int(self.path is not None)

    def taking(self, users: Iterable[str]) -> Callable[[bool], None]:
        """A script leaves that takes what is new to these users; to be called with its reply, and whether that is no
        error: what this returns."""
        return nothing if self.path is None else self.path.taking(users)

    def unseen(self, user: str, arrivals: Arrivals) -> Arrivals:
        """Arrivals without what plain commands have handed out."""
        if self.path is None or not arrivals.fresh:
            return arrivals
        return Arrivals(arrivals.owner, self.path.unseen(user, arrivals.fresh), arrivals.others)

    def note_alone(self, user: str, length: int | None) -> None:
        """A script has said whether this pod serves a user alone: how many entries there are, or None."""
        if self.path is not None:
            self.path.alone(user, length)

    def forget(self, user: str) -> None:
        """The user has no connections here any more."""
        if self.path is not None:
            self.path.forget(user)

    def forget_all(self) -> None:
        """The connection to the store broke: plain commands wait until scripts have read on."""
        if self.path is not None:
            self.path.forget_all()

    def bring_up_to_date(self) -> None:
        """Brings the indexes up to date with all that plain commands have stored."""
        if self.path is not None:
            self.path.bring_up_to_date()

    def shared(self, users: Iterable[str]) -> list[str]:
        """Those of the users for whom plain commands might be of use and are not allowed: yet, or any more."""
        return [] if self.path is None else [user for user in users if not self.path.serves(user)]


def nothing(well: bool) -> None:
    """No plain commands: nothing to note."""
