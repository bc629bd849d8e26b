"""Real clients of other programs' protocols, installed apart: what they need may not be what this program needs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

INSTALL_WITHIN = 300.0


def installed(folder: Path, *requirements: str) -> Path:
    """A folder for `PYTHONPATH` with these packages of PyPI."""
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--target"]
    answer = subprocess.run(
        [*command, str(folder), *requirements], capture_output=True, text=True, timeout=INSTALL_WITHIN, check=False
    )
    assert answer.returncode == 0, answer.stderr[-2000:]
    return folder
