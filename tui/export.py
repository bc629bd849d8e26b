"""Rows written to a new file, as CSV or as JSON lines. No Textual.

Both are meant for other programs and for a terminal: control, bidi and invisible characters come out as escapes. In CSV
a text that a spreadsheet would take for a formula gets an apostrophe before it.
"""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from tui.record import Json
from tui.safe import safe

MODE = 0o600
FORMULA = tuple("=+-@＝＋－＠")  # first characters of a formula; some spreadsheets take the full-width ones too
SUFFIXES = (".csv", ".jsonl")


class Exported(Protocol):
    """A row that can be written."""

    @property
    def raw(self) -> Json:
        """All of it, as it came."""
        ...


def suggested(what: str, now: float) -> str:
    """A file's name for rows of a view at `now` (unix seconds): `notifier-pending-20260131T120000Z.csv`."""
    return f"notifier-{what}-{datetime.fromtimestamp(now, UTC):%Y%m%dT%H%M%SZ}.csv"


def problem_of(name: str) -> str:
    """The reason for which no file of this name will be written, or nothing."""
    if not name.isprintable():
        return "a file's name holds no control characters"
    if not name.lower().endswith(SUFFIXES):
        return "the name must end in .csv, or in .jsonl for JSON lines"
    return "that file exists already; give another name" if os.path.lexists(place_of(name)) else ""


def place_of(name: str) -> Path:
    """The file that a name stands for; `~` is the home folder, and the rest is relative to the working folder."""
    return Path(os.path.expanduser(name))


def write(rows: Sequence[Exported], name: str) -> int:
    """Writes a new file that its owner alone may read; the number of rows. Raises `OSError`; overwrites nothing."""
    path = place_of(name)
    text = as_csv(rows) if path.suffix.lower() == ".csv" else as_lines(rows)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0), MODE)
    try:
        with open(descriptor, "w", encoding="utf-8", newline="") as file:
            file.write(text)
    except OSError:
        path.unlink(missing_ok=True)
        raise
    return len(rows)


def as_lines(rows: Sequence[Exported]) -> str:
    """One JSON object a line, whole and as the server gave it."""
    return "".join(f"{_escaped(_json(row.raw))}\n" for row in rows)


def as_csv(rows: Sequence[Exported]) -> str:
    """A header and a line for each row (RFC 4180); members of members are columns of their own: `payload.message`."""
    flat = [_flat(row.raw) for row in rows]
    names = list(dict.fromkeys(name for row in flat for name in row))
    said = io.StringIO()
    writer = csv.writer(said)
    writer.writerow([_cell(name) for name in names])
    writer.writerows([_cell(row.get(name)) for name in names] for row in flat)
    return said.getvalue()


def _flat(row: Json) -> dict[str, object]:
    found: dict[str, object] = {}
    for name, value in row.items():
        if isinstance(value, Mapping):
            found |= {f"{name}.{inner}": part for inner, part in value.items()}
        else:
            found[name] = value
    return found


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool | int | float):
        return _json(value)
    text = value if isinstance(value, str) else _json(value)
    return f"'{safe(text)}" if text.lstrip().startswith(FORMULA) else safe(text)


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, default=dict)


def _escaped(text: str) -> str:
    """JSON text in which what is not printable is escaped; such characters stand in its strings alone."""
    return text if text.isprintable() else "".join(map(_escape, text))


def _escape(char: str) -> str:
    return char if char.isprintable() else json.dumps(char)[1:-1]
