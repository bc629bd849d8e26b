"""Compiles the modules of the hot path with mypyc: compiled.py FOLDER puts the packages there, with extension modules.

`freeze.sh` runs it for the executable. A checkout and the wheel run the same modules as they are, and need no compiler.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("notifier", "tui")
GROUP = "notifier"  # of the one library, notifier__mypyc, that all extension modules stand on
# What every message passes through. Not here, because mypyc refuses or breaks them: modules with msgspec Structs,
# subclasses of Sanic's protocol, handlers whose signature Sanic inspects, string literals with surrogates.
MODULES = (
    "notifier.domain.ids",
    "notifier.domain.limits",
    "notifier.domain.times",
    "notifier.domain.users",
    "notifier.live.connection",
    "notifier.live.cursor",
    "notifier.live.follower",
    "notifier.live.frames",
    "notifier.live.hub",
    "notifier.live.lean",
    "notifier.live.router",
    "notifier.live.websocket",
    "notifier.store.express",
    "notifier.store.lean.accepts",
    "notifier.store.lean.packed",
    "notifier.store.lean.reads",
    "notifier.store.lean.soles",
    "notifier.store.lean.transaction",
    "notifier.store.lean.upkeep",
    "notifier.store.redis.gather",
    "notifier.store.redis.link",
    "notifier.web.endpoints.express",
    "notifier.web.http.lane",
)
SETUP = """
import sys
from mypyc.build import mypycify
from setuptools import setup

options = ["--config-file", "pyproject.toml", "--ignore-missing-imports", "--cache-dir", "build"]
modules = mypycify([*options, *sys.argv.pop().split()], opt_level="2", debug_level="0", group_name=sys.argv.pop())
for module in modules:  # code and constants on one page: 12 KB of memory instead of 20 for each module's own library
    module.extra_link_args.append("-Wl,-z,noseparate-code")
setup(name="notifier", packages=[], py_modules=[], ext_modules=modules, script_args=["build_ext", "--inplace"])
"""


def copy_sources(folder: Path) -> None:
    """The packages as they are, into `folder`, which is emptied."""
    shutil.rmtree(folder, ignore_errors=True)
    for package in PACKAGES:
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", folder)


def compile_modules(folder: Path) -> list[Path]:
    """Compiles what `MODULES` names in a folder of sources; the extension modules. Raises `SystemExit` with what the
    compiler said."""
    paths = " ".join(f"{name.replace('.', '/')}.py" for name in MODULES)
    command = [sys.executable, "-c", SETUP, GROUP, paths]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"the modules do not compile:\n{done.stdout[-4000:]}{done.stderr[-4000:]}")
    shutil.rmtree(folder / "build")
    return sorted(path for path in folder.rglob("*.so"))


def main(folder: Path) -> None:
    copy_sources(folder)
    found = compile_modules(folder)
    print(
        f"compiled {len(MODULES)} modules: {sum(path.stat().st_size for path in found) / 1e6:.1f} MB before stripping"
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
