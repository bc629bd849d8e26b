"""Users, logins and keys (contract: words, §3, §5)."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.domain.users import MAX_USER_ID, User, is_user_id, normalise_login, parse_pair, parse_user_key

LETTERS = st.characters(categories=["Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Nd"])
LOGINS = st.text(st.one_of(LETTERS, st.sampled_from("_.@+-")), min_size=1, max_size=128)


@pytest.mark.parametrize(
    "login", ["alice", "a", "x" * 128, "böb", "Ωmega", "user@host.example", "a-b_c.d+e", "१२३", "ไทย"]
)
def test_login_is_taken(login):
    assert normalise_login(login) == unicodedata.normalize("NFC", login)


@pytest.mark.parametrize(
    "login", ["", "x" * 129, "a b", "a/b", "a:b", "a{b}", "a\nb", "a\0", "😀", "²", "x" * 5000, "\ud800"]
)
def test_login_is_refused(login):
    assert normalise_login(login) is None


def test_two_spellings_of_one_login_are_one():
    assert normalise_login("e\u0301") == normalise_login("\u00e9") == "\u00e9"


@given(st.integers(1, MAX_USER_ID), LOGINS)
def test_key_names_its_user_and_no_other(number, text):
    login = normalise_login(text)
    if login is not None:
        assert parse_user_key(User(number, login).key) == User(number, login)


@given(st.text(max_size=200))
def test_any_text_is_a_canonical_key_or_none(text):
    user = parse_user_key(text)
    assert user is None or user.key == text


@pytest.mark.parametrize(
    "key", ["", "1", "1-", "-alice", "0-alice", "01-alice", "1.0-alice", "9007199254740992-a", "1-a b", "٣-a"]
)
def test_no_key(key):
    assert parse_user_key(key) is None


def test_login_may_hold_the_separator():
    assert parse_user_key("1-a-b") == User(1, "a-b")


@pytest.mark.parametrize("value", [True, 0, -1, 1.0, "1", None, MAX_USER_ID + 1])
def test_no_user_id(value):
    assert not is_user_id(value)


def test_pair_of_query_parameters():
    assert parse_pair("7", "bob") == User(7, "bob")
    assert parse_pair("7", "") is None
    assert parse_pair("x", "bob") is None
