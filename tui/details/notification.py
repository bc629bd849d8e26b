"""One notification: its payload and its times."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from textual.containers import VerticalScroll
from textual.widget import Widget

from tui import humanise
from tui.beside import states_of
from tui.columns import since
from tui.commands import bind
from tui.details.detail import BACK, Detail
from tui.inbox.model import Entry
from tui.inbox.subjects import Inbox
from tui.messages import CopyText
from tui.model import UserKey
from tui.page import COMPOSE, COPY_ID, COPY_JSON, HISTORY, MARK, USER, WHY, Setting, as_json
from tui.safe import safe, safe_lines
from tui.subjects import Snapshot
from tui.why import About, AboutNotification
from tui.widgets.facts import Facts
from tui.widgets.words import Words

_GONE = "no longer in the inbox: expired, cleared or trimmed"


class NotificationDetail(Detail):
    """Found in its user's inbox, and in the events that are still kept."""

    COMMANDS_HERE = (BACK, WHY, COPY_ID, COPY_JSON, MARK, USER, HISTORY, COMPOSE)
    BINDINGS = bind(COMMANDS_HERE)
    AUTO_FOCUS = "VerticalScroll"

    def __init__(self, setting: Setting, user: UserKey, notification_id: str, stream_id: str) -> None:
        super().__init__(setting)
        self.subject = Inbox(user)
        self._user, self._nid, self._stream_id = user, notification_id, stream_id
        self._entry: Entry | None = None
        self._state = "loading …"

    @property
    def crumb(self) -> str:
        """The name in the trail of pages."""
        return f"notification {(self._nid or self._stream_id)[:8]}"

    @property
    def user(self) -> UserKey | None:
        """The owner of the inbox."""
        return self._user

    @property
    def entry(self) -> Entry | None:
        """This one, where it is still in the inbox."""
        return self._entry

    @property
    def about(self) -> About | None:
        """This one."""
        return AboutNotification(self._user, self._nid, self._stream_id)

    def body(self) -> Iterable[Widget]:
        """Facts, then payload."""
        yield Words(
            ("Notification ", "$foreground-muted"), (safe(self._nid or self._stream_id), "bold"), classes="heading"
        )
        with VerticalScroll(classes="sheet"):
            yield Facts(id="facts")
            yield Words(id="json")

    def prepare(self) -> None:
        """Shows what is known before the answer."""
        self._draw()

    def show_snapshot(self, value: Snapshot[Entry]) -> None:
        """Finds it in the inbox."""
        found = next((entry for entry in value.rows if self._is_it(entry)), None)
        self._state = _GONE if found is None else found.state
        self._entry = found or self._entry
        self._draw()

    def show_failure(self, reason: str, gone: bool) -> None:
        """Says why it is not shown."""
        self._state = _GONE if gone else self._state if self._entry else reason
        self._draw()

    def show_events(self) -> None:
        """Its own events may be among the new ones."""
        self._draw()

    def action_copy_id(self) -> None:
        """Copies the notification's id."""
        self.post_message(CopyText(self._nid, self._nid))

    def action_copy_json(self) -> None:
        """Copies the entry with its payload."""
        if self._entry is not None:
            self.post_message(CopyText(f"{self._nid} as JSON", as_json(self._entry.raw)))

    def _is_it(self, entry: Entry) -> bool:
        return entry.stream_id == self._stream_id if self._stream_id else entry.notification_id == self._nid

    def _draw(self) -> None:
        self.query_one(Facts).show([*self._facts(), *self._times()])
        payload: Any = None if self._entry is None else self._entry.payload
        lines = safe_lines(as_json(payload)) if payload is not None else []
        self.query_one("#json", Words).say(("\n".join(lines), ""), layout=True)

    def _facts(self) -> list[tuple[str, str]]:
        stream_id = self._stream_id or (self._entry.stream_id if self._entry else "")
        facts = [("User", str(self._user)), ("State", self._state), ("Stream id", stream_id)]
        if self._entry is not None:
            facts += [("Source", self._entry.source or humanise.NONE), ("Message", self._entry.message[:2000])]
        return facts

    def _times(self) -> list[tuple[str, str]]:
        times: list[tuple[str, str]] = []
        if self._entry is not None:
            entry = self._entry
            times.append(("Created", humanise.stamp(entry.created_at)))
            times.append(("Stored", f"{humanise.stamp(entry.stored_at)}, {since(entry.stored_at)} ago"))
            times += states_of(entry)
        events = self.world.tail.about(self._nid)[-8:]
        return times + [(event.kind, f"{humanise.stamp(event.at)} on {event.pod_id}") for event in events]
