"""The lists and pages of the inbox: their requests, and the events that make them stale."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

from tui.client import AdminClient, ApiError, Failure
from tui.deliveries.model import Delivery
from tui.inbox.model import Client, Entry, User
from tui.model import UserKey
from tui.record import Json, rows, whole
from tui.subjects import Paged, Snapshot
from tui.why import deliveries_of

UNKNOWN = "never seen, or all of theirs has expired"


@dataclass
class UserDetail:
    """A user's facts, inbox and newest deliveries."""

    facts: Json
    entries: list[Entry]
    stored: int
    deliveries: list[Delivery]


@dataclass(frozen=True)
class OneUser:
    """One user with the inbox."""

    user: UserKey
    topics: tuple[str, ...] = ("client.", "notification.", "delivery.")
    interval: float = 10.0

    async def load(self, client: AdminClient) -> AsyncIterator[UserDetail]:
        """All of it in one go."""
        facts = await client.user(self.user)
        entries, stored = await _inbox(client, self.user)
        detail = UserDetail(facts, entries, stored, await deliveries_of(client, self.user))
        if not detail.entries and not rows(facts, "connections"):
            await _must_be_known(client, self.user)
        yield detail


@dataclass(frozen=True)
class Inbox:
    """The history of one user."""

    user: UserKey
    topics: tuple[str, ...] = ("notification.",)
    interval: float = 15.0

    async def load(self, client: AdminClient) -> AsyncIterator[Snapshot[Entry]]:
        """The newest thousand; raises `ApiError` for a user whom the server does not know."""
        entries, stored = await _inbox(client, self.user)
        if not entries:
            await _must_be_known(client, self.user)
        yield Snapshot(entries, stored)


class AllUsers(Paged[User]):
    """The users known. Where they are too many to load, those whose key or login begins with `prefix` are added."""

    def __init__(self) -> None:
        super().__init__(AdminClient.users, read_users, "total", ("client.", "notification."))
        self.prefix = ""

    async def load(self, client: AdminClient) -> AsyncIterator[Snapshot[User] | None]:
        """As `Paged`, the last time with those of the prefix."""
        whole_list: Snapshot[User] | None = None
        async for snapshot in super().load(client):
            if whole_list is not None and snapshot is not None:
                yield whole_list
            whole_list = snapshot or whole_list
        if self.prefix and whole_list is not None and whole_list.total > len(whole_list.rows):
            answer = await client.users(prefix=self.prefix)
            merged = {row.user: row for row in [*read_users(answer), *whole_list.rows]}
            whole_list = Snapshot(list(merged.values()), whole_list.total)
        if whole_list is not None:
            yield whole_list


async def _must_be_known(client: AdminClient, user: UserKey) -> None:
    """The server answers for any well-formed key, also for one that nobody ever had; its list of users tells."""
    known = read_users(await client.users(prefix=str(user)))
    if all(row.user != user for row in known):
        raise ApiError(Failure.NOT_FOUND, f"the server knows no user {user}: {UNKNOWN}")


async def _inbox(client: AdminClient, user: UserKey) -> tuple[list[Entry], int]:
    answer = await client.history(user)
    return [Entry.read(row, user=user) for row in rows(answer, "notifications")], whole(answer, "total")


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
        Entry.read(row, user=user)
        for key, entries in pairs
        if (user := UserKey.parse(str(key))) is not None
        for row in rows({"entries": entries}, "entries")
    ]


def all_clients() -> Paged[Client]:
    """Every open connection of every instance."""
    return Paged(AdminClient.clients, read_clients, "total", ("client.", "notification."))


def all_pending() -> Paged[Entry]:
    """Every unread notification."""
    return Paged(AdminClient.pending, read_pending, "total_pending", ("notification.",))
