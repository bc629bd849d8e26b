"""Preferences kept between two runs: the theme, in one small file of the user's."""

from __future__ import annotations

import json
import os
from pathlib import Path

_SIZE_MAX = 4096


def default_path() -> Path:
    """`tui.json` in the user's configuration folder for notifier."""
    base = os.environ.get("XDG_CONFIG_HOME") or os.environ.get("APPDATA")
    return (Path(base) if base else Path.home() / ".config") / "notifier" / "tui.json"


class Preferences:
    """Reads at once, writes on change. A file that cannot be read counts as none."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path or default_path()
        self.theme = self._read()

    def remember_theme(self, name: str) -> str:
        """Keeps the theme's name; returns nothing, or why it could not be kept."""
        if name == self.theme:
            return ""
        self.theme = name
        try:
            self._write(json.dumps({"theme": name}))
        except OSError as error:
            return error.strerror or str(error)
        return ""

    def _read(self) -> str:
        try:
            with self._path.open(encoding="utf-8") as file:
                found = json.loads(file.read(_SIZE_MAX))
        except (OSError, ValueError, RecursionError):
            return ""
        name = found.get("theme") if isinstance(found, dict) else None
        return name if isinstance(name, str) else ""

    def _write(self, text: str) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        draft = self._path.with_suffix(".new")
        draft.write_text(text + "\n", encoding="utf-8")
        draft.replace(self._path)
