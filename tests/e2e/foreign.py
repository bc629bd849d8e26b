"""Other people's programs, installed unmodified for the run of a test: Python's in an environment of their own, as
their requirements are not ours, and those of npm."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from pathlib import Path


async def run(*command: str, cwd: Path | None = None, within: float = 300.0) -> tuple[int, str]:
    """The exit code and the output of a command, which is killed after `within` seconds."""
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=cwd,
        env=os.environ | {"NO_COLOR": "1", "PYTHONUTF8": "1", "PYTHONPATH": ""},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        output, _ = await asyncio.wait_for(process.communicate(), within)
    except TimeoutError:
        process.kill()
        raise
    return process.returncode or 0, output.decode()


async def must_run(*command: str, cwd: Path | None = None, within: float = 300.0) -> str:
    """The output of a command that must succeed."""
    code, output = await run(*command, cwd=cwd, within=within)
    assert code == 0, f"{' '.join(command)}: {output}"
    return output


async def python_with(folder: Path, *packages: str) -> Path:
    """The folder of the programs of a new environment with these packages, each with its version."""
    await must_run(sys.executable, "-m", "venv", str(folder))
    programs = folder / "bin"
    await must_run(str(programs / "python"), "-m", "pip", "install", "--quiet", "--no-input", *packages)
    return programs


async def node_with(folder: Path, *packages: str) -> str:
    """Node, for scripts in `folder`, where these packages of npm are."""
    npm, node = shutil.which("npm"), shutil.which("node")
    assert npm and node, "clients in JavaScript need Node.js 20 and npm"
    folder.mkdir()
    await must_run(npm, "install", "--silent", "--no-audit", "--no-fund", "--no-package-lock", *packages, cwd=folder)
    return node
