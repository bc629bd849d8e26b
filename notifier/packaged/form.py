"""The form of the program's code: the executable carries its hot path compiled by mypyc, all else runs it as it is."""

from __future__ import annotations

from importlib.util import find_spec

SAMPLE = "notifier.store.lean.packed"  # of the modules that `build/compiled.py` names


def form() -> str:
    """`compiled` where the hot path is machine code, else `plain`."""
    spec = find_spec(SAMPLE)
    return "compiled" if spec is not None and (spec.origin or "").endswith(".so") else "plain"
