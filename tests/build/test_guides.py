"""The generated part of a guide is put in its place, and nothing else is touched."""

from guides import OPERATING, written


def test_only_the_table_is_written():
    guide = "a\n<!-- settings -->\nold\nrows\n<!-- /settings -->\nb \\1\n"
    assert (
        written(guide, "| `\\d` |\n| new |") == "a\n<!-- settings -->\n| `\\d` |\n| new |\n<!-- /settings -->\nb \\1\n"
    )
    assert written("no table", "x") == "no table"


def test_the_guide_has_its_place():
    assert (
        "new" in written(OPERATING.read_text(), "new") and written(OPERATING.read_text(), "x") != OPERATING.read_text()
    )
