"""Contexts: a server by its name; files that others may read or write are refused, and no token goes astray."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tui.contexts import Context, contexts_path, find

PROD = '[prod]\nurl = "https://notify.example.org"\ntoken_file = "prod.token"\nread_only = true\n'


@pytest.fixture
def path(tmp_path: Path) -> Path:
    write(tmp_path / "contexts.toml", PROD, 0o644)
    write(tmp_path / "prod.token", "s3cret\n", 0o600)
    return tmp_path / "contexts.toml"


def write(path: Path, text: str, mode: int = 0o600) -> None:
    path.write_text(text)
    path.chmod(mode)


def test_a_context_is_found_with_its_token(path: Path) -> None:
    assert find("prod", path) == Context("prod", "https://notify.example.org", "s3cret", True)


def test_a_token_from_the_environment(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(path, '[eu]\nurl = "http://eu:8080"\ntoken_env = "EU_TOKEN"')
    with pytest.raises(ValueError, match="EU_TOKEN is not set"):
        find("eu", path)
    monkeypatch.setenv("EU_TOKEN", "t")
    assert find("eu", path) == Context("eu", "http://eu:8080", "t", False)


def test_a_server_without_tokens(path: Path) -> None:
    write(path, '[local]\nurl = "http://localhost:8080"')
    assert find("local", path).token is None


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o620, 0o602, 0o660, 0o666, 0o777])
def test_a_token_that_others_may_touch_is_refused(path: Path, mode: int) -> None:
    path.with_name("prod.token").chmod(mode)
    with pytest.raises(ValueError, match=f"can be read by others .{mode:04o}.; chmod 600"):
        find("prod", path)


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
def test_a_list_that_others_may_write_is_refused(path: Path, mode: int) -> None:
    path.chmod(mode)
    with pytest.raises(ValueError, match="can be written by others"):
        find("prod", path)


def test_a_token_of_somebody_else_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    owner = path.stat().st_uid
    monkeypatch.setattr(os, "geteuid", lambda: owner + 1)
    if owner:
        with pytest.raises(ValueError, match="belongs to somebody else"):
            find("prod", path)
    else:
        os.chown(path, 12345, -1)
        with pytest.raises(ValueError, match="belongs to somebody else"):
            find("prod", path)


@pytest.mark.parametrize("token", ["", "\n", "two lines\nof it", "\x1b[31m", "ключ"])
def test_a_file_that_holds_no_token(path: Path, token: str) -> None:
    write(path.with_name("prod.token"), token)
    with pytest.raises(ValueError, match="must hold a token, and nothing else"):
        find("prod", path)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[a]\nurl = "https://x"\ntoken = "s3cret"', "a token does not stand in this file"),
        ('[a]\nurl = "https://x"\nname = 1', "there is no field name"),
        ("[a]\nurl = 3", "are texts"),
        ('[a]\nurl = "https://x"\nread_only = "yes"', "read_only is true or false"),
        ("[a]\nread_only = true", "url must be one such as"),
        ('[a]\nurl = "https://me:pw@x"', "without a user in it"),
        ('[a]\nurl = "https://x"\ntoken_file = "f"\ntoken_env = "E"', "not both"),
        ('[a]\nurl = "https://x"\ntoken_file = "none"', "No such file"),
        ('[a]\nurl = "https://x"\ntoken_file = "/dev/null"', "is no file"),
        ("a = 1", "must be a table"),
        ("[b]\n[c]", "there is no context @a in .*there are: @b, @c"),
        ("[a", "is no TOML"),
    ],
)
def test_what_is_wrong_is_said_in_a_line(path: Path, text: str, said: str) -> None:
    write(path, text)
    with pytest.raises(ValueError, match=said) as raised:
        find("a", path)
    assert str(raised.value).isprintable()
    assert "s3cret" not in str(raised.value)
    assert "pw" not in str(raised.value)


def test_no_list_at_all(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="No such file"):
        find("prod", tmp_path / "contexts.toml")


def test_it_lies_in_the_configuration_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert contexts_path() == tmp_path / "notifier" / "contexts.toml"
