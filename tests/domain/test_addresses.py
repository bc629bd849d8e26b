"""Recipients that a channel takes."""

import pytest

from notifier.domain.addresses import address_problem, ascii_domain, host_problem


@pytest.mark.parametrize(
    ("channel", "text"),
    [
        *(("sms", t) for t in ("+905551234567", "+1234567", "+" + "1" * 15)),
        *(("email", t) for t in ("a@b.c", "o'neil+x@mail.example.com", "ünal@örnek.com")),
        *(("email", t) for t in ("अजय@डाटा.भारत", "نامه‌ای@مثال.ایران", "क्‍ष@उदाहरण.भारत", "e\u0301@mañana.example")),
        *(("email", t) for t in ("b=c@d.e", "x?=@y.example", "पत्र@xn--c2bd1gb.xn--h2brj9c", "我买@屋企。香港")),
        *(
            ("webhook", t)
            for t in ("http://डाटा.भारत/x", "http://a.b./", "http://my_service:8080", "http://xn--c2bd.x")
        ),
        *(("webhook", t) for t in ("http://" + "a" * 63 + ".b", "http://" + "a." * 126 + "b", "http://1.2.3.4:80")),
        *(("webhook", t) for t in ("http://[fe80::1%25eth0]/", "http://a/می‌شود", "http://a/?q=e\u0301", "HTTP://A.B")),
        *(("inapp", "3-अजय"), ("inapp", "4-e.e@x")),
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
        *(("email", t) for t in ("=?utf-8?q?a?=@b.c", "a=?b@c.d", "a@=?utf-8?b?YQ==?=.c", "a\r@b.c", "a\x85@b.c")),
        *(("email", t) for t in ("a\u2028@b.c", "a\x0b@b.c", "a\u202eb@c.d", "a\u200bb@c.d", "a\x9f@b.c", "a@b.c.")),
        *(
            ("email", t)
            for t in ("Ada <a@b.c>", "a@b.c,d@e.f", "a@b.c;d", "g:a@b.c;", "a(x)@b.c", '"a b"@c.d', "a\\@b.c")
        ),
        *(
            ("email", t)
            for t in ("a@☃.example", "a@-ö.example", "a@a\u200db.example", "a@" + "ö" * 60 + ".c", "a@ö..c")
        ),
        *(("email", "a" * 65 + "@b.c"), ("email", "a@" + "b" * 64 + ".c"), ("email", "a@" + "b." * 126 + "c")),
        *(("push", t) for t in ("", "a b", "é", "a\n", "x" * 4097, "[" * 9 + "\n")),
        *(("webhook", t) for t in ("", "/x", "ftp://a", "http://", "http://u:p@a", "http://u@a", "http://a:0")),
        *(("webhook", t) for t in ("http://a:99999", "http://[::1", "http://a/\n", "http://a b", "http://a\\@b")),
        *(
            ("webhook", t)
            for t in ("http://a..b/", "http://.a/", "http://a../", "http://./", "http://-a/", "http://a-.b/")
        ),
        *(("webhook", t) for t in ("http://" + "a" * 64 + "/", "http://a." + "b" * 64, "http://" + "ö" * 60 + ".c/")),
        *(("webhook", t) for t in ("http://" + "a." * 126 + "bc", "http://ö..b/", "http://a%2eb/", "http://a\\b/")),
        *(("webhook", t) for t in ("http://[a]/", "http://[1.2.3.4]/", "http://a,b/", "http://a*/", "http://☃.x/")),
        *(("webhook", t) for t in ("http://127.1/", "http://0x7f.1/", "http://017700000001/", "http://2130706433")),
        *(
            ("webhook", t)
            for t in ("http://1.2.3.256/", "http://01.2.3.4/", "http://1.2.3.4.5/", "http://a.1", "http://a:/\r")
        ),
        *(("webhook", "http://a/" + "a" * 2040), ("inapp", "alice"), ("inapp", "0-a")),
    ],
)
def test_refused(channel, text):
    assert address_problem(channel, text).startswith("must ")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Ada@Example.COM", "Ada@Example.COM"),
        ("jürgen@example.org", "jürgen@example.org"),
        ("ada@Örnek.com", "ada@xn--rnek-4qa.com"),
        ("अजय@डाटा.भारत", "अजय@xn--c2bd1gb.xn--h2brj9c"),
        ("ada@faß.example", "ada@xn--fa-hia.example"),
        ("a@屋企。香港", "a@xn--hoqu73a.xn--j6w193g"),
    ],
)
def test_a_domain_as_mail_servers_know_it(text, found):
    assert ascii_domain(text) == found


@pytest.mark.parametrize("url", ["https://push.example/x", "https://u:p@push.example:8443/x", "http://[::1]:8080/"])
def test_hosts_of_endpoints(url):
    assert host_problem(url) is None


@pytest.mark.parametrize("url", ["https://a..b/", "https://u@a..b/", "https:///x", "https://a:0/", "https://[::1/"])
def test_endpoints_without_a_host(url):
    assert host_problem(url).startswith("must name a host")
