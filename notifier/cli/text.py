"""Text from outside, made fit for a terminal."""

from __future__ import annotations

import json


def safe(text: object) -> str:
    """Control, bidirectional and other invisible characters as escapes: one line that does what it shows."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in str(text))


def safe_json(value: object) -> str:
    """JSON of one line in which such characters are escaped, and all others readable."""
    text = json.dumps(value, ensure_ascii=False)
    return text if text.isprintable() else "".join(c if c.isprintable() else json.dumps(c)[1:-1] for c in text)
