"""Files of the executable besides what the analysis finds."""

from __future__ import annotations

import ast
import json
import shutil
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest
from bundle import ROOT, find_data, find_modules, without_systemd, write_notices, write_sbom

from notifier.cli import COMMANDS


def test_every_command_is_named_since_all_are_imported_by_name():
    assert {f"notifier.cli.{name}" for name in COMMANDS} <= set(find_modules())


def test_every_module_is_named_once_and_as_it_is_imported():
    modules = find_modules()
    assert len(modules) == len(set(modules))
    assert "notifier" in modules
    assert not [name for name in modules if name.endswith("__init__")]


def test_scripts_and_page_keep_their_folders():
    found = {(Path(source).relative_to(ROOT).as_posix(), folder) for source, folder in find_data()}
    assert ("notifier/web/static/index.html", "notifier/web/static") in found
    scripts = ROOT / "notifier/store/scripts"
    assert {path.relative_to(ROOT).as_posix() for path in scripts.rglob("*.lua")} <= {source for source, _ in found}


def test_the_notices_name_the_program_and_the_packages_of_the_files(tmp_path):
    import sanic

    path = tmp_path / "licences.txt"
    write_notices(path, [sanic.__file__, sys.executable])
    lines = path.read_text().splitlines()
    titles = [title for line, title in pairwise(lines) if line == "=" * 78 and title]
    assert titles[0] == "notifier"
    assert f"sanic {sanic.__version__}" in titles
    assert not [title for title in titles if title.startswith("httptools")]


def test_the_bill_of_materials_names_the_packages_of_the_files(tmp_path):
    import sanic

    path = tmp_path / "dist" / "notifier.cdx.json"
    write_sbom(path, "1.2.3", [sanic.__file__, shutil.which("redis-server")])
    document = json.loads(path.read_text())
    assert (document["bomFormat"], document["specVersion"]) == ("CycloneDX", "1.5")
    assert document["metadata"]["component"]["version"] == "1.2.3"
    purls = [component["purl"] for component in document["components"]]
    assert f"pkg:pypi/sanic@{sanic.__version__}" in purls
    assert len(purls) == len(set(purls))
    assert not [purl for purl in purls if "httptools" in purl]
    if Path("/usr/bin/redis-server").exists():  # Debian's
        assert [purl for purl in purls if purl.startswith("pkg:deb/debian/redis-")]


def listed(*paths):
    return [(Path(path).name, str(path), "BINARY") for path in paths]


def libraries_of(path):
    lines = subprocess.run(["ldd", path], capture_output=True, text=True, check=True).stdout.splitlines()
    return [line.split()[2] for line in lines if "=> /" in line]


@pytest.fixture
def redis():
    if not Path("/usr/bin/redis-server").exists():
        pytest.fail("Debian's redis-server is needed: apt-get install redis-server")
    return "/usr/bin/redis-server"


def test_redis_runs_without_systemd_and_what_that_alone_brings(tmp_path, redis):
    found = without_systemd(listed(redis, *libraries_of(redis)), tmp_path)
    names = {name for name, _, _ in found}
    assert "libsystemd.so.0" in names
    assert not [name for name in names if name.startswith(("libgcrypt", "libgpg-error", "libzstd", "liblz4", "libcap"))]
    folder = tmp_path / "libraries"
    folder.mkdir()
    for name, source, _ in found:
        shutil.copy(source, folder / name)
    command = [str(folder / "redis-server"), "--version"]
    environment = {"LD_LIBRARY_PATH": str(folder), "LD_BIND_NOW": "1"}
    answer = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert answer.stdout.startswith("Redis server v="), answer.stderr


def test_a_library_that_another_needs_stays(tmp_path, redis):
    """Python's own lzma module needs a library that libsystemd needs, too."""
    user = tmp_path / "_lzma.so"
    subprocess.run(
        ["cc", "-shared", "-x", "c", "-", "-Wl,--no-as-needed", "-l:liblzma.so.5", "-o", str(user)],
        input="",
        check=True,
        text=True,
    )
    names = {name for name, _, _ in without_systemd(listed(redis, user, *libraries_of(redis)), tmp_path)}
    assert "liblzma.so.5" in names and "libzstd.so.1" not in names


def test_a_bundle_without_systemd_is_left_as_it_is(tmp_path, redis):
    binaries = listed(redis, "/nowhere/libother.so")
    assert without_systemd(binaries, tmp_path) == binaries


EXCLUDED = """
import importlib, sys

class Excluded:
    def find_spec(self, name, path=None, target=None):
        if any(f"{name}.".startswith(f"{excluded}.") for excluded in sys.argv[1].split()):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Excluded())
from notifier.serving import libraries
libraries.load()
for name in sys.argv[2:]:
    importlib.import_module(name)
"""


def excluded():
    """The names that the spec leaves out."""
    tree = ast.parse((ROOT / "notifier.spec").read_text())
    lists = {ast.unparse(node.targets[0]): node.value for node in tree.body if isinstance(node, ast.Assign)}
    return [node.value for node in ast.walk(lists["EXCLUDED"]) if isinstance(node, ast.Constant)]


def test_no_module_of_the_program_asks_for_what_is_excluded():
    names = [name for name in find_modules() if not name.endswith("__main__")]
    command = [sys.executable, "-c", EXCLUDED, " ".join(excluded()), *names]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr
    assert {"multiprocessing", "lzma", "sanic.worker.manager"} <= {*excluded()}


def test_code_is_frozen_without_columns_of_sources_that_are_not_there():
    assert "python -X no_debug_ranges -m PyInstaller" in (ROOT / "build" / "freeze.sh").read_text()
