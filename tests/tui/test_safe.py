"""Text from outside is shown and never obeyed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.safe import safe, safe_lines


@pytest.mark.parametrize(
    ("hostile", "shown"),
    [
        ("\x1b[31mred", "\\x1b[31mred"),
        ("\x1b]0;title\x07", "\\x1b]0;title\\x07"),
        ("\x9b31m", "\\x9b31m"),
        ("a\nb\tc\rd", "a\\nb\\tc\\rd"),
        ("\u202egnp.exe", "\\u202egnp.exe"),
        ("\u2066x\u2069", "\\u2066x\\u2069"),
        ("a\u200bb", "a\\u200bb"),
        ("a\u200db", "a\\u200db"),
        ("\ud800", "\\ud800"),
        ("\ue000", "\\ue000"),
        ("\U000e0041", "\\U000e0041"),
        ("\u2028", "\\u2028"),
        ("a\u3164b", "a\\u3164b"),
        ("\x7f\x00", "\\x7f\\x00"),
        ("a\u00a0b", "a b"),
        ("\u2764\ufe0f", "\u2764"),
    ],
)
def test_what_a_terminal_would_obey_comes_out_as_escapes(hostile: str, shown: str) -> None:
    assert safe(hostile) == shown


@pytest.mark.parametrize("text", ["plain", "naïve café", "日本語", "🎉 party", "[/nope]", "[@click=app.quit]", ""])
def test_what_is_harmless_stays(text: str) -> None:
    assert safe(text) == text


@given(st.text(alphabet=st.characters()))
def test_nothing_unprintable_is_left(text: str) -> None:
    shown = safe(text)
    assert shown.isprintable()
    shown.encode()


def test_only_line_feeds_part_lines() -> None:
    assert safe_lines("a\r\nb\x0bc") == ["a\\r", "b\\x0bc"]
