"""The guides' tables of keys against the bindings themselves: none is missing, none is made up."""

from __future__ import annotations

import importlib
import pkgutil
import re
from pathlib import Path

import pytest

from tui import details
from tui.commands import key_name
from tui.everywhere import EVERYWHERE
from tui.page import FRAME_COMMANDS, Page
from tui.screens import find_views
from tui.widgets.table import COMMANDS

DOCS = Path(__file__).resolve().parents[2] / "notifier" / "web" / "docs"
NAMES = {
    "⏎": "Enter",
    "esc": "Esc",
    "backspace": "Backspace",
    "space": "Space",
    "tab": "Tab",
    "shift+tab": "Shift+Tab",
    "↑": "Up",
    "↓": "Down",
    "pgup": "PgUp",
    "pgdn": "PgDn",
    "home": "Home",
    "end": "End",
}


def pages() -> list[type[Page]]:
    modules = [
        importlib.import_module(f"{details.__name__}.{each.name}") for each in pkgutil.iter_modules(details.__path__)
    ]
    found = [item for module in modules for item in vars(module).values() if isinstance(item, type)]
    return [*find_views(), *(item for item in found if issubclass(item, Page))]


def bound() -> set[str]:
    commands = [*EVERYWHERE, *FRAME_COMMANDS, *COMMANDS, *(each for page in pages() for each in page.COMMANDS_HERE)]
    return {named(key_name(key)) for command in commands for key in command.keys.split(",")}


def named(key: str) -> str:
    return f"Ctrl+{key[1:].upper()}" if key.startswith("^") else NAMES.get(key, key)


@pytest.mark.parametrize(("path", "heading"), [("dashboard.md", "key"), ("ru/dashboard.md", "клавиша")])
def test_the_tables_hold_every_key_and_no_other(path: str, heading: str) -> None:
    tables = re.findall(rf"^\| {heading} \|.*\n\|.*\n((?:\|.*\n)+)", (DOCS / path).read_text(), re.MULTILINE)
    told = {
        key for table in tables for line in table.splitlines() for key in re.findall(r"`([^`]+)`", line.split(" | ")[0])
    }
    assert told == bound()
