"""Users whom this pod serves alone, and what of theirs was handed out and is still unread."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from notifier.domain.notifications import target_json
from notifier.domain.users import User, parse_user_key
from notifier.store.keys import GROUP, Keys
from notifier.store.lean.packed import add_entry, bulk, mark_read, move_group

BOOKED_MAX = 16  # pairs remembered of a user that the group has had: 3 KiB

GROUP_NAME = bulk(GROUP)


class Sole:
    """A user whom this instance serves alone: their commands as far as they are always the same, and their entries.

    `pushed` are entries that were handed out and are new to the group, notification id -> stream id, in the order of
    the stream; `booked` the latest of those that the group's consumer was given. `taking` scripts on their way take
    what is new, `takes` ever did. `queued` and `confirmed` count what was stored here, up to `limit`: then the script
    has to make room. `soonest` are the ms after which the first payload goes that the indexes do not know of (0: they
    know all); `waits` says that the entries are to be booked soon. Once not `alive` it is no longer looked at.
    """

    __slots__ = (
        "alive",
        "booked",
        "confirmed",
        "key",
        "limit",
        "mark",
        "marks",
        "member",
        "move",
        "name",
        "pushed",
        "queued",
        "soonest",
        "stream",
        "takes",
        "taking",
        "user",
        "waits",
        "xadd",
    )

    def __init__(self, user: User, keys: Keys) -> None:
        key = user.key
        stream = bulk(keys.stream(key))
        self.user = user
        self.key = key
        self.member = target_json(user.id, user.login)
        self.stream = stream
        self.name = bulk(keys.sole(key))
        self.xadd = add_entry(stream)
        self.mark = mark_read(bulk(keys.state(key)))
        self.marks = bulk(keys.marks(key))
        self.move = move_group(stream, GROUP_NAME)
        self.pushed: dict[bytes, bytes] = {}
        self.booked: dict[bytes, bytes] = {}
        self.taking = 0
        self.takes = 0
        self.queued = 0
        self.confirmed = 0
        self.limit = 0
        self.soonest = 0
        self.waits = False
        self.alive = True

    def book(self) -> None:
        """The group's consumer has been given all that was pushed."""
        booked = self.booked
        booked.update(self.pushed)
        while len(booked) > BOOKED_MAX:
            del booked[next(iter(booked))]


class Soles:
    """All of them, by user key."""

    def __init__(self, keys: Keys) -> None:
        self.users: dict[str, Sole] = {}
        self.refused = False  # plain commands are not allowed on this connection
        self._keys = keys

    def note(self, user: str, length: int | None, cap: int) -> None:
        """A script has said whether this pod serves a user alone: how many entries there are, or None; `cap` bounds
        them."""
        if length is None or self.refused:
            self.forget(user)
            return
        sole = self.users.get(user)
        if sole is None:
            who = parse_user_key(user)
            if who is None:
                return
            sole = self.users[user] = Sole(who, self._keys)
        sole.limit = sole.confirmed + cap - length

    def forget(self, user: str) -> None:
        """Scripts serve the user from now on."""
        sole = self.users.pop(user, None)
        if sole is not None:
            sole.alive = False

    def forget_all(self) -> None:
        """The same for everybody."""
        for sole in self.users.values():
            sole.alive = False
        self.users.clear()

    def taking(self, users: Iterable[str]) -> Callable[[bool], None]:
        """A script leaves that takes what is new to these users. To be called with its reply, and whether that is no
        error: what this returns. Only its first call counts."""
        soles = [sole for user in users if (sole := self.users.get(user)) is not None]
        for sole in soles:
            sole.taking += 1
            sole.takes += 1
            sole.queued += 1  # it may store something, too

        def taken(well: bool) -> None:
            for sole in soles:
                sole.taking -= 1
                sole.confirmed += 1
                if well:
                    sole.book()  # replies come in order: all of it was stored before
                sole.pushed.clear()
            soles.clear()

        return taken

    def unseen(self, user: str, fresh: list[bytes | int | None]) -> list[bytes | int | None]:
        """The part of what a script has taken (id, nid, payload, …) that was not handed out before."""
        sole = self.users.get(user)
        if sole is None or not sole.pushed or not fresh:
            return fresh
        pushed: dict[bytes, bytes] = sole.pushed
        left: list[bytes | int | None] = []
        for place in range(0, len(fresh), 3):
            if fresh[place + 1] not in pushed:
                left += fresh[place : place + 3]
        return left


def is_next(sole: Sole, pairs: Sequence[tuple[bytes, bytes]]) -> bool:
    """True where pairs of stream and notification id are the next ones new to the group."""
    if sole.taking or len(sole.pushed) < len(pairs):
        return False
    if len(pairs) == 1:
        stream_id, nid = pairs[0]
        return next(iter(sole.pushed)) == nid and sole.pushed[nid] == stream_id
    for (stream_id, nid), (known, at) in zip(pairs, sole.pushed.items(), strict=False):
        if known != nid or at != stream_id:
            return False
    return True


def is_booked(sole: Sole, pairs: Sequence[tuple[bytes, bytes]]) -> bool:
    """True where the group's consumer was given each of the pairs, and none of them was marked read here since."""
    return all(sole.booked.get(nid) == stream_id for stream_id, nid in pairs)
