"""The guide's snippet for Debian's OpenSSH, on loopback: it opens the dashboard, and nothing else."""

from __future__ import annotations

import getpass
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.e2e.screen import Terminal
from tests.e2e.server import free_port
from tests.tui.test_run import served

ROOT = Path(__file__).parent.parent.parent
GUIDE = ROOT / "notifier" / "web" / "docs" / "dashboard.md"
SSHD = shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin")
PATIENCE = 30.0

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not SSHD, reason="no sshd here: apt-get install openssh-server; make test-slow does it"),
]


class Account(NamedTuple):
    """The way in: a client's command; and host and port of the server behind it."""

    command: list[str]
    server: str

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*self.command, *arguments],
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
            stdin=subprocess.DEVNULL,
        )


def snippet(program: Path) -> str:
    """The guide's lines for this user and this checkout."""
    (found,) = re.findall(r"```text\n(Match User .*?)```", GUIDE.read_text(), re.DOTALL)
    return found.replace("watch", getpass.getuser()).replace("/usr/local/bin/notifier", str(program))


@pytest.fixture
def account(tmp_path: Path) -> Iterator[Account]:
    """An account whose context `@prod` is a server here."""
    with served("s3cret") as url:
        home = tmp_path / "config" / "notifier"
        home.mkdir(parents=True)
        for name, text in (
            ("contexts.toml", f'[prod]\nurl = "{url}"\ntoken_file = "prod.token"\n'),
            ("prod.token", "s3cret"),
        ):
            (home / name).write_text(text)
            (home / name).chmod(0o600)
        program = tmp_path / "notifier"
        settings = f"XDG_CONFIG_HOME={home.parent} PYTHONPATH={ROOT}"
        program.write_text(f'#!/bin/sh\nexec env {settings} {sys.executable} -m notifier "$@"\n')
        program.chmod(0o755)
        with listening(tmp_path, snippet(program)) as command:
            yield Account(command, url.removeprefix("http://"))


@contextmanager
def listening(folder: Path, match: str) -> Iterator[list[str]]:
    """Runs sshd with these lines; gives the client's command."""
    for name in ("host", "key"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / name], check=True)
    (folder / "authorized").write_text((folder / "key.pub").read_text())
    port = free_port()
    (folder / "sshd_config").write_text(
        f"ListenAddress 127.0.0.1:{port}\nHostKey {folder}/host\nPidFile none\nUsePAM no\nStrictModes no\n"
        f"AuthorizedKeysFile {folder}/authorized\nPermitRootLogin yes\nSubsystem sftp /usr/lib/openssh/sftp-server\n{match}"
    )
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    with (folder / "sshd.log").open("w") as log:
        server = subprocess.Popen([str(SSHD), "-D", "-e", "-f", folder / "sshd_config"], stderr=log)
    options = ["StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "IdentitiesOnly=yes", "LogLevel=ERROR"]
    try:
        wait_for(port, server)
        flags = [part for option in options for part in ("-o", option)]
        yield [
            "ssh",
            *flags,
            "-F",
            "none",
            "-i",
            str(folder / "key"),
            "-p",
            str(port),
            f"{getpass.getuser()}@127.0.0.1",
        ]
    finally:
        server.terminate()
        server.wait(PATIENCE)


def wait_for(port: int, server: subprocess.Popen[bytes]) -> None:
    """Until sshd takes connections."""
    deadline = time.monotonic() + PATIENCE
    while server.poll() is None and time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError("sshd does not listen")


def test_the_dashboard_opens(account: Account) -> None:
    terminal = Terminal([account.command[0], "-tt", *account.command[1:]], 120, 36)
    terminal.sees("Instances", PATIENCE)
    terminal.sees("@prod 127.0.0.1")
    terminal.sees("READ-ONLY")
    terminal.press("2")
    terminal.sees("192.168.7.20")
    terminal.press("D")
    terminal.sees("D: this dashboard is read-only")
    terminal.press("q")
    assert terminal.ended() == 0


def test_a_command_of_their_own_is_not_run(account: Account) -> None:
    answer = account.run("echo", "pwned; id")
    assert answer.returncode == 1
    assert "needs a terminal" in answer.stderr
    assert "pwned" not in answer.stdout
    assert "uid=" not in answer.stdout


def test_files_cannot_be_fetched(account: Account) -> None:
    """An sftp server would end well: nobody asks it for anything."""
    answer = account.run("-s", "sftp")
    assert (answer.returncode, answer.stdout) == (1, "")


def test_nothing_is_forwarded(account: Account) -> None:
    answer = account.run("-W", account.server)
    assert (answer.returncode, answer.stderr) == (255, "stdio forwarding failed\n")
