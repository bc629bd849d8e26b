"""Writes the lock files: every package of the run, the tests and the build, pinned. `make lock` runs it.

pytest-sanic is left out of the resolution, because it asks for a websockets that Sanic no longer takes, and is
added as it is; that is why the lock files are installed with --no-deps.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from pathlib import Path

HERE = Path(__file__).parent
UNRESOLVED = "pytest-sanic"
# What is needed on other Pythons than this machine's: redis-py asks for it before 3.11.3, which is Debian 12's.
ELSEWHERE = {"async-timeout": 'python_full_version < "3.11.3"'}


def resolve(requirements: list[str]) -> dict[str, str]:
    """Name and version of everything that these requirements need, on this machine's Python."""
    command = [sys.executable, "-m", "pip", "install", "--dry-run", "--ignore-installed", "--quiet", "--report", "-"]
    answer = subprocess.run([*command, *requirements], capture_output=True, text=True, check=True)
    packages = [item["metadata"] for item in json.loads(answer.stdout)["install"]]
    return {package["name"].lower().replace("_", "-"): package["version"] for package in packages}


def write(name: str, packages: dict[str, str], what: str) -> None:
    """A lock file."""
    lines = [f"# {what} Written by `make lock`; installed with --no-deps."]
    lines += [f"{package}=={version}{_marker(package)}" for package, version in sorted(packages.items())]
    (HERE / name).write_text("\n".join(lines) + "\n")
    print(f"build/{name}: {len(packages)} packages")


def _marker(package: str) -> str:
    return f" ; {ELSEWHERE[package]}" if package in ELSEWHERE else ""


def main() -> None:
    project = tomllib.loads((HERE.parent / "pyproject.toml").read_text())["project"]
    run = project["dependencies"]
    extras = [item for group in project["optional-dependencies"].values() for item in group]
    pinned = dict(item.split("==") for item in extras if item.startswith(UNRESOLVED))
    needed = resolve([*run, *ELSEWHERE])
    write("requirements.txt", needed, "What the program needs.")
    build = set(resolve(project["optional-dependencies"]["build"]))
    rest = [item for item in extras if not item.startswith(UNRESOLVED)]
    everything = resolve([*run, *ELSEWHERE, *rest, "setuptools", "wheel"]) | pinned
    write("requirements-dev.txt", everything, "The same with tests and builds.")
    freezing = {package: version for package, version in everything.items() if package in build - set(needed)}
    write("requirements-build.txt", freezing, "What the executable is frozen with, beside requirements.txt.")


if __name__ == "__main__":
    main()
