"""The grammar of REDIS_ADDR, and what each form names."""

import pytest

from notifier.store.redis.address import EXPECTED, Address, Deployment, parse_address, parse_deployment


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("db", Address("db")),
        ("DB:1", Address("db", 1)),
        ("redis://u:p%40@127.0.0.1:6380/3", Address("127.0.0.1", 6380, username="u", password="p@", database=3)),
        ("redis://:p#?,x@db/", Address("db", password="p#?,x", database=5)),
        ("rediss://u@a.b.", Address("a.b.", tls=True, username="u", password="configured", database=5)),
        ("[::1]:81", Address("::1", 81, password="configured", database=5)),
        ("unix:///run/a%20b", Address(path="/run/a b", password="configured", database=5)),
        ("unix://u:p@/run/a:9?db=3", Address(path="/run/a:9", username="u", password="p", database=3)),
    ],
)
def test_one_server(text, address):
    given = ("", 0) if text in ("db", "DB:1") else ("configured", 5)
    assert parse_address(text, *given) == address
    assert parse_deployment(text, *given) == Deployment("single", (address,))


def test_several_servers_share_user_password_and_database():
    seeds = (Address("a", 1, username="u", password="p", database=2), Address("::1", 26379, "", False, "u", "p", 2))
    assert parse_deployment("redis+sentinel://u:p@a:1,[::1]/m%20n", "", 2) == Deployment("sentinel", seeds, "m n")
    assert parse_deployment("redis+cluster://a,b:7/") == Deployment("cluster", (Address("a"), Address("b", 7)))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ftp://db",
        "a b",
        "db:port",
        "db:0",
        "db:65536",
        "db:",
        "a,b",
        "redis://db/x",
        "redis://db/1234567",
        "redis://",
        "redis://[::1",
        "redis://[::1]x",
        "unix://run/s",
        "unix:///run/s?db=x",
        "redis+sentinel://a:1",
        "redis+sentinel://a:1/",
        "redis+sentinel://a,,b/m",
        "redis+cluster://",
        "redis+cluster://a/1",
        "redis+cluster://a:1,b:99999",
        "redis://x://y",
    ],
)
def test_what_names_no_store(text):
    with pytest.raises(ValueError) as raised:
        parse_deployment(text)
    assert str(raised.value) == EXPECTED
