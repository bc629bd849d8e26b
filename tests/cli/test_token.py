"""`notifier token`."""

import time

import jwt
import pytest

from tests.cli.runner import one_line, run
from tests.support import Inbox

SECRET = "0123456789abcdef0123456789abcdef"


async def test_only_the_token_is_printed(loop):
    answer = await run("token", "--user-id", "7", "--login", "alice", JWT_SECRET=SECRET)
    assert (answer.code, answer.err) == (0, "") and len(answer.out.split()) == 1
    claims = jwt.decode(answer.out.strip(), SECRET, algorithms=["HS256"])
    assert (claims["sub"], claims["login"]) == ("7", "alice")
    assert abs(claims["exp"] - time.time() - 3600) < 30 and claims["exp"] - claims["iat"] == 3600


async def test_from_a_file_and_for_as_long_as_is_said(loop, tmp_path):
    file = tmp_path / "notifier.yaml"
    file.write_text(f"jwt_secret: {SECRET}\nauth_mode: token\n")
    answer = await run("token", "--config", str(file), "--user-id", "1", "--login", "e\u0301", "--ttl", "10m")
    claims = jwt.decode(answer.out.strip(), SECRET, algorithms=["HS256"])
    assert claims["exp"] - claims["iat"] == 600 and claims["login"] == "é"


async def test_the_server_takes_it(start_pod):
    client = await start_pod(auth_mode="token", jwt_secret=SECRET)
    answer = await run("token", "--user-id", "1", "--login", "alice", JWT_SECRET=SECRET)
    headers = {"Authorization": f"Bearer {answer.out.strip()}"}
    assert (await Inbox.open(client, additional_headers=headers)).synced == {"pending": 0, "total": 0}


@pytest.mark.parametrize(
    ("arguments", "secret", "words"),
    [
        (["--user-id", "1", "--login", "a"], "", "JWT_SECRET is not set"),
        (["--user-id", "1", "--login", "a"], "short", "JWT_SECRET: (hidden) is not valid: expected 32 bytes or more"),
        (["--user-id", "0", "--login", "a"], SECRET, "--user-id"),
        (["--user-id", "1", "--login", "a b"], SECRET, "--login"),
        (["--login", "a"], SECRET, "Missing option '--user-id'"),
        (["--user-id", "1", "--login", "a", "--ttl", "0"], SECRET, "'0': expected a duration such as"),
        (["--user-id", "1", "--login", "a", "--config", "/nonexistent.yaml"], SECRET, "--config /nonexistent.yaml"),
    ],
)
async def test_wrong_usage(loop, arguments, secret, words):
    line = one_line(await run("token", *arguments, JWT_SECRET=secret), 2)
    assert words in line and (len(secret) < 6 or secret not in line)
