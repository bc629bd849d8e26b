"""The one way by which text from outside reaches the screen."""

from __future__ import annotations

import unicodedata

_NAMED = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
# Printable by their category, yet drawn as nothing: two texts that differ only in these would look alike.
_INVISIBLE = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0")
_REMEMBERED_MAX = 4096


def safe(text: str) -> str:
    """One line that a terminal shows and does not obey.

    Control, format (bidi, zero-width), private, unassigned and lone surrogate code points come out as escapes such
    as `\\x1b`; every space as a plain one. Variation selectors are left out: terminals disagree on the width that
    they give to the character before.
    """
    if text.isascii() and text.isprintable():
        return text
    return text.translate(_shown)


def safe_lines(text: str) -> list[str]:
    """The same for text of several lines; only the line feeds that part them are obeyed."""
    return [safe(line) for line in text.split("\n")]


def without_controls(text: str) -> str:
    """Text that a person puts into a field: control characters but tabs and line feeds are left out."""
    return "".join(char for char in text if char in "\n\t" or unicodedata.category(char) not in ("Cc", "Cs"))


class _Shown(dict[int, str]):
    """Code point to what is shown for it, worked out on first use."""

    def __missing__(self, code: int) -> str:
        shown = _show(chr(code))
        if len(self) < _REMEMBERED_MAX:
            self[code] = shown
        return shown


def _show(char: str) -> str:
    if char in _NAMED:
        return _NAMED[char]
    if 0xFE00 <= ord(char) <= 0xFE0F or 0xE0100 <= ord(char) <= 0xE01EF:
        return ""
    if unicodedata.category(char) == "Zs":
        return " "
    return char if char.isprintable() and char not in _INVISIBLE else _escape(ord(char))


def _escape(code: int) -> str:
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


_shown = _Shown()
