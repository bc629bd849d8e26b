"""One delivery: where it stands, every attempt, and what was to be sent."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from textual.containers import VerticalScroll
from textual.widget import Widget

from tui import humanise
from tui.columns import since
from tui.commands import bind
from tui.deliveries import columns
from tui.deliveries.model import Delivery
from tui.deliveries.subjects import DeliveryFacts, OneDelivery
from tui.details.detail import BACK, Detail
from tui.messages import CopyText
from tui.model import UserKey
from tui.page import CANCEL, COPY_ID, COPY_JSON, HISTORY, RETRY, USER, WHY, Setting, as_json
from tui.record import Json, moment, text
from tui.safe import safe, safe_lines
from tui.why import About, AboutDelivery
from tui.widgets.facts import Facts
from tui.widgets.table import Table
from tui.widgets.words import Words

_GONE = "no such delivery: its record has expired, or it never was one"
_TONES = {
    "good": "bold $text-success",
    "warn": "bold $text-warning",
    "bad": "bold $text-error",
    "dim": "$foreground-muted",
}


class DeliveryDetail(Detail):
    """Kept fresh; Tab goes from the attempts to the text and back."""

    COMMANDS_HERE = (BACK, WHY, CANCEL, RETRY, COPY_ID, COPY_JSON, USER, HISTORY)
    BINDINGS = bind(COMMANDS_HERE)

    def __init__(self, setting: Setting, identity: str, known: Json | None = None) -> None:
        """`known` is what is shown where the server has no delivery of that id, as of an unreadable message."""
        super().__init__(setting)
        self.subject = OneDelivery(identity)
        self._identity = identity
        self._known: Json = known or {}
        self._delivery: Delivery | None = None
        self._attempts = columns.attempts()

    @property
    def crumb(self) -> str:
        """The name in the trail of pages."""
        return f"delivery {self._identity[:8]}"

    @property
    def user(self) -> UserKey | None:
        """The inbox user it is for, if it names one."""
        return None if self._delivery is None else self._delivery.owner

    @property
    def delivery_id(self) -> str:
        """This one, whichever attempt is selected."""
        return self._identity

    @property
    def about(self) -> About | None:
        """This one."""
        return AboutDelivery(self._identity)

    def body(self) -> Iterable[Widget]:
        """State, attempts, then the rest."""
        yield Words(*self._heading("loading …", ""), id="heading", classes="heading")
        yield Table(self._attempts, "Not tried yet", id="attempts", classes="stacked")
        with VerticalScroll(classes="sheet"):
            yield Facts(id="facts")
            yield Words(id="json")

    def prepare(self) -> None:
        """Shows what is known before the answer."""
        self.query_one("#attempts").border_title = "Attempts"
        self.query_one("#attempts").styles.max_height = 5
        self._draw(self._known)

    def show_snapshot(self, value: DeliveryFacts) -> None:
        """Fills it."""
        self._delivery = value.delivery
        self._attempts.replace(value.attempts)
        table = self.query_one("#attempts", Table)
        table.rows_changed()
        table.border_title = f"Attempts {len(value.attempts):,}"
        table.styles.max_height = max(5, len(value.attempts) + 3)
        tone = _TONES.get(columns.tone_of(value.delivery), "bold")
        self.query_one("#heading", Words).say(*self._heading(columns.status_of(value.delivery), tone))
        self.query_one("#facts", Facts).show(delivery_facts(value.delivery))
        self._draw(value.delivery.raw)

    def show_failure(self, reason: str, gone: bool) -> None:
        """Says why it is not shown; what is shown stays."""
        self.query_one("#heading", Words).say(*self._heading(_GONE if gone else reason, "$text-warning"))

    def action_copy_id(self) -> None:
        """Copies the delivery's id."""
        self.post_message(CopyText(self._identity, self._identity))

    def action_copy_json(self) -> None:
        """Copies the delivery with its attempts."""
        found: Any = dict(self._delivery.raw if self._delivery else self._known)
        found["attempts"] = [attempt.raw for attempt in self._attempts.loaded]
        self.post_message(CopyText(f"{self._identity} as JSON", as_json(found)))

    def _heading(self, said: str, style: str) -> tuple[tuple[str, str], ...]:
        return ("Delivery ", "$foreground-muted"), (safe(self._identity), "bold"), (f"  {safe(said)}", style)

    def _draw(self, raw: Json) -> None:
        self.query_one("#json", Words).say(("\n".join(safe_lines(as_json(raw))) if raw else "", ""), layout=True)


def delivery_facts(row: Delivery) -> list[tuple[str, str]]:
    """The facts of a delivery."""
    facts = [("To", f"{row.channel}, {row.to or humanise.NONE}")]
    if row.user_id and row.recipient:
        facts.append(("User", row.user_id))
    facts += [
        ("Priority", row.priority or humanise.NONE),
        ("Retries", f"{row.retries} of {row.max_retries}"),
        ("Provider", _provider(row)),
        ("Created", f"{humanise.stamp(row.created_at)}, {since(row.created_at)} ago"),
        ("Changed", f"{humanise.stamp(row.updated_at)}, {since(row.updated_at)} ago"),
    ]
    for name, member in (
        ("Due", "scheduled_at"),
        ("Next try", "next_retry_at"),
        ("Expires", "expires_at"),
        ("Sent", "sent_at"),
    ):
        at = moment(row.raw.get(member))
        facts += [(name, humanise.stamp(at))] if at is not None else []
    if row.waiting_for:
        facts.append(("Waits for", f"{row.waiting_for}, since {humanise.stamp(row.since)}, {since(row.since)} ago"))
    if row.error:
        facts.append(("Error", row.error[:2000]))
    return [*facts, ("Text", row.content[:2000])]


def _provider(row: Delivery) -> str:
    theirs = text(row.raw, "provider_message_id")
    return f"{row.provider or humanise.NONE}{f', their id {theirs}' if theirs else ''}"
