"""Rows to a file: asks for its name, writes it, says how many."""

from __future__ import annotations

import asyncio
import time

from tui import export
from tui.dialogs.save import Save
from tui.humanise import plural
from tui.messages import WriteRows
from tui.navigation import Navigator
from tui.safe import safe


async def write_rows(app: Navigator, message: WriteRows) -> None:
    """The rows are those that were shown when the key was pressed."""
    rows = message.rows
    question = f"Write the {plural(len(rows), 'row')} shown to a new file:"
    name = await app.push_screen_wait(Save(question, export.suggested(message.what, time.time()), export.problem_of))
    if name is None:
        return
    try:
        many = await asyncio.to_thread(export.write, rows, name)
    except (OSError, ValueError) as error:
        app.inform(f"Not written: {getattr(error, 'strerror', '') or error}", bad=True)
    else:
        app.inform(f"Wrote {plural(many, 'row')} to {safe(str(export.place_of(name)))}, for your eyes only (0600)")
