"""The modules that the executable carries compiled: named once, and the same as they are plain."""

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from compiled import MODULES, ROOT, compile_modules, copy_sources

from notifier.packaged.form import SAMPLE

# What neither replaces methods of compiled classes nor derives from them, which plain ones alone allow.
RELEVANT = (
    "tests/store/test_one_behaviour.py",
    "tests/store/test_inbox.py",
    "tests/store/test_inbox_acceptance.py",
    "tests/store/test_inbox_upkeep.py",
    "tests/live/test_connection.py",
    "tests/live/test_frames.py",
    "tests/web/endpoints/test_socket.py",
    "tests/domain/test_ids.py",
    "tests/domain/test_limits.py",
    "tests/domain/test_times.py",
    "tests/domain/test_users.py",
)


def path_of(module, folder=ROOT):
    return Path(folder, *module.split(".")).with_suffix(".py")


def test_the_list_names_modules_once_and_with_them_the_sample():
    assert [name for name in MODULES if not path_of(name).is_file()] == []
    assert len(set(MODULES)) == len(MODULES)
    assert SAMPLE in MODULES


@pytest.mark.parametrize("name", MODULES)
def test_what_mypyc_breaks_is_not_in_them(name):
    """Structs of msgspec lose their defaults, a set of keys is no frozenset to compiled code, and what a class makes
    for itself would be made for each of its instances unless it is a `ClassVar`."""
    for node in ast.walk(ast.parse(path_of(name).read_text())):
        if isinstance(node, ast.ClassDef):
            assert not {"Struct"} & {base.id for base in node.bases if isinstance(base, ast.Name)}
            assert not [one for one in node.body if isinstance(one, ast.Assign) and isinstance(one.value, ast.Call)]
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitAnd):
            keys = [side for side in (node.left, node.right) if isinstance(side, ast.Call)]
            assert not [call for call in keys if getattr(call.func, "attr", "") == "keys"]


@pytest.fixture(scope="module")
def compiled(tmp_path_factory):
    if shutil.which("cc") is None:
        pytest.fail("a C compiler is needed: apt-get install gcc libc6-dev")
    folder = tmp_path_factory.mktemp("compiled")
    copy_sources(folder)
    compile_modules(folder)
    return folder


def run(folder, *command):
    """Python with the packages of a folder in the place of this checkout's."""
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    return subprocess.run(
        [sys.executable, "-P", *command], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )


@pytest.mark.slow
def test_the_compiled_program_says_so(compiled):
    assert run(compiled, "-m", "notifier", "version").stdout.startswith("notifier ")
    assert "(compiled)" in run(compiled, "-m", "notifier", "version").stdout.splitlines()[0]


@pytest.mark.slow
def test_a_library_has_two_segments_one_to_read_and_one_to_write(compiled):
    for path in compiled.rglob("*.so"):
        listed = subprocess.run(["readelf", "-lW", path], capture_output=True, text=True, check=True).stdout
        assert listed.count("\n  LOAD ") == 2, path


@pytest.mark.slow
def test_every_module_of_the_list_is_loaded_compiled(compiled):
    script = f"import importlib\nfor name in {MODULES!r}: print(importlib.import_module(name).__file__)"
    paths = run(compiled, "-c", script).stdout.split()
    assert len(paths) == len(MODULES)
    assert [path for path in paths if not (path.startswith(str(compiled)) and path.endswith(".so"))] == []


@pytest.mark.slow
def test_the_compiled_modules_behave_as_the_plain_ones_do(compiled):
    answer = run(compiled, "-m", "pytest", "-p", "notifier", "-m", "not slow", *RELEVANT)
    assert answer.returncode == 0, answer.stdout[-8000:]
