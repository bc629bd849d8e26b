"""Which recipients a channel takes."""

import pytest

from notifier.domain.addresses import address_problem


@pytest.mark.parametrize(
    ("channel", "text"),
    [
        *(("sms", t) for t in ("+905551234567", "+1234567", "+" + "1" * 15)),
        *(("email", t) for t in ("a@b.c", "o'neil+x@mail.example.com", "ünal@örnek.com")),
        *(("email", "a" * 64 + "@b.c"), ("push", "a"), ("push", "x" * 4096)),
        *(("webhook", t) for t in ("http://a", "https://[::1]:8443/x?y=z", "https://örnek.com/" + "a" * 2030)),
        *(("inapp", "1-alice"), ("inapp", "7-a-b")),
    ],
)
def test_taken(channel, text):
    assert address_problem(channel, text) is None


@pytest.mark.parametrize(
    ("channel", "text"),
    [
        *(("sms", t) for t in ("", "905551234567", "+0123", "+" + "1" * 16, "+1\n", "+١٢٣")),
        *(("email", t) for t in ("", "a", "@b.c", "a@", "a b@c.d", "a@b..c", "a@-b.c", ".a@b.c", "a@b@c.d", "a@b_c.d")),
        *(("email", t) for t in ("a@b.c\r\nBcc: x@y.z", "a@b.c\n", "a\x00@b.c", "<a@b.c>", "root@localhost")),
        *(("email", "a" * 65 + "@b.c"), ("email", "a@" + "b" * 64 + ".c"), ("email", "a@" + "b." * 126 + "c")),
        *(("push", t) for t in ("", "a b", "é", "a\n", "x" * 4097, "[" * 9 + "\n")),
        *(("webhook", t) for t in ("", "/x", "ftp://a", "http://", "http://u:p@a", "http://u@a", "http://a:0")),
        *(("webhook", t) for t in ("http://a:99999", "http://[::1", "http://a/\n", "http://a b", "http://a\\@b")),
        *(("webhook", "http://a/" + "a" * 2040), ("inapp", "alice"), ("inapp", "0-a")),
    ],
)
def test_refused(channel, text):
    assert address_problem(channel, text).startswith("must ")
