"""Hosts of URLs."""

import pytest

from notifier.providers.hosts import host_of


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://Example.com/a?b#c", "example.com:443"),
        ("http://example.com", "example.com:80"),
        ("https://example.com.:8443/", "example.com:8443"),
        ("http://127.0.0.1:99/x", "127.0.0.1:99"),
        ("http://[::1]:99/x", "[::1]:99"),
        ("https://bücher.example/", "xn--bcher-kva.example:443"),
        ("https://user:secret@example.com/", "example.com:443"),
        ("https://", ""),
        ("https://[", ""),
        ("https://a:99999/", ""),
        ("https://a b/", ""),
        ("https://" + "a." * 200, ""),
        ("https://" + "ä" * 100, ""),
        ("token", ""),
    ],
)
def test_host_of(url, host):
    assert host_of(url) == host
