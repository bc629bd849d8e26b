"""Text as a mail: bytes by RFC 5322 in which no text is ever read as syntax.

Python's `EmailMessage` decodes encoded words (RFC 2047) that stand in a text, so that `=?utf-8?q?a=0d=0aBcc:...?=` in a
subject becomes a header of its own. Here headers are written by hand: what is not plain is encoded, once.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import NamedTuple

LINE = 76  # characters of a line with encoded words (RFC 2047 §2)
WORD = 64  # characters of an encoded word, so that one has room behind `Subject: `
SUBJECT = 78  # characters of the content that stand in for a missing subject
_OPEN, _CLOSE = "=?utf-8?{}?", "?="
_ROOM = WORD - len(_OPEN.format("q")) - len(_CLOSE)

_PLAIN = re.compile(r"[!-~](?:[ -~]*[!-~])?").fullmatch
_SAFE = re.compile(rb"[A-Za-z0-9!*+/-]").fullmatch  # in every place where a word may stand (RFC 2047 §5)
_BLANKS = re.compile(r"[\s\0]+")
_BREAK = re.compile("[\0\r\n\v\f\x1c-\x1e\x85\u2028\u2029]").search
_LINE_END = re.compile("\r\n|\r|\n")
_NOT_ATOM = re.compile(r"[^A-Za-z0-9_-]+")


class Mail(NamedTuple):
    """Parts of a mail of plain text. `sender` and `to` are mailboxes, checked, with domains in ASCII; `name` is the
    sender's; `at` is Unix seconds."""

    sender: str
    name: str
    to: str
    subject: str
    content: str
    key: str
    at: float
    urgent: bool

    @property
    def message_id(self) -> str:
        """The same at every try, without angle brackets: `key`, at the sender's domain."""
        return f"{_NOT_ATOM.sub('.', self.key).strip('.') or '0'}@{self.sender.rpartition('@')[2]}"

    def to_bytes(self) -> bytes:
        """The mail, every line ended by CRLF; ASCII but for mailboxes that are not.

        The body is Base64, in which every line break is CRLF (RFC 2045 §6.8, RFC 2046 §4.1.1); all else is kept: lone
        dots, blanks at the end, lines of any length.
        """
        subject = one_line(self.subject)
        lines = [
            _from(self.name, self.sender),
            f"To: {self.to}",
            *_header("Subject", subject if subject.strip() else one_line(self.content)[:SUBJECT]),
            f"Date: {format_datetime(datetime.fromtimestamp(self.at, UTC))}",
            f"Message-ID: <{self.message_id}>",
            "Auto-Submitted: auto-generated",  # RFC 3834: no automatic reply is wanted
            *(["X-Priority: 1"] if self.urgent else []),
            "MIME-Version: 1.0",
            'Content-Type: text/plain; charset="utf-8"',
            "Content-Transfer-Encoding: base64",
            "",
            *_base64_lines(_utf8(_LINE_END.sub("\r\n", self.content))),
            "",
        ]
        return "\r\n".join(lines).encode()


def one_line(text: str) -> str:
    """Text without line breaks of any kind and NUL: each becomes a space, together with the blanks around it."""
    line = _BLANKS.sub(lambda found: " " if _BREAK(found[0]) else found[0], text)
    return text if line == text else line.strip()


def encoded_words(text: str) -> list[str]:
    """Text as encoded words of UTF-8, cut between characters: `Q` where it is the shorter, else `B`."""
    units = [_utf8(char) for char in text]
    quoted = [_quoted(unit) for unit in units]
    if sum(map(len, quoted)) * 3 <= sum(map(len, units)) * 4:
        return [f"{_OPEN.format('q')}{piece.decode()}{_CLOSE}" for piece in _pieces(quoted, _ROOM)]
    pieces = _pieces(units, _ROOM // 4 * 3)
    return [f"{_OPEN.format('b')}{base64.b64encode(piece).decode()}{_CLOSE}" for piece in pieces]


def _header(name: str, text: str) -> list[str]:
    """The lines of a header of free text. Lines after the first begin with the space that folds them."""
    if not text.strip(" "):
        return [f"{name}:"]
    if _is_plain(text) and len(name) + 2 + len(text) <= LINE:
        return [f"{name}: {text}"]
    first, *rest = encoded_words(text)
    return [f"{name}: {first}", *(f" {word}" for word in rest)]


def _from(name: str, mailbox: str) -> str:
    """`From` with the sender's name as a quoted string or as encoded words."""
    if not name:
        return f"From: {mailbox}"
    quoted = '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'
    plain = _is_plain(name) and len(quoted) <= WORD
    words = [quoted] if plain else encoded_words(name)
    return "\r\n ".join(["From: " + words[0], *words[1:], f"<{mailbox}>"])


def _is_plain(text: str) -> bool:
    return _PLAIN(text) is not None and "=?" not in text


def _pieces(units: Iterable[bytes], most: int) -> Iterator[bytes]:
    """Units joined to pieces of at most so many bytes."""
    piece = b""
    for unit in units:
        if piece and len(piece) + len(unit) > most:
            yield piece
            piece = b""
        piece += unit
    yield piece


def _quoted(unit: bytes) -> bytes:
    """The bytes of a character as `Q` writes them."""
    if unit == b" ":
        return b"_"
    return unit if _SAFE(unit) else b"".join(b"=%02X" % byte for byte in unit)


def _base64_lines(content: bytes) -> list[str]:
    text = base64.b64encode(content).decode()
    return [text[start : start + LINE] for start in range(0, len(text), LINE)]


def _utf8(text: str) -> bytes:
    return text.encode("utf-8", "replace")
