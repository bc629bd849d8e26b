"""Text from outside, made fit for a terminal."""

from __future__ import annotations


def safe(text: object) -> str:
    """Control, bidirectional and other invisible characters as escapes: one line that does what it shows."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in str(text))
