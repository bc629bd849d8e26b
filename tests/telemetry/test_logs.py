"""Lines of the log: text of callers in them stays text."""

import json
import subprocess
import sys

import pytest

PROGRAM = """
import logging, sys
from notifier.telemetry.logs import configure_logging
configure_logging("info", sys.argv[1], "p")
log = logging.getLogger("notifier.test")
log.info("test.line", extra={"path": TEXT, "plain": "two words", "many": [TEXT]})
try:
    raise ValueError("x")
except ValueError:
    log.error("test.failed", exc_info=True)
"""
TEXTS = [
    "\x1b[31mred",
    "\x1b]0;title\x07",
    "a\nb",
    "a\rb",
    "a\x85b",
    "a\u2028b",
    "\x9b31m",
    "a\x7fb",
    "\u202eevil",
    "é☃",
]


@pytest.mark.parametrize("form", ["text", "json"])
def test_no_text_is_a_command_or_a_line_of_its_own(form):
    for_each = "\n".join(f"TEXT = {text!r}\n{PROGRAM}" for text in TEXTS)
    run = subprocess.run([sys.executable, "-c", for_each, form], capture_output=True, check=True, timeout=30)
    lines = [line for line in run.stderr.decode().split("\n") if "test.line" in line]
    assert len(lines) == len(TEXTS)
    for text, line in zip(TEXTS, lines, strict=True):
        assert line.splitlines() == [line]
        assert all(char.isprintable() or char == "\u202e" for char in line), line
        if form == "json":
            assert (json.loads(line)["path"], json.loads(line)["many"]) == (text, [text])
        else:
            assert "two words" in line
    assert b"\nValueError: x" in run.stderr or b"\\nValueError: x" in run.stderr  # a traceback keeps its lines
