"""The command line: one file per command, each loaded when it is called."""

from __future__ import annotations

import contextlib
import errno
import importlib
import os
import sys
from typing import Any, TextIO

import click

from notifier import __version__

COMMANDS = {
    "serve": "Run the server: HTTP, WebSocket and deliveries (the default).",
    "client": "Follow a user's inbox; each notification is marked read after 2 s.",
    "inbox": "List, count, mark and snooze what is in a user's inbox.",
    "send": "Send a notification.",
    "tui": "Open the operators' dashboard in this terminal.",
    "bench": "Load-test a running server.",
    "token": "Print a token with which a user may open the inbox.",
    "keys": "API keys: create, list, revoke.",
    "doctor": "Check the set-up, and say what cures what is wrong.",
    "healthcheck": "Exit 0 when the server is healthy.",
    "version": "Print the versions of notifier, Python and Redis.",
}


class Commands(click.Group):
    """Finds a command's file by its name; `notifier` alone, or with options of it, is `notifier serve`."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"notifier.cli.{cmd_name}").command
        return command

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not ctx.resilient_parsing and (
            not args or (args[0].startswith("-") and args[0] not in ("--help", "-h", "--version"))
        ):
            args = ["serve", *args]
        return super().parse_args(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


EPILOG = """\b
Examples:
  notifier                                  the server on http://localhost:8080
  notifier client --user-id 1 --login alice follow an inbox
  notifier send --to 1:alice "Hello"        send to it

Exit codes: 0 done, 1 failed, 2 wrong usage. NO_COLOR is obeyed.
Completion: eval "$(_NOTIFIER_COMPLETE=bash_source notifier)" (or zsh_source, fish_source).
"""


@click.group(cls=Commands, epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, "--version", message="%(version)s")
def main() -> None:
    """A self-hosted notification service in one program."""


# What writing to a stream fails with. Sockets and files of commands tell of theirs as `Failure`.
_LOST = (errno.EPIPE, errno.ENOSPC, errno.EBADF, errno.EIO)


class Failure(Exception):
    """A command failed; the message is one line that says what to do."""


def run(arguments: list[str] | None = None) -> int:
    """Runs a command; its exit code. What is wrong is one line on stderr, never a traceback."""
    _open_streams()
    output = sys.stdout
    try:
        code = _call(arguments)
        output.flush()
    except SystemExit:
        if sys.stdout is output:
            raise
        return _lose(output, errno.EPIPE)  # click stands in for a closed pipe, and leaves
    except OSError as error:
        if error.errno not in _LOST:
            raise
        return _lose(output, error.errno)
    return code


def _lose(output: TextIO, reason: int) -> int:
    os.dup2(os.open(os.devnull, os.O_WRONLY), output.fileno())  # else the interpreter tries once more at its end
    return _complain(f"the output could not be written: {os.strerror(reason).lower()}", 1)


def _open_streams() -> None:
    """Stands in for streams that are closed: else the next file or socket got their numbers, and what is printed went
    there. What is written to standard output fails then."""
    if sys.stdin is None:
        os.open(os.devnull, os.O_RDONLY)
    if sys.stdout is None:
        sys.stdout = os.fdopen(os.open(os.devnull, os.O_RDONLY), "w")
    if sys.stderr is None:
        sys.stderr = os.fdopen(os.open(os.devnull, os.O_WRONLY), "w")


def _call(arguments: list[str] | None) -> int:
    try:
        result: Any = main.main(args=arguments, prog_name="notifier", standalone_mode=False)
    except click.UsageError as error:
        where = error.ctx.command_path if error.ctx else "notifier"
        return _complain(f"{' '.join(error.format_message().split())} (see {where} --help)", 2)
    except click.exceptions.Exit as request:
        return request.exit_code
    except click.Abort:
        return 130
    except Failure as error:
        return _complain(str(error), 1)
    return result if isinstance(result, int) else 0


def _complain(message: str, code: int) -> int:
    with contextlib.suppress(OSError):  # stderr too may be closed
        print(f"notifier: {message}", file=sys.stderr)
    return code
