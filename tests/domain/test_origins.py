"""Origins and hosts, compared as browsers compare them."""

import pytest

from notifier.domain.origins import is_loopback, origin_of, parse_host, parse_origin


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("https://app.example", "HTTPS://App.Example"),
        ("https://app.example", "https://app.example:443"),
        ("http://app.example", "http://app.example:80"),
        ("http://app.example:8080", "http://app.example:08080"),
        ("https://app.example", "https://app.example."),
        ("https://xn--bcher-kva.example", "https://Bücher.example"),
        ("https://xn--strae-oqa.example", "https://straße.example"),
        ("http://[::1]:8080", "http://[0:0:0:0:0:0:0:1]:8080"),
        ("http://[2001:db8::a]", "http://[2001:DB8::A]:80"),
    ],
)
def test_one_origin_in_two_ways(one, other):
    assert parse_origin(one) == parse_origin(other) is not None
    assert str(parse_origin(other)) == str(parse_origin(one))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("https://app.example", "http://app.example"),
        ("https://app.example", "https://app.example:8443"),
        ("https://app.example:80", "http://app.example:80"),
        ("https://app.example", "https://www.app.example"),
        ("http://localhost:8080", "http://127.0.0.1:8080"),
        ("http://localhost:8080", "capacitor://localhost:8080"),
    ],
)
def test_two_origins(one, other):
    assert parse_origin(one) != parse_origin(other)
    assert None not in (parse_origin(one), parse_origin(other))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "*",
        "app.example",
        "http://",
        "http://[",
        "http://[::1",
        "http://[::g]",
        "http://[fe80::1%25eth0]",
        "http://a b",
        "http://a/",
        "http://a/x",
        "http://a?x",
        "http://u@a",
        "http://a:",
        "http://a:99999",
        "http://a:x",
        "http://.",
        "http://a http://b",
        "http://a, http://b",
        "//a",
        "http://\ud800",
        f"http://{'ä' * 300}",
    ],
)
def test_what_is_no_origin(text):
    assert parse_origin(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "localhost",
        "LocalHost:8080",
        "localhost.",
        "app.localhost:1",
        "127.0.0.1",
        "127.255.1.2:80",
        "[::1]:8080",
        "[::ffff:127.0.0.1]",
    ],
)
def test_loopback_names(text):
    assert is_loopback(parse_host(text).name)


@pytest.mark.parametrize(
    "text",
    [
        "app.example",
        "localhost.example",
        "127.0.0.1.example",
        "notlocalhost",
        "10.0.0.1",
        "[::2]",
        "0.0.0.0",
        "128.0.0.1",
        "[::ffff:10.0.0.1]",
        "127.1",
        "1270.0.0.1",
    ],
)
def test_other_names(text):
    assert not is_loopback(parse_host(text).name)


@pytest.mark.parametrize("text", ["", ":80", "a:b", "::1", "[::1", "a b", "u@localhost", "localhost:1:2", "..:x"])
def test_what_is_no_host(text):
    assert parse_host(text) is None


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://push.example/send/abc", "https://push.example"),
        ("https://push.example:443/x", "https://push.example"),
        ("http://push.example:80", "http://push.example"),
        ("https://push.example:80/", "https://push.example:80"),
        ("http://push.example:443/", "http://push.example:443"),
        ("https://push.example:8443/x?y#z", "https://push.example:8443"),
        ("HTTPS://PUSH.Example/X", "https://push.example"),
        ("https://user:secret@push.example/x", "https://push.example"),
        ("https://us%40er@push.example:443", "https://push.example"),
        ("https://a@b@push.example/", "https://push.example"),
        ("https://push.example:/", "https://push.example"),
        ("https://[2001:DB8::1]:443/", "https://[2001:db8::1]"),
        ("https://Örnek.com/", "https://xn--rnek-4qa.com"),
    ],
)
def test_origins_of_urls(url, origin):
    assert origin_of(url) == origin


@pytest.mark.parametrize("url", ["https://", "https://a..b/", "https://a:99999/", "x", "https://[::1/"])
def test_urls_without_an_origin(url):
    with pytest.raises(ValueError):
        origin_of(url)
