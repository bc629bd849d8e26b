"""Names and addresses of hosts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.domain.hosts import ascii_name, canonical_host, is_host


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Example.COM", "example.com"),
        ("example.com.", "example.com."),
        ("a_b", "a_b"),
        ("डाटा.भारत", "डाटा.भारत".encode("idna").decode()),
        ("屋企。香港", "屋企.香港".encode("idna").decode()),
        ("faß.de", "xn--fa-hia.de"),
        ("ＥＸＡＭＰＬＥ.com", "example.com"),
        ("a" * 63, "a" * 63),
    ],
)
def test_names(text, found):
    assert ascii_name(text) == found


def test_a_joiner_is_part_of_a_name():
    assert ascii_name("क्‍ष.example") not in (None, ascii_name("क्ष.example"))  # the older standard dropped it


@pytest.mark.parametrize(
    "text", ["", ".", "a..b", ".a", "a..", "-a", "a-", "a b", "a/b", "a:b", "☃", "a\u200db", "ö" * 60]
)
def test_no_names(text):
    assert ascii_name(text) is None
    assert canonical_host(text) is None or ":" in text


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("1.2.3.4", "1.2.3.4"),
        ("::1", "::1"),
        ("2001:DB8:0:0::1", "2001:db8::1"),
        ("fe80::1%eth0", "fe80::1"),
        ("１.2.3.4", "1.2.3.4"),
        ("1e100.net", "1e100.net"),
        ("1.2.3.a", "1.2.3.a"),
    ],
)
def test_hosts(text, found):
    assert canonical_host(text) == found


@pytest.mark.parametrize(
    "text", ["127.1", "0x7f.1", "0x7f000001", "017700000001", "1.2.3.4.5", "256.1.1.1", "a.1", "1.2.3.0x"]
)
def test_numbers_that_are_no_address(text):
    assert canonical_host(text) is None


@given(st.text(max_size=300))
def test_any_text_is_a_name_of_dns_or_none(text):
    name = ascii_name(text)
    assert name is None or (name.isascii() and len(name) <= 254 and all(len(one) <= 63 for one in name.split(".")))


@pytest.mark.parametrize("text", ["a", "a_b.c", "a.b.", "डाटा.भारत", "127.1", "1.2.3.4", "::1", "fe80::1%eth0"])
def test_hosts_that_an_operator_may_name(text):
    assert is_host(text)


@pytest.mark.parametrize("text", ["", "a..b", "a" * 64 + ".b", "ö..b", "-a", "a b", ":::", "1:2"])
def test_hosts_that_nobody_may_name(text):
    assert not is_host(text)
