"""`notifier keys` against a pod with AUTH_MODE=token."""

import pytest

from tests.cli.runner import one_line, run

ADMIN = "the-operators-own-token"


@pytest.fixture
def where(loop, start_pod):
    """The variables that name a server and its operator's token."""
    client = loop.run_until_complete(start_pod(auth_mode="token", admin_token=ADMIN))
    return {"NOTIFIER_URL": f"http://127.0.0.1:{client.port}", "NOTIFIER_TOKEN": ADMIN}


async def send(where, key):
    return await run("send", "--to", "1:alice", "hi", **where | {"NOTIFIER_TOKEN": key})


async def test_the_life_of_a_key(where):
    made = await run("keys", "create", "--name", "my shop", "--scope", "read,notify", "--scope", "read", **where)
    key = made.out.strip()
    assert made.code == 0 and key.startswith("ntf_") and made.out.count("\n") == 1
    assert "shown this once" in made.err and key not in made.err
    assert (await send(where, key)).code == 0
    listed = await run("keys", "list", **where)
    identity, _, scopes, name = listed.out.strip().split(maxsplit=3)
    assert (
        (listed.code, scopes, name) == (0, "notify,read", "my shop") and identity in made.err and key not in listed.out
    )
    assert await run("keys", "revoke", identity, **where) == (0, f"revoked {identity}\n", "")
    assert "(401)" in one_line(await send(where, key), 1)
    assert "no such key (404)" in one_line(await run("keys", "revoke", identity, **where), 1)
    assert (await run("keys", "list", **where)).out == ""


async def test_the_key_of_a_door(where, tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("a secret of github\n")
    terms = ("--to", "1:alice", "--to", "2:bob", "--rate", "60/1m", "--expires", "90d", "--secret-file", str(secret))
    made = await run("keys", "create", "--name", "hub", "--door", "hooks", *terms, **where)
    assert made.code == 0 and made.out.startswith("hk_") and "secret of github" not in made.out + made.err
    assert (await run("keys", "list", **where)).out.split()[2:] == ["hooks", "1-alice,2-bob", "hub"]
    assert "(401)" in one_line(await send(where, made.out.strip()), 1)


async def test_a_key_without_the_scope(where):
    key = (await run("keys", "create", "--name", "shop", "--scope", "notify", **where)).out.strip()
    line = one_line(await run("keys", "list", "--token", key, **where), 1)
    assert line == "this token lacks the scope observe (403); a key with the scope admin may"
    assert "--token" in one_line(await run("keys", "list", **where | {"NOTIFIER_TOKEN": ""}), 1)
    assert "(401)" in one_line(await run("keys", "list", "--token", "wrong", **where), 1)


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["create", "--name", "a"], 2, "name the key's --scope, or its --door"),
        (["create", "--name", "a", "--scope", "read", "--door", "ntfy"], 2, "name the key's --scope, or its --door"),
        (["create", "--name", "a", "--door", "ntfy"], 1, "to: is required"),
        (["create", "--name", "a", "--door", "ntfy", "--to", "alice"], 1, "to: must name users as 1-alice"),
        (["create", "--name", "a", "--door", "fax", "--to", "1:alice"], 2, "'fax' is not one of"),
        (["create", "--name", "a", "--scope", "read", "--expires", "soon"], 2, "'soon': expected a time such as 90d"),
        (["create", "--name", "a", "--scope", "root"], 2, "'root': expected some of notify, read, observe, admin"),
        (["create", "--name", "a", "--scope", "notify,"], 2, "'': expected some of"),
        (["create", "--name", "a/b", "--scope", "read"], 1, "name: must be letters, digits"),
        (["revoke"], 2, "Missing argument 'ID'"),
        (["revoke", "../clients/x"], 1, "(404)"),
        (["list", "--token", "a\nb"], 2, "'--token': it holds a line break"),
        (["nonsense"], 2, "No such command 'nonsense'"),
    ],
)
async def test_what_does_not_work(where, arguments, code, words):
    assert words in one_line(await run("keys", *arguments, **where), code)


async def test_no_server(loop):
    assert "no server answers at http://127.0.0.1:1" in one_line(
        await run("keys", "list", "--url", "http://127.0.0.1:1"), 1
    )
