"""Runs the program as its users do: `python -m notifier …` in a process of its own."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parent.parent.parent
PATIENCE = 20.0
OWN = ("NOTIFIER_", "DEV_", "PORT", "HTTP_PORT", "NO_COLOR")


class Answer(NamedTuple):
    """The output and exit code of a command."""

    code: int
    out: str
    err: str


def environment(**changes):
    """This process' environment without what would change the program's mind."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(OWN)}
    return {**kept, "PYTHONPATH": str(ROOT), **changes}


class Command:
    """A command that runs; use `async with`, which ends what is left of it."""

    def __init__(self, *arguments, cwd=None, **changes):
        self._arguments = (sys.executable, "-m", "notifier", *arguments)
        self._options = {"env": environment(**changes), "cwd": cwd or ROOT}

    async def __aenter__(self):
        pipe = subprocess.PIPE
        self.process = await asyncio.create_subprocess_exec(*self._arguments, stdout=pipe, stderr=pipe, **self._options)
        return self

    async def __aexit__(self, *error):
        if self.process.returncode is None:
            self.process.kill()
            await self.process.wait()

    @property
    def pid(self):
        return self.process.pid

    async def line(self):
        """The next line of its output."""
        return (await asyncio.wait_for(self.process.stdout.readline(), PATIENCE)).decode().rstrip("\n")

    async def line_with(self, text):
        """The next line of its output that has `text` in it."""
        while text not in (line := await self.line()):
            assert line or not self.process.stdout.at_eof(), f"it ended before it said {text!r}"
        return line

    async def complaint(self):
        """The next line of its stderr."""
        return (await asyncio.wait_for(self.process.stderr.readline(), PATIENCE)).decode().rstrip("\n")

    async def end(self, sign=None):
        """Sends it a signal, if one is given, and waits for its end."""
        if sign is not None:
            self.process.send_signal(sign)
        out, err = await asyncio.wait_for(self.process.communicate(), PATIENCE)
        return Answer(self.process.returncode, out.decode(), err.decode())

    async def interrupt(self):
        return await self.end(signal.SIGINT)


async def run(*arguments, **changes):
    """Runs a command to its end."""
    async with Command(*arguments, **changes) as command:
        return await command.end()


def one_line(answer, code):
    """The one line on stderr of a command that failed with `code` and printed nothing."""
    assert (answer.code, answer.out) == (code, ""), answer
    (line,) = answer.err.splitlines()
    assert line.startswith("notifier: "), line
    return line.removeprefix("notifier: ")
