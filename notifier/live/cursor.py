"""The position up to which a user's connections here were handed the stream, apart from the store's group.

The group goes on inside a script; where its reply is lost, nobody was handed what it went past. So after any break a
user is *behind*: nothing is pushed to them until the stream has been read on from what was really handed out.
"""

from __future__ import annotations

from notifier.live.connection import BEGINNING, Position

BEHIND = -1
LAST_NUMBER = 2**64 - 1  # the greatest second half of a stream's id


class Cursor:
    """One user's. It is current while `epoch` is that of the pod, which grows with every break: one comparison.

    `at` is the position of the last entry handed out. `missed` says that something was held back since the stream was
    last asked for, so that it must be asked again; `anew` is the position from which a stream goes on that somebody
    deleted and that began anew below `at`.
    """

    __slots__ = ("anew", "at", "epoch", "missed", "reading")

    def __init__(self) -> None:
        self.epoch = BEHIND
        self.at: Position = BEGINNING
        self.missed = False
        self.reading = False
        self.anew: Position | None = None

    def fall_behind(self) -> None:
        """Holds pushes back until the stream has been read on."""
        self.epoch = BEHIND
        self.missed = True

    def begin_at(self, epoch: int) -> bool:
        """A first connection is given the inbox as it stands: unless something was held back meanwhile, nothing is
        missing. Whether that is so."""
        current = not (self.missed or self.reading)
        if current:
            self.epoch = epoch
        return current

    def begin_reading(self) -> None:
        """The stream is asked for what is behind the cursor: what is held back from now on may not be in the reply."""
        self.missed = False
        self.reading = True

    def move(self, position: Position) -> None:
        """An entry was handed out."""
        self.at = max(self.at, position)

    def suspect(self, position: Position) -> None:
        """An entry that the group had not had stands at or before the cursor: the stream may be another one."""
        if self.anew is None:
            milliseconds, number = position
            self.anew = (milliseconds, number - 1) if number else (milliseconds - 1, LAST_NUMBER)

    def begin_anew(self) -> Position | None:
        """The stream was deleted and began anew: from where it is to be read, None where nobody knows."""
        position, self.anew = self.anew, None
        self.at = position or BEGINNING
        return position
