"""The connection: who it says it is."""

import pytest

from notifier.store.address import parse_address, parse_deployment
from notifier.store.link import open_link


@pytest.mark.parametrize(
    ("rule", "credentials", "configured"),
    [
        ("nopass", "app", ""),
        ("nopass", "app:", ""),
        (">secret", "app:secret", ""),
        (">secret", "app", "secret"),
    ],
)
async def test_a_named_user_is_used_with_and_without_a_password(redis, redis_socket, rule, credentials, configured):
    await redis.call("ACL", "SETUSER", "app", "reset", "on", rule, "~*", "+@all")
    url = f"unix://{credentials}@{redis_socket}"
    address = parse_address(url, configured)
    link = await open_link(address, 5, 5, lambda link: None)
    try:
        assert await link.call("ACL", "WHOAMI") == b"app"
    finally:
        link.close()
        await redis.call("ACL", "DELUSER", "app")


@pytest.mark.parametrize("kind", ["redis://", "rediss://", "redis+sentinel://", "redis+cluster://"])
def test_every_form_of_address_takes_a_user_without_a_password(kind):
    end = "/main" if "sentinel" in kind else ""
    deployment = parse_deployment(f"{kind}app@a:1,b:2{end}" if "+" in kind else f"{kind}app@a:1")
    assert {(seed.username, seed.password) for seed in deployment.seeds} == {("app", "")}
