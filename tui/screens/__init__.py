"""The views, one file each. What is put here is found by itself."""

from __future__ import annotations

import pkgutil
from functools import cache
from importlib import import_module

from tui.view import View

# As they lie on the keyboard; those that came later are letters, and the last is free.
KEYS = (*"1234567890", "minus", "equals_sign", "l", "b", "p", "exclamation_mark", "plus")


@cache
def find_views() -> tuple[type[View], ...]:
    """Every `View` with a tab in a module of this package, by their keys; two with one key are an error."""
    names = sorted(module.name for module in pkgutil.iter_modules(__path__))
    found = [view for name in names for view in _views_in(f"{__name__}.{name}")]
    if len({view.tab.key for view in found}) < len(found):
        raise RuntimeError(f"two views share a key: {sorted((view.tab.key, view.tab.view) for view in found)}")
    return tuple(sorted(found, key=lambda view: KEYS.index(view.tab.key)))


def _views_in(module: str) -> list[type[View]]:
    return [
        item
        for item in vars(import_module(module)).values()
        if isinstance(item, type) and issubclass(item, View) and item.__module__ == module and hasattr(item, "tab")
    ]
