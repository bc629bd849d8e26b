"""Dead letters: deliveries given up, by reason."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from textual.widget import Widget

from tui.commands import Command, bind
from tui.deliveries import columns
from tui.deliveries.actions import DropMany, DropOne, RequeueMany, RequeueOne, RequeueShown
from tui.deliveries.model import DeadLetter, Reason
from tui.deliveries.subjects import DeadLetterQueue
from tui.listing import Listing
from tui.messages import OpenDelivery, RefreshNow
from tui.page import ROW_COMMANDS, WHY, Setting
from tui.view import TABLE_COMMANDS, TableView
from tui.widgets.filter_bar import FilterBar
from tui.widgets.table import Table
from tui.widgets.tabs import Tab

REQUEUE = Command("R", "requeue", "requeue", "Requeue the letter, or all of the reason; asks first", True, True)
REQUEUE_ALL = Command("A", "requeue_all", "requeue all", "Requeue all dead letters shown; asks first", True, True)
DROP = Command("X", "drop", "drop", "Drop the letter, or all of the reason; asks first", True, True)


class DeadLetterView(TableView):
    """Reasons with their counts over the letters; Enter on a reason shows its letters alone."""

    tab = Tab("dead_letters", "0", "Dead letters")
    COMMANDS_HERE = (*TABLE_COMMANDS, WHY, REQUEUE, DROP, REQUEUE_ALL, *ROW_COMMANDS)
    BINDINGS = bind(COMMANDS_HERE)
    news = True
    noun = "dead letters"
    empty = "No dead letters: nothing has been given up"

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        self._queue = DeadLetterQueue()
        self.subject = self._queue
        self._reasons = columns.reasons()

    def point_at(self, identity: str) -> None:
        """Filters for a channel or an address."""
        self.narrow_to(identity)

    def listing(self) -> Listing[DeadLetter]:
        """Dead letters."""
        return columns.dead_letters()

    def above(self) -> Iterable[Widget]:
        """The groups."""
        yield Table(self._reasons, "None", id="reasons", classes="stacked")

    def prepare(self) -> None:
        """Names the groups."""
        self.query_one("#reasons").border_title = "Reasons"

    def show_snapshot(self, value: Any) -> None:
        """Shows groups and letters: `DeadLetters`."""
        self._reasons.replace(value.reasons)
        table = self.query_one("#reasons", Table)
        table.rows_changed()
        table.border_subtitle = "⏎ shows one alone" if value.reasons else ""
        table.styles.max_height = max(5, len(value.reasons) + 3)
        self.take(value.entries, value.total)

    def summary(self) -> str:
        """The number of letters, and the chosen reason."""
        chosen = self._queue.chosen
        said = super().summary()
        return f"{said}, {chosen.channel or 'no channel'}: {chosen.reason}, esc shows all" if chosen and said else said

    def open_row(self, row: Any) -> None:
        """A reason narrows the letters, a letter opens its delivery."""
        if isinstance(row, Reason):
            self._choose(row)
            self.main_table.focus()
        else:
            self.post_message(OpenDelivery(row.id, row.raw))

    def action_back(self) -> None:
        """Drops the filter, then the choice of a reason."""
        if self.query_one(FilterBar).needle or self._queue.chosen is None:
            super().action_back()
        else:
            self._choose(None)

    def action_requeue(self) -> None:
        """Requeues what is selected."""
        row: Any = self.record
        if isinstance(row, Reason):
            self.operate(RequeueMany(row))
        elif isinstance(row, DeadLetter):
            self.operate(RequeueOne(row))
        else:
            self.without("dead letter")

    def action_requeue_all(self) -> None:
        """Requeues all that are shown: those that pass the filter, else all of the reason shown alone, else all."""
        if self.rows.needle:
            self.operate(RequeueShown(self.rows.visible, self.rows.needle))
        else:
            self.operate(RequeueMany(self._queue.chosen))

    def action_drop(self) -> None:
        """Drops what is selected."""
        row: Any = self.record
        if isinstance(row, Reason):
            self.operate(DropMany(row))
        elif isinstance(row, DeadLetter):
            self.operate(DropOne(row))
        else:
            self.without("dead letter")

    def _choose(self, reason: Reason | None) -> None:
        self._queue.chosen = reason
        self.asked = True
        self.sum_up()
        self.post_message(RefreshNow())
