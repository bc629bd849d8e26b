"""The Autobahn cases, all that are asked for."""

import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow


def test_autobahn():
    answer = subprocess.run(
        [sys.executable, "-m", "tests.e2e.autobahn"], capture_output=True, text=True, timeout=120, check=False
    )
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert answer.stdout.splitlines()[-1] == "301 cases, 0 failed"


def test_a_failure_is_told():
    code = "import tests.e2e.autobahn as a, sys; a.Echo.on_text = lambda self, text: self.send(b'other'); sys.exit(a.main())"
    answer = subprocess.run(
        [sys.executable, "-c", code, "1.1.2"], capture_output=True, text=True, timeout=60, check=False
    )
    assert answer.returncode == 1
    assert answer.stdout.startswith("1.1.2: FAILED")
    assert answer.stdout.endswith("1 cases, 1 failed\n")
