"""The theme is remembered, and nothing is made of a file that is none."""

from pathlib import Path

import pytest

from tui.preferences import Preferences, default_path


def test_a_theme_is_remembered(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "tui.json"
    assert Preferences(path).remember_theme("nord") == ""
    assert Preferences(path).theme == "nord"
    assert [file.name for file in path.parent.iterdir()] == ["tui.json"]


def test_the_zone_is_remembered_beside_the_theme(tmp_path: Path) -> None:
    path = tmp_path / "tui.json"
    kept = Preferences(path)
    assert (kept.remember_theme("nord"), kept.remember_zone(True)) == ("", "")
    again = Preferences(path)
    assert (again.theme, again.local_time) == ("nord", True)


@pytest.mark.parametrize("content", ["", "{", "[]", '{"theme": 3}', "\x00\xff", "[" * 4000])
def test_a_broken_file_counts_as_none(tmp_path: Path, content: str) -> None:
    path = tmp_path / "tui.json"
    path.write_bytes(content.encode("latin-1"))
    assert Preferences(path).theme == ""
    assert not Preferences(path).local_time


def test_a_file_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    assert Preferences(tmp_path / "file" / "tui.json").remember_theme("nord") != ""


def test_it_lies_in_the_configuration_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert default_path() == tmp_path / "notifier" / "tui.json"
    monkeypatch.delenv("XDG_CONFIG_HOME")
    monkeypatch.delenv("APPDATA", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert default_path() == tmp_path / ".config" / "notifier" / "tui.json"
