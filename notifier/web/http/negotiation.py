"""Content negotiation: `Accept` and `If-None-Match`, the headers of requests that choose among answers."""

from __future__ import annotations

import re
from collections.abc import Sequence

from sanic import Request

_WEIGHT = re.compile(r"0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?").fullmatch


def has_already(request: Request, tag: str) -> bool:
    """True where `If-None-Match` names this entity tag; a weak one is the same here (RFC 9110 §13.1.2)."""
    known = ",".join(request.headers.getall("if-none-match", []))
    return known.strip() == "*" or tag in (one.strip().removeprefix("W/") for one in known.split(","))


def best_type(request: Request, offered: Sequence[str]) -> str:
    """Of the media types that a route has the one that `Accept` gives the highest weight (RFC 9110 §12.5.1).

    The first of `offered` wins a tie, and stands for all where none is accepted or `Accept` says nothing that can be
    read. For each the most specific range counts, so that `q=0` shuts out what `*/*` would let in.
    """
    accepted = ",".join(request.headers.getall("accept", [])).split(",")
    ranges = [found for text in accepted if (found := _media_range(text))]
    weights = {kind: _weight(kind, ranges) for kind in offered}
    best = max(offered, key=weights.__getitem__)
    return best if weights[best] > 0 else offered[0]


def _media_range(text: str) -> tuple[str, float] | None:
    """A range in small letters and its weight; None where it is none. Parameters but `q` only say more of the type."""
    kind, *parameters = (part.strip().lower() for part in text.split(";"))
    weights = [value.strip() for name, _, value in (one.partition("=") for one in parameters) if name.strip() == "q"]
    if "/" not in kind or (weights and not _WEIGHT(weights[0])):
        return None
    return kind, float(weights[0]) if weights else 1.0


def _weight(kind: str, ranges: Sequence[tuple[str, float]]) -> float:
    for wanted in (kind, f"{kind.partition('/')[0]}/*", "*/*"):
        found = [weight for name, weight in ranges if name == wanted]
        if found:
            return max(found)
    return 0.0
