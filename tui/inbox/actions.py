"""Operations on connections and inboxes, each with its question."""

from __future__ import annotations

from dataclasses import dataclass

from tui.client import AdminClient, ApiError, Failure
from tui.humanise import plural
from tui.inbox.model import UserFacts
from tui.model import UserKey


@dataclass(frozen=True)
class DisconnectOne:
    """Closes one connection."""

    connection_id: str
    user: UserKey
    remote: str

    async def question(self, client: AdminClient) -> str | None:
        """Names the connection, its user and where it comes from."""
        return f"Disconnect 1 connection of {self.user} from {self.remote or 'an unknown address'}?"

    async def perform(self, client: AdminClient) -> str:
        """Closes it."""
        await client.disconnect(self.connection_id)
        return f"Disconnected 1 connection of {self.user}"


class DisconnectUser:
    """Closes every connection of a user that was open when the question was asked."""

    def __init__(self, user: UserKey) -> None:
        self.user = user
        self._connections: list[str] = []

    async def question(self, client: AdminClient) -> str | None:
        """Names the user and how many connections there are now."""
        facts = UserFacts.read(await client.user(self.user), user=self.user)
        self._connections = [row.connection_id for row in facts.connections]
        many = len(self._connections)
        return f"Disconnect {plural(many, 'connection')} of {self.user}?" if many else None

    async def perform(self, client: AdminClient) -> str:
        """Closes them one by one; one that has gone meanwhile is no failure."""
        closed = 0
        for connection_id in self._connections:
            closed += await _closed(client, connection_id)
        return f"Disconnected {plural(closed, 'connection')} of {self.user}"


@dataclass(frozen=True)
class ClearPending:
    """Removes what a user has unread."""

    user: UserKey

    async def question(self, client: AdminClient) -> str | None:
        """Names the user and how many are unread now."""
        many = UserFacts.read(await client.user(self.user), user=self.user).pending
        if not many:
            return None
        return f"Clear {plural(many, 'unread notification')} of {self.user}? They are removed and the user is told."

    async def perform(self, client: AdminClient) -> str:
        """Removes them."""
        return f"Cleared {plural(await client.clear(self.user), 'unread notification')} of {self.user}"


async def _closed(client: AdminClient, connection_id: str) -> bool:
    try:
        await client.disconnect(connection_id)
    except ApiError as error:
        if error.failure is not Failure.NOT_FOUND:
            raise
        return False
    return True
