"""`notifier inbox` against a pod."""

import json

from tests.cli.runner import one_line, run
from tests.support import notify

ALICE = ("--user-id", "1", "--login", "alice")


def url(client):
    return ("--url", f"http://127.0.0.1:{client.port}")


async def inbox(client, *arguments):
    return await run("inbox", *arguments, *ALICE, *url(client))


async def test_an_inbox_is_listed_marked_and_counted(client):
    (first,), (second,) = [await notify(client, text) for text in ("one", "two\n")]
    code, out, _ = await inbox(client, "list")
    lines = out.splitlines()
    assert code == 0 and [line.split()[1] for line in lines] == ["unread", "unread"]
    assert lines[1].startswith(first) and lines[1].endswith("one")
    code, out, _ = await inbox(client, "mark", "archived", first)
    assert (code, out) == (0, "1 changed, 1 unread, 1 unseen, 1 in all\n")
    code, out, _ = await inbox(client, "list", "--archived", "only", "--json")
    assert [item["notification_id"] for item in json.loads(out)] == [first]
    code, out, _ = await inbox(client, "counts", "--json")
    assert json.loads(out) == {"unread": 1, "unseen": 1, "total": 1}
    code, out, _ = await inbox(client, "snooze", second, "--for", "2h")
    assert (code, out) == (0, f"{second}  snoozed for 2h\n")
    assert (await inbox(client, "counts"))[1] == "0 unread, 0 unseen, 0 in all\n"
    assert (await inbox(client, "snooze", second, "--off"))[1] == f"{second}  back\n"
    assert (await inbox(client, "list", "--status", "unread"))[1].startswith(second)


async def test_what_is_wrong_is_said(client):
    code, out, err = await inbox(client, "mark", "read", "nonsense")
    assert code == 1 and out.startswith("0 changed") and err == "nonsense  not_found\n"
    refused = await inbox(client, "snooze", "nonsense", "--for", "2h")
    assert "no such notification" in one_line(refused, 1)
    assert "--for, --until or --off" in one_line(await inbox(client, "snooze", "nonsense"), 2)
    assert (await inbox(client, "mark", "opened", "x")).code == 2


async def test_a_key_of_its_own(client):
    address = url(client)
    first = await run("send", "--to", "1:alice", "--key", "build-42", "red", *address)
    second = await run("send", "--to", "1:alice", "--key", "build-42", "--on-same", "replace", "green", *address)
    assert first.out == second.out
    assert (await inbox(client, "list")).out.endswith("green\n")
    wrong = await run("send", "--to", "1:alice", "--on-same", "keep", "x", *address)
    assert "--on-same needs --key" in one_line(wrong, 2)
    wrong = await run("send", "--channel", "sms", "--recipient", "+905551234567", "--key", "k", "x", *address)
    assert "--key" in one_line(wrong, 2)


async def test_tokens_of_devices(client):
    made = await inbox(client, "tokens", "create", "phone", "--ttl", "90d")
    assert made.code == 0 and made.out.startswith("tk_") and "shown this once" in made.err
    (line,) = (await inbox(client, "tokens", "list")).out.splitlines()
    identity = line.split()[0]
    assert identity in made.err and line.endswith("phone") and "never used  ends 2" in line and "tk_" not in line
    assert (await inbox(client, "tokens", "revoke", identity)).out == f"revoked {identity}\n"
    assert (await inbox(client, "tokens", "list")).out == ""
    assert "no such token" in one_line(await inbox(client, "tokens", "revoke", identity), 1)
    assert "no such token" in one_line(await inbox(client, "tokens", "revoke", "../counts"), 1)
    assert "ttl" in one_line(await inbox(client, "tokens", "create", "phone", "--ttl", "soon"), 1)
