"""The folders that the one file unpacks itself into."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from unpacked import MARK, claim, remove_abandoned

BUILD = Path(__file__).resolve().parents[2] / "build"
HOLDER = "import sys; from unpacked import claim; claim(sys.argv[1]); print('held', flush=True); sys.stdin.read()"


@pytest.fixture
def folder(tmp_path):
    """An unpacked program."""
    path = tmp_path / "_MEIabc"
    path.mkdir()
    (path / "library.so").write_bytes(b"x")
    return path


@pytest.fixture
def holder(folder):
    """A process that runs from the folder."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(folder)], cwd=BUILD, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.communicate()


def test_what_a_running_program_holds_stays(folder, holder):
    remove_abandoned(str(folder.parent))
    assert (folder / "library.so").is_file()


def test_what_kill_9_left_goes(folder, holder):
    holder.kill()
    holder.wait()
    remove_abandoned(str(folder.parent))
    assert not folder.exists()


def test_a_child_that_claims_the_folder_again_leaves_the_hold_of_its_parent(folder, holder):
    before = (folder / MARK).stat().st_ino
    claim(str(folder))
    assert (folder / MARK).stat().st_ino == before
    assert not (folder / f"{MARK}.new").exists()


def test_what_is_not_marked_or_not_a_folder_of_ours_stays(tmp_path):
    (tmp_path / "_MEIunpacking").mkdir()
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / MARK).touch()
    os.symlink(tmp_path / "other", tmp_path / "_MEIlink")
    remove_abandoned(str(tmp_path))
    assert sorted(item.name for item in tmp_path.iterdir()) == ["_MEIlink", "_MEIunpacking", "other"]
    assert (tmp_path / "other" / MARK).exists()
