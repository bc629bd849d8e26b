"""Filter, sort and selection of rows."""

from hypothesis import given
from hypothesis import strategies as st

from tui.listing import Column, Listing
from tui.widgets.cells import cell_len, fit, lay_out

Row = tuple[int, str]
COLUMNS: tuple[Column[Row], ...] = (
    Column("id", "Id", lambda row: str(row[0]), lambda row: row[0], 6, right=True, largest_first=True),
    Column("name", "Name", lambda row: row[1], lambda row: row[1], 10, flex=1),
    Column("extra", "Extra", lambda row: "", lambda row: 0, 8, rank=1),
)


def listing(sort: str = "") -> Listing[Row]:
    made = Listing(COLUMNS, lambda row: row[0], lambda row: f"{row[0]} {row[1]}".lower(), sort)
    made.replace([(1, "Carol"), (2, "alice"), (3, "Bob")])
    return made


def test_rows_stay_as_they_come_without_a_sort() -> None:
    assert [row[0] for row in listing().visible] == [1, 2, 3]


def test_sorting_by_a_column_and_again_the_other_way() -> None:
    rows = listing()
    rows.sort_by("id")
    assert [row[0] for row in rows.visible] == [3, 2, 1]
    assert rows.order_words() == "by Id ▼"
    rows.sort_by("id")
    assert [row[0] for row in rows.visible] == [1, 2, 3]
    rows.invert()
    assert [row[0] for row in rows.visible] == [3, 2, 1]


def test_sort_next_goes_round() -> None:
    rows = listing()
    seen = []
    for _ in range(4):
        rows.sort_next()
        seen.append(rows.sort)
    assert seen == ["id", "name", "extra", "id"]


def test_a_filter_wants_every_word_in_any_case() -> None:
    rows = listing()
    rows.filter("ALI 2")
    assert rows.visible == [(2, "alice")]
    assert rows.summary("users") == "1 of 3 users"
    rows.filter("")
    assert rows.summary("users") == "3 users"


def test_the_filter_holds_for_new_rows() -> None:
    rows = listing()
    rows.filter("bob")
    rows.replace([(7, "bob"), (8, "carol")])
    assert rows.visible == [(7, "bob")]


def test_it_says_how_many_there_are_where_not_all_are_loaded() -> None:
    rows = listing()
    rows.replace([(1, "a"), (2, "b")], 98_304)
    assert rows.summary("users") == "2 users loaded, 98,304 in all"
    rows.filter("a")
    assert rows.summary("users") == "1 of 2 users loaded, 98,304 in all"


def test_position_by_key() -> None:
    rows = listing("id")
    assert rows.position(1) == 2
    assert rows.position(9) is None


def test_columns_give_way_by_rank_and_share_what_is_left() -> None:
    assert [(column.name, width) for column, width in lay_out(COLUMNS, 40)] == [("id", 6), ("name", 22), ("extra", 8)]
    assert [(column.name, width) for column, width in lay_out(COLUMNS, 20)] == [("id", 6), ("name", 12)]
    assert [column.name for column, _ in lay_out(COLUMNS, 5)] == ["id"]


@given(st.text(st.characters(categories=["L", "N", "P", "So"]), max_size=30), st.integers(1, 20), st.booleans())
def test_a_cell_is_always_as_wide_as_its_column(text: str, width: int, right: bool) -> None:
    assert cell_len(fit(text, width, right)) == width


def test_wide_characters_are_cut_by_cells() -> None:
    assert fit("日本太郎", 6) == "日本 …"
    assert fit("12", 4, right=True) == "  12"
