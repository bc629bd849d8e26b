"""HTTP clients that providers share."""

from notifier.providers.tools import Tools


async def test_clients_are_made_once_and_at_first_use(peer):
    tools = Tools()
    assert tools._http is None
    assert tools.http is tools.http
    assert tools.guarded_http is tools.guarded_http is not tools.http
    await tools.close()
    assert tools._http is tools._guarded is None
    await tools.close()


async def test_a_request_carries_no_cookie_and_names_the_program(peer):
    tools = Tools()
    peer.answers[:] = [(200, {"Set-Cookie": "a=b"}, b"")]
    for _ in range(2):
        async with tools.http.get(peer.url):
            pass
    for _, _, headers, _ in peer.requests:
        assert "Cookie" not in headers
        assert (headers["User-Agent"], headers["Accept-Encoding"]) == ("notifier", "identity")
    await tools.close()


async def test_no_proxy_of_the_environment_is_used(peer, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    tools = Tools()
    async with tools.http.get(peer.url) as answer:
        assert answer.status == 200
    await tools.close()
