"""The timeline of a user, a notification or a delivery: why it is as it is."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from textual.widget import Widget

from tui import humanise
from tui.commands import bind
from tui.details.detail import BACK, Detail
from tui.events import Event
from tui.messages import OpenDelivery, OpenNotification, OpenUser
from tui.model import UserKey
from tui.page import COPY_ID, COPY_JSON, HISTORY, USER, WHY, Setting
from tui.safe import safe
from tui.why import About, AboutDelivery, AboutNotification, AboutUser, Step, Why, timeline
from tui.widgets.table import Table
from tui.widgets.words import Words

LF = "\n"
_TONES = {"good": "$text-success", "warn": "$text-warning", "bad": "bold $text-error"}


class WhyDetail(Detail):
    """Steps to come, of now, and past ones, the newest first; Enter opens what a step is about."""

    COMMANDS_HERE = (BACK, WHY, COPY_ID, COPY_JSON, USER, HISTORY)
    BINDINGS = bind(COMMANDS_HERE)

    def __init__(self, setting: Setting, about: About) -> None:
        super().__init__(setting)
        self.topic = about
        self.subject = Why(about, self._events)
        self._steps = timeline()

    @property
    def crumb(self) -> str:
        """The name in the trail of pages."""
        return f"why {self.topic}"

    @property
    def about(self) -> About | None:
        """That of the selected step, if it leads on."""
        return self.record.leads if isinstance(self.record, Step) else None

    @property
    def user(self) -> UserKey | None:
        """The user of the timeline, if it is a user's."""
        return None if isinstance(self.topic, AboutDelivery) else self.topic.user

    def body(self) -> Iterable[Widget]:
        """The state of now, over the steps."""
        yield Words(("Why ", "$foreground-muted"), (safe(str(self.topic)), "bold"), id="heading", classes="heading")
        yield Words(id="now", classes="now")
        yield Table(self._steps, "Loading …", id="steps")

    def show_snapshot(self, value: list[Step]) -> None:
        """Shows the steps, and what holds now over them."""
        self._steps.replace(value)
        table = self.query_one("#steps", Table)
        table.empty = "Nothing is known"
        table.rows_changed()
        now = [step for step in value if step.at is None]
        lines = [
            (f"{safe(step.about)}: {safe(step.said)}{'' if step is now[-1] else LF}", _TONES.get(step.tone, ""))
            for step in now
        ]
        self.query_one("#now", Words).say(*lines, layout=True)

    def show_failure(self, reason: str, gone: bool) -> None:
        """Says why there is nothing; what is shown stays."""
        table = self.query_one("#steps", Table)
        table.empty = f"no longer known: {reason}" if gone else reason
        if gone:
            self._steps.replace([])
        table.rows_changed()

    def open_row(self, row: Any) -> None:
        """The thing that the step is about, else the step itself."""
        match row.leads:
            case AboutDelivery():
                self.post_message(OpenDelivery(row.leads.id))
            case AboutNotification():
                self.post_message(OpenNotification(row.leads.user, row.leads.id, row.leads.stream_id))
            case AboutUser():
                self.post_message(OpenUser(row.leads.user))
            case _:
                super().open_row(row)

    def facts_of(self, row: Any) -> list[tuple[str, str]]:
        """Those of a step."""
        return [("When", humanise.stamp(row.at) if row.at else "now"), ("Of", row.about), ("What", row.said)]

    def _events(self, about: About) -> list[Event]:
        """Those that this dashboard still knows of."""
        tail = self.world.tail
        match about:
            case AboutDelivery():
                return tail.of_delivery(about.id)
            case AboutNotification():
                return tail.about(about.id)
            case AboutUser():
                return tail.of_user(about.user)
