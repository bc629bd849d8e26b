"""Rules of every command: help, usage errors, exit codes."""

import re

import pytest

from notifier.cli import COMMANDS
from tests.cli.runner import Command, one_line, run


async def test_help_names_every_command(loop):
    answer = await run("--help")
    assert (answer.code, answer.err) == (0, "")
    assert [name for name in COMMANDS if re.search(rf"^  {name} ", answer.out, re.MULTILINE)] == list(COMMANDS)
    assert "Examples:" in answer.out
    assert await run("-h") == answer


@pytest.mark.parametrize("command", COMMANDS)
async def test_help_has_examples(loop, command):
    answer = await run(command, "--help")
    assert (answer.code, answer.err) == (0, "")
    examples = answer.out.partition("Examples:")[2]
    assert f"  notifier {command}" in examples
    assert not [line for line in answer.out.splitlines() if len(line) > 100]


@pytest.mark.parametrize("command", [c for c in COMMANDS if c in ("client", "send", "healthcheck")])
async def test_help_names_the_variables(loop, command):
    answer = await run(command, "--help")
    assert "NOTIFIER_URL" in answer.out
    assert "NOTIFIER_TOKEN" in answer.out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nonsense"], "No such command 'nonsense'. (see notifier --help)"),
        (["send", "--zzz", "x"], "No such option '--zzz'. (see notifier send --help)"),
        (["--zzz"], "No such option '--zzz'. (see notifier serve --help)"),
        (["send", "x"], "say to whom"),
        (["send", "--to", "1:a"], "Missing argument 'MESSAGE'"),
        (["send", "--to", "1:a", "one", "two"], "unexpected extra argument"),
        (["client", "--user-id", "0"], "--user-id"),
        (["client", "--login", "a b"], "--login"),
        (["client", "--ack-after", "soon"], "'soon': expected a duration such as"),
        (["healthcheck", "--timeout", "0"], "--timeout"),
        (["version", "x"], "unexpected extra argument"),
        (["send", "--url", "localhost:8080", "--to", "1:a", "x"], "is no URL such as http://localhost:8080"),
        (["client", "--url", "http://"], "is no URL"),
        (["healthcheck", "--url", "http://h:99999"], "is no URL"),
        (["send", "--url", "http://a..b", "--to", "1:a", "x"], "'http://a..b' is no URL"),
        (["healthcheck", "--url", f"http://{'a' * 64}.b"], "is no URL"),
        (["client", "--url", "http://ö..b"], "is no URL"),
        (["send", "--ttl"], "requires an argument"),
    ],
)
async def test_wrong_usage_is_one_line_and_2(loop, arguments, words):
    assert words in one_line(await run(*arguments), 2)


async def test_a_wrong_url_of_the_environment_is_named(loop):
    assert "'nonsense' is no URL" in one_line(await run("healthcheck", NOTIFIER_URL="nonsense"), 2)


async def test_version(loop):
    answer = await run("version")
    assert (answer.code, answer.err) == (0, "")
    notifier, python, redis = answer.out.splitlines()
    assert re.fullmatch(r"notifier \d+\.\d+\.\d+\S* \((plain|compiled)\)", notifier)
    assert re.fullmatch(r"python   3\.\d+\.\d+\S*", python)
    assert re.fullmatch(r"redis    \d+\.\d+\.\d+ \(.+\)", redis)
    short = await run("--version")
    assert f"notifier {short.out}".strip() == notifier.rpartition(" ")[0]


async def test_version_without_a_redis(loop):
    answer = await run("version", NOTIFIER_REDIS_SERVER="/nowhere")
    assert answer.code == 0
    assert answer.out.splitlines()[2].startswith("redis    none")


async def test_a_reader_that_goes_away_is_no_traceback(loop):
    async with Command("--help") as command:
        command.process.stdout._transport.close()
        answer = await command.end()
    assert "Traceback" not in answer.err


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
async def test_completion(loop, shell):
    answer = await run(_NOTIFIER_COMPLETE=f"{shell}_source")
    assert (answer.code, answer.err) == (0, "")
    assert "_NOTIFIER_COMPLETE" in answer.out


async def test_commands_complete_in_a_shell(loop):
    answer = await run(_NOTIFIER_COMPLETE="bash_complete", COMP_WORDS="notifier he", COMP_CWORD="1")
    assert answer.out == "plain,healthcheck\n"
