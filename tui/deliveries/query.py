"""The filter of deliveries: terms for the server, and words to look for in the rows that came. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from tui.deliveries.model import STATUSES

TERMS = ("status", "channel", "recipient", "user", "since", "until")
HINT = "status:failed channel:sms since:1h words"
_ID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_NAME = re.compile(r"[a-z_]+")
_PARAMETERS = {"user": "user_id", "since": "from", "until": "to"}
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_SPAN_MAX = 10 * 365 * 86_400
_BY_KEY = ("", "failed", "retrying", "processing", "queued", "scheduled", "sent", "cancelled", "expired")


@dataclass(frozen=True)
class Query:
    """`asked` are the terms as typed, `words` what is left; `wrong` says which term could not be understood. An exact
    delivery id is an `identity`: it is asked of the server alone."""

    asked: tuple[tuple[str, str], ...] = ()
    words: str = ""
    wrong: str = ""
    identity: str = ""

    @classmethod
    def parse(cls, typed: str) -> Query:
        """Reads `status:failed since:1h word`. A term whose value has not been typed yet does not count; `"a:b"` in
        quotes is a word."""
        asked: dict[str, str] = {}
        words: list[str] = []
        unknown = identity = ""
        for part in typed.split():
            name, colon, value = part.partition(":")
            if colon and name in TERMS:
                asked |= {name: value} if value else {}
            elif _ID.fullmatch(part):
                identity = part.lower()
            else:
                words.append(part.strip('"'))
                unknown = unknown or (name if _NAME.fullmatch(name) and colon and not value.startswith("//") else "")
        wrong = next((_refusal(name) for name, value in asked.items() if not _meant(name, value, 0.0)), "")
        return cls(tuple(asked.items()), " ".join(words), wrong or _unknown(unknown), identity)

    def terms(self, now: float) -> dict[str, str]:
        """The parameters of the request at `now` (unix seconds); what could not be understood is left out."""
        found = {_PARAMETERS.get(name, name): _meant(name, value, now) for name, value in self.asked}
        return {name: value for name, value in found.items() if value}


def next_status(typed: str) -> str:
    """The same filter with the next status, and after the last with none."""
    parts = typed.split()
    now = next((part.partition(":")[2] for part in parts if part.startswith("status:")), "")
    kept = [part for part in parts if not part.startswith("status:")]
    following = _BY_KEY[(_BY_KEY.index(now) + 1) % len(_BY_KEY)] if now in _BY_KEY else ""
    return " ".join([f"status:{following}", *kept] if following else kept)


def _meant(name: str, value: str, now: float) -> str:
    if name == "status":
        return value if value in STATUSES else ""
    return _moment(value, now) if name in ("since", "until") else value


def _moment(value: str, now: float) -> str:
    amount, unit = value[:-1], value[-1]
    if unit in _UNITS and amount.isascii() and amount.isdigit() and len(amount) < 10:
        seconds = min(int(amount) * _UNITS[unit], _SPAN_MAX)
        return _rfc3339(datetime.fromtimestamp(max(0.0, now - seconds), UTC))
    try:
        found = datetime.fromisoformat(value)
        return _rfc3339(found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC))
    except (ValueError, OverflowError):
        return ""


def _rfc3339(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _unknown(name: str) -> str:
    return f"no term {name}: (quotes make a word)" if name else ""


def _refusal(name: str) -> str:
    if name == "status":
        return "no such status; f goes through them"
    return f"{name}: takes 15m, 7d or 2026-01-31"
