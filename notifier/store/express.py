"""Plain commands in place of scripts for a user whom this pod serves alone: half of Redis' cost of a notification.

A script that has just taken all that is new to a user notes in `notif:sole:{user}` that this pod, in this incarnation,
is the only one with connections of theirs (`serve_alone` in lib.lua). From then on one `MULTI` of each turn of the loop
stores what was accepted, and reads those notes: where one still stands, nobody else has stored anything since, and the
entry may be pushed at once. Where it does not, the same ids go through the script, which finds them stored.

Such entries are new to the group until a mark of reading moves it on, or the script `arrivals` takes them after
50-100 ms. Until then they are known here (`Sole.pushed`), so that whatever a script hands out a second time is left
out. The order of commands and replies on the one connection is what all of this rests on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from notifier.store.inbox import Inbox
from notifier.store.inbox_values import Announce, Holder, Item
from notifier.store.lean.accepts import Accepts, GeneralCall, OnAccepted
from notifier.store.lean.reads import GeneralMark, OnRead, Reads
from notifier.store.lean.soles import Sole, Soles
from notifier.store.lean.transaction import Transactions
from notifier.store.lean.upkeep import Upkeep
from notifier.store.redis.single import SingleRedis


class Express:
    """The plain commands of one pod on one server."""

    def __init__(
        self, redis: SingleRedis, inbox: Inbox, holder: Holder, on_due: Callable[[Sequence[str]], None]
    ) -> None:
        """`on_due` is given users whose new entries are to be taken by a script."""
        self._redis = redis
        self._inbox = inbox
        self._holder = holder
        self._leaving = False
        self.soles = Soles(redis.keys)
        self._upkeep = Upkeep(redis, inbox, self.soles, on_due)
        transactions = Transactions(redis, holder, self.soles)
        self.accepts = Accepts(redis, inbox, holder, self.soles, transactions, self._upkeep, self._leave_soon)
        self.reads = Reads(redis, inbox, holder, transactions, self._upkeep, self._leave_soon)

    def alone(self, user: str, length: int | None) -> None:
        """A script has said whether this pod serves a user alone: how many entries there are, or None."""
        self.soles.note(user, length, self._inbox.policy.cap)

    def serves(self, user: str) -> bool:
        """True where plain commands serve the user."""
        return user in self.soles.users

    def forget(self, user: str) -> None:
        """The user has no connections here any more."""
        self.soles.forget(user)

    def forget_all(self) -> None:
        """The connection to the store broke: scripts say anew whom this pod serves alone."""
        self.soles.forget_all()
        self.soles.refused = False
        self._upkeep.forget_all()

    def taking(self, users: Iterable[str]) -> Callable[[bool], None]:
        """A script leaves that takes what is new to these users; see `Soles.taking`."""
        return self.soles.taking(users)

    def unseen(self, user: str, fresh: list[bytes | int | None]) -> list[bytes | int | None]:
        """The part of what a script has taken (id, nid, payload, …) that was not handed out before."""
        return self.soles.unseen(user, fresh)

    def submit(self, items: Sequence[Item], on_part: Announce, on_accepted: OnAccepted) -> bool:
        """Stores items, all or none, and hands out arrivals to `on_part`; whether it could. `on_accepted` gets the
        whole outcome, or the error after which the same items may be given to the scripts."""
        soles: list[Sole] = []
        for item in items:
            sole = self.soles.users.get(item.user.key)
            if sole is None or sole.queued >= sole.limit:
                return False
            soles.append(sole)
        default_life = self._inbox.policy.default_ttl_ms
        life = min(default_life if item.ttl_ms is None else item.ttl_ms for item in items)
        call = GeneralCall(soles, items, life, self._holder.pod.encode(), on_part, on_accepted)
        self.accepts.add(call, [item.payload for item in items])
        return True

    def read(self, user: str, pairs: Sequence[tuple[str, str]], on_read: OnRead) -> bool:
        """Marks pairs of stream and notification id read that were pushed from here; whether they are such."""
        sole = self.soles.users.get(user)
        if sole is None:
            return False
        return self.reads.take(GeneralMark(sole, [(at.encode(), nid.encode()) for at, nid in pairs], on_read))

    def bring_up_to_date(self) -> None:
        """Brings the indexes up to date with what was stored; commands that are sent from now on find them so."""
        self._upkeep.bring_up_to_date()

    def _leave_soon(self) -> None:
        if not self._leaving:
            self._leaving = True
            self._redis.before_leaving(self._leave)

    def _leave(self) -> None:
        self._leaving = False
        self.accepts.leave()
        self.reads.leave()
