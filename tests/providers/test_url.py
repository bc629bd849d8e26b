"""Providers' URLs in parts, and what their errors and labels do not say."""

import pytest

from notifier.providers.base import SetupError
from notifier.providers.parameters import share, text
from notifier.providers.url import ProviderUrl

BASE, RATE = text("base", "the origin"), share("rate", "the share")


def test_the_parts_are_decoded():
    url = ProviderUrl("SMTP://us%40er:p%3Ass@Mail.Example:587/a%20b?base=c%26d&rate=0.5")
    assert (url.scheme, url.host, url.port, url.path) == ("smtp", "mail.example", 587, "/a b")
    assert (url.user, url.password, url.netloc_host) == ("us@er", "p:ss", "Mail.Example:587")
    assert (url.get(BASE, ""), url.get(RATE, 1.0), url.needed(RATE)) == ("c&d", 0.5, 0.5)


def test_what_is_not_given_has_its_default():
    assert (ProviderUrl("x://h").get(RATE, None), ProviderUrl("x://h?base=").get(BASE, "d")) == (None, "")


@pytest.mark.parametrize("given", ["https://[", "x://h?=%&&a", "x://h?a"])
def test_what_is_no_url(given):
    with pytest.raises(SetupError, match="malformed"):
        ProviderUrl(given)


@pytest.mark.parametrize(
    ("read", "said"),
    [
        (lambda url: url.needed(text("key", "the file")), "key= is needed: the file"),
        (lambda url: url.needed(BASE), "base= is needed: the origin"),
        (lambda url: url.get(RATE, 1.0), "rate= must be a number of 0-1"),
        (lambda url: url.refuse_unknown((BASE,)), r"unknown parameter: rate \(it takes base=\)"),
        (lambda url: url.refuse_unknown(()), r"unknown parameter: base, rate \(it takes none\)"),
    ],
)
def test_errors_name_scheme_and_host_and_no_secret(read, said):
    with pytest.raises(SetupError, match=f"^x://host: {said}") as raised:
        read(ProviderUrl("x://user:secret@host/secret?base=&rate=secret"))
    assert "secret" not in str(raised.value)


def test_a_port_that_is_none():
    for given in ("x://h:99999", "x://h:port"):
        with pytest.raises(SetupError, match="malformed"):
            _ = ProviderUrl(given).port


def test_a_label_is_the_same_for_one_path_and_shows_none_of_it():
    label = ProviderUrl("https://u:p@Host:8443/secret?token=t").label
    assert label == ProviderUrl("https://host:8443/secret").label != ProviderUrl("https://host:8443/other").label
    assert label.startswith("https:host:8443/")
    assert "secret" not in label
    assert ProviderUrl("https://host/").label == "https:host"


def test_the_rest_of_a_url_keeps_its_order_and_its_spelling():
    url = ProviderUrl("https://h/p?b=2&base=x&a=%2F1&b=3#f")
    assert url.without(BASE) == "https://h/p?b=2&a=%2F1&b=3#f"
