"""The architecture guide is as the source is: the rooms and what they may import, every file it and its pictures name."""

import re
from pathlib import Path

import pytest

from tests.test_imports import TABLE

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "notifier" / "web" / "docs"
GUIDES = [DOCS / "architecture.md", DOCS / "ru" / "architecture.md"]
PICTURES = sorted(DOCS.glob("way-of-*.svg"))
FILE = re.compile(r"`([\w./-]+(?:\.(?:py|lua|js|md|tcss)|/))`")
DRAWN = re.compile(r"[\w./-]+\.(?:py|lua|js)\b")
RECIPE = re.compile(r"^### [^\n]*: (\d+) [^\n]*\n(.*?)(?=^##)", re.MULTILINE | re.DOTALL)
STEP = re.compile(r"^\d+\. `([^`]+)`", re.MULTILINE)
YOURS = "PIGEON"  # stands for a file that is yet to be written: its folder is there

each_guide = pytest.mark.parametrize("guide", GUIDES, ids=["en", "ru"])


def names_in(cell):
    return {"" if name == "notifier" else name for name in re.findall(r"`([^`]+)`", cell)}


def is_there(name):
    """A path as from the root or from `notifier/`; a bare file name that some folder of `notifier/` has."""
    path = str(Path(name).parent) if YOURS in name else name
    if (ROOT / path).exists() or (ROOT / "notifier" / path).exists():
        return True
    return "/" not in name and any((ROOT / "notifier").rglob(name))


@each_guide
def test_the_rooms_are_those_of_the_import_table(guide):
    table = guide.read_text().partition("<!-- rooms -->\n")[2].partition("\n<!-- /rooms -->")[0]
    rows = [line.strip("| ").split(" | ") for line in table.splitlines()[2:]]
    assert {names_in(room).pop(): names_in(allowed) for room, _, allowed in rows} == TABLE
    assert len(rows) == len(TABLE)


@each_guide
def test_every_file_it_names_is_there(guide):
    named = set(FILE.findall(guide.read_text()))
    assert len(named) > 60
    assert not [name for name in named if not is_there(name)]


@each_guide
def test_a_recipe_has_as_many_files_as_it_says(guide):
    recipes = RECIPE.findall(guide.read_text())
    assert len(recipes) == 5
    for many, steps in recipes:
        assert len(set(STEP.findall(steps))) == int(many)


@pytest.mark.parametrize("picture", PICTURES, ids=lambda picture: picture.stem)
def test_every_file_in_a_picture_is_there(picture):
    named = set(DRAWN.findall(picture.read_text()))
    assert len(named) > 10
    assert not [name for name in named if not is_there(name)]


@pytest.mark.parametrize("picture", PICTURES, ids=lambda picture: picture.stem)
def test_a_picture_is_drawn_for_light_and_for_dark(picture):
    """Each colour is a variable, and each variable has a value in both schemes."""
    style, _, drawing = picture.read_text().partition("</style>")
    light, _, dark = style.partition("@media (prefers-color-scheme: dark)")
    dark = dark.partition("}\n")[0]
    assert set(re.findall(r"var\((--\w+)\)", style)) == set(re.findall(r"(--\w+):", light))
    assert set(re.findall(r"(--\w+):", light)) == set(re.findall(r"(--\w+):", dark))
    assert not re.search(r"#[0-9a-f]{6}|(?:fill|stroke)=", drawing)


def test_there_is_a_picture_of_each_way():
    assert [picture.stem for picture in PICTURES] == ["way-of-a-delivery", "way-of-a-notification"]
