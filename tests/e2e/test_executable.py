"""The one executable: built when it is missing or older than what it is made of, then tested alone."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
EXECUTABLE = ROOT / "dist" / "notifier"
SOURCES = ("notifier/**/*", "tui/**/*", "build/**/*", "notifier.spec")
BUILD_WITHIN = 600.0  # seconds; the first build installs an environment
SMOKE_WITHIN = 300.0


def changed_after(moment):
    """The sources that are newer; bytecode is not one."""
    paths = {path for pattern in SOURCES for path in ROOT.glob(pattern) if "__pycache__" not in path.parts}
    return [path for path in paths if path.is_file() and path.stat().st_mtime > moment]


def run(*command, within):
    """Runs a command in the project's folder; what it printed."""
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=within, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_executable_does_on_a_bare_machine_what_the_program_does_here():
    if not EXECUTABLE.is_file() or changed_after(EXECUTABLE.stat().st_mtime):
        run("bash", "build/freeze.sh", "file", within=BUILD_WITHIN)
    report = run(sys.executable, "build/smoke.py", str(EXECUTABLE), within=SMOKE_WITHIN)
    for line in ("the history is still there", "SIGTERM: exit code 0"):
        assert line in report, report
