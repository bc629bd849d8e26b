"""Output that cannot be written, and what no header may carry: one line each, and never a traceback."""

import asyncio
import os
import subprocess
import sys

import pytest

from notifier.cli import COMMANDS
from tests.cli.runner import PATIENCE, ROOT, Answer, environment, one_line, run

LOST = {">/dev/full": "no space left on device", ">&-": "bad file descriptor", "| true": "broken pipe"}
SECRET = "x" * 40


async def run_into(where, *arguments, **changes):
    """Runs a command with its standard output led there."""
    reader, writer = os.pipe()
    os.close(reader)  # nobody reads
    try:
        process = await asyncio.create_subprocess_exec(
            "sh",
            "-c",
            f'exec "$@" {where if where[0] == ">" else ""}',
            "sh",
            *(sys.executable, "-m", "notifier", *arguments),
            stdin=subprocess.DEVNULL,
            stdout=writer,
            stderr=subprocess.PIPE,
            env=environment(**changes),
            cwd=ROOT,
        )
    finally:
        os.close(writer)
    _, err = await asyncio.wait_for(process.communicate(), PATIENCE)
    return Answer(process.returncode, "", err.decode())


@pytest.mark.parametrize("where", LOST)
async def test_output_that_cannot_be_written(loop, where):
    for arguments in (["version"], ["send", "--help"]):
        assert one_line(await run_into(where, *arguments), 1) == f"the output could not be written: {LOST[where]}"


@pytest.mark.slow
@pytest.mark.parametrize("where", LOST)
async def test_no_command_ends_in_a_traceback_for_want_of_output(start_pod, where):
    pod = await start_pod(auth_mode="token", admin_token=SECRET)
    server = {"NOTIFIER_URL": f"http://127.0.0.1:{pod.port}", "NOTIFIER_TOKEN": SECRET, "JWT_SECRET": SECRET}
    calls = [
        ["--version"],
        ["--help"],
        *([name, "--help"] for name in COMMANDS),
        ["send", "--to", "1:a", "x"],
        ["send", "--channel", "inapp", "--recipient", "1-a", "x"],
        ["keys", "create", "--name", "a", "--scope", "read"],
        ["keys", "list"],
        ["keys", "revoke", "0b5e5cbe-2f4f-4c80-b90e-4d0ee6d6a3a1"],
        ["token", "--user-id", "1", "--login", "a"],
        ["doctor"],
        ["doctor", "--json"],
        ["healthcheck"],
        ["client", "--login", "a"],
        ["bench", "--users", "2", "--rate", "10", "--duration", "100ms", "--drain", "100ms"],
        ["tui"],
    ]
    for call in calls:
        answer = await run_into(where, *call, **server)
        said = [line for line in answer.err.splitlines() if line.startswith("notifier: ")]
        others = [line for line in answer.err.splitlines() if line not in said]
        assert (answer.code, len(said)) == (1, 1), (call, answer)
        assert all(line.startswith(("connected to", "key ")) for line in others), (call, answer)


async def test_closed_streams_are_nobodys(loop):
    for where in ("<&- >&- 2>&-", "2>&- >/dev/full"):
        assert await run_into(f"> /dev/null {where}", "version") == Answer(1, "", "")
    assert (await run_into(">/dev/null 2>/dev/full", "version")).code == 0


# -- what a header or a URL cannot carry

KEYS = ["a\nb", "a\rb", "a\r\nX-Evil: 1", "a\x1b[31m", "a\x7fb", "ключ", "é", "a\u2028b", "\udcff"]
URLS = [
    "",
    "h",
    "http://",
    "http://a b",
    "http://a\nb",
    "http://localhost\r\nX: y",
    "http://localhost/\tx",
    "http://a:0",
]
URLS += ["http://a:99999", "http://a:x", "http://[::1", "http://a..b", f"http://{'a' * 64}.b", "ftp://a", "http://a/?b"]
URLS += ["http://a/#b", "http://a\\b", "http://u:p@a", "http://a/ä", "http://.", "javascript:x", "\udcff"]


@pytest.fixture
def refuse(capsys):
    """Runs the command line in this process; the one line of a usage error."""
    from notifier.cli import run

    def refuse(*arguments):
        code, said = run(list(arguments)), capsys.readouterr()
        return one_line(Answer(code, said.out, said.err), 2)

    return refuse


WITH_SERVER = [
    ["send", "--to", "1:a", "x"],
    ["client"],
    ["bench"],
    ["keys", "list"],
    ["keys", "create", "--name", "a", "--scope", "read"],
    ["keys", "revoke", "a"],
    ["doctor"],
    ["healthcheck"],
    ["tui"],
]


@pytest.mark.parametrize("command", WITH_SERVER, ids=" ".join)
def test_tokens_that_no_header_carries(refuse, monkeypatch, command):
    for key in KEYS:
        said = refuse(*command, "--token", key)
        assert "'--token'" in said and "give the key alone" in said and key not in said
        monkeypatch.setenv("NOTIFIER_TOKEN", key)
        assert "give the key alone" in refuse(*command)
        monkeypatch.delenv("NOTIFIER_TOKEN")


@pytest.mark.parametrize("command", WITH_SERVER, ids=" ".join)
def test_urls_that_are_none(refuse, monkeypatch, command):
    for url in URLS:
        assert "'--url'" in refuse(*command, "--url", url), url
        if url:
            monkeypatch.setenv("NOTIFIER_URL", url)
            assert "'--url'" in refuse(*command), url
            monkeypatch.delenv("NOTIFIER_URL")


def test_idempotency_keys_that_no_header_carries(refuse):
    for key in [*KEYS, "", "x" * 256]:
        assert "'--idempotency-key'" in refuse("send", "--to", "1:a", "--idempotency-key", key, "x")


def test_ids_that_no_path_carries(refuse):
    assert "ID" in refuse("keys", "revoke", "\udcff") and "ID" in refuse("keys", "revoke", "a\nb")


async def test_a_token_with_a_line_break_in_the_environment(loop):
    assert "give the key alone" in one_line(await run("keys", "list", NOTIFIER_TOKEN="a\nb"), 2)
