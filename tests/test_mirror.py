"""Tests mirror the source: a module with rules has a test file of its own name, at the same place."""

from pathlib import Path

import pytest

ROOT = Path(__file__).parent
SOURCE = ROOT.parent / "notifier"
ROOMS = ("delivery", "domain", "ingest", "live", "providers", "service", "store")
MODULES = [path.relative_to(SOURCE) for room in ROOMS for path in sorted((SOURCE / room).rglob("*.py"))]
ELSEWHERE = {
    "domain/entries.py": "one record without a rule",
    "domain/states.py": "shapes and filters: tests/web/endpoints/test_own_inbox",
    "service/states.py": "one call each of what tests/web/endpoints/test_own_inbox asks for",
    "service/keyed.py": "one call each of what tests/web/endpoints/test_notify_changes asks for",
    "store/inbox_states.py": "one call each of scripts: tests/web/endpoints/test_own_inbox, test_notify_changes",
    "live/watch.py": "over real pods: tests/web/endpoints/test_own_inbox",
    "live/router.py": "over real pods: test_pods, test_catch_up",
    "store/inbox_values.py": "records; their rules are those of the modules that make them",
    "store/redis/client.py": "what one server and a cluster share: test_single, test_link, test_cluster",
    "store/embedded/aof_repair.py": "checks, scan and repair of one file: test_aof",
    "store/embedded/aof_scan.py": "checks, scan and repair of one file: test_aof",
    "store/embedded/append_only.py": "a part of the server's life: test_server",
    "store/embedded/kept.py": "needs two processes: tests/serving/test_supervisor",
}


@pytest.mark.parametrize("module", [path for path in MODULES if path.name != "__init__.py"], ids=str)
def test_a_module_has_a_test_of_its_name(module):
    there = (ROOT / module.parent / f"test_{module.name}").is_file()
    assert there != (str(module) in ELSEWHERE), f"{module} has no test of its name" if not there else "no exception"


def test_exceptions_are_modules():
    assert not [name for name in ELSEWHERE if not (SOURCE / name).is_file()]
