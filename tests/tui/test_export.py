"""Rows in a file: whole, safe in a terminal and in a spreadsheet, for their owner alone, and never over another file."""

from __future__ import annotations

import csv
import json
import os
import stat
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.tui.support import Stage, play
from tui import export
from tui.dialogs.save import Save
from tui.record import Json


@dataclass
class Row:
    raw: Json


ROWS = [
    Row({"id": "a", "count": 3, "payload": {"message": "two\nlines", "tags": ["x", "y"]}, "read": True}),
    Row({"id": "b", "error": None, "login": "Ольга 李 محمد"}),
]


def cells(rows: list[Row]) -> list[list[str]]:
    return list(csv.reader(export.as_csv(rows).splitlines()))


def test_csv_has_every_member_once() -> None:
    header, first, second = cells(ROWS)
    assert header == ["id", "count", "payload.message", "payload.tags", "read", "error", "login"]
    assert first == ["a", "3", "two\\nlines", '["x", "y"]', "true", "", ""]
    assert second == ["b", "", "", "", "", "", "Ольга 李 محمد"]


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-1", "@SUM(A1)", "＝1", "\t=1", " =1", '=HYPERLINK("http://x")', "\r=1", "=1\x1b[2J"]
)
def test_no_text_is_a_formula(text: str) -> None:
    for name in ("message", text):
        assert all(cell.startswith("'") for row in cells([Row({name: text})]) for cell in row if cell != "message")


def test_numbers_stay_numbers() -> None:
    assert cells([Row({"a": -5, "b": 1.5, "c": False})])[1] == ["-5", "1.5", "false"]


@pytest.mark.parametrize("hostile", ["\x1b]0;owned\x07", "\x9b31m", "a\u202eb", "a\u200bb", "\ud800", "\U000e0001"])
def test_nothing_in_it_is_obeyed_by_a_terminal(hostile: str) -> None:
    rows = [Row({"message": hostile, hostile: 1})]
    for text in (export.as_csv(rows), export.as_lines(rows)):
        assert all(line.isprintable() for line in text.splitlines()), text
        text.encode()
    assert json.loads(export.as_lines(rows)) == rows[0].raw


def test_json_lines_are_the_rows_as_they_came() -> None:
    assert [json.loads(line) for line in export.as_lines(ROWS).splitlines()] == [row.raw for row in ROWS]
    assert "Ольга" in export.as_lines(ROWS)


@pytest.mark.parametrize("suffix", [".csv", ".jsonl"])
def test_the_file_is_its_owners(tmp_path: Path, suffix: str) -> None:
    old = os.umask(0)
    try:
        name = str(tmp_path / f"rows{suffix}")
        assert export.write(ROWS, name) == 2
    finally:
        os.umask(old)
    assert stat.S_IMODE(os.stat(name).st_mode) == 0o600


def test_no_file_is_overwritten_nor_a_link_followed(tmp_path: Path) -> None:
    (tmp_path / "there.csv").write_text("mine")
    (tmp_path / "link.csv").symlink_to(tmp_path / "elsewhere.csv")
    for name in ("there.csv", "link.csv"):
        assert "exists already" in export.problem_of(str(tmp_path / name))
        with pytest.raises(FileExistsError):
            export.write(ROWS, str(tmp_path / name))
    assert (tmp_path / "there.csv").read_text() == "mine"
    assert not (tmp_path / "elsewhere.csv").exists()


@pytest.mark.parametrize("name", ["", "rows", ".ssh/authorized_keys", "rows.txt", "a\x1b.csv", "a\n.csv"])
def test_other_names_are_refused(name: str) -> None:
    assert export.problem_of(name)


def test_the_suggested_name() -> None:
    assert export.suggested("pending", 1_769_860_800.0) == "notifier-pending-20260131T120000Z.csv"


def test_w_writes_what_is_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    async def story(stage: Stage) -> None:
        await stage.view("2", "3 connections")
        await stage.press("slash")
        await stage.type("alice")
        await stage.sees("2 of 3 connections")
        await stage.press("enter", "w")
        await stage.asks("Write the 2 rows shown to a new file:")
        await stage.press("enter")
        await stage.until(lambda: any("Wrote 2 rows to notifier-clients-" in said for said in stage.toasts))
        (written,) = tmp_path.glob("notifier-clients-*.csv")
        assert [row["login"] for row in csv.DictReader(written.open())] == ["alice", "alice"]
        await stage.press("w")
        await stage.asks("Write the 2 rows")
        stage.app.screen.query_one("Input").value = written.name
        await stage.press("enter")
        await stage.sees("that file exists already")
        stage.app.screen.query_one("Input").value = "no/such/folder.csv"
        await stage.press("enter")
        await stage.until(lambda: any("Not written: No such file" in said for said in stage.toasts))
        await stage.press("w")
        await stage.asks("Write the 2 rows")
        await stage.press("escape")
        await stage.until(lambda: not isinstance(stage.app.screen, Save))

    play(story)
    assert len(list(tmp_path.iterdir())) == 1


def test_w_writes_nothing_where_there_are_no_rows() -> None:
    async def story(stage: Stage) -> None:
        await stage.view("8", "To")
        await stage.press("escape", "w")
        await stage.sees("there is no row here")

    play(story)
