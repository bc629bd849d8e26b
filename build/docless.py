"""Code of other people's modules for the executable without their docstrings: 1.2 MB less, and less memory.

Assertions stay, unlike with Python's own -OO. A class keeps one character, as `dataclass` would make up a text where
there is none, which takes time at every start.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable
from pathlib import Path
from types import CodeType

OWN = ("notifier", "tui")  # their docstrings are texts of the command line, among others
BRIEF = "."

Documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def compile_without_docs(modules: Iterable[tuple[str, str, str]]) -> dict[str, CodeType]:
    """The code of those of PyInstaller's modules (name, path, kind) that are not this program's own, by name."""
    return {
        name: code_of(Path(path)) for name, path, _ in modules if path.endswith(".py") and name.split(".")[0] not in OWN
    }


def code_of(path: Path) -> CodeType:
    """The code of a source file without docstrings."""
    tree = ast.parse(path.read_bytes())
    for node in ast.walk(tree):
        if isinstance(node, Documented) and ast.get_docstring(node, clean=False) is not None:
            _shorten(node)
    return compile(tree, str(path), "exec", dont_inherit=True, optimize=0)


def _shorten(node: Documented) -> None:
    first = node.body[0]
    if isinstance(node, ast.ClassDef):
        node.body[0] = ast.copy_location(ast.Expr(ast.copy_location(ast.Constant(BRIEF), first)), first)
    elif len(node.body) > 1:
        del node.body[0]
    else:
        node.body[0] = ast.copy_location(ast.Pass(), first)
