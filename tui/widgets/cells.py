"""Text fitted to a number of terminal cells, also where characters are two cells wide or none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.cells import cell_len, set_cell_size

from tui.listing import Column

GUTTER = 2


def fit(text: str, width: int, right: bool = False) -> str:
    """Exactly `width` cells: cut with `…`, or filled up with spaces."""
    length = cell_len(text)
    if length > width:
        return set_cell_size(text, max(0, width - 1)) + "…" if width else ""
    return " " * (width - length) + text if right else text + " " * (width - length)


def lay_out(columns: Sequence[Column[Any]], room: int) -> list[tuple[Column[Any], int]]:
    """The columns that find room in `room` cells, each with its width; two cells lie between two of them."""
    kept = list(columns)
    while len(kept) > 1 and _least(kept) > room:
        kept.remove(max(reversed(kept), key=lambda column: column.rank))
    spare = max(0, room - _least(kept))
    shares = sum(column.flex for column in kept)
    laid = []
    for column in kept:
        extra = spare * column.flex // shares if shares else 0
        spare, shares = spare - extra, shares - column.flex
        laid.append((column, column.width + extra))
    return laid


def _least(columns: Sequence[Column[Any]]) -> int:
    return sum(column.width for column in columns) + GUTTER * (len(columns) - 1)
