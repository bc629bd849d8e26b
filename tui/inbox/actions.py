"""Operations on connections and inboxes, each with its question."""

from __future__ import annotations

from dataclasses import dataclass

from tui.actions import Choice
from tui.client import AdminClient, ApiError, Failure
from tui.humanise import plural
from tui.inbox.model import Entry, UserFacts
from tui.model import UserKey
from tui.record import rows, text, whole

_MESSAGE_MAX = 40  # characters of a message in a question
MARKS = (  # letter, mark, what comes of it
    ("s", "seen", "shown to them, and not read"),
    ("r", "read", "no longer unread"),
    ("u", "unread", "unread again"),
    ("a", "archived", "read, and out of the main list"),
    ("b", "unarchived", "back in the main list"),
    ("x", "acted", "read, and done with"),
)


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


@dataclass(frozen=True)
class MarkOne:
    """Marks one notification in its user's inbox, as that user would."""

    user: UserKey
    notification_id: str
    mark: str

    async def question(self, client: AdminClient) -> str | None:
        """Names the notification and its state now; raises `ApiError` where it must stay read."""
        item = await client.inbox_item(self.user, self.notification_id)
        entry = Entry.read({**item, "payload": item}, user=self.user)
        if entry.is_marked(self.mark):
            return None
        if self.mark == "unread" and entry.stays_read:
            raise ApiError(Failure.REJECTED, f"it is {entry.state}, and stays read")
        named = f"\u201c{entry.message[:_MESSAGE_MAX]}\u201d of {self.user}, {entry.state} now"
        return f"Mark 1 notification, {named}, as {self.mark}? All of their devices are told."

    async def perform(self, client: AdminClient) -> str:
        """Marks it."""
        answer = await client.mark(self.user, self.notification_id, self.mark)
        refused = next((text(row, "error") for row in rows(answer, "errors")), "")
        if refused:
            raise ApiError(Failure.REJECTED, f"the server answers {refused}")
        said = "Marked" if whole(answer, "changed") else "Others had marked"
        return f"{said} 1 notification of {self.user} as {self.mark}"


def marks_of(entry: Entry) -> list[Choice]:
    """The marks to choose from for a notification."""
    return [Choice(key, mark, said, MarkOne(entry.user, entry.notification_id, mark)) for key, mark, said in MARKS]


async def _closed(client: AdminClient, connection_id: str) -> bool:
    try:
        await client.disconnect(connection_id)
    except ApiError as error:
        if error.failure is not Failure.NOT_FOUND:
            raise
        return False
    return True
