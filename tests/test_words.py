"""Plain words: a docstring begins with the mechanism, the setting or the object."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCES = [path for room in ("notifier", "tui", "build", "tests") for path in sorted((ROOT / room).rglob("*.py"))]
ROUNDABOUT = {"What", "Whether", "Who", "Whose", "Why", "How", "Tells", "Lets", "Ends"}


def docstrings(path):
    """(name, text) of every docstring in a file."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            yield getattr(node, "name", "the module"), ast.get_docstring(node) or ""


@pytest.mark.parametrize("room", ["notifier", "tui", "build", "tests"])
def test_no_docstring_begins_with_a_roundabout_word(room):
    found = [
        f"{path.relative_to(ROOT)}: {name}: {text.splitlines()[0]}"
        for path in SOURCES
        if path.relative_to(ROOT).parts[0] == room
        for name, text in docstrings(path)
        if text and text.split()[0].rstrip(",.:;") in ROUNDABOUT
    ]
    assert not found, "\n".join(found)
