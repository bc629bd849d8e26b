"""Preferences kept between two runs, the theme, the zone of times and the bell, in one small file of the user's."""

from __future__ import annotations

import json
import os
from pathlib import Path

_SIZE_MAX = 4096
_NAMES = ("beside", "theme", "local_time", "bell")


def default_path() -> Path:
    """`tui.json` in the user's configuration folder for notifier."""
    base = os.environ.get("XDG_CONFIG_HOME") or os.environ.get("APPDATA")
    return (Path(base) if base else Path.home() / ".config") / "notifier" / "tui.json"


class Preferences:
    """Reads at once, writes on change. A file that cannot be read counts as none."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path or default_path()
        self._kept = self._read()

    @property
    def theme(self) -> str:
        """The theme's name, or nothing."""
        name = self._kept.get("theme")
        return name if isinstance(name, str) else ""

    @property
    def local_time(self) -> bool:
        """True where times are shown in local time."""
        return self._kept.get("local_time") is True

    @property
    def bell(self) -> bool:
        """True where the terminal's bell rings for problems."""
        return self._kept.get("bell") is True

    @property
    def beside(self) -> bool:
        """False where the pane beside lists was put away."""
        return self._kept.get("beside") is not False

    def remember_beside(self, beside: bool) -> str:
        """Keeps whether the pane stands; returns nothing, or why it could not be kept."""
        return self._remember("beside", beside)

    def remember_theme(self, name: str) -> str:
        """Keeps the theme's name; returns nothing, or why it could not be kept."""
        return self._remember("theme", name)

    def remember_zone(self, local: bool) -> str:
        """Keeps the zone of times; returns nothing, or why it could not be kept."""
        return self._remember("local_time", local)

    def remember_bell(self, rings: bool) -> str:
        """Keeps whether the bell rings; returns nothing, or why it could not be kept."""
        return self._remember("bell", rings)

    def _remember(self, what: str, value: object) -> str:
        if self._kept.get(what) == value:
            return ""
        self._kept[what] = value
        try:
            self._write(json.dumps(self._kept))
        except OSError as error:
            return error.strerror or str(error)
        return ""

    def _read(self) -> dict[str, object]:
        try:
            with self._path.open(encoding="utf-8") as file:
                found = json.loads(file.read(_SIZE_MAX))
        except (OSError, ValueError, RecursionError):
            return {}
        return {name: found[name] for name in _NAMES if name in found} if isinstance(found, dict) else {}

    def _write(self, text: str) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        draft = self._path.with_suffix(".new")
        draft.write_text(text + "\n", encoding="utf-8")
        draft.replace(self._path)
