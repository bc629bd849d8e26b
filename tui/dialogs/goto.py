"""The way to anything: a field, and under it what the text in it names."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.timer import Timer
from textual.widgets import Input

from tui.columns import since
from tui.commands import Command, bind
from tui.found import Found
from tui.listing import Column, Listing
from tui.safe import safe
from tui.widgets.table import Table
from tui.widgets.words import Words

ASK_AFTER = 0.2  # seconds without a key until the server is asked
TEXT_MAX = 256
HINT = "A view, a user, login, address, channel, instance, or the id of a delivery, notification or batch"
COLUMNS: tuple[Column[Found], ...] = (
    Column("kind", "", lambda row: row.kind, lambda row: row.kind, 12, tone=lambda row: "dim"),
    Column("label", "", lambda row: row.label[:200], lambda row: row.label, 24, flex=2),
    Column("id", "", lambda row: row.id if row.id != row.label else "", lambda row: row.id, 12, flex=1, rank=1),
    Column(
        "at", "", lambda row: "" if row.at is None else since(row.at), lambda row: row.at or 0, 6, right=True, rank=2
    ),
)


@dataclass(frozen=True)
class Answer:
    """The things that a text names, and why there may be more."""

    found: list[Found]
    said: str = ""


@dataclass(frozen=True)
class Unanswered:
    """A text for which Enter came before the server's answer."""

    typed: str


class GoTo(ModalScreen[Found | Unanswered | None]):
    """The choice; the text alone where Enter came before its answer, so that no row of another text is taken."""

    AUTO_FOCUS = "Input"
    BINDING_GROUP_TITLE = "On the way"
    BINDINGS = bind(
        (
            Command("enter", "choose", "go", "Go to what is selected", priority=True),
            Command("up", "move(-1)", "up", "One up", priority=True),
            Command("down,tab", "move(1)", "down", "One down", priority=True),
            Command("escape", "leave", "back", "Stay where one is"),
        )
    )

    def __init__(
        self,
        ask: Callable[[str], Awaitable[Answer]],
        at_once: Callable[[str], list[Found]],
        typed: str = "",
        answer: Answer | None = None,
    ) -> None:
        """`ask` asks the server, `at_once` gives the views; `typed` and `answer` are those to begin with."""
        super().__init__()
        self._ask = ask
        self._at_once = at_once
        self._typed = self._answered = typed
        self._rows = Listing(COLUMNS, lambda row: (row.kind, row.id), lambda row: row.haystack)
        self._rows.replace(answer.found if answer else [])
        self._said = answer.said if answer else HINT
        self._asking: Timer | None = None

    def compose(self) -> ComposeResult:
        """The field over the list."""
        with Vertical(classes="dialog goto"):
            with Horizontal(classes="goto-line"):
                yield Words((":", "bold $text-accent"), classes="goto-mark")
                yield Input(self._typed, compact=True, select_on_focus=False, max_length=TEXT_MAX)
            yield Table(self._rows, "", id="found", classes="bare")
            yield Words((safe(self._said), "$foreground-muted"), classes="goto-said")

    def on_input_changed(self, event: Input.Changed) -> None:
        """Shows the views at once, and asks once the typing rests."""
        if event.value == self._typed:
            return
        self._typed = event.value
        if self._asking is not None:
            self._asking.stop()
        self.workers.cancel_group(self, "find")
        self._show(Answer(self._at_once(self._typed), "" if self._typed.strip() else HINT))
        if self._typed.strip():
            self._asking = self.set_timer(ASK_AFTER, self._begin)

    def action_move(self, rows: int) -> None:
        """Moves the selection."""
        self.query_one(Table).action_move(rows)

    def action_choose(self) -> None:
        """Takes what is selected, if it belongs to this text; a view is known without asking."""
        chosen = self.query_one(Table).selected
        if chosen is not None and (self._answered == self._typed or chosen in self._at_once(self._typed)):
            self.dismiss(chosen)
        elif self._typed.strip() and self._answered != self._typed:
            self.dismiss(Unanswered(self._typed))

    def action_leave(self) -> None:
        """Nothing was chosen."""
        self.dismiss(None)

    def _begin(self) -> None:
        if self._open:
            self.run_worker(self._find(self._typed), group="find", exclusive=True)

    @property
    def _open(self) -> bool:
        """False once something was chosen, or the dashboard is left: an answer that comes then finds no list."""
        return self in self.app.screen_stack and bool(self.query(Table))

    async def _find(self, typed: str) -> None:
        if self._open:
            self.query_one(".goto-said", Words).say(("asking the server …", "$foreground-muted"))
        answer = await self._ask(typed)
        if typed == self._typed and self._open:
            self._answered = typed
            self._show(answer)

    def _show(self, answer: Answer) -> None:
        if not self._open:
            return
        self._rows.replace(answer.found)
        self.query_one(Table).rows_changed(asked=True)
        said = answer.said or ("↑↓ choose, ⏎ goes there, esc stays" if answer.found else "")
        self.query_one(".goto-said", Words).say((safe(said), "$foreground-muted"))
