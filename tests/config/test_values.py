"""The readers of settings: what each takes, what it refuses, and in which words."""

from pathlib import Path

import pytest

from notifier.config import values

DAY = 86400.0
DURATION = values.duration()
BOUNDED = values.duration(1, 15 * DAY)
MAYBE = values.duration(0, DAY, off=True)
COUNT = values.number(1, 100)
SIZE = values.size(1024, 1024**2)
LEVEL = values.choice("debug", "info")

GOOD = [
    (DURATION, "500ms", 0.5),
    (DURATION, "5s", 5.0),
    (DURATION, "15m", 900.0),
    (DURATION, "24h", 86400.0),
    (DURATION, "7d", 604800.0),
    (DURATION, "1.5h", 5400.0),
    (DURATION, "0", 0.0),
    (DURATION, 30, 30.0),
    (DURATION, 0.25, 0.25),
    (BOUNDED, "1s", 1.0),
    (BOUNDED, "15d", 15 * DAY),
    (MAYBE, "off", None),
    (MAYBE, "OFF", None),
    (MAYBE, False, None),
    (MAYBE, "5s", 5.0),
    (COUNT, "1", 1),
    (COUNT, 100, 100),
    (COUNT, "007", 7),
    (values.share, "0.95", 0.95),
    (values.share, 0, 0.0),
    (values.share, 1, 1.0),
    (SIZE, "1024", 1024),
    (SIZE, 2048, 2048),
    (SIZE, "64KiB", 65536),
    (SIZE, "64 kib", 65536),
    (SIZE, "1M", 1024**2),
    (LEVEL, "info", "info"),
    (LEVEL, "INFO", "info"),
    (values.text, "a b", "a b"),
    (values.text, "", ""),
    (values.text, 5, "5"),
    (values.items, "a, b ,,c", ("a", "b", "c")),
    (values.items, ["a", 5], ("a", "5")),
    (values.items, "", ()),
    (values.roles, "http,kafka", ("http", "kafka")),
    (values.roles, ["delivery"], ("delivery",)),
    (values.networks, "10.0.0.0/8, fd00::/8", ("10.0.0.0/8", "fd00::/8")),
    (values.networks, "127.0.0.1", ("127.0.0.1/32",)),
    (values.networks, "", ()),
    (values.rate, "100/1m", (100, 60.0)),
    (values.rate, "5/500ms", (5, 0.5)),
    (values.rate, "10", (10, 1.0)),
    (values.rate, "off", None),
    (values.rate, False, None),
    (values.pod_name, "pod-1.eu_west", "pod-1.eu_west"),
    (values.plain_name, "orders.v1", "orders.v1"),
    (values.address, ":8080", ":8080"),
    (values.address, "8080", ":8080"),
    (values.address, 8080, ":8080"),
    (values.address, ":0", ":0"),
    (values.address, "0.0.0.0:65535", "0.0.0.0:65535"),
    (values.address, "[::1]:80", "[::1]:80"),
    (values.address, "my_host-1.example:80", "my_host-1.example:80"),
    (values.path, "/var/lib/x", Path("/var/lib/x")),
    (values.path, "~/x", Path.home() / "x"),
]

BAD = [
    (DURATION, "", "a duration such as 500ms"),
    (DURATION, "5 s", "a duration"),
    (DURATION, "-5s", "a duration"),
    (DURATION, "5w", "a duration"),
    (DURATION, "1e3", "a duration"),
    (DURATION, "٣s", "a duration"),
    (DURATION, "off", "a duration"),
    (DURATION, True, "a duration"),
    (DURATION, "9999d", "0s-3.16224e+07s"),
    (DURATION, "9" * 5000, "a duration"),
    (BOUNDED, "999ms", "1s-1.296e+06s"),
    (BOUNDED, "16d", "1s-1.296e+06s"),
    (MAYBE, "never", "or off"),
    (COUNT, "0", "an integer of 1-100"),
    (COUNT, "101", "an integer of 1-100"),
    (COUNT, "1.0", "an integer"),
    (COUNT, "-1", "an integer"),
    (COUNT, "²", "an integer"),
    (COUNT, "", "an integer"),
    (COUNT, True, "an integer"),
    (COUNT, [1], "an integer"),
    (COUNT, "0" * 10 + "100500", "an integer"),
    (COUNT, "1" * 5000, "an integer"),
    (values.share, "1.01", "a number of 0-1"),
    (values.share, "-0.1", "a number of 0-1"),
    (values.share, "nan", "a number of 0-1"),
    (values.share, "x", "a number of 0-1"),
    (values.share, None, "a number of 0-1"),
    (values.share, True, "a number of 0-1"),
    (SIZE, "1023", "a size of 1024-1048576 bytes"),
    (SIZE, "2MiB", "a size"),
    (SIZE, "1.5KiB", "a size"),
    (SIZE, "KiB", "a size"),
    (SIZE, "", "a size"),
    (LEVEL, "loud", "one of debug, info"),
    (LEVEL, "", "one of debug, info"),
    (values.text, "a\nb", "text of one line"),
    (values.text, "a\0", "text of one line"),
    (values.text, True, "text of one line"),
    (values.text, ["a"], "text of one line"),
    (values.items, [["a"]], "a list, or text with commas"),
    (values.items, {"a": 1}, "a list, or text with commas"),
    (values.items, True, "a list, or text with commas"),
    (values.items, "a\nb", "a list, or text with commas"),
    (values.roles, "", "some of http, delivery, kafka"),
    (values.roles, "http,cook", "some of http, delivery, kafka"),
    (values.networks, "10.0.0.0/33", "networks such as 10.0.0.0/8"),
    (values.networks, "10.0.0.1/8", "networks such as 10.0.0.0/8"),
    (values.networks, "localhost", "networks"),
    (values.rate, "0/1m", "a rate such as 100/1m, or off"),
    (values.rate, "x", "a rate"),
    (values.rate, "100/0", "a rate"),
    (values.rate, "100/1m/1m", "a rate"),
    (values.rate, "", "a rate"),
    (values.rate, True, "a rate"),
    (values.pod_name, "", "1-100 letters"),
    (values.pod_name, "-a", "the first a letter or digit"),
    (values.pod_name, "a b", "1-100 letters"),
    (values.pod_name, "a\n", "1-100 letters"),
    (values.pod_name, "a" * 101, "1-100 letters"),
    (values.plain_name, "", "1-249 letters"),
    (values.plain_name, "a/b", "1-249 letters"),
    (values.address, "", "host:port or :port"),
    (values.address, "localhost", "host:port"),
    (values.address, ":65536", "host:port"),
    (values.address, ":0000080999", "host:port"),
    (values.address, ":-1", "host:port"),
    (values.address, ":٨٠", "host:port"),
    (values.address, "a b:80", "host:port"),
    (values.address, "http://a:80", "host:port"),
    (values.address, "a..b:80", "host:port"),
    (values.address, "a" * 64 + ":80", "host:port"),
    (values.address, "[::zz]:80", "host:port"),
    (values.address, "a\n:80", "host:port"),
    (values.path, "", "a path"),
    (values.path, "a\0b", "a path"),
    (values.path, "~nobody-of-this-name/x", "a path"),
    (values.path, ["a"], "a path"),
]


@pytest.mark.parametrize(("read", "value", "expected"), GOOD)
def test_good(read, value, expected):
    found = read(value)
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(("read", "value", "words"), BAD)
def test_bad(read, value, words):
    with pytest.raises(ValueError, match=r"^[^\n]+$") as raised:
        read(value)
    assert words in str(raised.value)
