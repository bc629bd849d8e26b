"""Makes wheel and sdist and proves them: installed into a clean environment, served, sent, read back.

`make release-check` runs it. The sources are copied away first: setuptools would work in build/, which is ours.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
DIST = ROOT / "dist"
SOURCES = ("notifier", "tui", "pyproject.toml", "README.md", "LICENSE")
PATIENCE = 20.0
BACKEND = "import setuptools.build_meta as b, sys; getattr(b, sys.argv[1])(sys.argv[2])"


class ReleaseError(Exception):
    """The artefacts do not do what they should."""


def run(*command: str, cwd: Path | None = None) -> str:
    """The output of a command that must succeed, away from this checkout and its settings."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "NOTIFIER_"))}
    answer = subprocess.run(command, cwd=cwd, env=kept, capture_output=True, text=True, check=False)
    if answer.returncode:
        raise ReleaseError(f"{' '.join(command)}: {answer.stderr[-2000:] or answer.stdout[-2000:]}")
    return answer.stdout


def declared_version() -> str:
    """The version, from the one place where it stands."""
    text = (ROOT / "notifier" / "__init__.py").read_text()
    found = re.search(r'^__version__ = "(.+)"$', text, re.MULTILINE)
    if found is None:
        raise ReleaseError("notifier/__init__.py names no version")
    return found[1]


def build(folder: Path) -> tuple[Path, Path]:
    """Makes the sdist from a copy of the sources, and the wheel from what is in the sdist."""
    source = folder / "source"
    source.mkdir()
    for name in SOURCES:
        path = ROOT / name
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(path, source / name, ignore=ignored) if path.is_dir() else shutil.copy2(path, source)
    DIST.mkdir(exist_ok=True)
    run(sys.executable, "-c", BACKEND, "build_sdist", str(folder), cwd=source)
    (sdist,) = folder.glob("*.tar.gz")
    unpacked = unpack(sdist, folder / "unpacked")
    run(sys.executable, "-c", BACKEND, "build_wheel", str(folder), cwd=unpacked)
    (wheel,) = folder.glob("*.whl")
    return Path(shutil.copy2(wheel, DIST)), Path(shutil.copy2(sdist, DIST))


def unpack(sdist: Path, folder: Path) -> Path:
    """Unpacks the archive that was just made; the one folder in it."""
    # Python 3.11 knows filters from 3.11.4 on, and Debian 12 has 3.11.2; an archive of our own needs none.
    options: dict[str, Any] = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
    with tarfile.open(sdist) as archive:
        archive.extractall(folder, **options)
    (unpacked,) = folder.iterdir()
    return unpacked


def install(wheel: Path, folder: Path) -> Path:
    """A clean environment with the wheel and what is locked; its `notifier`."""
    run("bash", str(ROOT / "build" / "venv.sh"), sys.executable, str(folder))
    pip = (
        str(folder / "bin" / "python"),
        "-m",
        "pip",
        "--quiet",
        "--disable-pip-version-check",
        "install",
        "--no-deps",
    )
    run(*pip, "-r", str(ROOT / "build" / "requirements.txt"), str(wheel))
    return folder / "bin" / "notifier"


def serve_and_send(program: Path, folder: Path) -> str:
    """Serves from the environment, sends one notification and reads it back; its id."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    options = ("--addr", f"127.0.0.1:{port}", "--data-dir", str(folder / "data"))
    with (folder / "server.log").open("w") as log:
        server = subprocess.Popen([program, "serve", *options], cwd=folder, stdout=log, stderr=log)
    try:
        wait_healthy(program, url, server)
        sent = run(str(program), "send", "--url", url, "--to", "1:alice", "hello", cwd=folder).split()[1]
        client = (str(program), "client", "--url", url, "--login", "alice", "--no-ack", "--json")
        with subprocess.Popen(client, cwd=folder, stdout=subprocess.PIPE, text=True) as reader:
            assert reader.stdout is not None
            message = json.loads(reader.stdout.readline())
            reader.terminate()
    finally:
        server.terminate()
        code = server.wait(PATIENCE)
    if message["data"].get("notification_id") != sent or code:
        raise ReleaseError(f"sent {sent}, read {message}; the server ended with {code}")
    return sent


def wait_healthy(program: Path, url: str, server: subprocess.Popen[bytes]) -> None:
    """Waits until the server says that it is well."""
    deadline = time.monotonic() + PATIENCE
    while subprocess.run([program, "healthcheck", "--url", url], capture_output=True, check=False).returncode:
        if server.poll() is not None or time.monotonic() > deadline:
            raise ReleaseError("the server does not become healthy")
        time.sleep(0.1)


def main() -> None:
    """The steps; a line for each."""
    version = declared_version()
    with tempfile.TemporaryDirectory(prefix="release-") as name:
        folder = Path(name)
        wheel, sdist = build(folder)
        for path in (sdist, wheel):
            if f"-{version}" not in path.name:
                raise ReleaseError(f"{path.name} is not of version {version}")
            print(f"dist/{path.name}: {path.stat().st_size / 1e3:.0f} kB")
        program = install(wheel, folder / "venv")
        said = run(str(program), "version", cwd=folder)
        if said.split()[:2] != ["notifier", version]:
            raise ReleaseError(f"it says {said!r}")
        print(f"installed into a clean environment: {', '.join(said.splitlines())}")
        print(f"sent and read back: {serve_and_send(program, folder)}")


if __name__ == "__main__":
    try:
        main()
    except ReleaseError as error:
        sys.exit(f"release-check: {error}")
