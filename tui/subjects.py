"""What a view wants kept fresh, and how it is fetched. No Textual."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from tui.client import AdminClient
from tui.model import Client, Entry, Json, Record, User, UserKey, rows, text, whole

ROWS_MAX = 10_000
TEXT_MAX = 16_000_000  # characters of searchable text in all rows: where messages are long, fewer rows are loaded
Row = TypeVar("Row")
Found = TypeVar("Found", bound=Record)


class Subject(Protocol):
    """Something that is fetched again when an event of its topics comes, and now and then."""

    @property
    def topics(self) -> tuple[str, ...]:
        """Starts of the types of events that make it stale."""
        ...

    @property
    def interval(self) -> float:
        """Seconds after which it is fetched again without an event."""
        ...

    def load(self, client: AdminClient) -> AsyncIterator[object]:
        """Gives what is known so far, more complete each time, or None for "still at it". Raises `ApiError`."""
        ...


@dataclass
class Snapshot(Generic[Row]):
    """Rows of a table, and how many the server has in all."""

    rows: list[Row]
    total: int


@dataclass
class Paged(Generic[Found]):
    """A table that comes page by page, at most `ROWS_MAX` rows or `TEXT_MAX` characters of it."""

    page: Callable[[AdminClient, str], Awaitable[Json]]
    read: Callable[[Json], list[Found]]
    total: str
    topics: tuple[str, ...]
    interval: float = 15.0

    async def load(self, client: AdminClient) -> AsyncIterator[Snapshot[Found] | None]:
        """The first page as soon as it is there, None for each on the way, then all of them."""
        found: list[Found] = []
        cursor, text_held = "", 0
        while len(found) < ROWS_MAX and text_held < TEXT_MAX:
            answer = await self.page(client, cursor)
            page = self.read(answer)
            found += page
            text_held += sum(len(row.haystack) for row in page)
            following = text(answer, "next_cursor")
            if not following or following == cursor:
                yield Snapshot(found, len(found))
                return
            yield None if cursor else Snapshot(list(found), whole(answer, self.total))
            cursor = following
        yield Snapshot(found[:ROWS_MAX], whole(answer, self.total))


@dataclass
class UserDetail:
    """A user's facts and inbox."""

    facts: Json
    entries: list[Entry]
    stored: int


@dataclass(frozen=True)
class OneUser:
    """One user with the inbox."""

    user: UserKey
    topics: tuple[str, ...] = ("client.", "notification.")
    interval: float = 10.0

    async def load(self, client: AdminClient) -> AsyncIterator[UserDetail]:
        """Facts and inbox, in one go."""
        facts = await client.user(self.user)
        yield UserDetail(facts, *(await _inbox(client, self.user)))


@dataclass(frozen=True)
class Inbox:
    """The history of one user."""

    user: UserKey
    topics: tuple[str, ...] = ("notification.",)
    interval: float = 15.0

    async def load(self, client: AdminClient) -> AsyncIterator[Snapshot[Entry]]:
        """The newest thousand."""
        yield Snapshot(*(await _inbox(client, self.user)))


class AllUsers(Paged[User]):
    """The users known. Where they are too many to load, those whose key or login begins with `prefix` are added."""

    def __init__(self) -> None:
        super().__init__(AdminClient.users, read_users, "total", ("client.", "notification."))
        self.prefix = ""

    async def load(self, client: AdminClient) -> AsyncIterator[Snapshot[User] | None]:
        """As `Paged`, then once more with those of the prefix."""
        whole_list: Snapshot[User] | None = None
        async for snapshot in super().load(client):
            whole_list = snapshot or whole_list
            yield snapshot
        if self.prefix and whole_list is not None and whole_list.total > len(whole_list.rows):
            answer = await client.users(prefix=self.prefix)
            merged = {row.user: row for row in [*read_users(answer), *whole_list.rows]}
            yield Snapshot(list(merged.values()), whole_list.total)


async def _inbox(client: AdminClient, user: UserKey) -> tuple[list[Entry], int]:
    answer = await client.history(user)
    return [Entry.read(user, row) for row in rows(answer, "notifications")], whole(answer, "total")


def read_clients(answer: Json) -> list[Client]:
    """The rows of a page of connections."""
    return [Client.read(row) for row in rows(answer, "clients")]


def read_users(answer: Json) -> list[User]:
    """The rows of a page of users."""
    return [User.read(row) for row in rows(answer, "users")]


def read_pending(answer: Json) -> list[Entry]:
    """The rows of a page of unread notifications, which come by user."""
    found = answer.get("pending_notifications")
    pairs = found.items() if isinstance(found, dict) else ()
    return [
        Entry.read(user, row)
        for key, entries in pairs
        if (user := UserKey.parse(str(key))) is not None
        for row in rows({"entries": entries}, "entries")
    ]
