"""An inbox user: the pair of a number and a login, and the key that names both."""

from __future__ import annotations

import re
import unicodedata
from typing import NamedTuple

MAX_USER_ID = 2**53 - 1  # the largest integer that JavaScript's numbers hold exactly
MAX_LOGIN = 128
ID_EXPECTED = f"must be an integer of 1-{MAX_USER_ID}"
LOGIN_EXPECTED = f"must be 1-{MAX_LOGIN} letters, marks, digits or _ . @ + -"

_ASCII_LOGIN = re.compile(r"[A-Za-z0-9_.@+\-]{1,128}").fullmatch
_PUNCTUATION = frozenset("_.@+-")
_DECIMAL_ID = re.compile(r"[1-9][0-9]{0,15}").fullmatch


class User(NamedTuple):
    """A recipient of the inbox.

    `id` is 1 … 2^53−1; `login` is a normalised login (see `normalise_login`).
    """

    id: int
    login: str

    @property
    def key(self) -> str:
        """The user key, `1-alice`: unique, because the id ends at the first `-`."""
        return f"{self.id}-{self.login}"


def is_user_id(value: object) -> bool:
    """True for an integer (no bool, no float) within 1 … 2^53−1."""
    return type(value) is int and 1 <= value <= MAX_USER_ID


def normalise_login(text: str) -> str | None:
    """`text` in NFC when it is a login, else None.

    A login is 1–128 characters, each a letter, mark or decimal digit of any script, or one of `_ . @ + -`.
    """
    if _ASCII_LOGIN(text):
        return text
    if len(text) > MAX_LOGIN * 4:  # NFC of a longer text cannot be short enough, and is not worth computing
        return None
    login = unicodedata.normalize("NFC", text)
    if not 1 <= len(login) <= MAX_LOGIN or not all(map(_is_login_character, login)):
        return None
    return login


def parse_user_key(key: str) -> User | None:
    """The user whose key is `key`, or None when it is no canonical user key."""
    number, _, login = key.partition("-")
    if not _DECIMAL_ID(number) or int(number) > MAX_USER_ID or normalise_login(login) != login:
        return None
    return User(int(number), login)


def parse_pair(user_id: str, login: str) -> User | None:
    """The user that two query parameters name, or None when they name none."""
    name = normalise_login(login)
    if name is None or not _DECIMAL_ID(user_id) or int(user_id) > MAX_USER_ID:
        return None
    return User(int(user_id), name)


def _is_login_character(char: str) -> bool:
    return char in _PUNCTUATION or unicodedata.category(char)[0] in "LM" or unicodedata.category(char) == "Nd"
