"""Files of keys, and tokens that are used until their time is nearly over."""

import pytest

from notifier.providers import keys
from notifier.providers.base import SetupError
from notifier.providers.keys import Token, load_key, read_file
from tests.providers.peers import ec_key


def test_a_file_is_read_up_to_a_bound(tmp_path, monkeypatch):
    monkeypatch.setattr(keys, "MAX_FILE", 3)
    (tmp_path / "k").write_text("abcdef")
    assert read_file(str(tmp_path / "k"), "key") == "abc"


def test_files_that_cannot_be_read(tmp_path):
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    for name, said in (("none", "FileNotFoundError"), ("", "IsADirectoryError"), ("binary", "UnicodeDecodeError")):
        with pytest.raises(SetupError, match=rf"key .* cannot be read: {said}"):
            read_file(f"{tmp_path}/{name}", "key")


def test_keys():
    key, pem = ec_key()
    assert load_key(pem, "key=").private_numbers() == key.private_numbers()
    for text in ("", "secret", pem[:100]):
        with pytest.raises(SetupError, match="key= is no private key in PEM without a password") as raised:
            load_key(text, "key=")
        assert "secret" not in str(raised.value)


def test_a_token_is_made_anew_when_its_time_is_over_or_it_is_forgotten():
    now, made = [100.0], []
    token = Token(lambda at: made.append(at) or f"t{len(made)}", 50.0, lambda: now[0])
    assert [token.get(), token.get()] == ["t1", "t1"]
    now[0] = 149.9
    assert token.get() == "t1"
    now[0] = 150.0
    assert token.get() == "t2"
    token.forget()
    assert (token.get(), made) == ("t3", [100.0, 150.0, 150.0])
