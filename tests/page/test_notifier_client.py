"""Runs the unit tests of the browser's client, which are JavaScript, under Node's own test runner."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

TESTS = sorted(Path(__file__).parent.glob("*.test.mjs"))
OLDEST = 20


def node() -> str:
    executable = shutil.which("node")
    assert executable, "the tests of notifier-client.js need Node.js 20 or newer: apt-get install nodejs"
    version = subprocess.run([executable, "--version"], capture_output=True, text=True, check=True).stdout
    match = re.match(r"v(\d+)", version)
    assert match is not None, version
    assert int(match[1]) >= OLDEST, f"Node.js {OLDEST} or newer is needed, {executable} is {version.strip()}"
    return executable


def test_notifier_client() -> None:
    run = subprocess.run(
        [node(), "--test", "--test-reporter=spec", *map(str, TESTS)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    passed = re.search(r"pass (\d+)", run.stdout)
    assert passed is not None
    assert int(passed[1]) >= 60, "the tests were not found"
