"""Text fitted to a number of terminal cells, also where characters are two cells wide or none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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


def lay_out(
    columns: Sequence[Column[Any]], room: int, wanted: Mapping[str, int] | None = None
) -> list[tuple[Column[Any], int]]:
    """The columns that find room in `room` cells, each with its width; two cells lie between two of them.

    Room that is left over goes to columns whose text is longer, as far as `wanted` says: first those of a fixed width,
    then the flexible ones by their shares. Without `wanted` all of it goes to the flexible ones.
    """
    kept = list(columns)
    while len(kept) > 1 and _least(kept) > room:
        kept.remove(max(reversed(kept), key=lambda column: column.rank))
    spare = max(0, room - _least(kept))
    needs = {column.name: _need(column, wanted, spare) for column in kept}
    extra = dict.fromkeys(needs, 0)
    for column in kept:
        if not column.flex:
            extra[column.name] = min(spare, needs[column.name])
            spare -= extra[column.name]
    _share([column for column in kept if column.flex], needs, extra, spare)
    return [(column, column.width + extra[column.name]) for column in kept]


def _need(column: Column[Any], wanted: Mapping[str, int] | None, spare: int) -> int:
    if wanted is None:
        return spare if column.flex else 0
    return max(0, wanted.get(column.name, 0) - column.width)


def _share(columns: list[Column[Any]], needs: Mapping[str, int], extra: dict[str, int], spare: int) -> None:
    """Gives out `spare` cells by the shares, to none more than it needs, until nobody needs more or all is given."""
    open_ones = [column for column in columns if needs[column.name]]
    while spare > 0 and open_ones:
        shares = sum(column.flex for column in open_ones)
        given = 0
        for column in open_ones:
            more = min(needs[column.name] - extra[column.name], max(1, spare * column.flex // shares), spare - given)
            extra[column.name] += more
            given += more
        spare -= given
        open_ones = [column for column in open_ones if extra[column.name] < needs[column.name]]


def _least(columns: Sequence[Column[Any]]) -> int:
    return sum(column.width for column in columns) + GUTTER * (len(columns) - 1)
