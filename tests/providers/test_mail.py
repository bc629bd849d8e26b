"""Mails made of any text, read back by parsers that are not ours: one by hand, two of Python's."""

import base64
import email
import email.policy
import re
from email.header import decode_header

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from notifier.providers.mail import Mail, encoded_words, one_line

EXPECTED = {"from", "to", "subject", "date", "message-id", "auto-submitted", "mime-version", "content-type"}
EXPECTED |= {"content-transfer-encoding"}
FORGED = "Reply-To: evil@example.org"

TEXTS = [
    "Order 7",
    "Grüße aus Köln",
    "two  spaces,   three",
    " a blank on either side ",
    "a\ttab",
    "=?utf-8?q?Hi=0d=0aReply-To:=20evil@example.org?=",
    "=?utf-8?q?Hi=0d=0a=0d=0aReply-To:=20evil@example.org?=",
    "=?utf-8?b?SGkNClJlcGx5LVRvOiBldmlsQGV4YW1wbGUub3Jn?=",
    "=?UTF-8?Q?a?= =?UTF-8?B?Yg==?=",
    "=?iso-8859-1?q?=E9=0AReply-To:_x?=",
    "=?us-ascii?Q?a?=",
    "=?utf-7?q?+AA0ACg-Reply-To:?=",
    "=?utf-16?b?AAoACg==?=",
    "=?idna?q?xn--?=",
    "=?utf-8*en?q?Hi?=",
    "=?nonsense?q?a=0d=0ab?=",
    "=?utf-8?x?a?=",
    "=?utf-8?q?a",
    "=?utf-8?q??=",
    "=?utf-8?b?!!?=",
    "=?utf-8?b?YQ=?=",
    "=??q?a?=",
    "=?=",
    "=?",
    "?=",
    "before=?utf-8?q?a?=behind",
    'a "name", <evil@example.org>; (comment) \\ : @',
    "😀 👩‍👩‍👧‍👦 🇩🇪",
    "שלום עולם \u202eevil",
    "अजय को नमस्ते",
    "e\u0301\u0323 combined",
    "a" * 8192,
    "ü" * 8192,
    "😀" * 2048,
    "long words " * 700,
    "x" * 68,
    "=" * 100,
    "_under_ and = and ?",
    "\x1b[31mred\x1b[0m\x07",
    "\u00a0no break\u00a0",
    "\ufeffmark",
]
BROKEN = [
    ("Hi\r\nReply-To: evil@example.org", "Hi Reply-To: evil@example.org"),
    ("Hi\r\n\r\nbody", "Hi body"),
    ("Hi\nthere", "Hi there"),
    ("Hi\rthere", "Hi there"),
    ("Hi \r\n folded", "Hi folded"),
    ("Hi\r\n\tfolded", "Hi folded"),
    ("a\x85b", "a b"),
    ("a\u2028b\u2029c", "a b c"),
    ("a\vb\fc", "a b c"),
    ("a\x1cb\x1db\x1ec", "a b b c"),
    ("a\0b", "a b"),
    ("\r\nHi\r\n", "Hi"),
    ("ü\r\n=?utf-8?q?=0d=0aBcc:_x?=", "ü =?utf-8?q?=0d=0aBcc:_x?="),
]
CONTENTS = [
    "It is on its way ☃",
    "",
    "no end of line",
    "one\n",
    "one\r\n",
    "a\nb\r\nc\rd\n\n\n",
    ".",
    "a\n.\nb\n..\n.c\r\n.\r\nQUIT\r\n",
    "x" * 5000,
    "ü" * 5000,
    "From here\n>From there\n",
    "--boundary\nContent-Type: text/html\n\n<b>",
    "trailing blanks   \t\n",
    "=?utf-8?q?Hi?= =0D=0A =\n",
    "\u2028\u2029\x85\v\f\0",
]


def mail(**fields):
    values = {"sender": "shop@example.com", "name": "", "to": "ada@example.com", "subject": "S", "content": "C"}
    return Mail(**{**values, "key": "k", "at": 1_800_000_000.0, "urgent": False, **fields}).to_bytes()


def split(raw):
    """Headers and body by RFC 5322 §2.2 alone: names in order, each with its unfolded value."""
    head, _, body = raw.partition(b"\r\n\r\n")
    assert all(len(line) <= 78 for line in head.split(b"\r\n"))
    assert not re.search(rb"(?<!\r)\n|\r(?!\n)", raw)
    fields = re.sub(rb"\r\n(?=[ \t])", b"", head).split(b"\r\n")
    return [(name.decode(), value.decode().strip(" ")) for name, _, value in (f.partition(b":") for f in fields)], body


