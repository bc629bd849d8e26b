"""Anything that has no page of its own: its facts, and all of it as JSON."""

from __future__ import annotations

from collections.abc import Iterable

from textual.containers import VerticalScroll
from textual.widget import Widget

from tui.commands import bind
from tui.details.detail import BACK, Detail
from tui.messages import CopyText
from tui.page import COPY_ID, COPY_JSON, Setting, as_json
from tui.safe import safe, safe_lines
from tui.widgets.facts import Facts
from tui.widgets.words import Words


class RecordDetail(Detail):
    """An instance, an event, or another row without a page of its own."""

    COMMANDS_HERE = (BACK, COPY_ID, COPY_JSON)
    BINDINGS = bind(COMMANDS_HERE)
    AUTO_FOCUS = "VerticalScroll"

    def __init__(self, setting: Setting, heading: str, facts: list[tuple[str, str]], raw: object) -> None:
        super().__init__(setting)
        self._heading, self._facts, self._raw = heading, facts, raw

    @property
    def crumb(self) -> str:
        """The name in the trail of pages."""
        return self._heading

    def body(self) -> Iterable[Widget]:
        """Facts, then JSON."""
        yield Words((safe(self._heading), "bold"), classes="heading")
        with VerticalScroll(classes="sheet"):
            yield Facts(id="facts")
            yield Words(("\n".join(safe_lines(as_json(self._raw))), ""), id="json")

    def prepare(self) -> None:
        """Fills it."""
        self.query_one(Facts).show(self._facts)

    def action_copy_id(self) -> None:
        """Copies the heading, which is the id."""
        self.post_message(CopyText(self._heading, self._heading))

    def action_copy_json(self) -> None:
        """Copies all of it."""
        self.post_message(CopyText(f"{self._heading} as JSON", as_json(self._raw)))
