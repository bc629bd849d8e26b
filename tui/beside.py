"""The facts of a row in words, for the pane beside a list and for pages of records. No Textual."""

from __future__ import annotations

from typing import Any

from tui import humanise
from tui.columns import since
from tui.deliveries.model import DeadLetter
from tui.inbox.model import Client, Entry, User

Facts = list[tuple[str, str]]
_TEXT_MAX = 2000


def facts_of(row: Any) -> Facts:
    """Those of a connection, a user, a notification or a dead letter; of any other row nothing."""
    match row:
        case Client():
            return _client(row)
        case User():
            return [("User", str(row.user)), ("Devices", f"{row.connections:,}"), ("Unread", f"{row.pending:,}")]
        case Entry():
            return _entry(row)
        case DeadLetter():
            return _letter(row)
        case _:
            return []


def _ago(moment: float | None) -> str:
    return humanise.NONE if moment is None else f"{humanise.stamp(moment)}, {since(moment)} ago"


def _client(row: Client) -> Facts:
    return [
        ("User", str(row.user)),
        ("From", row.remote or humanise.NONE),
        ("Instance", row.pod_id),
        ("Open since", _ago(row.connected_at)),
        ("Last seen", _ago(row.last_seen)),
        ("Sent", f"{row.sent:,}, of which {row.acked:,} were read"),
        ("Buffer", humanise.size(row.buffered)),
    ]


def states_of(row: Entry) -> Facts:
    """Since when a notification bears which mark, and until when it is put off."""
    marks = [(mark.capitalize(), humanise.stamp(at)) for mark, at in row.marks]
    return marks if row.snoozed_until is None else [*marks, ("Snoozed until", humanise.stamp(row.snoozed_until))]


def _entry(row: Entry) -> Facts:
    return [
        ("User", str(row.user)),
        ("State", row.state),
        *states_of(row),
        ("Source", row.source or humanise.NONE),
        ("Priority", row.priority or humanise.NONE),
        ("Created", humanise.stamp(row.created_at)),
        ("Stored", _ago(row.stored_at)),
        ("Message", row.message[:_TEXT_MAX]),
    ]


def _letter(row: DeadLetter) -> Facts:
    return [
        ("To", f"{row.channel or humanise.NONE}, {row.recipient or humanise.NONE}"),
        ("Failed", _ago(row.failed_at)),
        ("Tries", f"{row.attempts:,}"),
        ("Reason", row.reason[:_TEXT_MAX]),
        ("Error", row.error[:_TEXT_MAX] or humanise.NONE),
    ]
