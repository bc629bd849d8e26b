"""This pod's connections, by user and by id. Knows nothing of Redis."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from notifier.live.connection import Connection, Position
from notifier.live.cursor import Cursor
from notifier.live.frames import encode_text


class Member:
    """A user with connections here: those connections, the pod that holds the user's lock (empty: nobody), and how far
    the connections have been handed the stream. `watching` of them are told of states or counts."""

    __slots__ = ("connections", "cursor", "owner", "watching")

    def __init__(self) -> None:
        self.connections: list[Connection] = []
        self.owner = ""
        self.watching = 0
        self.cursor = Cursor()

    @property
    def seen(self) -> Position | None:
        """The position up to which every connection has been sent everything; None before one has its inbox."""
        return min((c.seen for c in self.connections if c.placed and c.open), default=None)


class Hub:
    """All connections of this pod."""

    def __init__(self) -> None:
        self._members: dict[str, Member] = {}
        self._by_id: dict[str, Connection] = {}
        self._per_address: dict[str, int] = {}
        self.on_change: Callable[[str, Sequence[tuple[bytes, bytes]]], None] = lambda user, pairs: None

    def __len__(self) -> int:
        return len(self._by_id)

    def __iter__(self) -> Iterator[Connection]:
        return iter(list(self._by_id.values()))

    @property
    def users(self) -> list[str]:
        """Keys of the users with connections here."""
        return list(self._members)

    def owned(self, pod: str) -> int:
        """Of how many users here `pod` holds the lock."""
        return sum(1 for member in self._members.values() if member.owner == pod)

    @property
    def owners(self) -> set[str]:
        """The pods that hold locks of users with connections here."""
        return {member.owner for member in self._members.values()}

    def member(self, user: str) -> Member | None:
        """A user with connections here."""
        return self._members.get(user)

    def get(self, connection_id: str) -> Connection | None:
        """A connection by its id."""
        return self._by_id.get(connection_id)

    def count(self, user: str) -> int:
        """Connections of one user here."""
        member = self._members.get(user)
        return len(member.connections) if member else 0

    def at_address(self, address: str) -> int:
        """Connections from one address here."""
        return self._per_address.get(address, 0)

    def add(self, connection: Connection) -> Member:
        """Takes a connection in; its user's entry."""
        member = self._members.setdefault(connection.user_key, Member())
        member.connections.append(connection)
        member.watching += bool(connection.telling)
        self._by_id[connection.id] = connection
        address = connection.remote
        self._per_address[address] = self._per_address.get(address, 0) + 1
        return member

    def remove(self, connection: Connection) -> bool:
        """Forgets a connection; True if it was its user's last here."""
        if self._by_id.pop(connection.id, None) is None:
            return False
        self._leave_address(connection.remote)
        member = self._members[connection.user_key]
        member.connections.remove(connection)
        member.watching -= bool(connection.telling)
        if not member.connections:
            del self._members[connection.user_key]
            return True
        return False

    def push(self, user: str, position: Position, text: bytes) -> int:
        """Sends the text of a stream entry to every connection of the user that has not had it; to how many."""
        member = self._members.get(user)
        if member is None:
            return 0
        frame = encode_text(text)
        if member.watching:
            self.on_change(user, ())
        if len(member.connections) == 1:
            return int(member.connections[0].push(position, frame))
        return sum(connection.push(position, frame) for connection in tuple(member.connections))

    def tell(self, user: str, texts: Sequence[bytes], to: str = "") -> int:
        """Sends texts that are no stream entries to every connection of the user; with `to`, to those that asked for
        `states`, or to the `plain` ones, which did not. To how many."""
        member = self._members.get(user)
        if member is None or not texts:
            return 0
        told = 0
        frames = b"".join(map(encode_text, texts))
        for connection in tuple(member.connections):
            if not to or ("states" in connection.telling) == (to == "states"):
                connection.tell(frames)
                told += 1
        return told

    def note_change(self, user: str, pairs: Sequence[tuple[bytes, bytes]]) -> None:
        """Something changed in a user's inbox: `pairs` of stream and notification id took another state."""
        member = self._members.get(user)
        if member is not None and member.watching:
            self.on_change(user, pairs)

    def tick(self, now: float) -> None:
        """Has every connection check its deadlines; `now` is monotonic seconds."""
        for connection in self:
            if now >= connection.expires_at:
                connection.expire()
            else:
                connection.tick(now)

    def close_all(self, code: int, reason: str) -> None:
        """Begins the closing handshake with everybody."""
        for connection in self:
            connection.close(code, reason)

    def _leave_address(self, address: str) -> None:
        left = self._per_address.get(address, 0) - 1
        if left > 0:
            self._per_address[address] = left
        else:
            self._per_address.pop(address, None)
