"""Parameters of URLs: the texts that each kind takes."""

import pytest

from notifier.providers.parameters import choice, duration, share, text, whole

WORDS = choice("tls", ("on", "off"), "the encryption")


@pytest.mark.parametrize(
    ("parameter", "given", "value"),
    [
        (text("a", "about"), "", ""),
        (text("a", "about"), " x ", " x "),
        (WORDS, "on", "on"),
        (share("a", "about"), "0", 0.0),
        (share("a", "about"), "1", 1.0),
        (share("a", "about"), "1e-3", 0.001),
        (duration("a", "about"), "50ms", 0.05),
        (duration("a", "about"), "60", 60.0),
        (duration("a", "about", most=3600.0), "1h", 3600.0),
        (whole("a", "about"), "-7", -7),
    ],
)
def test_texts_that_are_taken(parameter, given, value):
    assert parameter.read(given) == value


@pytest.mark.parametrize(
    ("parameter", "given"),
    [
        *((WORDS, one) for one in ("", "On", "on ", "maybe")),
        *((share("a", "about"), one) for one in ("", "x", "-0.1", "1.1", "nan", "inf")),
        *((duration("a", "about"), one) for one in ("", "x", "-1s", "61s", "1h", "1e3s")),
        *((whole("a", "about"), one) for one in ("", "x", "1.5", "0x7")),
    ],
)
def test_texts_that_are_not(parameter, given):
    with pytest.raises(ValueError):
        parameter.read(given)


def test_the_form_is_for_people():
    assert WORDS.form == "one of on, off"
    assert duration("a", "about", most=90.0).form == "a duration of at most 90s"