def decoded(value):
    """Encoded words by RFC 2047 §4, by hand; blanks between two of them are none."""
    joined = re.sub(r"(?<=\?=)[ \t]+(?==\?)", "", value)
    runs = re.split(r"(=\?utf-8\?[bq]\?[^? ]*\?=)", joined)
    return b"".join(_word(run) if run.startswith("=?utf-8?") else run.encode() for run in runs).decode()


def _word(word):
    assert len(word) <= 75
    _, _, form, text, _ = word.split("?")
    if form == "b":
        return base64.b64decode(text, validate=True)
    return re.sub(rb"=([0-9A-F]{2})", lambda m: bytes.fromhex(m[1].decode()), text.replace("_", " ").encode())


def by_compat(value):
    parts = decode_header(value)
    return "".join(text if isinstance(text, str) else text.decode(charset or "ascii") for text, charset in parts)


def check(raw, subject, names=EXPECTED):
    """Every parser finds the same headers, once each, and the subject as it was meant."""
    fields, _ = split(raw)
    found = [name.lower() for name, _ in fields]
    assert sorted(found) == sorted(names)
    old, new = email.message_from_bytes(raw), email.message_from_bytes(raw, policy=email.policy.default)
    for parsed in (old, new):
        assert [name.lower() for name in parsed] == found
        assert not parsed.defects
    assert decoded(dict(fields)["Subject"]) == subject
    assert by_compat(old["Subject"]) == subject
    assert new["Subject"] == subject


@pytest.mark.parametrize("text", TEXTS, ids=range(len(TEXTS)))
def test_a_subject_is_read_as_it_was_sent(text):
    check(mail(subject=text), text)


@pytest.mark.parametrize(("text", "line"), BROKEN)
def test_a_subject_is_one_line(text, line):
    assert one_line(text) == line
    check(mail(subject=text), line)


@pytest.mark.parametrize("text", TEXTS + [text for text, _ in BROKEN], ids=range(len(TEXTS + BROKEN)))
def test_content_that_stands_in_for_a_subject(text):
    for subject in ("", " ", "\r\n"):
        check(mail(subject=subject, content=text), one_line(text)[:78])


def canonical(text):
    """Text as mail has it: every line ended by CRLF, nothing else changed."""
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\n", "\r\n").encode("utf-8", "replace")


@pytest.mark.parametrize("content", CONTENTS + TEXTS, ids=range(len(CONTENTS + TEXTS)))
def test_content_arrives_with_its_lines_ended_by_crlf(content):
    raw = mail(content=content)
    _, body = split(raw)
    assert base64.b64decode(body) == canonical(content)
    assert email.message_from_bytes(raw).get_payload(decode=True) == canonical(content)
    assert max(map(len, raw.split(b"\r\n"))) <= 78


@pytest.mark.parametrize("name", [t for t in TEXTS if len(t) < 300] + ["Shop", 'The "Shop"', "Ünal, A. <x@y.z>", "a\\"])
def test_a_senders_name_is_a_name(name):
    raw = mail(name=name)
    fields, _ = split(raw)
    value = dict(fields)["From"]
    assert value.endswith(" <shop@example.com>")
    phrase = value.removesuffix(" <shop@example.com>")
    quoted = re.fullmatch(r'"((?:[^"\\]|\\.)*)"', phrase)
    assert (re.sub(r"\\(.)", r"\1", quoted[1]) if quoted else decoded(phrase)) == name
    assert "=?" not in quoted[1] if quoted else "\\" not in phrase
    (address,) = email.message_from_bytes(raw, policy=email.policy.default)["From"].addresses
    assert (address.username, address.domain) == ("shop", "example.com")


@pytest.mark.parametrize(
    "key", ["0190-a", "0190-a/2", "a\r\nBcc: x", "=?utf-8?q?a?=", "<a@b>", "ключ", "..", "", "a..b"]
)
def test_a_message_id_is_one_whatever_the_key(key):
    value = dict(split(mail(key=key))[0])["Message-ID"]
    assert re.fullmatch(r"<[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*@example\.com>", value)


def test_urgent_mail_says_so():
    check(mail(urgent=True), "S", EXPECTED | {"x-priority"})


@given(st.text(max_size=300))
@example(" ")
@example("\u00a0")
def test_any_text(text):
    line = one_line(text)
    assert len(line.splitlines()) <= 1
    raw = mail(subject=text, content=text, name=line.strip())
    fields, body = split(raw)
    assert {name.lower() for name, _ in fields} == EXPECTED
    subject = dict(fields)["Subject"]
    assert decoded(subject) == (line if line.strip() else line[:78].strip(" "))
    assert base64.b64decode(body) == canonical(text)


def test_words_are_cut_between_characters():
    for text in ("ü" * 99, "😀" * 99, "a" * 99, "aü" * 99):
        words = encoded_words(text)
        assert "".join(_word(word).decode() for word in words) == text
        assert max(map(len, words)) <= 75
