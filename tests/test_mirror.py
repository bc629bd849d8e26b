"""Tests mirror the source: a module of these rooms has a test file of its own name, at the same place."""

from pathlib import Path

import pytest

ROOT = Path(__file__).parent
SOURCE = ROOT.parent / "notifier"
ROOMS = ("delivery", "providers")
MODULES = [path.relative_to(SOURCE) for room in ROOMS for path in sorted((SOURCE / room).rglob("*.py"))]


@pytest.mark.parametrize("module", [path for path in MODULES if path.name != "__init__.py"], ids=str)
def test_a_module_has_a_test_of_its_name(module):
    assert (ROOT / module.parent / f"test_{module.name}").is_file()
