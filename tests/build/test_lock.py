"""The lock files name all that is needed on every Python that the program runs on: they are installed with --no-deps."""

from __future__ import annotations

from importlib.metadata import distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

BUILD = Path(__file__).parents[2] / "build"
PYTHONS = ("3.11.0", "3.11.2", "3.11.3", "3.12.0", "3.13.0")
UNRESOLVED = "pytest-sanic"  # build/lock.py says why


def locked(name: str) -> dict[str, Requirement]:
    lines = (BUILD / name).read_text().splitlines()
    requirements = [Requirement(line) for line in lines if not line.startswith("#")]
    return {canonicalize_name(one.name): one for one in requirements}


def applies(requirement: Requirement, python: str) -> bool:
    where = {"python_full_version": python, "python_version": python.rpartition(".")[0], "extra": ""}
    return requirement.marker is None or requirement.marker.evaluate(where)


@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt"])
def test_what_a_locked_package_asks_for_is_locked(name: str, python: str) -> None:
    pinned = locked(name)
    here = {package for package, requirement in pinned.items() if applies(requirement, python)}
    wanted = {
        (package, canonicalize_name(requirement.name))
        for distribution in distributions()
        if (package := canonicalize_name(distribution.metadata["Name"])) in here.difference({UNRESOLVED})
        for requirement in map(Requirement, distribution.requires or ())
        if applies(requirement, python)
    }
    assert {(package, needed) for package, needed in wanted if needed not in here} == set()
